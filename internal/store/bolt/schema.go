package bolt

import (
	"slices"

	"go.etcd.io/bbolt"
)

var (
	bucketActs    = []byte("acts")    // act id -> index, leaf, record
	bucketLeaves  = []byte("leaves")  // index -> act id, leaf hash
	bucketRetries = []byte("retries") // slot -> SM3 of the request, act id
)

var coreBuckets = [][]byte{bucketActs, bucketLeaves, bucketRetries}

// makeBuckets makes what is missing, so that a newer program opens an older
// file.
func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range slices.Concat(coreBuckets, journalBuckets, caBuckets, agencyBuckets, sealBuckets, licenceBuckets) {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	return nil
}
