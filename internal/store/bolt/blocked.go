package bolt

import (
	"fmt"

	"yinxin/ca"
)

var (
	bucketBlocked = []byte("certificate_keys_blocked") // first half of SM3 of the point -> serial of the certificate whose revocation told

	blockedBuckets = [][]byte{bucketBlocked}
)

// block keeps the key of a certificate that was revoked because somebody else may
// have it, in the transaction of the revocation.
func (tx *Tx) block(row ca.Row) error {
	if !row.Revocation.OfKey() {
		return nil
	}
	key, known := row.KeySM3()
	if !known {
		return nil
	}
	return tx.put(bucketBlocked, key[:16], []byte(row.Serial))
}

// notBlocked is asked in the transaction of an intent, so that no certificate can
// come in beside the revocation.
func (tx *Tx) notBlocked(key []byte) error {
	if serial := tx.get(bucketBlocked, key); serial != nil {
		return fmt.Errorf("%w: certificate %s on it was revoked for that", ca.ErrKeyCompromised, serial)
	}
	return nil
}
