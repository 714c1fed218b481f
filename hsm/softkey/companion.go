package softkey

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"fmt"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/hsm"
)

var _ hsm.CompanionStore = (*Store)(nil)

// companionKey is a key of P-256: the same file and counter, another pair.
type companionKey struct{ *key }

// GenerateCompanion makes a P-256 pair; it is on the disk when it returns.
func (s *Store) GenerateCompanion(ctx context.Context, label string) (hsm.CompanionKey, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	private, err := ecdsa.GenerateKey(elliptic.P256(), s.o.Rand)
	if err != nil {
		return nil, err
	}
	k := &key{companion: private, public: &private.PublicKey}
	if err := s.add(k, label, hsm.UsageCompanion); err != nil {
		return nil, err
	}
	return companionKey{k}, nil
}

// CompanionKey finds a companion key.
func (s *Store) CompanionKey(ctx context.Context, id string) (hsm.CompanionKey, error) {
	k, err := s.find(ctx, id)
	switch {
	case err != nil:
		return nil, err
	case k.Info().Usage != hsm.UsageCompanion:
		return nil, hsm.ErrWrongUsage
	}
	return companionKey{k}, nil
}

func (c companionKey) SignDigest(ctx context.Context, digest []byte) ([]byte, error) {
	if len(digest) != sha256.Size {
		return nil, fmt.Errorf("%w: a digest has %d octets", hsm.ErrWrongUsage, sha256.Size)
	}
	k := c.key
	return k.use(ctx, hsm.UsageCompanion, func(*sm2.PrivateKey) ([]byte, error) {
		return k.companion.Sign(k.store.o.Rand, digest, crypto.SHA256)
	})
}

// companionFrom puts a pair together from its file.
func (k *key) companionFrom(public, secret []byte) error {
	var err error
	if k.public, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), public); err != nil {
		return fmt.Errorf("%w: public key", hsm.ErrCorrupt)
	}
	if k.info.State == hsm.Destroyed {
		return nil
	}
	if k.companion, err = ecdsa.ParseRawPrivateKey(elliptic.P256(), secret); err != nil || !k.companion.PublicKey.Equal(k.public) {
		return fmt.Errorf("%w: the halves of the key do not belong together", hsm.ErrCorrupt)
	}
	// A copy: the private half is wiped with what it holds.
	k.companion.PublicKey = *k.public
	return nil
}

// halves gives the octets of both, of the private one nil once it is destroyed.
func (k *key) halves() (public, secret []byte, err error) {
	if k.info.Usage == hsm.UsageCompanion {
		if public, err = k.public.Bytes(); err == nil && k.companion != nil {
			secret, err = k.companion.Bytes()
		}
		return public, secret, err
	}
	point, err := sm2.PublicKeyToECDH(k.publicLocked())
	if err != nil {
		return nil, nil, err
	}
	if k.private != nil {
		secret = k.private.D.FillBytes(make([]byte, 32))
	}
	return point.Bytes(), secret, nil
}
