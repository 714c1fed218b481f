package bolt

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal"
)

// The indexes that a newer program fills from what an older one recorded. Under each
// name the counters keep how far that has come: the key to go on from, or indexWhole.
var (
	expiryIndexed = []byte("index:certificates_expiry") // of bucketCertIndex
	stepsIndexed  = []byte("index:seal_steps")          // of bucketActs
	indexWhole    = []byte{0xff}

	indexes = []struct {
		name []byte
		fill func(tx *bbolt.Tx, from []byte) (next []byte, err error)
	}{{expiryIndexed, fillExpiry}, {stepsIndexed, fillSteps}}
)

// indexChunk is how many rows are indexed in one transaction: a register of a
// million from before the index is not held in memory at once, and a process that
// is killed meanwhile goes on where it stopped.
const indexChunk = 20_000

// fillIndexes enters what an older program recorded into the indexes. Until they are
// whole the store is not open: a list must not lack rows without a word.
func (db *DB) fillIndexes() error {
	for _, i := range indexes {
		if err := db.fillIndex(i.name, i.fill); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) fillIndex(name []byte, fill func(tx *bbolt.Tx, from []byte) ([]byte, error)) error {
	var at []byte
	err := db.view(func(tx *bbolt.Tx) error {
		at = bytes.Clone(tx.Bucket(bucketCounters).Get(name))
		return nil
	})
	for err == nil && !bytes.Equal(at, indexWhole) {
		err = db.update(func(tx *bbolt.Tx) (err error) {
			if at, err = fill(tx, at); err != nil {
				return err
			}
			return tx.Bucket(bucketCounters).Put(name, at)
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
	return next, nil
}

// sealSteps are the acts of a seal's life that programs made before there was an index
// of them.
var sealSteps = map[string]bool{seal.ActMade: true, seal.ActFrozen: true, seal.ActThawed: true, seal.ActCancelled: true}

// fillSteps enters one chunk of acts into the index of seals' lives, and the
// certificates of the seals that were made.
func fillSteps(tx *bbolt.Tx, from []byte) (next []byte, err error) {
	cursor := tx.Bucket(bucketActs).Cursor()
	n := 0
	for key, value := cursor.Seek(from); key != nil; key, value = cursor.Next() {
		if n++; n > indexChunk {
			return bytes.Clone(key), nil
		}
		leaf, record, _, err := splitAct(value)
		if err != nil {
			return nil, err
		}
		l, err := act.ParseLeaf(leaf)
		if err != nil || !sealSteps[l.Act] {
			continue // the journal's own check tells of a leaf that cannot be read
		}
		var c seal.Change
		if err := act.Decode(record, &c); err != nil {
			return nil, fmt.Errorf("%w: a step of seal %s: %w", ErrCorrupt, l.Subject, err)
		}
		if err := tx.Bucket(bucketSealSteps).Put(stepKey(c.Seal.ID, act.ID(key)), nil); err != nil {
			return nil, err
		}
		if err := tx.Bucket(bucketSealCerts).Put([]byte(c.Seal.CertSerial), []byte(c.Seal.ID)); err != nil {
			return nil, err
		}
	}
	return indexWhole, nil
}
