package bolt

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal"
)

var bucketIncrements = []byte("stamp_increments") // stamp id -> evidence of its document, packed

var incrementBuckets = [][]byte{bucketIncrements}

func (s sealStore) KeepIncrement(ctx context.Context, stamp act.ID, increment []byte) (kept []byte, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		if tx.get(bucketActs, stamp[:]) == nil {
			return seal.ErrNotFound
		}
		if had := tx.get(bucketIncrements, stamp[:]); had != nil {
			kept = bytes.Clone(had)
			return nil
		}
		kept = increment
		return tx.put(bucketIncrements, stamp[:], increment)
	})
	return kept, err
}

func (s sealStore) Increment(_ context.Context, stamp act.ID) (kept []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if kept = bytes.Clone(tx.Bucket(bucketIncrements).Get(stamp[:])); kept == nil {
			return seal.ErrNotFound
		}
		return nil
	})
	return kept, err
}
