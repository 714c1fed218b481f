package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/internal/agency"
)

var (
	bucketAgencies   = []byte("agencies")    // USCC -> agency
	bucketKeys       = []byte("bearer_keys") // key id -> key
	bucketAgencyKeys = []byte("agency_keys") // USCC, key id -> nothing

	agencyBuckets = [][]byte{bucketAgencies, bucketKeys, bucketAgencyKeys}
)

// Agencies gives the register of agencies its store.
func (db *DB) Agencies() agency.Store { return agencyStore{db} }

type agencyStore struct{ db *DB }

var _ agency.Store = agencyStore{}

func (s agencyStore) AddAgency(ctx context.Context, a agency.Agency, done act.Act) error {
	row, err := act.Encode(a)
	if err != nil {
		return err
	}
	return s.db.commit(ctx, func(tx *Tx) error {
		if tx.get(bucketAgencies, []byte(a.ID)) != nil {
			return agency.ErrExists
		}
		if err := tx.act(done); err != nil {
			return err
		}
		return tx.put(bucketAgencies, []byte(a.ID), row)
	})
}

func (s agencyStore) CloseAgency(ctx context.Context, id string, done act.Act) error {
	return s.db.commit(ctx, func(tx *Tx) error {
		a, err := agencyAt(tx.rows, tx.bucket(bucketAgencies), id)
		if err != nil {
			return err
		}
		if a.State == agency.Closed {
			return agency.ErrClosed
		}
		a.State = agency.Closed
		row, err := act.Encode(a)
		if err != nil {
			return err
		}
		if err := tx.act(done); err != nil {
			return err
		}
		return tx.put(bucketAgencies, []byte(id), row)
	})
}

func (s agencyStore) Agency(_ context.Context, id string) (a agency.Agency, err error) {
	err = s.db.view(func(tx *bbolt.Tx) error {
		a, err = agencyAt(&s.db.rows, tx.Bucket(bucketAgencies), id)
		return err
	})
	return a, err
}

func (s agencyStore) Agencies(context.Context) (all []agency.Agency, err error) {
	err = s.db.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketAgencies).ForEach(func(key, _ []byte) error {
			a, err := agencyAt(&s.db.rows, tx.Bucket(bucketAgencies), string(key))
			all = append(all, a)
			return err
		})
	})
	return all, err
}

func (s agencyStore) AddKey(ctx context.Context, k agency.APIKey, done act.Act) error {
	return s.db.commit(ctx, func(tx *Tx) error {
		if err := keyMayEnter(tx, k); err != nil {
			return err
		}
		if err := tx.act(done); err != nil {
			return err
		}
		if err := putKey(tx, k); err != nil {
			return err
		}
		return tx.put(bucketAgencyKeys, []byte(k.Agency+k.ID), nil)
	})
}

func (s agencyStore) RevokeKey(ctx context.Context, id string, at time.Time, done act.Act) error {
	return s.db.commit(ctx, func(tx *Tx) error {
		k, err := endKey(tx, id, at)
		if err != nil {
			return err
		}
		if err := tx.act(done); err != nil {
			return err
		}
		return putKey(tx, k)
	})
}

func (s agencyStore) RotateKey(ctx context.Context, old string, until time.Time, next agency.APIKey, done act.Act) error {
	return s.db.commit(ctx, func(tx *Tx) error {
		k, err := endKey(tx, old, until)
		if err != nil {
			return err
		}
		// A key in its grace has a successor already.
		if stored, err := keyAt(tx.rows, tx.bucket(bucketKeys), old); err != nil || !stored.Revoked.IsZero() {
			return agency.ErrRevoked
		}
		if err := keyMayEnter(tx, next); err != nil {
			return err
		}
		if err := tx.act(done); err != nil {
			return err
		}
		if err := putKey(tx, k); err != nil {
			return err
		}
		if err := putKey(tx, next); err != nil {
			return err
		}
		return tx.put(bucketAgencyKeys, []byte(next.Agency+next.ID), nil)
	})
}

func (s agencyStore) Key(_ context.Context, id string) (k agency.APIKey, err error) {
	err = s.db.view(func(tx *bbolt.Tx) error {
		k, err = keyAt(&s.db.rows, tx.Bucket(bucketKeys), id)
		return err
	})
	return k, err
}

func (s agencyStore) Keys(_ context.Context, owner string) (all []agency.APIKey, err error) {
	err = s.db.view(func(tx *bbolt.Tx) error {
		keys := tx.Bucket(bucketKeys)
		if owner == "" {
			return keys.ForEach(func(id, _ []byte) error {
				k, err := keyAt(&s.db.rows, keys, string(id))
				all = append(all, k)
				return err
			})
		}
		cursor := tx.Bucket(bucketAgencyKeys).Cursor()
		for key, _ := cursor.Seek([]byte(owner)); bytes.HasPrefix(key, []byte(owner)); key, _ = cursor.Next() {
			k, err := keyAt(&s.db.rows, keys, string(key[len(owner):]))
			if err != nil {
				return err
			}
			all = append(all, k)
		}
		return nil
	})
	return all, err
}

// endKey is the key as it will stand when it ends at the time given: a key ends
// once, and only ever earlier than it was going to.
func endKey(tx *Tx, id string, at time.Time) (agency.APIKey, error) {
	k, err := keyAt(tx.rows, tx.bucket(bucketKeys), id)
	if err != nil {
		return k, err
	}
	if !k.Revoked.IsZero() && !k.Revoked.After(at) {
		return k, agency.ErrRevoked
	}
	k.Revoked = at
	return k, nil
}

func keyMayEnter(tx *Tx, k agency.APIKey) error {
	owner, err := agencyAt(tx.rows, tx.bucket(bucketAgencies), k.Agency)
	switch {
	case err != nil:
		return err
	case owner.State != agency.Active:
		return agency.ErrClosed
	case tx.get(bucketKeys, []byte(k.ID)) != nil:
		return agency.ErrKeyExists
	}
	return nil
}

func putKey(tx *Tx, k agency.APIKey) error {
	row, err := act.Encode(k)
	if err != nil {
		return err
	}
	return tx.put(bucketKeys, []byte(k.ID), row)
}

func agencyAt(rows *rowCache, b *bbolt.Bucket, id string) (agency.Agency, error) {
	value := b.Get([]byte(id))
	if id == "" || value == nil {
		return agency.Agency{}, agency.ErrNotFound
	}
	return decodedRow(rows, value, func(value []byte) (a agency.Agency, err error) {
		if err := act.Decode(value, &a); err != nil {
			return a, fmt.Errorf("%w: agency %s: %w", ErrCorrupt, id, err)
		}
		a.Created = a.Created.UTC()
		return a, nil
	})
}

func keyAt(rows *rowCache, b *bbolt.Bucket, id string) (agency.APIKey, error) {
	value := b.Get([]byte(id))
	if id == "" || value == nil {
		return agency.APIKey{}, agency.ErrNotFound
	}
	return decodedRow(rows, value, func(value []byte) (k agency.APIKey, err error) {
		if err := act.Decode(value, &k); err != nil {
			return k, fmt.Errorf("%w: key %s: %w", ErrCorrupt, id, err)
		}
		k.Created, k.Expires = k.Created.UTC(), k.Expires.UTC()
		if !k.Revoked.IsZero() {
			k.Revoked = k.Revoked.UTC()
		}
		return k, nil
	})
}
