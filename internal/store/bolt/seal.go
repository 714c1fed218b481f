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
	bucketSealEnded  = []byte("seal_ended")   // id -> nothing: seals that a list tells of
	bucketSealStamps = []byte("seal_stamps")  // seal id, stamp id -> nothing
	bucketCodes      = []byte("stamp_codes")  // verification code -> stamp id
	bucketQuota      = []byte("seal_quota")   // seal id, day, grant if one -> stamps made
	bucketSealSerial = []byte("seal_serials") // region -> last serial allotted
	bucketKeyUses    = []byte("key_uses")     // key id -> uses accounted for

	sealBuckets = [][]byte{bucketSeals, bucketSealDER, bucketSealSM3, bucketSealEnded, bucketSealStamps, bucketCodes, bucketQuota, bucketSealSerial, bucketKeyUses, bucketSealRequests, bucketSealPending,
		bucketSealSteps, bucketSealCerts, bucketSealUses}
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
	utcSeal(&s)
	return s, nil
}

func utcSeal(s *seal.Seal) {
	utc(&s.ValidFrom, &s.ValidTo, &s.Made, &s.EditionMade)
	for i := range s.Intervals {
		utc(&s.Intervals[i].From, &s.Intervals[i].To)
	}
	for i := range s.Earlier {
		e := &s.Earlier[i]
		utc(&e.ValidFrom, &e.ValidTo, &e.Made, &e.Replaced)
	}
	for i := range s.Policy.Grants {
		utcGrant(&s.Policy.Grants[i])
	}
	if s.Filing != nil {
		utc(&s.Filing.At)
	}
	if s.End != nil {
		utc(&s.End.At, &s.End.Since)
	}
	if s.Destroyed != nil {
		utc(&s.Destroyed.At)
	}
	s.Edition = max(s.Edition, 1) // a row from before there were others
}

func utcGrant(g *seal.Grant) { utc(&g.From, &g.To, &g.At) }

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
		if next.Listed() {
			if err := tx.put(bucketSealEnded, []byte(next.ID), nil); err != nil {
				return err
			}
			if _, err := tx.count("seal-changes"); err != nil {
				return err
			}
		}
		return tx.enterSeal(a.ID, next, der, value)
	})
}

// enterSeal writes a seal's row, its SESeal if there is a new one, and that the act
// was a step of its life.
func (tx *Tx) enterSeal(step act.ID, s seal.Seal, der, value []byte) error {
	if err := tx.put(bucketSealSteps, stepKey(s.ID, step), nil); err != nil {
		return err
	}
	if der != nil {
		if err := tx.put(bucketSealCerts, []byte(s.CertSerial), []byte(s.ID)); err != nil {
			return err
		}
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

func (s sealStore) Seals(_ context.Context, f seal.SealFilter) (out []seal.Seal, next string, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out, next, err = byCode(tx, bucketSeals, f.Cursor, f.Limit, decodeSeal, f.Wants)
		return err
	})
	return out, next, err
}

// byCode reads a page of rows that stand under seal codes; next is the cursor to go on
// from.
func byCode[T any](tx *bbolt.Tx, bucket []byte, after string, limit int, decode func([]byte) (T, error), wanted func(T) bool) (out []T, next string, err error) {
	last, scanned := "", 0
	cursor := tx.Bucket(bucket).Cursor()
	for key, value := cursor.Seek([]byte(after)); key != nil; key, value = cursor.Next() {
		if string(key) == after {
			continue
		}
		if len(out) == limit || scanned == maxScan {
			return out, last, nil
		}
		scanned++
		row, err := decode(value)
		if err != nil {
			return nil, "", err
		}
		if last = string(key); wanted(row) {
			out = append(out, row)
		}
	}
	return out, "", nil
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
