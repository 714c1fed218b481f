package bolt

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
)

func (s caStore) PutIntent(ctx context.Context, i ca.Intent) error {
	value, err := act.Encode(i)
	if err != nil {
		return err
	}
	// 128 bits tell keys apart; the owner is kept whole, to be read by people.
	serial, key, owner := []byte(i.Serial), i.KeySM3[:16], []byte(i.Owner())
	return s.commit(ctx, func(tx *Tx) error {
		if tx.get(bucketCertificates, serial) != nil || tx.get(bucketIntents, serial) != nil {
			return fmt.Errorf("%w: %s", ca.ErrSerialTaken, i.Serial)
		}
		if err := tx.notBlocked(key); err != nil {
			return err
		}
		known := tx.get(bucketKeyOwners, key)
		if known != nil && !bytes.Equal(known, owner) {
			return ca.ErrKeyTaken
		}
		if err := tx.put(bucketIntents, serial, value); err != nil || known != nil {
			return err
		}
		return tx.put(bucketKeyOwners, key, owner)
	})
}

// pending reads an intent that has neither come nor been abandoned.
func (tx *Tx) pending(serial string) (i ca.Intent, err error) {
	value := tx.get(bucketIntents, []byte(serial))
	if value == nil {
		return i, fmt.Errorf("%w: certificate %s has no intent", ca.ErrNotFound, serial)
	}
	if err := act.Decode(value, &i); err != nil {
		return i, fmt.Errorf("%w: intent %s: %w", ErrCorrupt, serial, err)
	}
	if !i.Abandoned.IsZero() {
		return i, fmt.Errorf("%w: the intent of certificate %s was abandoned", ca.ErrNotFound, serial)
	}
	return i, nil
}

func (s caStore) CommitAbandoned(ctx context.Context, a act.Act, serial string) error {
	return s.commit(ctx, func(tx *Tx) error {
		i, err := tx.pending(serial)
		if err != nil {
			return err
		}
		i.Abandoned = time.UnixMilli(a.Leaf.Time).UTC().Truncate(time.Second)
		value, err := act.Encode(i)
		if err != nil {
			return err
		}
		if err := tx.act(a); err != nil {
			return err
		}
		return tx.put(bucketIntents, []byte(serial), value)
	})
}

func (s caStore) Intents(context.Context) (out []ca.Intent, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketIntents).ForEach(func(_, value []byte) error {
			var i ca.Intent
			if err := act.Decode(value, &i); err != nil {
				return fmt.Errorf("%w: an intent: %w", ErrCorrupt, err)
			}
			utc(&i.At, &i.Abandoned)
			out = append(out, i)
			return nil
		})
	})
	return out, err
}
