package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/internal/journal"
)

var (
	bucketTiles       = []byte("tiles")       // level, index -> hashes
	bucketCheckpoints = []byte("checkpoints") // day -> the day's last note; latest -> size, note

	journalBuckets = [][]byte{bucketTiles, bucketCheckpoints}
	keyLatest      = []byte("latest")
)

// Journal gives the journal its store.
func (db *DB) Journal() journal.Store { return journalStore{db} }

type journalStore struct{ *DB }

var _ journal.Store = journalStore{}

func (s journalStore) JournalSize(context.Context) (size uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error { size = tx.Bucket(bucketLeaves).Sequence(); return nil })
	return size, err
}

func (s journalStore) CountActs(ctx context.Context) (n uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketActs).Cursor()
		for key, _ := cursor.First(); key != nil; key, _ = cursor.Next() {
			n++
		}
		return ctx.Err()
	})
	return n, err
}

func (s journalStore) LeafHashes(_ context.Context, from, to uint64) (out [][32]byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out = make([][32]byte, 0, to-from)
		cursor := tx.Bucket(bucketLeaves).Cursor()
		for key, value := cursor.Seek(indexKey(from)); key != nil && uint64(len(out)) < to-from; key, value = cursor.Next() {
			_, hash, err := splitLeaf(value)
			if err != nil || binary.BigEndian.Uint64(key) != from+uint64(len(out)) {
				return fmt.Errorf("%w: leaf %d is missing", ErrCorrupt, from+uint64(len(out)))
			}
			out = append(out, hash)
		}
		if uint64(len(out)) != to-from {
			return fmt.Errorf("%w: leaf %d is missing", ErrCorrupt, from+uint64(len(out)))
		}
		return nil
	})
	return out, err
}

func (s journalStore) LeafAt(_ context.Context, index uint64) (e journal.Entry, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if e.ID, e.Hash, err = splitLeaf(tx.Bucket(bucketLeaves).Get(indexKey(index))); err != nil {
			return err
		}
		value := tx.Bucket(bucketActs).Get(e.ID[:])
		leaf, record, at, err := splitAct(value)
		if err != nil || at != index {
			return fmt.Errorf("%w: act %s is missing", ErrCorrupt, e.ID)
		}
		e.Leaf, e.Record = bytes.Clone(leaf), bytes.Clone(record)
		return nil
	})
	return e, err
}

func splitLeaf(value []byte) (id act.ID, hash [32]byte, err error) {
	if len(value) != len(id)+len(hash) {
		return id, hash, fmt.Errorf("%w: a leaf is missing", ErrCorrupt)
	}
	copy(id[:], value)
	copy(hash[:], value[len(id):])
	return id, hash, nil
}

const tileHashes = 256

func tileKey(level uint, index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(level)}, index)
}

func (s journalStore) Tile(_ context.Context, level uint, index uint64) (out [][32]byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		value := tx.Bucket(bucketTiles).Get(tileKey(level, index))
		for ; len(value) >= 32; value = value[32:] {
			out = append(out, [32]byte(value[:32]))
		}
		return nil
	})
	return out, err
}

func (s journalStore) Checkpoint(context.Context) (size uint64, note []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		size, note = latest(tx.Bucket(bucketCheckpoints))
		note = bytes.Clone(note)
		return nil
	})
	return size, note, err
}

func latest(b *bbolt.Bucket) (uint64, []byte) {
	value := b.Get(keyLatest)
	if len(value) < 8 {
		return 0, nil
	}
	return binary.BigEndian.Uint64(value), value[8:]
}

// PutCheckpoint keeps the newest note and the last one of each day: enough to
// show where a rewritten journal left the road, without keeping two a second.
func (s journalStore) PutCheckpoint(ctx context.Context, old, size uint64, note []byte, tiles []journal.Tile, at time.Time) error {
	return s.commit(ctx, func(tx *Tx) error {
		if newest, _ := latest(tx.bucket(bucketCheckpoints)); newest != old {
			return journal.ErrStale
		}
		for _, t := range tiles {
			if err := tx.extendTiles(t); err != nil {
				return err
			}
		}
		if err := tx.put(bucketCheckpoints, []byte(at.UTC().Format("2006-01-02")), note); err != nil {
			return err
		}
		return tx.put(bucketCheckpoints, keyLatest, append(indexKey(size), note...))
	})
}

// extendTiles writes hashes from a position on. What a tile holds there
// already, from an attempt whose checkpoint was lost, is the same and is
// written over.
func (tx *Tx) extendTiles(t journal.Tile) error {
	for i := 0; i < len(t.Hashes); {
		at := t.From + uint64(i)
		key, within := tileKey(t.Level, at/tileHashes), int(at%tileHashes)
		value := tx.get(bucketTiles, key)
		if len(value) < 32*within {
			return fmt.Errorf("%w: a tile of the journal has a gap", ErrCorrupt)
		}
		value = bytes.Clone(value[:32*within])
		for ; i < len(t.Hashes) && len(value) < 32*tileHashes; i++ {
			value = append(value, t.Hashes[i][:]...)
		}
		if err := tx.put(bucketTiles, key, value); err != nil {
			return err
		}
	}
	return nil
}

func (s journalStore) Checkpoints(context.Context) (notes [][]byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketCheckpoints)
		cursor := b.Cursor()
		for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
			if !bytes.Equal(key, keyLatest) {
				notes = append(notes, bytes.Clone(value))
			}
		}
		if _, note := latest(b); note != nil {
			notes = append(notes, bytes.Clone(note))
		}
		return nil
	})
	return notes, err
}
