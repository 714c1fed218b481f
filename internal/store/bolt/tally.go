package bolt

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal"
)

// tallyChunk is how many acts are read in one transaction: a long one would keep
// freed pages from being used again.
const tallyChunk = 20_000

// Tally counts anew what the acts say that each seal's key has signed.
func (s sealStore) Tally(ctx context.Context) (map[string]seal.Tally, error) {
	t := tally{byKey: map[string]seal.Tally{}, stamps: map[[32]byte]uint64{}, keys: map[[32]byte]string{}}
	var from []byte
	for whole := false; !whole; {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := s.view(func(tx *bbolt.Tx) error {
			cursor, n := tx.Bucket(bucketActs).Cursor(), 0
			for key, value := cursor.Seek(from); key != nil; key, value = cursor.Next() {
				if n++; n > tallyChunk {
					from = bytes.Clone(key)
					return nil
				}
				if err := t.add(value); err != nil {
					return err
				}
			}
			whole = true
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t.byKey, s.view(func(tx *bbolt.Tx) error { return t.assign(tx) })
}

// tally counts stamps by the SESeal that they bear, until it is known which key that
// seal's is.
type tally struct {
	byKey  map[string]seal.Tally
	stamps map[[32]byte]uint64
	keys   map[[32]byte]string
}

func (t *tally) add(value []byte) error {
	leaf, record, _, err := splitAct(value)
	if err != nil {
		return err
	}
	l, err := act.ParseLeaf(leaf)
	if err != nil {
		return fmt.Errorf("%w: a leaf: %w", ErrCorrupt, err)
	}
	switch l.Act {
	case seal.ActStamped:
		var st struct {
			Seal [32]byte `cbor:"4,keyasint"`
		}
		err = act.Decode(record, &st)
		t.stamps[st.Seal]++
	case seal.ActRequested:
		var r struct {
			Key string `cbor:"10,keyasint"`
		}
		err = act.Decode(record, &r)
		one := t.byKey[r.Key]
		one.Requests++
		t.byKey[r.Key] = one
	case seal.ActUnaccounted:
		var g struct {
			KeyID string
			N     uint64
		}
		err = act.Decode(record, &g)
		one := t.byKey[g.KeyID]
		one.Unaccounted += g.N
		t.byKey[g.KeyID] = one
	default:
		if !strings.HasPrefix(l.Act, "seal.") {
			return nil
		}
		// The record that tells which key an edition has; where it tells nothing, the
		// seal's row does.
		if c := (seal.Change{}); act.Decode(record, &c) == nil && c.Seal.KeyID != "" {
			t.keys[c.Seal.SM3] = c.Seal.KeyID
		}
	}
	if err != nil {
		return fmt.Errorf("%w: the record of %s: %w", ErrCorrupt, l.Act, err)
	}
	return nil
}

// assign gives the stamps to the keys; a seal that a later edition replaced is known
// by the seal's row where its own act does not tell.
func (t *tally) assign(tx *bbolt.Tx) error {
	rows := &rowCache{}
	for sum, n := range t.stamps {
		key, known := t.keys[sum]
		if !known {
			s, err := sealAt(rows, reader(tx), string(tx.Bucket(bucketSealSM3).Get(sum[:])))
			if err != nil {
				return fmt.Errorf("%w: stamps of a seal that nobody made: %w", ErrCorrupt, err)
			}
			key = s.KeyID
		}
		one := t.byKey[key]
		one.Stamps += n
		t.byKey[key] = one
	}
	return nil
}
