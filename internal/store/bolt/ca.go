package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
)

var (
	bucketCertificates = []byte("certificates")        // serial -> id of the act that issued it, revocation
	bucketCertIndex    = []byte("certificates_time")   // 0, act id -> serial; 1, agency, act id -> serial
	bucketCertExpiry   = []byte("certificates_expiry") // seconds of notAfter, serial -> profile
	bucketIntents      = []byte("certificate_intents") // serial -> intent whose certificate has not come
	bucketKeyOwners    = []byte("certificate_keys")    // first half of SM3 of the point -> what the key serves
	bucketPurposes     = []byte("purposes")            // purpose -> serial of its newest certificate
	bucketPurposeTimes = []byte("purposes_time")       // purpose, 0, act id -> serial
	bucketTwins        = []byte("certificate_twins")   // serial of a signing certificate -> that of its encryption certificate
	bucketRevoked      = []byte("revoked")             // issuer, 0, serial -> revocation that stands
	bucketRevokedLog   = []byte("revoked_log")         // issuer, 0, count -> act id, serial
	bucketRevokedActs  = []byte("revoked_acts")        // serial, 0, act id -> nothing, or the revocation where the act is of many; serial, 0, zeros -> the first revocation
	bucketCounters     = []byte("counters")            // name -> number that only rises

	caBuckets = [][]byte{bucketCertificates, bucketCertIndex, bucketCertExpiry, bucketIntents, bucketKeyOwners, bucketPurposes, bucketPurposeTimes, bucketTwins, bucketRevoked, bucketRevokedLog, bucketRevokedActs, bucketCounters}
)

// CA gives the certificate authority its store.
func (db *DB) CA() ca.Store { return caStore{db} }

type caStore struct{ *DB }

var _ ca.Store = caStore{}

func (s caStore) CommitCertificate(ctx context.Context, a act.Act, r ca.Row) error {
	return s.commit(ctx, func(tx *Tx) error {
		key := []byte(r.Serial)
		i, err := tx.pending(r.Serial)
		if err != nil {
			return err
		}
		if err := tx.notBlocked(i.KeySM3[:16]); err != nil { // since the intent
			return err
		}
		if r.Twin != "" && tx.get(bucketTwins, []byte(r.Twin)) != nil {
			return ca.ErrTwinned
		}
		if err := tx.act(a); err != nil {
			return err
		}
		if err := tx.delete(bucketIntents, key); err != nil {
			return err
		}
		if r.Twin != "" {
			if err := tx.put(bucketTwins, []byte(r.Twin), key); err != nil {
				return err
			}
		}
		if err := tx.enterCertificate(a.ID, r); err != nil {
			return err
		}
		if r.Purpose == "" {
			return nil
		}
		return tx.putPurpose(r.Purpose, a.ID[:], key)
	})
}

// enterCertificate puts a row, which is its act's record, into the register and
// its indexes.
func (tx *Tx) enterCertificate(id act.ID, r ca.Row) error {
	key := []byte(r.Serial)
	if err := tx.put(bucketCertificates, key, id[:]); err != nil {
		return err
	}
	if err := tx.put(bucketCertIndex, append([]byte{0}, id[:]...), key); err != nil {
		return err
	}
	if err := tx.put(bucketCertExpiry, expiryKey(r), []byte(r.Profile)); err != nil || r.Agency == "" {
		return err
	}
	return tx.put(bucketCertIndex, agencyKey(r.Agency, id[:]), key)
}

// putPurpose makes a certificate the newest of its purpose. The one before is
// entered again, since a register older than bucketPurposeTimes has it nowhere else.
func (tx *Tx) putPurpose(p ca.Purpose, id, serial []byte) error {
	purpose := []byte(p)
	enter := func(id, serial []byte) error {
		return tx.put(bucketPurposeTimes, append([]byte(p+"\x00"), id...), serial)
	}
	if before := bytes.Clone(tx.get(bucketPurposes, purpose)); before != nil {
		issued := tx.get(bucketCertificates, before)
		if len(issued) < 16 {
			return fmt.Errorf("%w: certificate %q is named and is not there", ErrCorrupt, before)
		}
		if err := enter(bytes.Clone(issued[:16]), before); err != nil {
			return err
		}
	}
	if err := enter(id, serial); err != nil {
		return err
	}
	return tx.put(bucketPurposes, purpose, serial)
}

func agencyKey(agency string, id []byte) []byte {
	return append(append([]byte{1}, agency...), id...)
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
		return ca.Row{}, fmt.Errorf("%w: certificate %s: %w", ErrCorrupt, serial, err)
	}
	utc(&r.NotBefore, &r.NotAfter, &r.IssuedAt)
	if later := value[16:]; len(later) > 0 {
		revocation, err := decodeRevocation(later)
		if err != nil {
			return ca.Row{}, err
		}
		r.Revocation = &revocation
	}
	return r, nil
}

func decodeRevocation(value []byte) (r ca.Revocation, err error) {
	if err := act.Decode(value, &r); err != nil {
		return r, fmt.Errorf("%w: a revocation: %w", ErrCorrupt, err)
	}
	utc(&r.At, &r.Invalidity)
	return r, nil
}

// named reads a certificate that the register names elsewhere: that it is not
// there is damage, and not the same as one that never was.
func named(get func(bucket, key []byte) []byte, serial []byte) (ca.Row, error) {
	r, err := certificate(get, serial)
	if errors.Is(err, ca.ErrNotFound) {
		err = fmt.Errorf("%w: certificate %q is named and is not there", ErrCorrupt, serial)
	}
	return r, err
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
	if errors.Is(err, ErrNotFound) {
		return ca.Row{}, ca.ErrNotFound
	}
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
		r, err = named(reader(tx), serial)
		return err
	})
	return r, err
}

func (s caStore) Twin(_ context.Context, signing string) (r ca.Row, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		serial := tx.Bucket(bucketTwins).Get([]byte(signing))
		if signing == "" || serial == nil {
			return ca.ErrNotFound
		}
		r, err = named(reader(tx), serial)
		return err
	})
	return r, err
}

// History reads the index of times. A register that is older than the index has
// the newest certificate alone, since none was renewed then.
func (s caStore) History(_ context.Context, p ca.Purpose) (out []ca.Row, err error) {
	prefix := []byte(string(p) + "\x00")
	err = s.view(func(tx *bbolt.Tx) error {
		get := reader(tx)
		cursor := tx.Bucket(bucketPurposeTimes).Cursor()
		for key, serial := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, serial = cursor.Next() {
			r, err := named(get, serial)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return nil
	})
	if err != nil || len(out) > 0 {
		return out, err
	}
	r, err := s.Current(context.Background(), p)
	if errors.Is(err, ca.ErrNotFound) {
		return nil, nil
	}
	return []ca.Row{r}, err
}
