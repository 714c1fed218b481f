package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/ca/companion"
	"yinxin/internal/act"
)

var (
	bucketCompanions       = []byte("companions")        // act id -> certificate of the companion authority
	bucketCompanionIntents = []byte("companion_intents") // serial -> intent, pending or abandoned
	bucketCompanionSerials = []byte("companion_serials") // serial -> nothing: used, for ever

	companionBuckets = [][]byte{bucketCompanions, bucketCompanionIntents, bucketCompanionSerials}
)

// Companions gives the companion authority its store.
func (db *DB) Companions() companion.Store { return companionStore{db} }

type companionStore struct{ *DB }

var _ companion.Store = companionStore{}

func (s companionStore) PutIntent(ctx context.Context, i companion.Intent) error {
	value, err := act.Encode(i)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		if tx.get(bucketCompanionSerials, []byte(i.Serial)) != nil {
			return companion.ErrSerialTaken
		}
		return tx.putAll(pairRow{bucketCompanionSerials, []byte(i.Serial), []byte{1}}, pairRow{bucketCompanionIntents, []byte(i.Serial), value})
	})
}

func (s companionStore) CommitCertificate(ctx context.Context, a act.Act, r companion.Row) error {
	value, err := act.Encode(r)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		if err := tx.pendingCompanion(r.Serial); err != nil {
			return err
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.delete(bucketCompanionIntents, []byte(r.Serial)); err != nil {
			return err
		}
		return tx.put(bucketCompanions, a.ID[:], value)
	})
}

func (s companionStore) CommitAbandoned(ctx context.Context, a act.Act, i companion.Intent) error {
	value, err := act.Encode(i)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		if err := tx.pendingCompanion(i.Serial); err != nil {
			return err
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.put(bucketCompanionIntents, []byte(i.Serial), value)
	})
}

// pendingCompanion fails where no certificate of the serial is waited for.
func (tx *Tx) pendingCompanion(serial string) error {
	value := tx.get(bucketCompanionIntents, []byte(serial))
	if value == nil {
		return companion.ErrNotFound
	}
	i, err := intentAt(value)
	if err == nil && !i.Abandoned.IsZero() {
		err = companion.ErrNotFound
	}
	return err
}

func intentAt(value []byte) (i companion.Intent, err error) {
	if err := act.Decode(value, &i); err != nil {
		return i, fmt.Errorf("%w: an intent of the companion authority: %w", ErrCorrupt, err)
	}
	utc(&i.At, &i.Abandoned)
	return i, nil
}

func (s companionStore) Intents(context.Context) (out []companion.Intent, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketCompanionIntents).ForEach(func(_, value []byte) error {
			i, err := intentAt(value)
			out = append(out, i)
			return err
		})
	})
	return out, err
}

func (s companionStore) Certificates(context.Context) (out []companion.Row, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketCompanions).ForEach(func(_, value []byte) error {
			var r companion.Row
			if err := act.Decode(value, &r); err != nil {
				return fmt.Errorf("%w: a certificate of the companion authority: %w", ErrCorrupt, err)
			}
			utc(&r.NotBefore, &r.NotAfter)
			out = append(out, r)
			return nil
		})
	})
	return out, err
}
