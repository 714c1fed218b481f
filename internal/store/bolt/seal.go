package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal"
)

var (
	bucketSeals      = []byte("seals")        // id -> seal
	bucketSealDER    = []byte("seal_der")     // SM3 -> SESeal, or another part of many stamps
	bucketSealSM3    = []byte("seal_sm3")     // SM3 -> id
	bucketSealEnded  = []byte("seal_ended")   // id -> nothing: seals with intervals
	bucketSealStamps = []byte("seal_stamps")  // seal id, stamp id -> nothing
	bucketCodes      = []byte("stamp_codes")  // verification code -> stamp id
	bucketQuota      = []byte("seal_quota")   // seal id, day -> stamps made
	bucketSealSerial = []byte("seal_serials") // region -> last serial allotted
	bucketKeyUses    = []byte("key_uses")     // key id -> uses accounted for

	sealBuckets = [][]byte{bucketSeals, bucketSealDER, bucketSealSM3, bucketSealEnded, bucketSealStamps, bucketCodes, bucketQuota, bucketSealSerial, bucketKeyUses, bucketSealRequests, bucketSealPending}
)

// Seals gives the seal office its store.
func (db *DB) Seals() seal.Store { return sealStore{db} }

type sealStore struct{ *DB }

var _ seal.Store = sealStore{}

func (s sealStore) NextSeal(ctx context.Context, region string) (n uint64, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		n = number(tx.get(bucketSealSerial, []byte(region))) + 1
		for tx.codeTaken(fmt.Appendf(nil, "%s%08d", region, n)) {
			n++
		}
		return tx.put(bucketSealSerial, []byte(region), indexKey(n))
	})
	return n, err
}

func sealAt(rows *rowCache, get func(bucket, key []byte) []byte, id string) (seal.Seal, error) {
	value := get(bucketSeals, []byte(id))
	if value == nil {
		return seal.Seal{}, seal.ErrNotFound
	}
	return decodedRow(rows, value, decodeSeal)
}

func decodeSeal(value []byte) (s seal.Seal, err error) {
	if err := act.Decode(value, &s); err != nil {
		return s, fmt.Errorf("%w: a seal: %w", ErrCorrupt, err)
	}
	utc(&s.ValidFrom, &s.ValidTo, &s.Made)
	for i := range s.Intervals {
		utc(&s.Intervals[i].From, &s.Intervals[i].To)
	}
	return s, nil
}

func (s sealStore) CommitSeal(ctx context.Context, a act.Act, next seal.Seal, before uint64, der []byte) error {
	value, err := act.Encode(next)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		present, err := sealAt(tx.rows, tx.get, next.ID)
		if err != nil && (before != 0 || !errors.Is(err, seal.ErrNotFound)) {
			return err
		}
		if present.Version != before {
			return seal.ErrChanged
		}
		if before == 0 && tx.get(bucketSealRequests, []byte(next.ID)) != nil {
			return seal.ErrTaken
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if len(next.Intervals) > 0 {
			if err := tx.put(bucketSealEnded, []byte(next.ID), nil); err != nil {
				return err
			}
			if _, err := tx.count("seal-changes"); err != nil {
				return err
			}
		}
		return tx.enterSeal(next, der, value)
	})
}

// enterSeal writes a seal's row, and its SESeal if there is a new one.
func (tx *Tx) enterSeal(s seal.Seal, der, value []byte) error {
	if der != nil {
		if err := tx.put(bucketSealDER, s.SM3[:], der); err != nil {
			return err
		}
		if err := tx.put(bucketSealSM3, s.SM3[:], []byte(s.ID)); err != nil {
			return err
		}
	}
	return tx.put(bucketSeals, []byte(s.ID), value)
}

func (s sealStore) Seal(_ context.Context, id string) (out seal.Seal, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out, err = sealAt(&s.rows, reader(tx), id)
		return err
	})
	return out, err
}

func (s sealStore) Seals(_ context.Context, owner, after string, limit int) (out []seal.Seal, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketSeals).Cursor()
		for key, value := cursor.Seek([]byte(after)); key != nil && len(out) < limit; key, value = cursor.Next() {
			if string(key) == after {
				continue
			}
			one, err := decodeSeal(value)
			if err != nil {
				return err
			}
			if owner == "" || one.Agency == owner {
				out = append(out, one)
			}
		}
		return nil
	})
	return out, err
}

func (s sealStore) KeepPart(ctx context.Context, part []byte) error {
	sum := sm3.Sum(part)
	if kept, err := s.SealDER(ctx, sum); err == nil && bytes.Equal(kept, part) {
		return nil
	}
	return s.commit(ctx, func(tx *Tx) error { return tx.put(bucketSealDER, sum[:], part) })
}

func (s sealStore) SealDER(_ context.Context, sum [32]byte) (der []byte, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if der = bytes.Clone(tx.Bucket(bucketSealDER).Get(sum[:])); der == nil {
			return seal.ErrNotFound
		}
		return nil
	})
	return der, err
}

func (s sealStore) SealBySM3(_ context.Context, sum [32]byte) (out seal.Seal, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		id := tx.Bucket(bucketSealSM3).Get(sum[:])
		if id == nil {
			return seal.ErrNotFound
		}
		out, err = sealAt(&s.rows, reader(tx), string(id))
		return err
	})
	return out, err
}

func (s sealStore) Ended(context.Context) (out []seal.Seal, changes uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		changes = number(tx.Bucket(bucketCounters).Get([]byte("seal-changes")))
		return tx.Bucket(bucketSealEnded).ForEach(func(id, _ []byte) error {
			one, err := sealAt(&s.rows, reader(tx), string(id))
			out = append(out, one)
			return err
		})
	})
	return out, changes, err
}

func (s sealStore) NextListNumber(ctx context.Context) (n uint64, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		var err error
		n, err = tx.count("seal-list")
		return err
	})
	return n, err
}
