package bolt

import (
	"bytes"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal"
)

// laterIndex is an index that older folders lack. Its counter keeps how far it is
// filled: the key to go on from, or indexWhole. Fill indexes one chunk and gives
// where to go on.
type laterIndex struct {
	counter []byte
	fill    func(tx *bbolt.Tx, from []byte) (next []byte, err error)
}

var (
	expiryIndexed = []byte("index:certificates_expiry")
	usesIndexed   = []byte("index:stamps_by_whom")
	stepsIndexed  = []byte("index:seal_steps")
	indexWhole    = []byte{0xff}

	laterIndexes = []laterIndex{{expiryIndexed, fillExpiry}, {usesIndexed, fillUses}, {stepsIndexed, fillSteps}}
)

// indexChunk is how many rows are indexed in one transaction: a register of a
// million from before the index is not held in memory at once, and a process that
// is killed meanwhile goes on where it stopped.
const indexChunk = 20_000

// fillIndexes enters what an older program recorded into the indexes that it did not
// know. Until they are whole the store is not open: a list must not lack rows without
// a word.
func (db *DB) fillIndexes() error {
	for _, index := range laterIndexes {
		if err := db.fillIndex(index); err != nil {
			return err
		}
	}
	return nil
}

func (db *DB) fillIndex(index laterIndex) error {
	var at []byte
	err := db.view(func(tx *bbolt.Tx) error {
		at = bytes.Clone(tx.Bucket(bucketCounters).Get(index.counter))
		return nil
	})
	for err == nil && !bytes.Equal(at, indexWhole) {
		err = db.update(func(tx *bbolt.Tx) (err error) {
			if at, err = index.fill(tx, at); err != nil {
				return err
			}
			return tx.Bucket(bucketCounters).Put(index.counter, at)
		})
		if err != nil && !errors.Is(err, ErrCorrupt) {
			err = fmt.Errorf("%w: %w", ErrWrite, err)
		}
	}
	return err
}

// fillExpiry goes in the order of issue, which is nearly that of the ends.
func fillExpiry(tx *bbolt.Tx, from []byte) (next []byte, err error) {
	if from == nil {
		from = []byte{0}
	}
	get, index := reader(tx), tx.Bucket(bucketCertExpiry)
	cursor := tx.Bucket(bucketCertIndex).Cursor()
	n := 0
	for key, serial := cursor.Seek(from); key != nil && key[0] == 0; key, serial = cursor.Next() {
		if n++; n > indexChunk {
			return bytes.Clone(key), nil
		}
		r, err := named(get, serial)
		if err != nil {
			return nil, err
		}
		if err := index.Put(expiryKey(r), []byte(r.Profile)); err != nil {
			return nil, err
		}
	}
	return indexWhole, nil
}

// fillUses goes seal by seal: each stamp stands there once.
func fillUses(tx *bbolt.Tx, from []byte) (next []byte, err error) {
	get, rows := reader(tx), &rowCache{}
	cursor := tx.Bucket(bucketSealStamps).Cursor()
	n := 0
	for key, _ := cursor.Seek(from); key != nil; key, _ = cursor.Next() {
		if n++; n > indexChunk {
			return bytes.Clone(key), nil
		}
		if len(key) <= len(act.ID{}) {
			return nil, fmt.Errorf("%w: a stamp of a seal", ErrCorrupt)
		}
		one, err := stampAt(tx, key[len(key)-len(act.ID{}):])
		if err != nil {
			return nil, err
		}
		owner, err := sealAt(rows, get, one.SealID)
		if err != nil {
			return nil, err
		}
		for _, e := range useEntries(one, owner.Agency) {
			if err := tx.Bucket(e.bucket).Put(e.key, nil); err != nil {
				return nil, err
			}
		}
	}
	return indexWhole, nil
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
