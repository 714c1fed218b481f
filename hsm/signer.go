package hsm

import (
	"context"
	"crypto"
	"fmt"
	"io"

	"github.com/emmansun/gmsm/sm2"
)

// Signer lends a key to a library that takes a crypto.Signer, such as
// smx509.CreateCertificateRequest. Those hand over the whole message with a
// *sm2.SM2SignerOption; a bare digest has another option, and signing it as a
// message would make a signature over something else, so it is refused.
func Signer(ctx context.Context, k Key) crypto.Signer { return signer{ctx, k} }

type signer struct {
	ctx context.Context
	key Key
}

func (s signer) Public() crypto.PublicKey { return s.key.Public() }

// Sign takes its randomness from the key store, not from the caller.
func (s signer) Sign(_ io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	if _, ok := opts.(*sm2.SM2SignerOption); !ok {
		return nil, fmt.Errorf("%w: only whole messages are signed", ErrWrongUsage)
	}
	return s.key.SignMessage(s.ctx, message)
}
