package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/emmansun/gmsm/sm3"
	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/internal/act"
)

var (
	bucketListHeaders = []byte("crl_headers") // name -> header
	bucketLists       = []byte("crls")        // name -> DER

	crlBuckets = [][]byte{bucketListHeaders, bucketLists}
)

// CRLs gives the publisher of revocation lists its store.
func (db *DB) CRLs() crl.Store { return crlStore{db} }

type crlStore struct{ *DB }

var _ crl.Store = crlStore{}

func numberKey(scope string) []byte { return []byte("crl:" + scope) }

func (s crlStore) Number(_ context.Context, scope string) (n uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		n = number(tx.Bucket(bucketCounters).Get(numberKey(scope)))
		return nil
	})
	return n, err
}

// header reads one; ca.ErrNotFound if there is none.
func header(get func(bucket, key []byte) []byte, name string) (h crl.Header, err error) {
	value := get(bucketListHeaders, []byte(name))
	if value == nil {
		return h, ca.ErrNotFound
	}
	if err := act.Decode(value, &h); err != nil || h.Name != name {
		return h, fmt.Errorf("%w: the header of list %q", ErrCorrupt, name)
	}
	utc(&h.This, &h.Next, &h.Base.This)
	return h, nil
}

func (s crlStore) Header(_ context.Context, name string) (h crl.Header, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		h, err = header(reader(tx), name)
		return err
	})
	return h, err
}

func (s crlStore) List(_ context.Context, name string) (l crl.List, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		if l.Header, err = header(reader(tx), name); err != nil {
			return err
		}
		l.DER = bytes.Clone(tx.Bucket(bucketLists).Get([]byte(name)))
		if sm3.Sum(l.DER) != l.SM3 {
			return fmt.Errorf("%w: list %q is not as it was published", ErrCorrupt, name)
		}
		return nil
	})
	return l, err
}

func (s crlStore) Publish(ctx context.Context, scope string, after uint64, lists ...crl.List) error {
	headers := make([][]byte, len(lists))
	for i, l := range lists {
		var err error
		if headers[i], err = act.Encode(l.Header); err != nil {
			return err
		}
		if l.Number != lists[0].Number || l.Number <= after {
			return fmt.Errorf("list %s has number %d after %d", l.Name, l.Number, after)
		}
	}
	return s.commit(ctx, func(tx *Tx) error {
		if number(tx.get(bucketCounters, numberKey(scope))) != after {
			return crl.ErrStale
		}
		for _, l := range lists {
			h, err := header(tx.get, l.Name)
			if err == nil && (h.This.After(l.This) || h.Changes > l.Changes) {
				return crl.ErrStale
			}
		}
		for i, l := range lists {
			if err := tx.put(bucketListHeaders, []byte(l.Name), headers[i]); err != nil {
				return err
			}
			if err := tx.put(bucketLists, []byte(l.Name), l.DER); err != nil {
				return err
			}
		}
		return tx.put(bucketCounters, numberKey(scope), indexKey(lists[0].Number))
	})
}

func (s crlStore) RevokedCount(ctx context.Context, scope string) (uint64, error) {
	return caStore(s).RevokedCount(ctx, scope)
}

func (s crlStore) Revoked(_ context.Context, issuer, shard, after string, limit int) (out []ca.Revocation, err error) {
	prefix := revokedKey(issuer, shard)
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketRevoked).Cursor()
		key, value := cursor.Seek(revokedKey(issuer, max(shard, after)))
		if after != "" && bytes.Equal(key, revokedKey(issuer, after)) {
			key, value = cursor.Next()
		}
		for ; bytes.HasPrefix(key, prefix) && len(out) < limit; key, value = cursor.Next() {
			r, err := decodeRevocation(value)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	return out, err
}

// Since reads the log of changes from its end, which is short.
func (s crlStore) Since(_ context.Context, issuer, shard string, n uint64) (out []crl.Changed, count uint64, err error) {
	prefix := revokedKey(issuer, "")
	err = s.view(func(tx *bbolt.Tx) error {
		get := reader(tx)
		scope := issuer
		if shard != "" {
			scope += "-" + shard
		}
		count = number(get(bucketCounters, revokedCounter(scope)))
		newest := map[string]act.ID{}
		cursor := tx.Bucket(bucketRevokedLog).Cursor()
		at := n
		for key, value := cursor.Seek(append(bytes.Clone(prefix), indexKey(n+1)...)); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
			if at++; len(value) <= 16 || len(key) != len(prefix)+8 || binary.BigEndian.Uint64(key[len(prefix):]) != at {
				return fmt.Errorf("%w: change %d of the revocations of %s", ErrCorrupt, at, issuer)
			}
			if serial := string(value[16:]); shard == "" || ca.Shard(serial) == shard {
				newest[serial] = act.ID(value[:16])
			}
		}
		if total := number(get(bucketCounters, revokedCounter(issuer))); at != total {
			return fmt.Errorf("%w: %d changes of the revocations of %s, and %d were counted", ErrCorrupt, at, issuer, total)
		}
		for _, serial := range slices.Sorted(maps.Keys(newest)) {
			c := crl.Changed{Serial: serial, At: newest[serial].Time()}
			if value := get(bucketRevoked, revokedKey(issuer, serial)); value != nil {
				r, err := decodeRevocation(value)
				if err != nil {
					return err
				}
				c.Revocation = &r
			}
			out = append(out, c)
		}
		return nil
	})
	return out, count, err
}
