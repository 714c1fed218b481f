package softkey

import (
	"context"
	"crypto/ecdsa"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/hsm"
)

var _ hsm.Enveloper = (*Store)(nil)

// Envelope lets the key out under the recipient's key alone.
func (s *Store) Envelope(ctx context.Context, id string, to *ecdsa.PublicKey) ([]byte, error) {
	// The library encrypts to whatever point it is given: one off the curve would
	// tell the session key of the envelope, and with it the private key.
	//lint:ignore SA1019 the library panics where there is no point at all
	if to == nil || to.X == nil || to.Y == nil {
		return nil, hsm.ErrRecipient
	}
	if _, err := sm2.PublicKeyToECDH(to); err != nil {
		return nil, hsm.ErrRecipient
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.RLock()
	k, ok := s.keys[id]
	s.mu.RUnlock()
	if !ok {
		return nil, hsm.ErrNotFound
	}
	if err := k.countOne(); err != nil {
		return nil, err
	}
	return k.use(ctx, hsm.UsageEncrypt, func(p *sm2.PrivateKey) ([]byte, error) {
		return sm2.MarshalEnvelopedPrivateKey(s.o.Rand, to, p)
	})
}

// countOne reserves a single use where no block is: a key centre has a key for
// each agency and hands it out once or twice, so a block each would leave as many
// gaps after a kill as there are keys.
func (k *key) countOne() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.usable(hsm.UsageEncrypt); err != nil {
		return err
	}
	if k.uses.Load() < k.reserved {
		return nil
	}
	next := k.reserved + 1
	if err := k.saveWith(next, true); err != nil {
		return err
	}
	k.reserved = next
	return nil
}
