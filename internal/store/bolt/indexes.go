package bolt

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"
)

// expiryIndexed is where the counters keep how far the index of ends is filled: the
// key of bucketCertIndex to go on from, or indexWhole.
var (
	expiryIndexed = []byte("index:certificates_expiry")
	indexWhole    = []byte{0xff}
)

// indexChunk is how many rows are indexed in one transaction: a register of a
// million from before the index is not held in memory at once, and a process that
// is killed meanwhile goes on where it stopped.
const indexChunk = 20_000

// fillIndexes enters what an older program recorded into the index of ends. Until
// it is whole the store is not open: a list must not lack rows without a word.
func (db *DB) fillIndexes() error {
	var at []byte
	err := db.view(func(tx *bbolt.Tx) error {
		at = bytes.Clone(tx.Bucket(bucketCounters).Get(expiryIndexed))
		return nil
	})
	for err == nil && !bytes.Equal(at, indexWhole) {
		err = db.update(func(tx *bbolt.Tx) (err error) {
			at, err = fillExpiry(tx, at)
			return err
		})
		if err != nil && !errors.Is(err, ErrCorrupt) {
			err = fmt.Errorf("%w: %w", ErrWrite, err)
		}
	}
	return err
}

// fillExpiry indexes one chunk, in the order of issue, which is nearly that of the
// ends; it gives where to go on.
func fillExpiry(tx *bbolt.Tx, from []byte) (next []byte, err error) {
	if from == nil {
		from = []byte{0}
	}
	get, index := reader(tx), tx.Bucket(bucketCertExpiry)
	cursor := tx.Bucket(bucketCertIndex).Cursor()
	next = indexWhole
	n := 0
	for key, serial := cursor.Seek(from); key != nil && key[0] == 0; key, serial = cursor.Next() {
		if n++; n > indexChunk {
			next = bytes.Clone(key)
			break
		}
		r, err := named(get, serial)
		if err != nil {
			return nil, err
		}
		if err := index.Put(expiryKey(r), []byte(r.Profile)); err != nil {
			return nil, err
		}
	}
	return next, tx.Bucket(bucketCounters).Put(expiryIndexed, next)
}
