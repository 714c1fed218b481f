package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/ca"
	"yinxin/internal/act"
)

// maxCertScan bounds the rows that one page reads past: a rare name in a register of
// a million is found page by page, and no reader holds its transaction for longer,
// which would keep the pages of every commit made meanwhile from being used again.
const maxCertScan = 5000

// order is an index of the certificates, and the part of it where a filter's rows
// stand.
type order struct {
	bucket      []byte
	prefix      []byte // of every key
	size        int    // of every key, 0 for any: another prefix may begin like this one
	from, until []byte // the first key and the one behind the last, nil for open
	serial      func(key, value []byte) []byte
	key         func(r ca.Row, id []byte) []byte // a certificate's place
}

// orderOf takes the index that leaves least to be read past.
func orderOf(f ca.Filter, now time.Time) order {
	switch {
	case f.Serial != "":
		return order{bucket: bucketCertificates, prefix: []byte(f.Serial), serial: func(key, _ []byte) []byte { return key },
			key: func(r ca.Row, _ []byte) []byte { return []byte(r.Serial) }}
	case f.Agency != "":
		return byIssue(f, agencyKey(f.Agency, nil))
	case f.State != "" && f.State != ca.StateValid && f.State != ca.StateExpired:
		return byRevocation(f)
	case !f.ExpiresAfter.IsZero() || !f.ExpiresBefore.IsZero(), f.State != "" && f.IssuedAfter.IsZero():
		return byExpiry(f, now)
	}
	return byIssue(f, []byte{0})
}

// byIssue: ids of acts are in the order of time, to the millisecond; rows tell the
// second.
func byIssue(f ca.Filter, prefix []byte) order {
	bound := func(t time.Time) []byte {
		if t.IsZero() {
			return nil
		}
		return append(bytes.Clone(prefix), moment(t)...)
	}
	until := f.IssuedBefore
	if !until.IsZero() {
		until = until.Add(time.Second - 1)
	}
	return order{bucket: bucketCertIndex, prefix: prefix, size: len(prefix) + len(act.ID{}), from: bound(f.IssuedAfter), until: bound(until),
		serial: func(_, value []byte) []byte { return value },
		key:    func(_ ca.Row, id []byte) []byte { return append(bytes.Clone(prefix), id...) }}
}

// moment is where the ids of a second begin.
func moment(t time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(max(t.Truncate(time.Second).UnixMilli(), 0))<<16)[:6]
}

func byRevocation(f ca.Filter) order {
	var prefix []byte
	if f.Issuer != "" {
		prefix = revokedKey(f.Issuer, "")
	}
	return order{bucket: bucketRevoked, prefix: prefix,
		serial: func(key, _ []byte) []byte { _, serial, _ := bytes.Cut(key, []byte{0}); return serial },
		key:    func(r ca.Row, _ []byte) []byte { return revokedKey(r.Issuer, r.Serial) }}
}

// byExpiry narrows the window by the state: what is valid ends after now, and what
// is expired before.
func byExpiry(f ca.Filter, now time.Time) order {
	from, until := f.ExpiresAfter, f.ExpiresBefore
	if f.State == ca.StateValid && from.Before(now) {
		from = now
	}
	if f.State == ca.StateExpired && (until.IsZero() || until.After(now)) {
		until = now
	}
	o := order{bucket: bucketCertExpiry, serial: func(key, _ []byte) []byte { return key[min(8, len(key)):] },
		key: func(r ca.Row, _ []byte) []byte { return expiryKey(r) }}
	if !from.IsZero() {
		o.from = seconds(from)
	}
	if !until.IsZero() {
		o.until = seconds(until.Add(time.Second - 1))
	}
	return o
}

func seconds(t time.Time) []byte { return indexKey(uint64(max(t.Unix(), 0))) }

func expiryKey(r ca.Row) []byte { return append(seconds(r.NotAfter), r.Serial...) }

// seek finds the first key of the part, or the one after the cursor's certificate.
func (o order) seek(tx *bbolt.Tx, c *bbolt.Cursor, after string) (key, value []byte, err error) {
	start := o.prefix
	if o.from != nil {
		start = o.from
	}
	if after == "" {
		key, value = c.Seek(start)
		return key, value, nil
	}
	get := reader(tx)
	r, err := certificate(get, []byte(after))
	if err != nil {
		return nil, nil, err
	}
	last := o.key(r, get(bucketCertificates, []byte(after))[:len(act.ID{})])
	if key, value = c.Seek(last); bytes.Equal(key, last) {
		key, value = c.Next()
	}
	return key, value, nil
}

func (o order) holds(key []byte) bool {
	return key != nil && bytes.HasPrefix(key, o.prefix) && (o.until == nil || bytes.Compare(key, o.until) < 0)
}

// Certificates lists by the index that fits the filter best.
func (s caStore) Certificates(_ context.Context, f ca.Filter, now time.Time) (out []ca.Row, next string, err error) {
	o := orderOf(f, now)
	err = s.view(func(tx *bbolt.Tx) error {
		get := reader(tx)
		cursor := tx.Bucket(o.bucket).Cursor()
		key, value, err := o.seek(tx, cursor, f.Cursor)
		if err != nil {
			return err
		}
		var last string
		for scanned := 0; o.holds(key); key, value = cursor.Next() {
			if o.size > 0 && len(key) != o.size {
				continue
			}
			if len(out) == max(f.Limit, 1) || scanned == maxCertScan {
				next = last
				return nil
			}
			scanned++
			r, err := named(get, o.serial(key, value))
			if err != nil {
				return err
			}
			last = r.Serial
			if f.Matches(r, now) {
				out = append(out, r)
			}
		}
		return nil
	})
	return out, next, err
}

// Expiring reads the index of ends, in pieces, and of each row whether it is
// revoked.
func (s caStore) Expiring(ctx context.Context, from, before time.Time) (map[string]int, error) {
	out := map[string]int{}
	next, until := seconds(from.Add(time.Second-1)), seconds(before.Add(time.Second-1))
	for next != nil {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		err := s.view(func(tx *bbolt.Tx) error {
			get, cursor, start := reader(tx), tx.Bucket(bucketCertExpiry).Cursor(), next
			next = nil
			scanned := 0
			for key, profile := cursor.Seek(start); key != nil && bytes.Compare(key, until) < 0; key, profile = cursor.Next() {
				if scanned++; scanned > maxCertScan {
					next = bytes.Clone(key)
					return nil
				}
				revoked, err := certificateRevoked(get(bucketCertificates, key[min(8, len(key)):]))
				if err != nil {
					return ErrCorrupt // named and not there
				}
				if !revoked {
					out[string(profile)]++
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
