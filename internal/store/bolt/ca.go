package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
)

var (
	bucketCertificates = []byte("certificates")      // serial -> id of the act that issued it, revocation
	bucketCertIndex    = []byte("certificates_time") // 0, act id -> serial; 1, agency, act id -> serial
	bucketIntents      = []byte("certificate_intents")
	bucketPurposes     = []byte("purposes") // purpose -> serial of its newest certificate
	bucketRevoked      = []byte("revoked")  // issuer, 0, serial -> revocation
	bucketCounters     = []byte("counters") // name -> number that only rises

	caBuckets = [][]byte{bucketCertificates, bucketCertIndex, bucketIntents, bucketPurposes, bucketRevoked, bucketCounters}
)

// CA gives the certificate authority its store.
func (db *DB) CA() ca.Store { return caStore{db} }

type caStore struct{ *DB }

var _ ca.Store = caStore{}

func (s caStore) PutIntent(ctx context.Context, i ca.Intent) error {
	value, err := act.Encode(i)
	if err != nil {
		return err
	}
	return s.commit(ctx, func(tx *Tx) error {
		key := []byte(i.Serial)
		if tx.get(bucketCertificates, key) != nil || tx.get(bucketIntents, key) != nil {
			return fmt.Errorf("serial number %s has been used", i.Serial)
		}
		return tx.put(bucketIntents, key, value)
	})
}

func (s caStore) CommitCertificate(ctx context.Context, a act.Act, r ca.Row) error {
	return s.commit(ctx, func(tx *Tx) error {
		key := []byte(r.Serial)
		if tx.get(bucketIntents, key) == nil {
			return fmt.Errorf("certificate %s has no intent", r.Serial)
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.delete(bucketIntents, key); err != nil {
			return err
		}
		if err := tx.put(bucketCertificates, key, a.ID[:]); err != nil {
			return err
		}
		if err := tx.put(bucketCertIndex, append([]byte{0}, a.ID[:]...), key); err != nil {
			return err
		}
		if r.Agency != "" {
			if err := tx.put(bucketCertIndex, agencyKey(r.Agency, a.ID[:]), key); err != nil {
				return err
			}
		}
		if r.Purpose == "" {
			return nil
		}
		return tx.put(bucketPurposes, []byte(r.Purpose), key)
	})
}

func agencyKey(agency string, id []byte) []byte {
	return append(append([]byte{1}, agency...), id...)
}

func (s caStore) Intents(context.Context) (out []ca.Intent, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketIntents).ForEach(func(_, value []byte) error {
			var i ca.Intent
			if err := act.Decode(value, &i); err != nil {
				return err
			}
			out = append(out, i)
			return nil
		})
	})
	return out, err
}

// certificate reads a row: the record of the act that issued it, and the
// revocation that came later.
func certificate(get func(bucket, key []byte) []byte, serial []byte) (ca.Row, error) {
	value := get(bucketCertificates, serial)
	if value == nil {
		return ca.Row{}, ca.ErrNotFound
	}
	if len(value) < 16 {
		return ca.Row{}, ErrCorrupt
	}
	_, record, _, err := splitAct(get(bucketActs, value[:16]))
	if err != nil {
		return ca.Row{}, err
	}
	var r ca.Row
	if err := act.Decode(record, &r); err != nil {
		return ca.Row{}, err
	}
	if revocation := value[16:]; len(revocation) > 0 {
		r.Revocation = &ca.Revocation{}
		if err := act.Decode(revocation, r.Revocation); err != nil {
			return ca.Row{}, err
		}
	}
	return r, nil
}

func reader(tx *bbolt.Tx) func(bucket, key []byte) []byte {
	return func(bucket, key []byte) []byte { return tx.Bucket(bucket).Get(key) }
}

func (s caStore) Certificate(_ context.Context, serial string) (r ca.Row, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		r, err = certificate(reader(tx), []byte(serial))
		return err
	})
	return r, err
}

func (s caStore) CertificateByAct(ctx context.Context, id act.ID) (ca.Row, error) {
	_, record, _, err := s.Act(ctx, id)
	if err != nil {
		return ca.Row{}, err
	}
	var r ca.Row
	if err := act.Decode(record, &r); err != nil || r.Serial == "" {
		return ca.Row{}, ca.ErrNotFound
	}
	return s.Certificate(ctx, r.Serial)
}

func (s caStore) Current(_ context.Context, p ca.Purpose) (r ca.Row, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		serial := tx.Bucket(bucketPurposes).Get([]byte(p))
		if serial == nil {
			return ca.ErrNotFound
		}
		r, err = certificate(reader(tx), serial)
		return err
	})
	return r, err
}

// Certificates lists in the order of issue, beginning after the cursor.
func (s caStore) Certificates(_ context.Context, f ca.Filter, now time.Time) (out []ca.Row, err error) {
	prefix := []byte{0}
	if f.Agency != "" {
		prefix = append([]byte{1}, f.Agency...)
	}
	err = s.view(func(tx *bbolt.Tx) error {
		get := reader(tx)
		cursor := tx.Bucket(bucketCertIndex).Cursor()
		key, serial := cursor.Seek(prefix)
		if f.Cursor != "" {
			at := get(bucketCertificates, []byte(f.Cursor))
			if len(at) < 16 {
				return ca.ErrNotFound
			}
			last := append(bytes.Clone(prefix), at[:16]...)
			if key, serial = cursor.Seek(last); bytes.Equal(key, last) {
				key, serial = cursor.Next()
			}
		}
		for ; bytes.HasPrefix(key, prefix) && len(out) < f.Limit; key, serial = cursor.Next() {
			r, err := certificate(get, serial)
			if err != nil {
				return err
			}
			if f.State == "" || r.State(now) == f.State {
				out = append(out, r)
			}
		}
		return nil
	})
	return out, err
}

func (s caStore) CommitRevocation(ctx context.Context, a act.Act, r ca.Revocation) (row ca.Row, err error) {
	value, err := act.Encode(r)
	if err != nil {
		return row, err
	}
	err = s.commit(ctx, func(tx *Tx) error {
		var err error
		if row, err = certificate(tx.get, []byte(r.Serial)); err != nil {
			return err
		}
		if row.Revocation != nil {
			return ca.ErrRevoked
		}
		row.Revocation = &r
		if err := tx.act(a); err != nil {
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
			var r ca.Revocation
			if err := act.Decode(value, &r); err != nil {
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

// NewestAct gives the time of the newest act, zero if there is none: a clock
// that stands before it has gone backwards.
func (db *DB) NewestAct(context.Context) (t time.Time, err error) {
	err = db.view(func(tx *bbolt.Tx) error {
		key, _ := tx.Bucket(bucketActs).Cursor().Last()
		if len(key) == 16 {
			t = act.ID(key).Time()
		}
		return nil
	})
	return t, err
}
