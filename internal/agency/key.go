package agency

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
)

// APIKey is a bearer key as it is kept: never its secret, only the SM3 of it. The
// secret is 256 random bits, so a slow hash would add nothing.
type APIKey struct {
	ID       string    `json:"id"` // 8 hex digits
	Agency   string    `json:"agency"`
	Label    string    `json:"label"`
	Officer  string    `json:"officer,omitempty"` // the person (经办人) whose key it is; empty: a program's
	Scopes   []string  `json:"scopes"`
	Networks []string  `json:"networks"` // CIDR; empty: from anywhere
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires"`
	Revoked  time.Time `json:"revoked,omitzero"` // in force until then; zero: not revoked
	Hash     [32]byte  `json:"-" cbor:"hash"`
}

// InForce tells whether the key may be used at t.
func (k APIKey) InForce(t time.Time) bool {
	return t.Before(k.Expires) && (k.Revoked.IsZero() || t.Before(k.Revoked))
}

const (
	// DefaultKeyLife and MaxKeyLife: a key that nobody rotates must end by
	// itself, since nobody knows any more where copies of it lie.
	DefaultKeyLife = 365 * 24 * time.Hour
	MaxKeyLife     = 3 * DefaultKeyLife
	// MaxGrace is how long a rotated key may live on: long enough to roll out
	// its successor, too short to serve as a second key.
	MaxGrace = 7 * 24 * time.Hour
	// MaxNetworks keeps each request's check short.
	MaxNetworks = 32
	// MaxLabel bounds the owner's own note on a key.
	MaxLabel = 100

	keyDraws = 8 // an id has 32 bits; eight taken ones in a row do not happen
)

// KeyRequest asks for a key.
type KeyRequest struct {
	Agency   string
	Label    string
	Officer  string // name of the person whose key it is
	Scopes   []string
	Networks []string      // CIDR
	Life     time.Duration // 0: DefaultKeyLife
	Who      string
}

// CreateKey makes a key. The secret is in nobody's hands but the caller's once
// this has returned.
func (o *Office) CreateKey(ctx context.Context, r KeyRequest) (secret string, key APIKey, err error) {
	if err := r.check(); err != nil {
		return "", APIKey{}, err
	}
	for range keyDraws {
		if secret, key, err = o.draw(r); err != nil {
			return "", APIKey{}, err
		}
		done, err := act.New(o.clock(), o.rand, ActKeyCreated, key.ID, keyRecord{Key: key, Who: r.Who})
		if err != nil {
			return "", APIKey{}, err
		}
		err = o.store.AddKey(ctx, key, done)
		if errors.Is(err, ErrKeyExists) {
			continue
		}
		if err != nil {
			return "", APIKey{}, fmt.Errorf("create key for %s: %w", r.Agency, err)
		}
		return secret, key, nil
	}
	return "", APIKey{}, ErrKeyExists
}

// keyRecord is the whole change. Hash is SM3 of 256 random bits: it gives nothing
// away to whoever may read records.
type keyRecord struct {
	Key      APIKey    `cbor:"key"`
	Who      string    `cbor:"who"`
	Why      string    `cbor:"why,omitempty"`
	Replaces string    `cbor:"replaces,omitempty"`
	Until    time.Time `cbor:"until,omitempty"`
}

func (r KeyRequest) check() error {
	switch {
	case len(r.Scopes) == 0:
		return fmt.Errorf("%w: a key needs at least one scope", ErrInvalid)
	case r.Life < 0 || r.Life > MaxKeyLife:
		return fmt.Errorf("%w: a key lives at most %d days", ErrInvalid, int(MaxKeyLife.Hours()/24))
	case len(r.Networks) > MaxNetworks:
		return fmt.Errorf("%w: at most %d networks", ErrInvalid, MaxNetworks)
	case r.Label != "" && (len(r.Label) > MaxLabel || !plainName(r.Label)):
		return fmt.Errorf("%w: a label has at most %d octets of printable text", ErrInvalid, MaxLabel)
	}
	if r.Officer != "" && !plainName(r.Officer) {
		return fmt.Errorf("%w: an officer's name has at most %d octets of printable text", ErrInvalid, MaxName)
	}
	for _, s := range r.Scopes {
		if !slices.Contains(scopes, s) {
			return fmt.Errorf("%w: %q is no scope; there are %s", ErrInvalid, clip(s), strings.Join(scopes, ", "))
		}
	}
	for _, n := range r.Networks {
		p, err := netip.ParsePrefix(n)
		if err != nil || p.Masked() != p {
			return fmt.Errorf("%w: %q is no network; write it as 10.1.0.0/16", ErrInvalid, clip(n))
		}
	}
	return nil
}

func (o *Office) draw(r KeyRequest) (string, APIKey, error) {
	var random [36]byte
	if _, err := io.ReadFull(o.rand, random[:]); err != nil {
		return "", APIKey{}, fmt.Errorf("key: %w", err)
	}
	life := r.Life
	if life == 0 {
		life = DefaultKeyLife
	}
	now := o.now()
	wanted := slices.Clone(r.Scopes)
	slices.Sort(wanted)
	key := APIKey{
		ID: hex.EncodeToString(random[:4]), Agency: r.Agency, Label: r.Label, Officer: r.Officer, Scopes: slices.Compact(wanted),
		Networks: slices.Clone(r.Networks), Created: now, Expires: now.Add(life), Hash: sm3.Sum(random[4:]),
	}
	return formatBearer(key.ID, random[4:]), key, nil
}

// Revoke ends a key now.
func (o *Office) Revoke(ctx context.Context, id, who, why string) (APIKey, error) {
	key, err := o.store.Key(ctx, id)
	if err != nil {
		return APIKey{}, err
	}
	key.Revoked = o.now()
	done, err := act.New(o.clock(), o.rand, ActKeyRevoked, id, keyRecord{Key: key, Who: who, Why: why})
	if err != nil {
		return APIKey{}, err
	}
	err = o.store.RevokeKey(ctx, id, key.Revoked, done)
	o.keys.forget(id)
	if err != nil {
		return APIKey{}, fmt.Errorf("revoke key %s: %w", clip(id), err)
	}
	return key, nil
}

// Rotate gives a key's owner a new one with the same rights; the old one stays
// good for the grace, so that a running program can be changed over.
func (o *Office) Rotate(ctx context.Context, id string, grace time.Duration, who string) (secret string, next APIKey, err error) {
	if grace < 0 || grace > MaxGrace {
		return "", APIKey{}, fmt.Errorf("%w: a rotated key lives on for at most %d days", ErrInvalid, int(MaxGrace.Hours()/24))
	}
	old, err := o.store.Key(ctx, id)
	if err != nil {
		return "", APIKey{}, err
	}
	now := o.now()
	if !old.InForce(now) || !old.Revoked.IsZero() {
		return "", APIKey{}, ErrRevoked
	}
	r := KeyRequest{Agency: old.Agency, Label: old.Label, Officer: old.Officer, Scopes: old.Scopes, Networks: old.Networks, Life: old.Expires.Sub(old.Created)}
	for range keyDraws {
		if secret, next, err = o.draw(r); err != nil {
			return "", APIKey{}, err
		}
		until := now.Add(grace)
		done, err := act.New(o.clock(), o.rand, ActKeyRotated, next.ID, keyRecord{Key: next, Who: who, Replaces: id, Until: until})
		if err != nil {
			return "", APIKey{}, err
		}
		err = o.store.RotateKey(ctx, id, until, next, done)
		o.keys.forget(id)
		if errors.Is(err, ErrKeyExists) {
			continue
		}
		if err != nil {
			return "", APIKey{}, fmt.Errorf("rotate key %s: %w", clip(id), err)
		}
		return secret, next, nil
	}
	return "", APIKey{}, ErrKeyExists
}

// Keys lists one agency's keys, or all for "".
func (o *Office) Keys(ctx context.Context, agency string) ([]APIKey, error) {
	return o.store.Keys(ctx, agency)
}

// Key shows one key.
func (o *Office) Key(ctx context.Context, id string) (APIKey, error) { return o.store.Key(ctx, id) }

const bearerPrefix = "yx_" // so that scanners of leaked secrets can know ours

func formatBearer(id string, secret []byte) string {
	return bearerPrefix + id + "_" + base64.RawURLEncoding.EncodeToString(secret)
}

// parseBearer reads yx_<8 hex>_<43 base64url>, in that one spelling.
func parseBearer(s string) (id string, secret []byte, ok bool) {
	const size = len(bearerPrefix) + 8 + 1 + 43
	if len(s) != size || s[:3] != bearerPrefix || s[11] != '_' || strings.Trim(s[3:11], "0123456789abcdef") != "" {
		return "", nil, false
	}
	secret, err := base64.RawURLEncoding.Strict().DecodeString(s[12:])
	return s[3:11], secret, err == nil && len(secret) == 32
}
