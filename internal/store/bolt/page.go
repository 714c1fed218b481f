package bolt

import (
	"bytes"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
)

// page is a part of a list whose rows stand under the ids of their acts, in the order
// of time: of all of them, or of an agency's by its index (USCC, 0, act id -> nothing).
type page struct {
	rows, bucket, prefix, from []byte
	after                      bool // from is the key of the last row seen
	limit                      int
}

func pageOf(rows, index []byte, agency, cursor string, limit int) (page, error) {
	p := page{rows: rows, bucket: rows, limit: limit}
	if agency != "" {
		p.bucket, p.prefix = index, []byte(agency+"\x00")
	}
	p.from = bytes.Clone(p.prefix)
	if cursor == "" {
		return p, nil
	}
	last, err := act.ParseID(cursor)
	p.from, p.after = append(p.from, last[:]...), true
	return p, err
}

// listed reads a page of the rows that are wanted; next is the cursor to go on from.
func listed[T any](tx *bbolt.Tx, p page, decode func([]byte) (T, error), wanted func(T) bool) (out []T, next string, err error) {
	var last act.ID
	cursor, scanned := tx.Bucket(p.bucket).Cursor(), 0
	for key, _ := cursor.Seek(p.from); key != nil && bytes.HasPrefix(key, p.prefix); key, _ = cursor.Next() {
		if p.after && bytes.Equal(key, p.from) {
			continue
		}
		if len(out) == p.limit || scanned == maxScan {
			return out, last.String(), nil
		}
		scanned++
		id := key[len(p.prefix):]
		row, err := decode(tx.Bucket(p.rows).Get(id))
		if err != nil {
			return nil, "", err
		}
		copy(last[:], id)
		if wanted(row) {
			out = append(out, row)
		}
	}
	return out, "", nil
}
