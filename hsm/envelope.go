package hsm

import (
	"context"
	"crypto/ecdsa"
	"errors"
)

// Enveloper is what a key store can do beside a Keystore if a key centre
// (密钥管理中心) keeps its keys there: it hands an encryption key pair over, never
// in the clear.
type Enveloper interface {
	// Envelope gives the private half of an encryption pair as an SM2EnvelopedKey
	// (GB/T 35276-2017) that only the holder of to's private half can open. It
	// counts as a use of the key. A signing key is never enveloped: ErrWrongUsage.
	// It fails as Key's methods do for a key that may not be used, and with
	// ErrRecipient if to is no point of the SM2 curve.
	Envelope(ctx context.Context, id string, to *ecdsa.PublicKey) ([]byte, error)
}

// ErrRecipient: what an envelope was to be made for is no SM2 key.
var ErrRecipient = errors.New("the recipient's key is not of the SM2 curve")
