package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/seal"
)

var (
	bucketSeals      = []byte("seals")        // id -> seal
	bucketSealDER    = []byte("seal_der")     // SM3 -> SESeal
	bucketSealSM3    = []byte("seal_sm3")     // SM3 -> id
	bucketSealEnded  = []byte("seal_ended")   // id -> nothing: seals with intervals
	bucketSealStamps = []byte("seal_stamps")  // seal id, stamp id -> nothing
	bucketCodes      = []byte("stamp_codes")  // verification code -> stamp id
	bucketQuota      = []byte("seal_quota")   // seal id, day -> stamps made
	bucketSealSerial = []byte("seal_serials") // region -> last serial allotted

	sealBuckets = [][]byte{bucketSeals, bucketSealDER, bucketSealSM3, bucketSealEnded, bucketSealStamps, bucketCodes, bucketQuota, bucketSealSerial}
)

// Seals gives the seal office its store.
func (db *DB) Seals() seal.Store { return sealStore{db} }

type sealStore struct{ *DB }

var _ seal.Store = sealStore{}

func (s sealStore) NextSeal(ctx context.Context, region string) (n uint64, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		n = number(tx.get(bucketSealSerial, []byte(region))) + 1
		return tx.put(bucketSealSerial, []byte(region), indexKey(n))
	})
	return n, err
}

func sealAt(get func(bucket, key []byte) []byte, id string) (out seal.Seal, err error) {
	value := get(bucketSeals, []byte(id))
	if value == nil {
		return out, seal.ErrNotFound
	}
	return out, act.Decode(value, &out)
}

func (s sealStore) CommitSeal(ctx context.Context, a act.Act, next seal.Seal, before uint64, der []byte) error {
	value, err := act.Encode(next)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		present, err := sealAt(tx.get, next.ID)
		if before == 0 {
			if err == nil {
				return fmt.Errorf("seal %s exists already", next.ID)
			}
		} else if err != nil {
			return err
		}
		if present.Version != before {
			return seal.ErrChanged
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if der != nil {
			if err := tx.put(bucketSealDER, next.SM3[:], der); err != nil {
				return err
			}
			if err := tx.put(bucketSealSM3, next.SM3[:], []byte(next.ID)); err != nil {
				return err
			}
		}
		if len(next.Intervals) > 0 {
			if err := tx.put(bucketSealEnded, []byte(next.ID), nil); err != nil {
				return err
			}
			if _, err := tx.count("seal-changes"); err != nil {
				return err
			}
		}
		return tx.put(bucketSeals, []byte(next.ID), value)
	})
}

func (s sealStore) Seal(_ context.Context, id string) (out seal.Seal, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out, err = sealAt(reader(tx), id)
		return err
	})
	return out, err
}

func (s sealStore) Seals(_ context.Context, agency, after string, limit int) (out []seal.Seal, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketSeals).Cursor()
		for key, value := cursor.Seek([]byte(after)); key != nil && len(out) < limit; key, value = cursor.Next() {
			var one seal.Seal
			if string(key) == after {
				continue
			}
			if err := act.Decode(value, &one); err != nil {
				return err
			}
			if agency == "" || one.Agency == agency {
				out = append(out, one)
			}
		}
		return nil
	})
	return out, err
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
		out, err = sealAt(reader(tx), string(id))
		return err
	})
	return out, err
}

func (s sealStore) Ended(context.Context) (out []seal.Seal, changes uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		changes = number(tx.Bucket(bucketCounters).Get([]byte("seal-changes")))
		return tx.Bucket(bucketSealEnded).ForEach(func(id, _ []byte) error {
			one, err := sealAt(reader(tx), string(id))
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

// guard asks again what the office asked before it signed.
func (tx *Tx) guard(g seal.Guard) (made uint64, err error) {
	present, err := sealAt(tx.get, g.SealID)
	if err != nil {
		return 0, err
	}
	if present.Version != g.SealVersion {
		return 0, seal.ErrChanged
	}
	// A row without a revocation is the act's id alone.
	if issued := tx.get(bucketCertificates, []byte(g.CertSerial)); len(issued) != 16 {
		if issued == nil {
			return 0, ca.ErrNotFound
		}
		return 0, fmt.Errorf("%w: its certificate is revoked", seal.ErrNotInForce)
	}
	if g.PerDay == 0 {
		return 0, nil
	}
	made = number(tx.get(bucketQuota, quotaKey(g)))
	if made >= g.PerDay {
		return 0, seal.ErrQuota
	}
	return made, nil
}

func quotaKey(g seal.Guard) []byte { return []byte(g.SealID + g.Day) }

func (s sealStore) CommitStamp(ctx context.Context, a act.Act, st seal.Stamp, g seal.Guard) error {
	return s.commit(ctx, func(tx *Tx) error {
		made, err := tx.guard(g)
		if err != nil {
			return err
		}
		return tx.stamp(seal.Commit{Act: a, Stamp: st, Guard: g}, made)
	})
}

// stamp writes a stamp that the guard let pass; made is what the guard counted.
func (tx *Tx) stamp(c seal.Commit, made uint64) error {
	if err := tx.act(c.Act); err != nil {
		return err
	}
	if c.Guard.PerDay > 0 {
		if err := tx.put(bucketQuota, quotaKey(c.Guard), indexKey(made+1)); err != nil {
			return err
		}
	}
	if err := tx.put(bucketSealStamps, append([]byte(c.Stamp.SealID), c.Stamp.ID[:]...), nil); err != nil {
		return err
	}
	return tx.put(bucketCodes, []byte(c.Stamp.Code), c.Stamp.ID[:])
}

func stampAt(tx *bbolt.Tx, id []byte) (out seal.Stamp, err error) {
	value := tx.Bucket(bucketActs).Get(id)
	if value == nil {
		return out, seal.ErrNotFound
	}
	leaf, record, _, err := splitAct(value)
	if err != nil {
		return out, err
	}
	l, err := act.ParseLeaf(leaf)
	if err != nil || l.Act != seal.ActStamped {
		return out, seal.ErrNotFound
	}
	return out, act.Decode(record, &out)
}

func (s sealStore) Stamp(_ context.Context, id act.ID) (out seal.Stamp, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		out, err = stampAt(tx, id[:])
		return err
	})
	return out, err
}

func (s sealStore) StampByCode(_ context.Context, code string) (out seal.Stamp, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		id := tx.Bucket(bucketCodes).Get([]byte(code))
		if id == nil {
			return seal.ErrNotFound
		}
		out, err = stampAt(tx, id)
		return err
	})
	return out, err
}

// maxScan bounds what one list call reads past: a rare matter in a register of
// millions is found page by page, by the cursor.
const maxScan = 20_000

// Stamps lists in the order of time, by seal where one is named.
func (s sealStore) Stamps(_ context.Context, f seal.Filter) (out []seal.Stamp, err error) {
	bucket, prefix := bucketActs, []byte(nil)
	if f.SealID != "" {
		bucket, prefix = bucketSealStamps, []byte(f.SealID)
	}
	from := bytes.Clone(prefix)
	if f.Cursor != "" {
		id, err := act.ParseID(f.Cursor)
		if err != nil {
			return nil, seal.ErrNotFound
		}
		from = append(from, append(id[:], 0)...)
	}
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucket).Cursor()
		scanned := 0
		for key, _ := cursor.Seek(from); bytes.HasPrefix(key, prefix) && key != nil && len(out) < f.Limit && scanned < maxScan; key, _ = cursor.Next() {
			scanned++
			one, err := stampAt(tx, key[len(prefix):])
			if err == seal.ErrNotFound {
				continue
			}
			if err != nil {
				return err
			}
			if matches(one, f) {
				out = append(out, one)
			}
		}
		return nil
	})
	return out, err
}

func matches(s seal.Stamp, f seal.Filter) bool {
	return (f.Agency == "" || s.Agency == f.Agency) && (f.Matter == "" || s.Matter == f.Matter) &&
		(f.From.IsZero() || !s.SealedAt.Before(f.From)) && (f.To.IsZero() || s.SealedAt.Before(f.To.Add(time.Second)))
}
