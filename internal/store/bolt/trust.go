package bolt

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/internal/trust"
)

var (
	bucketSchemes    = []byte("trust_schemes") // name -> scheme
	bucketTrustLists = []byte("trust_lists")   // scheme, 0, name -> list

	trustBuckets = [][]byte{bucketSchemes, bucketTrustLists}
)

// Trust gives the register of trusted schemes its store.
func (db *DB) Trust() trust.Store { return trustStore{db} }

type trustStore struct{ db *DB }

var _ trust.Store = trustStore{}

func (s trustStore) Schemes(context.Context) (out []trust.Scheme, err error) {
	err = s.db.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketSchemes).ForEach(func(name, value []byte) error {
			row, err := schemeAt(name, value)
			out = append(out, row)
			return err
		})
	})
	return out, err
}

func schemeAt(name, value []byte) (row trust.Scheme, err error) {
	if err := act.Decode(value, &row); err != nil || row.Name != string(name) {
		return row, fmt.Errorf("%w: trusted scheme %q: %w", ErrCorrupt, name, err)
	}
	utc(&row.Since, &row.Removed)
	return row, nil
}

func (s trustStore) CommitScheme(ctx context.Context, a act.Act, row trust.Scheme, lists []trust.List) error {
	value, err := act.Encode(row)
	if err != nil {
		return err
	}
	return s.db.commit(ctx, func(tx *Tx) error {
		var kept trust.Scheme
		if value := tx.get(bucketSchemes, []byte(row.Name)); value != nil {
			var err error
			if kept, err = schemeAt([]byte(row.Name), value); err != nil {
				return err
			}
		}
		if row.Revision != kept.Revision+1 {
			return trust.ErrChanged
		}
		for _, l := range lists {
			newest, err := tx.newestList(row.Name, l.Name)
			if err != nil {
				return err
			}
			if l.Sequence < newest {
				return fmt.Errorf("%w: list %d of %s, kept %d", trust.ErrStale, l.Sequence, l.Name, newest)
			}
		}
		if err := tx.act(a); err != nil {
			return err
		}
		for _, l := range lists {
			if err := tx.putList(row.Name, l); err != nil {
				return err
			}
		}
		return tx.put(bucketSchemes, []byte(row.Name), value)
	})
}

func listKey(scheme, name string) []byte { return []byte(scheme + "\x00" + name) }

// newestList is the sequence of the list that is kept, 0 for none.
func (tx *Tx) newestList(scheme, name string) (uint64, error) {
	value := tx.get(bucketTrustLists, listKey(scheme, name))
	if value == nil {
		return 0, nil
	}
	l, err := listAt(value)
	return l.Sequence, err
}

func (tx *Tx) putList(scheme string, l trust.List) error {
	value, err := act.Encode(l)
	if err != nil {
		return err
	}
	return tx.put(bucketTrustLists, listKey(scheme, l.Name), value)
}

func listAt(value []byte) (l trust.List, err error) {
	if err := act.Decode(value, &l); err != nil {
		return l, fmt.Errorf("%w: a trust list: %w", ErrCorrupt, err)
	}
	return l, nil
}

func (s trustStore) Lists(_ context.Context, scheme string) (out []trust.List, err error) {
	prefix := listKey(scheme, "")
	err = s.db.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketTrustLists).Cursor()
		for key, value := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
			l, err := listAt(value)
			if err != nil {
				return err
			}
			out = append(out, l)
		}
		return nil
	})
	return out, err
}

func (s trustStore) PutList(ctx context.Context, scheme string, l trust.List) error {
	return s.db.commit(ctx, func(tx *Tx) error {
		newest, err := tx.newestList(scheme, l.Name)
		if err != nil {
			return err
		}
		if l.Sequence <= newest {
			return fmt.Errorf("%w: list %d of %s, kept %d", trust.ErrStale, l.Sequence, l.Name, newest)
		}
		return tx.putList(scheme, l)
	})
}
