package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/seal"
)

func (s sealStore) CertificateRevoked(_ context.Context, serial string) (revoked bool, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		revoked, err = certificateRevoked(tx.Bucket(bucketCertificates).Get([]byte(serial)))
		return err
	})
	return revoked, err
}

// certificateRevoked reads a row: without a revocation it is the act's id alone.
func certificateRevoked(row []byte) (bool, error) {
	if row == nil {
		return false, ca.ErrNotFound
	}
	return len(row) != len(act.ID{}), nil
}

func (s sealStore) StampedOn(_ context.Context, sealID, grant, day string) (made uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		made = number(tx.Bucket(bucketQuota).Get(quotaKey(sealID, grant, day)))
		return nil
	})
	return made, err
}

func (s sealStore) Accounted(_ context.Context, keyID string) (n uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		n = number(tx.Bucket(bucketKeyUses).Get([]byte(keyID)))
		return nil
	})
	return n, err
}

func (s sealStore) CommitUnaccounted(ctx context.Context, a act.Act, keyID string, n uint64) error {
	return s.commit(ctx, func(tx *Tx) error {
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.account(keyID, n)
	})
}

// account adds to the uses of a key that are told for.
func (tx *Tx) account(keyID string, n uint64) error {
	key := []byte(keyID)
	return tx.put(bucketKeyUses, key, indexKey(number(tx.get(bucketKeyUses, key))+n))
}

// counted is how many stamps of its day were made before one, by its seal and by its
// grant, as far as there is a quota.
type counted struct{ seal, grant uint64 }

// guard asks again what the office asked before it signed.
func (tx *Tx) guard(g seal.Guard, now time.Time) (made counted, err error) {
	present, err := sealAt(tx.rows, tx.get, g.SealID)
	if err != nil {
		return made, err
	}
	revoked, err := certificateRevoked(tx.get(bucketCertificates, []byte(g.CertSerial)))
	if err != nil {
		return made, err
	}
	granted, err := tx.granted(g, now)
	if err != nil {
		return made, err
	}
	if present.Version != g.SealVersion || revoked || !granted {
		return made, seal.ErrChanged
	}
	if g.Use != nil {
		use, err := useAt(tx.get, *g.Use)
		if err == nil {
			err = use.Admits(g, now)
		}
		if err != nil {
			return made, err
		}
	}
	made.seal = number(tx.get(bucketQuota, quotaKey(g.SealID, "", g.Day)))
	made.grant = number(tx.get(bucketQuota, quotaKey(g.SealID, g.Grant, g.Day)))
	if g.PerDay > 0 && made.seal >= g.PerDay || g.GrantPerDay > 0 && made.grant >= g.GrantPerDay {
		return made, seal.ErrQuota
	}
	return made, nil
}

// granted tells whether the caller still speaks for the agency: a bearer key
// revoked while the document was being sealed must not seal it.
func (tx *Tx) granted(g seal.Guard, now time.Time) (bool, error) {
	owner, err := agencyAt(tx.rows, tx.bucket(bucketAgencies), g.Agency)
	switch {
	case errors.Is(err, agency.ErrNotFound): // an operator's command names agencies freely
	case err != nil:
		return false, err
	case owner.State != agency.Active:
		return false, nil
	}
	if g.Key == "" {
		return true, nil
	}
	key, err := keyAt(tx.rows, tx.bucket(bucketKeys), g.Key)
	if errors.Is(err, agency.ErrNotFound) {
		return false, nil
	}
	return err == nil && key.InForce(now), err
}

// quotaKey counts by seal, or by one of its grants.
func quotaKey(sealID, grant, day string) []byte {
	if grant == "" {
		return []byte(sealID + day)
	}
	return []byte(sealID + day + "/" + grant)
}

func (s sealStore) CommitStamp(ctx context.Context, a act.Act, st seal.Stamp, g seal.Guard) error {
	return s.CommitStamps(ctx, []seal.Commit{{Act: a, Stamp: st, Guard: g}})
}

func (s sealStore) CommitStamps(ctx context.Context, all []seal.Commit) error {
	return s.commit(ctx, func(tx *Tx) error {
		for _, c := range all {
			made, err := tx.guard(c.Guard, time.UnixMilli(c.Act.Leaf.Time))
			if err != nil {
				return err
			}
			if err := tx.stamp(c, made); err != nil {
				return err
			}
		}
		return nil
	})
}

// stamp writes a stamp that the guard let pass; made is what the guard counted.
func (tx *Tx) stamp(c seal.Commit, made counted) error {
	if err := tx.act(c.Act); err != nil {
		return err
	}
	g := c.Guard
	if g.PerDay > 0 {
		if err := tx.put(bucketQuota, quotaKey(g.SealID, "", g.Day), indexKey(made.seal+1)); err != nil {
			return err
		}
	}
	if g.GrantPerDay > 0 {
		if err := tx.put(bucketQuota, quotaKey(g.SealID, g.Grant, g.Day), indexKey(made.grant+1)); err != nil {
			return err
		}
	}
	if g.Use != nil {
		if err := tx.put(bucketSealUses, g.Use[:], c.Stamp.ID[:]); err != nil {
			return err
		}
	}
	if err := tx.account(g.KeyID, 1); err != nil {
		return err
	}
	if err := tx.put(bucketSealStamps, append([]byte(c.Stamp.SealID), c.Stamp.ID[:]...), nil); err != nil {
		return err
	}
	owner, err := sealAt(tx.rows, tx.get, c.Stamp.SealID)
	if err != nil {
		return err
	}
	for _, e := range useEntries(c.Stamp, owner.Agency) {
		if err := tx.put(e.bucket, e.key, nil); err != nil {
			return err
		}
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
	if err := act.Decode(record, &out); err != nil {
		return out, fmt.Errorf("%w: a stamp: %w", ErrCorrupt, err)
	}
	utc(&out.SealedAt, &out.Claimed)
	return out, nil
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
