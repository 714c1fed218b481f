package bolt

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

// storyGoesOn enters the acts of a certificate to which more than one thing has
// happened. Most are revoked once and for ever, which the row tells. own is what the
// act says of this one, where its record speaks of many.
func (tx *Tx) storyGoesOn(id act.ID, row ca.Row, before *ca.Revocation, own []byte) error {
	prefix := storyKey(row.Serial)
	first, _ := tx.bucket(bucketRevokedActs).Cursor().Seek(prefix)
	begun := bytes.HasPrefix(first, prefix)
	if r := row.Revocation; !begun && before == nil && r != nil && r.Reason != certs.ReasonCertificateHold {
		return nil
	}
	if !begun && before != nil {
		value, err := act.Encode(before)
		if err != nil {
			return err
		}
		if err := tx.put(bucketRevokedActs, append(storyKey(row.Serial), make([]byte, len(id))...), value); err != nil {
			return err
		}
	}
	return tx.put(bucketRevokedActs, append(prefix, id[:]...), own)
}

func storyKey(serial string) []byte { return []byte(serial + "\x00") }

// Changes reads the acts of a certificate, or the one revocation that stands.
func (s caStore) Changes(_ context.Context, serial string) (out []ca.Change, err error) {
	prefix := storyKey(serial)
	err = s.view(func(tx *bbolt.Tx) error {
		get := reader(tx)
		cursor := tx.Bucket(bucketRevokedActs).Cursor()
		for key, value := cursor.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = cursor.Next() {
			if len(value) > 0 {
				first, err := decodeRevocation(value)
				if err != nil {
					return err
				}
				out = append(out, ca.Change{Act: ca.ActRevoked, Revocation: first})
				continue
			}
			leaf, record, _, err := splitAct(get(bucketActs, key[len(prefix):]))
			if err != nil {
				return err
			}
			l, err := act.ParseLeaf(leaf)
			if err != nil {
				return fmt.Errorf("%w: a change of certificate %s: %w", ErrCorrupt, serial, err)
			}
			r, err := decodeRevocation(record)
			if err != nil {
				return err
			}
			out = append(out, ca.Change{Act: l.Act, Revocation: r})
		}
		if len(out) > 0 {
			return nil
		}
		row, err := certificate(get, []byte(serial))
		if err == nil && row.Revocation != nil {
			out = append(out, ca.Change{Act: ca.ActRevoked, Revocation: *row.Revocation})
		}
		return err
	})
	return out, err
}
