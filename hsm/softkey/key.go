package softkey

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/hsm"
	"yinxin/internal/durable"
)

// useBlock is how many uses are reserved by one durable write (protocol.md 8).
const useBlock = 1000

// key is one key pair. The hot path takes a read lock and one atomic add.
type key struct {
	store *Store
	uses  atomic.Uint64 // used so far, never above reserved

	mu        sync.RWMutex // guards what follows
	info      hsm.Info
	private   *sm2.PrivateKey   // nil once destroyed
	companion *ecdsa.PrivateKey // instead of private, of a companion key
	public    *ecdsa.PublicKey
	reserved  uint64 // on disk
	exact     bool   // on disk: reserved is what was used
}

func (k *key) Info() hsm.Info {
	k.mu.RLock()
	defer k.mu.RUnlock()
	i := k.info
	i.Uses = k.uses.Load()
	return i
}

func (k *key) Public() *ecdsa.PublicKey {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.publicLocked()
}

func (k *key) publicLocked() *ecdsa.PublicKey {
	if k.public == nil {
		return &k.private.PublicKey
	}
	return k.public
}

// use counts one use and does it.
func (k *key) use(ctx context.Context, want hsm.Usage, do func(*sm2.PrivateKey) ([]byte, error)) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for {
		k.mu.RLock()
		if err := k.usable(want); err != nil {
			k.mu.RUnlock()
			return nil, err
		}
		if n := k.uses.Load(); n < k.reserved {
			if !k.uses.CompareAndSwap(n, n+1) {
				k.mu.RUnlock()
				continue
			}
			out, err := do(k.private)
			k.mu.RUnlock()
			return out, err
		}
		k.mu.RUnlock()
		if err := k.reserve(); err != nil {
			return nil, err
		}
	}
}

func (k *key) usable(want hsm.Usage) error {
	switch {
	case k.info.State == hsm.Destroyed:
		return hsm.ErrDestroyed
	case k.info.State == hsm.Suspended:
		return hsm.ErrSuspended
	case k.info.Usage != want:
		return hsm.ErrWrongUsage
	case k.reserved == closedForUse:
		return errClosed
	}
	return nil
}

// closedForUse marks a key whose exact counter has been written: a use after
// that would not be counted.
const closedForUse = ^uint64(0)

// reserve writes the next block before any of it is used.
func (k *key) reserve() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reserved == closedForUse {
		return errClosed
	}
	if k.uses.Load() < k.reserved {
		return nil // another did
	}
	next := k.reserved + useBlock
	if err := k.saveWith(next, false); err != nil {
		return err
	}
	k.reserved = next
	return nil
}

func (k *key) SignMessage(ctx context.Context, message []byte) ([]byte, error) {
	return k.use(ctx, hsm.UsageSign, func(p *sm2.PrivateKey) ([]byte, error) {
		return p.SignWithSM2(k.store.o.Rand, nil, message)
	})
}

func (k *key) SignDigest(ctx context.Context, e []byte) ([]byte, error) {
	if len(e) != 32 {
		return nil, fmt.Errorf("%w: a digest has 32 octets", hsm.ErrWrongUsage)
	}
	return k.use(ctx, hsm.UsageSign, func(p *sm2.PrivateKey) ([]byte, error) {
		return sm2.SignASN1(k.store.o.Rand, p, e, nil)
	})
}

func (k *key) Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error) {
	return k.use(ctx, hsm.UsageEncrypt, func(p *sm2.PrivateKey) ([]byte, error) {
		return p.Decrypt(k.store.o.Rand, ciphertext, sm2.ASN1DecrypterOpts)
	})
}

func (k *key) setState(state hsm.State) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.info.State == hsm.Destroyed {
		return hsm.ErrDestroyed
	}
	if k.reserved == closedForUse {
		return errClosed
	}
	before, private, companion := k.info.State, k.private, k.companion
	if state == hsm.Destroyed && companion != nil {
		k.companion = nil
	} else if state == hsm.Destroyed {
		// A copy: the private key is wiped, and its public half lies within it.
		point, err := sm2.PublicKeyToECDH(&private.PublicKey)
		if err != nil {
			return err
		}
		if k.public, err = sm2.NewPublicKey(point.Bytes()); err != nil {
			return err
		}
		k.private = nil
	}
	k.info.State = state
	if err := k.saveWith(k.reserved, k.exact); err != nil {
		k.info.State, k.private, k.companion = before, private, companion
		return err
	}
	if state == hsm.Destroyed {
		// What Go lets be wiped: the library's own copies may stay until collected.
		if companion != nil {
			//lint:ignore SA1019 there is no other way to its octets
			clear(companion.D.Bits())
		} else {
			clear(private.D.Bits())
		}
	}
	return nil
}

func (k *key) save() error { return k.saveWith(k.reserved, false) }

// saveWith writes the key's file with a counter; exact says that the counter
// is what was used and not a reservation.
func (k *key) saveWith(uses uint64, exact bool) error {
	b, err := k.seal(uses, exact)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(k.path(), b); err != nil {
		return writeError(err)
	}
	k.exact = exact
	return nil
}

func (k *key) path() string { return filepath.Join(k.store.o.Dir, k.info.ID+".key") }

func (k *key) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.reserved == closedForUse {
		return nil
	}
	used := k.uses.Load()
	if used == k.reserved && (k.exact || used == 0) {
		k.reserved = closedForUse
		return nil
	}
	err := k.saveWith(used, true)
	k.reserved = closedForUse
	return err
}

// fresh nonces: a key's file is written once a block, so that 96 random bits
// never meet again in its life.
func (k *key) nonce() ([]byte, error) {
	n := make([]byte, k.store.aead.NonceSize())
	if _, err := io.ReadFull(k.store.o.Rand, n); err != nil {
		return nil, errors.Join(errors.New("softkey: nonce"), err)
	}
	return n, nil
}
