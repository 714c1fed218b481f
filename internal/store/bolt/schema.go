package bolt

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"
)

var (
	bucketActs    = []byte("acts")            // act id -> index, leaf, record
	bucketLeaves  = []byte("leaves")          // index -> act id, leaf hash
	bucketRetries = []byte("retries")         // slot -> SM3 of the request, act id
	bucketLasting = []byte("retries_lasting") // the same, of keys that never end
)

var coreBuckets = [][]byte{bucketActs, bucketLeaves, bucketRetries, bucketLasting}

func allBuckets() [][]byte {
	return slices.Concat(coreBuckets, journalBuckets, caBuckets, crlBuckets, blockedBuckets, profileBuckets, agencyBuckets, sealBuckets, useBuckets, incrementBuckets, licenceBuckets, trustBuckets, approvalBuckets, escrowBuckets, outsideBuckets, companionBuckets)
}

// complete makes the buckets that are missing, so that a newer program opens an
// older file. Where none is, nothing is written: opening changes nothing.
func (db *DB) complete() error {
	missing := false
	err := db.view(func(tx *bbolt.Tx) error {
		missing = slices.ContainsFunc(allBuckets(), func(name []byte) bool { return tx.Bucket(name) == nil })
		return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
			known := slices.ContainsFunc(allBuckets(), func(b []byte) bool { return bytes.Equal(b, name) })
			if !known || bucket == nil {
				return fmt.Errorf("%w: it holds %q, which is nothing of ours; restore it from a backup, or use the program that wrote it", ErrCorrupt, name)
			}
			return nil
		})
	})
	if err != nil || !missing {
		return err
	}
	err = db.update(func(tx *bbolt.Tx) error {
		for _, name := range allBuckets() {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, ErrCorrupt) {
		err = fmt.Errorf("%w: %w", ErrWrite, err)
	}
	return err
}
