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
		if row, err = tx.revocable(r); err != nil {
			return err
		}
		return tx.change(a, row)
	})
	if errors.Is(err, ca.ErrRevoked) || err == nil {
		return row, err
	}
	return ca.Row{}, err
}

// revocable gives a row as it stands once it is revoked; ErrRevoked if it stands so
// already.
func (tx *Tx) revocable(r ca.Revocation) (ca.Row, error) {
	row, err := certificate(tx.get, []byte(r.Serial))
	if err != nil {
		return row, err
	}
	if row.Revocation != nil {
		var worse bool
		if r, worse = r.Over(*row.Revocation); !worse {
			return row, ca.ErrRevoked
		}
	}
	row.Revocation = &r
	return row, nil
}

// change keeps what stands of a row now, with its act.
func (tx *Tx) change(a act.Act, row ca.Row) error {
	if err := tx.act(a); err != nil {
		return err
	}
	return tx.keepRevocation(row)
}

// keepRevocation keeps it without the act, which may be one of many rows.
func (tx *Tx) keepRevocation(row ca.Row) error {
	value, err := act.Encode(row.Revocation)
	if err != nil {
		return err
	}
	serial := []byte(row.Serial)
	issued := bytes.Clone(tx.get(bucketCertificates, serial)[:len(act.ID{})])
	if err := tx.put(bucketCertificates, serial, append(issued, value...)); err != nil {
		return err
	}
	if err := tx.put(bucketRevoked, revokedKey(row.Issuer, row.Serial), value); err != nil {
		return err
	}
	_, err = tx.count("revoked:" + row.Issuer)
	return err
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
