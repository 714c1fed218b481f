package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
	"yinxin/seal"
)

// The register by who asked or whose seal it was, and by officer: text, 0, stamp id
// -> nothing. No text has a 0 in it.
var (
	bucketAgencyStamps   = []byte("stamps_agency")
	bucketOperatorStamps = []byte("stamps_operator")

	useBuckets = [][]byte{bucketAgencyStamps, bucketOperatorStamps}
)

type indexEntry struct{ bucket, key []byte }

// useEntries are those of a stamp in the indexes.
func useEntries(s seal.Stamp, owner string) []indexEntry {
	entries := []indexEntry{{bucketAgencyStamps, useKey(s.Agency, s.ID[:])}, {bucketOperatorStamps, useKey(s.Operator, s.ID[:])}}
	if owner != s.Agency {
		entries = append(entries, indexEntry{bucketAgencyStamps, useKey(owner, s.ID[:])})
	}
	return entries
}

func useKey(text string, id []byte) []byte { return append(append([]byte(text), 0), id...) }

// maxScan bounds what one list call reads past: a rare matter in a register of
// millions is found page by page, by the cursor.
const maxScan = 20_000

// longestStamp is how much older a stamp's id may be than its time-stamp: the id is
// made when the document is taken up.
const longestStamp = time.Hour

// useRange chooses the index that spares the most rows: an officer seals less than a
// seal is used, and a seal less than all of an agency.
func useRange(f seal.Filter) (bucket, prefix []byte) {
	switch {
	case f.Operator != "":
		return bucketOperatorStamps, useKey(f.Operator, nil)
	case f.SealID != "":
		return bucketSealStamps, []byte(f.SealID)
	case f.Agency != "":
		return bucketAgencyStamps, useKey(f.Agency, nil)
	}
	return bucketActs, nil
}

// Stamps lists in the order of time.
func (s sealStore) Stamps(_ context.Context, f seal.Filter) (out []seal.Stamp, next string, err error) {
	bucket, prefix := useRange(f)
	from := bytes.Clone(prefix)
	if !f.From.IsZero() {
		from = append(from, moment(f.From.Add(-longestStamp))...)
	}
	if f.Cursor != "" {
		id, err := act.ParseID(f.Cursor)
		if err != nil {
			return nil, "", seal.ErrNotFound
		}
		from = append(bytes.Clone(prefix), append(id[:], 0)...)
	}
	err = s.view(func(tx *bbolt.Tx) error {
		cursor := tx.Bucket(bucket).Cursor()
		var last act.ID
		scanned := 0
		for key, _ := cursor.Seek(from); key != nil && bytes.HasPrefix(key, prefix) && !beyond(key[len(prefix):], f.To); key, _ = cursor.Next() {
			if len(out) == max(f.Limit, 1) || scanned == maxScan {
				next = last.String()
				return nil
			}
			if len(key) != len(prefix)+len(last) { // of a longer text
				continue
			}
			scanned++
			copy(last[:], key[len(prefix):])
			one, err := stampAt(tx, last[:])
			if errors.Is(err, seal.ErrNotFound) {
				if prefix == nil { // another kind of act
					continue
				}
				err = fmt.Errorf("%w: the stamp %s is in an index and not in the register", ErrCorrupt, last)
			}
			if err != nil {
				return err
			}
			if f.Matches(one) && concerns(tx, one, f.Agency) {
				out = append(out, one)
			}
		}
		return nil
	})
	return out, next, err
}

// maxAhead is how much a stamp may have been sealed before its id was made, by a
// time-stamp authority whose clock is not ours: a minute, with room.
const maxAhead = time.Hour

// beyond tells whether no stamp from this id on can have been sealed by the time.
func beyond(id []byte, to time.Time) bool {
	return !to.IsZero() && bytes.Compare(id, moment(to.Add(maxAhead))) > 0
}

// concerns tells whether an agency asked for a stamp or owns the seal of it.
func concerns(tx *bbolt.Tx, s seal.Stamp, agency string) bool {
	if agency == "" || agency == s.Agency {
		return true
	}
	key := useKey(agency, s.ID[:])
	found, _ := tx.Bucket(bucketAgencyStamps).Cursor().Seek(key)
	return bytes.Equal(found, key)
}
