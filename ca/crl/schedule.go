package crl

import (
	"context"
	"errors"
	"time"

	"yinxin/ca"
)

// due tells whether a list that stands is to be made anew.
type due func(ctx context.Context, n name, standing *Header, now time.Time) (bool, error)

// scheduled is what is due whether anyone asks or not.
func (p *Publisher) scheduled(ctx context.Context, n name, h *Header, now time.Time) (bool, error) {
	if p.failed(n, h, now) {
		return false, nil
	}
	every := fullEvery
	if n.delta {
		every = deltaEvery
	}
	age := now.Sub(h.This)
	if age >= every || age < 0 { // a list of the future is for publish to refuse
		return true, nil
	}
	if divided, err := p.divided(ctx, n.issuer); err != nil || divided && n.kind() == "full" {
		return false, err // what was revoked since is the delta's to tell
	}
	return p.changed(ctx, n, h, age)
}

// wanted is what is due when someone asks.
func (p *Publisher) wanted(ctx context.Context, n name, h *Header, now time.Time) (bool, error) {
	if p.failed(n, h, now) {
		return false, nil
	}
	age := now.Sub(h.This)
	if age < 0 || age >= max(h.rest(), time.Second) {
		return true, nil
	}
	return p.changed(ctx, n, h, age)
}

// failed tells whether a list, one that has not ended, was tried a moment ago.
func (p *Publisher) failed(n name, h *Header, now time.Time) bool {
	p.mu.Lock()
	at, troubled := p.troubled[n.scope()]
	p.mu.Unlock()
	since := now.Sub(at)
	return troubled && !now.After(h.Next) && since >= 0 && since < h.afterFailure()
}

// changed tells whether something was revoked since that a list of its age may tell.
func (p *Publisher) changed(ctx context.Context, n name, h *Header, age time.Duration) (bool, error) {
	changes, err := p.c.Store.RevokedCount(ctx, n.scope())
	return changes != h.Changes && age >= h.rest(), err
}

// maxOvertaken is how often a publisher begins again that another was faster than.
const maxOvertaken = 3

// renew publishes a list if it is due. Whoever does not wait leaves it to another
// that is about it.
func (p *Publisher) renew(ctx context.Context, n name, d due, wait bool) error {
	lock := p.lockOf(n.scope())
	if !wait && !lock.TryLock() {
		return nil
	}
	if wait {
		lock.Lock()
	}
	defer lock.Unlock()
	for tries := 1; ; tries++ {
		is, err := p.isDue(ctx, n, d)
		if err == nil && !is {
			return nil
		}
		if err == nil {
			err = p.publish(ctx, n)
		}
		if errors.Is(err, ErrStale) && tries < maxOvertaken {
			continue
		}
		p.tell(ctx, n, err)
		return err
	}
}

// isDue asks of the list that stands; one that does not is due.
func (p *Publisher) isDue(ctx context.Context, n name, d due) (bool, error) {
	h, err := p.c.Store.Header(ctx, n.String())
	switch {
	case errors.Is(err, ca.ErrNotFound):
		return true, nil
	case err != nil:
		return false, err
	}
	return d(ctx, n, &h, p.now())
}

// tell counts, and logs the first list that fails and when none fails any more: what
// is wrong with all of them would else be said every two seconds.
func (p *Publisher) tell(ctx context.Context, n name, err error) {
	if err != nil && ctx.Err() != nil {
		return
	}
	p.mu.Lock()
	before := len(p.troubled)
	if err == nil {
		delete(p.troubled, n.scope()) // a full list brings its delta
	} else {
		p.troubled[n.scope()] = p.now()
	}
	after := len(p.troubled)
	p.mu.Unlock()
	switch {
	case err == nil:
		p.made.published.Add(1)
		if before > 0 && after == 0 {
			p.c.Log.Info("revocation lists are published again", "list", n.String())
		}
	default:
		p.made.failed.Add(1)
		if before == 0 {
			p.c.Log.Error("a revocation list is not published; the one before is served", "list", n.String(), "error", err)
		}
	}
}

// Run publishes on schedule until ctx ends.
func (p *Publisher) Run(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		p.Publish(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Publish publishes what is due. What fails is logged and due again.
func (p *Publisher) Publish(ctx context.Context) {
	issuers, err := p.c.Authority.Issuers(ctx)
	if err != nil {
		p.c.Log.Error("no revocation list is published", "error", err)
		return
	}
	for _, issuer := range issuers {
		cred, err := p.c.Authority.Issuer(ctx, issuer)
		if err == nil && p.c.Clock().After(cred.Certificate.NotAfter) {
			continue // its last lists stand
		}
		names, err := p.names(ctx, issuer)
		if err != nil {
			p.c.Log.Error("no revocation list is published", "issuer", issuer, "error", err)
			continue
		}
		for _, n := range names {
			// renew has counted and told what failed; the next list may do better.
			_ = p.renew(ctx, n, p.scheduled, false)
			if ctx.Err() != nil {
				return
			}
		}
	}
}

// Status is what metrics tell of the lists of an issuer of one kind.
type Status struct {
	Issuer, Kind string
	Number       uint64    // the lowest
	Next         time.Time // the earliest
	Entries      int       // of all
}

// Status tells of the lists that stand, and how many were published and not
// published since the start.
func (p *Publisher) Status(ctx context.Context) (all []Status, published, failed uint64, err error) {
	issuers, err := p.c.Authority.Issuers(ctx)
	if err != nil {
		return nil, 0, 0, err
	}
	for _, issuer := range issuers {
		names, err := p.names(ctx, issuer)
		if err != nil {
			return nil, 0, 0, err
		}
		byKind := map[string]*Status{}
		for _, n := range names {
			h, err := p.c.Store.Header(ctx, n.String())
			if errors.Is(err, ca.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, 0, 0, err
			}
			s := byKind[n.kind()]
			if s == nil {
				s = &Status{Issuer: issuer, Kind: n.kind(), Number: h.Number, Next: h.Next}
				byKind[n.kind()] = s
			}
			s.Number, s.Entries = min(s.Number, h.Number), s.Entries+h.Entries
			if h.Next.Before(s.Next) {
				s.Next = h.Next
			}
		}
		for _, s := range byKind {
			all = append(all, *s)
		}
	}
	return all, p.made.published.Load(), p.made.failed.Load(), nil
}
