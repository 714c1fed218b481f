package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

func (s caStore) CommitRevocation(ctx context.Context, a act.Act, r ca.Revocation) (row ca.Row, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		var before *ca.Revocation
		var err error
		if row, before, err = tx.revocable(r); err != nil {
			return err
		}
		return tx.change(a, row, before)
	})
	if errors.Is(err, ca.ErrRevoked) || err == nil {
		return row, err
	}
	return ca.Row{}, err
}

// revocable gives a row as it stands once it is revoked, and what stood before;
// ErrRevoked if that is no worse.
func (tx *Tx) revocable(r ca.Revocation) (row ca.Row, before *ca.Revocation, err error) {
	if row, err = certificate(tx.get, []byte(r.Serial)); err != nil {
		return row, nil, err
	}
	if before = row.Revocation; before != nil {
		var worse bool
		if r, worse = row.Over(r, *before); !worse {
			return row, before, ca.ErrRevoked
		}
	}
	row.Revocation = &r
	return row, before, nil
}

func (s caStore) CommitRelease(ctx context.Context, a act.Act, r ca.Revocation) (row ca.Row, err error) {
	err = s.commit(ctx, func(tx *Tx) error {
		var err error
		if row, err = certificate(tx.get, []byte(r.Serial)); err != nil {
			return err
		}
		if row.Revocation == nil || row.Revocation.Reason != certs.ReasonCertificateHold {
			return ca.ErrNotHeld
		}
		before := row.Revocation
		row.Revocation = nil
		return tx.change(a, row, before)
	})
	if err != nil {
		return ca.Row{}, err
	}
	return row, nil
}

// change keeps what stands of a row now, with its act: a handful of puts, however
// many rows and revocations there are.
func (tx *Tx) change(a act.Act, row ca.Row, before *ca.Revocation) error {
	if err := tx.act(a); err != nil {
		return err
	}
	if err := tx.keepChange(a.ID, row); err != nil {
		return err
	}
	if err := tx.block(lost(row), row.Serial); err != nil {
		return err
	}
	return tx.storyGoesOn(a.ID, row, before, nil)
}

// keepChange keeps it without the act, which may be that of many rows.
func (tx *Tx) keepChange(id act.ID, row ca.Row) error {
	var value []byte
	if row.Revocation != nil {
		var err error
		if value, err = act.Encode(row.Revocation); err != nil {
			return err
		}
	}
	serial := []byte(row.Serial)
	issued := bytes.Clone(tx.get(bucketCertificates, serial)[:16])
	if err := tx.put(bucketCertificates, serial, append(issued, value...)); err != nil {
		return err
	}
	key := revokedKey(row.Issuer, row.Serial)
	if value == nil {
		if err := tx.delete(bucketRevoked, key); err != nil {
			return err
		}
	} else if err := tx.put(bucketRevoked, key, value); err != nil {
		return err
	}
	return tx.logChange(id, row)
}

// logChange enters the change where lists and people look for it.
func (tx *Tx) logChange(id act.ID, row ca.Row) error {
	n, err := tx.count(string(revokedCounter(row.Issuer)))
	if err != nil {
		return err
	}
	if len(row.Serial) >= 2 {
		if _, err := tx.count(string(revokedCounter(row.Issuer + "-" + ca.Shard(row.Serial)))); err != nil {
			return err
		}
	}
	at := append(revokedKey(row.Issuer, ""), indexKey(n)...)
	if err := tx.put(bucketRevokedLog, at, append(id[:len(id):len(id)], row.Serial...)); err != nil {
		return err
	}
	return nil
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

func revokedCounter(scope string) []byte { return []byte("revoked:" + scope) }

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

func (s caStore) RevokedCount(_ context.Context, scope string) (n uint64, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		n = number(tx.Bucket(bucketCounters).Get(revokedCounter(scope)))
		return nil
	})
	return n, err
}
