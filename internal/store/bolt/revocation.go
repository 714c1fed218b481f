package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
)

func (s caStore) CommitRevocation(ctx context.Context, a act.Act, r ca.Revocation) (row ca.Row, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		var err error
		if row, err = certificate(tx.get, []byte(r.Serial)); err != nil {
			return err
		}
		stands := r
		if row.Revocation != nil {
			var worse bool
			if stands, worse = r.Over(*row.Revocation); !worse {
				return ca.ErrRevoked
			}
		}
		value, err := act.Encode(stands)
		if err != nil {
			return err
		}
		row.Revocation = &stands
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.block(row); err != nil {
			return err
		}
		issued := bytes.Clone(tx.get(bucketCertificates, []byte(r.Serial))[:16])
		if err := tx.put(bucketCertificates, []byte(r.Serial), append(issued, value...)); err != nil {
			return err
		}
		if err := tx.put(bucketRevoked, revokedKey(row.Issuer, r.Serial), value); err != nil {
			return err
		}
		_, err = tx.count("revoked:" + row.Issuer)
		return err
	})
	if errors.Is(err, ca.ErrRevoked) || err == nil {
		return row, err
	}
	return ca.Row{}, err
}

func (s caStore) Revocation(_ context.Context, serial string) (r *ca.Revocation, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		value := tx.Bucket(bucketCertificates).Get([]byte(serial))
		switch {
		case value == nil:
			return ca.ErrNotFound
		case len(value) < 16:
			return ErrCorrupt
		case len(value) == 16:
			return nil
		}
		revocation, err := decodeRevocation(value[16:])
		r = &revocation
		return err
	})
	return r, err
}

func revokedKey(issuer, serial string) []byte { return []byte(issuer + "\x00" + serial) }

// count adds one to a named number and gives it.
func (tx *Tx) count(name string) (uint64, error) {
	n := number(tx.get(bucketCounters, []byte(name))) + 1
	return n, tx.put(bucketCounters, []byte(name), indexKey(n))
}

func number(value []byte) uint64 {
	if len(value) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(value)
}

func (s caStore) Revoked(_ context.Context, issuer string) (out []ca.Revocation, err error) {
	prefix := revokedKey(issuer, "")
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucketRevoked).Cursor()
		for key, value := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
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

func (s caStore) RevokedCount(_ context.Context, issuer string) (n uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		n = number(tx.Bucket(bucketCounters).Get([]byte("revoked:" + issuer)))
		return nil
	})
	return n, err
}

func (s caStore) NextCRLNumber(ctx context.Context, issuer string) (n uint64, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		var err error
		n, err = tx.count("crl:" + issuer)
		return err
	})
	return n, err
}
