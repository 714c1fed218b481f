package bolt

import (
	"fmt"

	"yinxin/ca"
)

var (
	bucketBlocked = []byte("certificate_keys_blocked") // first half of SM3 of the point -> serial of the certificate whose revocation told

	blockedBuckets = [][]byte{bucketBlocked}
)

// lost gives the key of a certificate that is revoked because somebody else may have
// it; nil for any other.
func lost(row ca.Row) []byte {
	if !row.KeyLost() {
		return nil
	}
	key, known := row.KeySM3()
	if !known {
		return nil
	}
	return key[:16]
}

// block keeps such a key, in the transaction of the revocation.
func (tx *Tx) block(key []byte, serial string) error {
	if key == nil {
		return nil
	}
	return tx.put(bucketBlocked, key, []byte(serial))
}

// notBlocked is asked in the transaction of an intent, so that no certificate can
// come in beside the revocation.
func (tx *Tx) notBlocked(key []byte) error {
	if serial := tx.get(bucketBlocked, key); serial != nil {
		return fmt.Errorf("%w: certificate %s on it was revoked for that", ca.ErrKeyCompromised, serial)
	}
	return nil
}
