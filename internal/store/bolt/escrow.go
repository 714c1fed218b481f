package bolt

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/ca/escrow"
	"yinxin/internal/act"
)

var (
	bucketPairs       = []byte("pairs")           // act id -> pair of certificates
	bucketPairAgency  = []byte("pairs_agency")    // USCC, 0, act id -> nothing
	bucketPairsOpen   = []byte("pairs_open")      // act id -> nothing: begun and not settled
	bucketPairSerials = []byte("pairs_serial")    // serial of either certificate -> act id
	bucketRecoveries  = []byte("recoveries")      // id of the request -> recovery
	bucketRecovered   = []byte("recoveries_cert") // serial, 0, id of the request -> nothing

	escrowBuckets = [][]byte{bucketPairs, bucketPairAgency, bucketPairsOpen, bucketPairSerials, bucketRecoveries, bucketRecovered}
)

// Escrow gives the key centre its store.
func (db *DB) Escrow() escrow.Store { return escrowStore{db} }

type escrowStore struct{ *DB }

var _ escrow.Store = escrowStore{}

// pairRow is one thing to put.
type pairRow struct{ bucket, key, value []byte }

func (tx *Tx) putAll(rows ...pairRow) error {
	for _, r := range rows {
		if err := tx.put(r.bucket, r.key, r.value); err != nil {
			return err
		}
	}
	return nil
}

func (s escrowStore) CommitBegun(ctx context.Context, a act.Act, p escrow.Pair) error {
	value, err := act.Encode(p)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.putAll(pairRow{bucketPairs, p.ID[:], value}, pairRow{bucketPairAgency, ofAgency(p.Agency, p.ID), nil}, pairRow{bucketPairsOpen, p.ID[:], nil})
	})
}

func (s escrowStore) CommitSettled(ctx context.Context, a act.Act, p escrow.Pair) (out escrow.Pair, err error) {
	value, err := act.Encode(p)
	if err != nil {
		return p, err
	}
	err = s.commit(ctx, func(tx *Tx) error {
		var err error
		if out, err = pairAt(tx.get(bucketPairs, p.ID[:])); err != nil {
			return err
		}
		if out.State != escrow.StateBegun {
			return escrow.ErrSettled
		}
		if err := tx.act(a); err != nil {
			return err
		}
		out = p
		if err := tx.delete(bucketPairsOpen, p.ID[:]); err != nil {
			return err
		}
		if err := tx.put(bucketPairs, p.ID[:], value); err != nil || p.State != escrow.StateDelivered {
			return err
		}
		return tx.putAll(pairRow{bucketPairSerials, []byte(p.Delivery.Signing), p.ID[:]}, pairRow{bucketPairSerials, []byte(p.Delivery.Encryption), p.ID[:]})
	})
	return out, err
}

func pairAt(value []byte) (p escrow.Pair, err error) {
	if value == nil {
		return p, escrow.ErrNotFound
	}
	if err := act.Decode(value, &p); err != nil {
		return p, fmt.Errorf("%w: a pair of certificates: %w", ErrCorrupt, err)
	}
	utc(&p.Begun, &p.Settled)
	return p, nil
}

func (s escrowStore) Pair(_ context.Context, id act.ID) (p escrow.Pair, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		p, err = pairAt(tx.Bucket(bucketPairs).Get(id[:]))
		return err
	})
	return p, err
}

func (s escrowStore) PairOf(_ context.Context, serial string) (p escrow.Pair, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		id := tx.Bucket(bucketPairSerials).Get([]byte(serial))
		if serial == "" || id == nil {
			return escrow.ErrNotFound
		}
		p, err = pairAt(tx.Bucket(bucketPairs).Get(id))
		return err
	})
	return p, err
}

// Pairs reads the agency's index, or the pairs themselves for all.
func (s escrowStore) Pairs(_ context.Context, f escrow.Filter) (out []escrow.Pair, next string, err error) {
	page, err := pageOf(bucketPairs, bucketPairAgency, f.Agency, f.Cursor, f.Limit)
	if err != nil {
		return nil, "", escrow.ErrNotFound
	}
	err = s.view(func(tx *bbolt.Tx) error {
		out, next, err = listed(tx, page, pairAt, func(p escrow.Pair) bool { return f.State == "" || p.State == f.State })
		return err
	})
	return out, next, err
}

func (s escrowStore) Unsettled(context.Context) (out []escrow.Pair, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketPairsOpen).ForEach(func(id, _ []byte) error {
			p, err := pairAt(tx.Bucket(bucketPairs).Get(id))
			out = append(out, p)
			return err
		})
	})
	return out, err
}

func (s escrowStore) CommitRecovered(ctx context.Context, a act.Act, r escrow.Recovery) error {
	value, err := act.Encode(r)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		if tx.get(bucketRecoveries, r.ID[:]) != nil {
			return escrow.ErrRecovered
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.putAll(pairRow{bucketRecoveries, r.ID[:], value}, pairRow{bucketRecovered, append([]byte(r.Serial+"\x00"), r.ID[:]...), nil})
	})
}

func recoveryAt(value []byte) (r escrow.Recovery, err error) {
	if value == nil {
		return r, escrow.ErrNotFound
	}
	if err := act.Decode(value, &r); err != nil {
		return r, fmt.Errorf("%w: a recovery: %w", ErrCorrupt, err)
	}
	utc(&r.At)
	return r, nil
}

func (s escrowStore) Recovery(_ context.Context, id act.ID) (r escrow.Recovery, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		r, err = recoveryAt(tx.Bucket(bucketRecoveries).Get(id[:]))
		return err
	})
	return r, err
}

func (s escrowStore) Recoveries(_ context.Context, serial string) (out []escrow.Recovery, err error) {
	prefix := []byte(serial + "\x00")
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketRecovered).Cursor()
		for key, _ := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = cursor.Next() {
			r, err := recoveryAt(tx.Bucket(bucketRecoveries).Get(key[len(prefix):]))
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}
