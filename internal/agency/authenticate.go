package agency

import (
	"context"
	"crypto/subtle"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

var (
	// ErrUnauthenticated is every reason why a bearer key is not accepted, so
	// that a guesser learns nothing from the difference.
	ErrUnauthenticated = errors.New("the bearer key is unknown, expired or revoked")
	// ErrNetwork: the key is good but may not be used from there. Only whoever
	// holds the secret can learn this.
	ErrNetwork = errors.New("the bearer key may not be used from this network")
)

// Authenticate tells who a bearer key speaks for. From is the address of the
// client, as far as the server trusts what it knows of it.
func (o *Office) Authenticate(ctx context.Context, bearer string, from netip.Addr) (Caller, error) {
	id, secret, ok := parseBearer(bearer)
	if !ok {
		return Caller{}, ErrUnauthenticated
	}
	// The secret is hashed before the id is looked up and compared even when
	// there is no such key: time does not tell which ids exist.
	given := sm3.Sum(secret)
	known, err := o.known(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Caller{}, err
	}
	same := subtle.ConstantTimeCompare(given[:], known.key.Hash[:]) == 1
	if err != nil || !same || known.agency.State != Active || !known.key.InForce(o.clock()) {
		return Caller{}, ErrUnauthenticated
	}
	if !allowed(known.networks, from) {
		return Caller{}, ErrNetwork
	}
	return Caller{Agency: known.agency.ID, Name: known.agency.Name, KeyID: id, Officer: known.key.Officer, Scopes: slices.Clone(known.key.Scopes)}, nil
}

func allowed(networks []netip.Prefix, from netip.Addr) bool {
	if len(networks) == 0 {
		return true
	}
	from = from.Unmap().WithZone("")
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(from) })
}

// entry is a key with what each request asks of it.
type entry struct {
	key      APIKey
	agency   Agency
	networks []netip.Prefix
	read     time.Time
}

const (
	// maxCachedKeys bounds the cache. Only keys that exist enter it, so nobody
	// without a key can flush it.
	maxCachedKeys = 4096
	// cacheLife bounds how long a replica may go on with a key that another
	// one revoked; the one that revoked forgets it at once.
	cacheLife = 5 * time.Second
)

// keyCache remembers keys that were read. Everything is guarded by mu.
type keyCache struct {
	mu      sync.Mutex
	entries map[string]entry
	// forgotten counts forget and forgetAll: a key read before a revocation
	// must not be remembered after it.
	forgotten uint64
}

func newKeyCache() *keyCache { return &keyCache{entries: map[string]entry{}} }

func (o *Office) known(ctx context.Context, id string) (entry, error) {
	now := o.clock()
	e, ok, seen := o.keys.get(id)
	if age := now.Sub(e.read); ok && age >= 0 && age < cacheLife {
		return e, nil
	}
	key, err := o.store.Key(ctx, id)
	if err != nil {
		return entry{}, err
	}
	owner, err := o.store.Agency(ctx, key.Agency)
	if err != nil {
		return entry{}, err
	}
	e = entry{key: key, agency: owner, read: now}
	for _, n := range key.Networks {
		p, err := netip.ParsePrefix(n)
		if err != nil {
			return entry{}, errors.New("a key's network in the register cannot be read")
		}
		e.networks = append(e.networks, p)
	}
	o.keys.put(id, e, seen)
	return e, nil
}

func (c *keyCache) get(id string) (entry, bool, uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	return e, ok, c.forgotten
}

func (c *keyCache) put(id string, e entry, seen uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.forgotten != seen {
		return
	}
	if _, there := c.entries[id]; !there && len(c.entries) >= maxCachedKeys {
		for other := range c.entries {
			delete(c.entries, other)
			break
		}
	}
	c.entries[id] = e
}

func (c *keyCache) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	delete(c.entries, id)
}

func (c *keyCache) forgetAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forgotten++
	clear(c.entries)
}
