package hsm

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"fmt"
	"io"
)

// UsageCompanion is that of a P-256 key, which signs for readers that know no SM2. It
// is no key of a Keystore's Generate or Key.
const UsageCompanion Usage = "companion"

// CompanionStore is what a key store can do beside a Keystore where companion
// signatures are made. List and SetState know its keys too.
type CompanionStore interface {
	// GenerateCompanion makes a P-256 pair; it is durable when it returns.
	GenerateCompanion(ctx context.Context, label string) (CompanionKey, error)
	// CompanionKey finds one by its id; ErrWrongUsage for a key that is of SM2.
	CompanionKey(ctx context.Context, id string) (CompanionKey, error)
}

// CompanionKey is one P-256 pair (FIPS 186-5). Its methods may be called concurrently,
// count as Key's do, and fail as Key's do.
type CompanionKey interface {
	Info() Info
	// Public is a point on P-256.
	Public() *ecdsa.PublicKey
	// SignDigest signs 32 octets of SHA-256 and gives DER SEQUENCE{r, s}.
	SignDigest(ctx context.Context, digest []byte) ([]byte, error)
}

// CompanionSigner lends a companion key to a library that takes a crypto.Signer, such
// as x509.CreateCertificate.
func CompanionSigner(ctx context.Context, k CompanionKey) crypto.Signer {
	return companionSigner{ctx, k}
}

type companionSigner struct {
	ctx context.Context
	key CompanionKey
}

func (s companionSigner) Public() crypto.PublicKey { return s.key.Public() }

// Sign takes its randomness from the key store, not from the caller.
func (s companionSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if opts == nil || opts.HashFunc() != crypto.SHA256 {
		return nil, fmt.Errorf("%w: only digests of SHA-256 are signed", ErrWrongUsage)
	}
	return s.key.SignDigest(s.ctx, digest)
}
