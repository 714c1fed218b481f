// Package crl publishes certificate revocation lists (RFC 5280 5): a full list of
// each issuer, its shards, and deltas of it.
//
// New gives a Publisher. Run publishes on schedule until its context ends; List
// gives a published list to whoever asks; Fresh gives one that speaks for a moment.
// A list is built from the register and signed outside of any transaction, and is
// kept by one conditional commit: it is served once it is durable, and of two
// publishers the one that was overtaken publishes nothing.
package crl

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"yinxin/ca"
)

// Life of a list: a verifier takes none older than 24 hours (protocol.md 4), so
// that each list goes on for a day when its successors fail.
const Life = 24 * time.Hour

// The schedule. A delta tells within seconds what was revoked and is small; a full
// list is for who has none, and a shard for who wants one certificate's.
const (
	fullEvery  = time.Hour
	deltaEvery = 5 * time.Minute
	look       = 2 * time.Second // how often it is looked whether something is due
)

// A list is made anew before it is due where something was revoked, or where it is
// asked for and was made in an earlier second: a list speaks for a stamp only if it
// was made at or after it (protocol.md 4, Fresh). But not before it has rested a
// second for each so many entries. Making an entry takes some 10 microseconds, so
// that asking, which anyone may, takes a thousandth of a processor for each list.
const entriesPerSecond = 100

// rest is how long a list stands at least.
func (h *Header) rest() time.Duration {
	return time.Duration(h.Entries/entriesPerSecond) * time.Second
}

// afterFailure is how long a list that could not be published is not made again: on a
// full disk, whoever asks would else have a long one made over and over.
func (h *Header) afterFailure() time.Duration { return min(h.rest(), time.Minute) }

// ErrClockBackwards: the clock stands before a list that was published or before an
// act. A list from the past would hide revocations from those who compare times.
var ErrClockBackwards = errors.New("the clock went backwards: no revocation list is published")

// ErrEnded: the issuer's certificate has ended, and with it its lists.
var ErrEnded = errors.New("the issuer's certificate has ended")

// Config of New.
type Config struct {
	Authority *ca.Authority
	Store     Store
	Clock     func() time.Time
	Log       *slog.Logger
}

// Publisher gives the lists of an authority. Its methods may be called concurrently.
type Publisher struct {
	c    Config
	made counters

	mu       sync.Mutex
	scopes   map[string]*sync.Mutex // one publication of a scope at a time
	known    map[string]List        // by name: the lists as they were last read
	troubled map[string]time.Time   // scopes whose newest publication failed, and when
}

// counters of what was published, and what was not, since the start.
type counters struct{ published, failed atomic.Uint64 }

// New checks the configuration.
func New(c Config) (*Publisher, error) {
	if c.Authority == nil || c.Store == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("crl: incomplete configuration")
	}
	return &Publisher{c: c, scopes: map[string]*sync.Mutex{}, known: map[string]List{}, troubled: map[string]time.Time{}}, nil
}

// now in whole seconds, as lists have it.
func (p *Publisher) now() time.Time { return p.c.Clock().UTC().Truncate(time.Second) }

// List gives the list of a name, such as issuing, issuing-4a or issuing-delta. It is
// published first if it is due. Where that fails, or another caller is about it, the
// list that stands is given as long as it has not ended.
func (p *Publisher) List(ctx context.Context, list string) (List, error) {
	n, err := p.parse(ctx, list)
	if err != nil {
		return List{}, err
	}
	standing, err := p.standing(ctx, n)
	if err != nil && !errors.Is(err, ca.ErrNotFound) {
		return List{}, err
	}
	ended := errors.Is(err, ca.ErrNotFound) || p.c.Clock().After(standing.Next)
	rerr := p.renew(ctx, n, p.wanted, ended)
	if rerr == nil {
		standing, err = p.standing(ctx, n)
		return standing, err
	}
	if ended {
		return List{}, rerr
	}
	return standing, nil
}

// Fresh gives the list of a name made at or after a moment and with all that was
// acknowledged before the call.
func (p *Publisher) Fresh(ctx context.Context, list string, moment time.Time) (List, error) {
	n, err := p.parse(ctx, list)
	if err != nil {
		return List{}, err
	}
	moment = moment.UTC().Truncate(time.Second)
	old := func(ctx context.Context, n name, h *Header, _ time.Time) (bool, error) {
		changes, err := p.c.Store.RevokedCount(ctx, n.scope())
		return h.This.Before(moment) || changes != h.Changes, err
	}
	if err := p.renew(ctx, n, old, true); err != nil {
		return List{}, err
	}
	return p.standing(ctx, n)
}

// standing gives the list that was published last.
func (p *Publisher) standing(ctx context.Context, n name) (List, error) {
	h, err := p.c.Store.Header(ctx, n.String())
	if err != nil {
		return List{}, err
	}
	p.mu.Lock()
	l, ok := p.known[n.String()]
	p.mu.Unlock()
	if ok && l.Number == h.Number {
		return l, nil
	}
	if l, err = p.c.Store.List(ctx, n.String()); err == nil {
		p.remember(l)
	}
	return l, err
}

func (p *Publisher) remember(l List) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[l.Name].Number < l.Number {
		p.known[l.Name] = l
	}
}

func (p *Publisher) lockOf(scope string) *sync.Mutex {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.scopes[scope]
	if l == nil {
		l = new(sync.Mutex)
		p.scopes[scope] = l
	}
	return l
}
