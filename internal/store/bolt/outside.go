package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/ca/outside"
	"yinxin/internal/act"
)

var (
	bucketOutside = []byte("outside_authorities") // id -> authority

	outsideBuckets = [][]byte{bucketOutside}
)

// Outside gives the office of outside authorities its store.
func (db *DB) Outside() outside.Store { return outsideStore{db} }

type outsideStore struct{ *DB }

var _ outside.Store = outsideStore{}

func decodeAuthority(value []byte) (a outside.Authority, err error) {
	if err := act.Decode(value, &a); err != nil || len(a.History) == 0 {
		return a, fmt.Errorf("%w: an outside authority: %w", ErrCorrupt, err)
	}
	for i := range a.History {
		utc(&a.History[i].Since, &a.History[i].At)
	}
	return a, nil
}

func (s outsideStore) CommitAuthority(ctx context.Context, a act.Act, next outside.Authority, before int) error {
	value, err := act.Encode(next)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		entries := 0
		if present := tx.get(bucketOutside, []byte(next.ID)); present != nil {
			now, err := decodeAuthority(present)
			if err != nil {
				return err
			}
			entries = len(now.History)
		}
		if entries != before {
			return outside.ErrChanged
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.put(bucketOutside, []byte(next.ID), value)
	})
}

func (s outsideStore) Authority(_ context.Context, id string) (out outside.Authority, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		value := tx.Bucket(bucketOutside).Get([]byte(id))
		if value == nil {
			return outside.ErrNotFound
		}
		out, err = decodeAuthority(value)
		return err
	})
	return out, err
}

func (s outsideStore) Authorities(context.Context) (out []outside.Authority, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketOutside).ForEach(func(_, value []byte) error {
			one, err := decodeAuthority(value)
			out = append(out, one)
			return err
		})
	})
	return out, err
}
