package crl

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/certs"
)

// publish makes the list of a name from the register and keeps it. A full list that
// has a delta is published with one of the same number: RFC 5280 5.2.4 has two that
// are issued at the same time tell the same.
func (p *Publisher) publish(ctx context.Context, n name) error {
	cred, err := p.c.Authority.Issuer(ctx, n.issuer)
	if err != nil {
		return err
	}
	// The number is read before the register: a list that another published in between
	// knows no more than this one only if the number still stands at the end.
	after, err := p.c.Store.Number(ctx, n.scope())
	if err != nil {
		return err
	}
	full, err := p.header(ctx, name{issuer: n.issuer, shard: n.shard})
	if err != nil {
		return err
	}
	if err := p.clockStands(ctx, n, cred, full); err != nil {
		return err
	}
	if n.delta && full.Base.Number == 0 { // there is nothing yet to build on
		if err := p.publish(ctx, name{issuer: n.issuer}); err != nil {
			return err
		}
		return p.publish(ctx, n)
	}
	// Milliseconds, so that numbers rise over a restored file too, whose last number
	// is lower than what was published since.
	number := max(after+1, uint64(p.c.Clock().UnixMilli()))
	var lists []List
	if n.delta {
		lists, err = p.buildDelta(ctx, cred, n, number, full.Base)
	} else {
		lists, err = p.buildFull(ctx, cred, n, number, full)
	}
	if err != nil {
		return err
	}
	if err := p.c.Store.Publish(ctx, n.scope(), after, lists...); err != nil {
		return err
	}
	for _, l := range lists {
		p.remember(l)
	}
	return nil
}

// header of the list that stands, a zero one if none does.
func (p *Publisher) header(ctx context.Context, n name) (Header, error) {
	h, err := p.c.Store.Header(ctx, n.String())
	if errors.Is(err, ca.ErrNotFound) {
		err = nil
	}
	return h, err
}

// clockStands refuses to make a list that would be older than one that was
// published, or than an act that it might tell of. The acts are read before the clock.
func (p *Publisher) clockStands(ctx context.Context, n name, cred ca.Credential, full Header) error {
	newest, err := p.c.Store.NewestAct(ctx)
	if err != nil {
		return err
	}
	delta, err := p.header(ctx, name{issuer: n.issuer, delta: true})
	if err != nil {
		return err
	}
	now := p.c.Clock()
	for _, earlier := range []struct {
		what string
		at   time.Time
	}{{"an act", newest}, {"the list that stands", full.This}, {"the delta that stands", delta.This}, {"the issuer's certificate", cred.Certificate.NotBefore}} {
		if now.Before(earlier.at) {
			return fmt.Errorf("%w: it shows %s, and %s is of %s", ErrClockBackwards, now.UTC().Format(time.RFC3339), earlier.what, earlier.at.UTC().Format(time.RFC3339))
		}
	}
	if now.After(cred.Certificate.NotAfter) {
		return fmt.Errorf("%w: %s", ErrEnded, n.issuer)
	}
	return nil
}

// buildFull builds an issuer's full list, with the delta that leads to it, or a shard.
func (p *Publisher) buildFull(ctx context.Context, cred ca.Credential, n name, number uint64, standing Header) ([]List, error) {
	entries, changes, this, err := p.snapshot(ctx, n)
	if err != nil {
		return nil, err
	}
	c := content{issuer: cred.Certificate, number: number, this: this, next: this.Add(Life), entries: entries}
	divided := cred.Row.Issuer != n.issuer
	switch {
	case n.shard != "":
		c.address = Address(p.c.Authority, n.String())
	case divided:
		c.freshest = Address(p.c.Authority, name{issuer: n.issuer, delta: true}.String())
	}
	l, err := c.sign(ctx, cred)
	if err != nil {
		return nil, err
	}
	l.Name, l.Changes = n.String(), changes
	if n.shard != "" || !divided {
		return []List{l}, nil
	}
	if l.Base = baseOf(standing, this); l.Base.Number == 0 {
		l.Base = Base{number, changes, this}
		return []List{l}, nil
	}
	deltas, err := p.buildDelta(ctx, cred, name{issuer: n.issuer, delta: true}, number, l.Base)
	if err != nil {
		return nil, err
	}
	// What was revoked between the two is in the delta alone. They are to tell the
	// same, so that the delta waits for the next look.
	if deltas[0].Changes != changes {
		return []List{l}, nil
	}
	return append(deltas, l), nil
}

// baseOf gives the list that deltas build on once a full list takes the place of the
// standing one: what they have built on, until it is two periods old. So who has a
// full list of the last hour needs nothing but a delta.
func baseOf(standing Header, now time.Time) Base {
	if standing.Base.Number != 0 && now.Sub(standing.Base.This) < 2*fullEvery {
		return standing.Base
	}
	return Base{standing.Number, standing.Changes, standing.This}
}

// buildDelta builds the list of what was changed since a base.
func (p *Publisher) buildDelta(ctx context.Context, cred ca.Credential, n name, number uint64, base Base) ([]List, error) {
	this := p.now()
	changed, changes, err := p.c.Store.Since(ctx, n.issuer, "", base.Changes)
	if err != nil {
		return nil, err
	}
	c := content{issuer: cred.Certificate, number: number, this: this, next: this.Add(Life), base: base.Number}
	for _, d := range changed {
		if d.Revocation != nil {
			c.entries = append(c.entries, *d.Revocation)
		} else { // RFC 5280 5.2.4: whether the base has it or a delta since
			c.entries = append(c.entries, ca.Revocation{Serial: d.Serial, At: d.At, Reason: certs.ReasonRemoveFromCRL})
		}
	}
	l, err := c.sign(ctx, cred)
	l.Name, l.Changes, l.Base = n.String(), changes, base
	return []List{l}, err
}

// page is how many revocations are read at once: a store that reads for long keeps
// its writers from growing the file.
const page = 4096

// snapshot reads what a list holds as of one moment, page by page: what was changed
// meanwhile is read at the end, with the count that goes with it.
func (p *Publisher) snapshot(ctx context.Context, n name) (entries []ca.Revocation, changes uint64, this time.Time, err error) {
	before, err := p.c.Store.RevokedCount(ctx, n.issuer)
	if err != nil {
		return nil, 0, this, err
	}
	for last := ""; ; last = entries[len(entries)-1].Serial {
		more, err := p.c.Store.Revoked(ctx, n.issuer, n.shard, last, page)
		if err != nil {
			return nil, 0, this, err
		}
		entries = append(entries, more...)
		if len(more) < page {
			break
		}
	}
	this = p.now()
	changed, changes, err := p.c.Store.Since(ctx, n.issuer, n.shard, before)
	return overlay(entries, changed), changes, this, err
}

// overlay puts what stands now over what stood. Both are by serial.
func overlay(entries []ca.Revocation, changed []Changed) []ca.Revocation {
	if len(changed) == 0 {
		return entries
	}
	out := make([]ca.Revocation, 0, len(entries)+len(changed))
	for _, c := range changed {
		for len(entries) > 0 && strings.Compare(entries[0].Serial, c.Serial) < 0 {
			out, entries = append(out, entries[0]), entries[1:]
		}
		if len(entries) > 0 && entries[0].Serial == c.Serial {
			entries = entries[1:]
		}
		if c.Revocation != nil {
			out = append(out, *c.Revocation)
		}
	}
	return append(out, entries...)
}

// sign signs a list and reads it again as a stranger would, so that a fault of the
// encoder or of the key's device never leaves as a list.
func (c *content) sign(ctx context.Context, cred ca.Credential) (List, error) {
	tbs, err := c.tbs()
	if err != nil {
		return List{}, fmt.Errorf("encode CRL: %w", err)
	}
	signature, err := cred.Key.SignMessage(ctx, tbs)
	if err != nil {
		return List{}, fmt.Errorf("sign CRL: %w", err)
	}
	der, err := assemble(tbs, signature)
	if err != nil {
		return List{}, err
	}
	if err := c.check(der); err != nil {
		return List{}, fmt.Errorf("the CRL made is not good: %w", err)
	}
	return List{Header{Number: c.number, This: c.this, Next: c.next, Entries: len(c.entries), SM3: sm3.Sum(der)}, der}, nil
}

// check reads the list as a relying party does. That it speaks of no certificate but
// its own shard's is of what it says of its scope.
func (c *content) check(der []byte) error {
	parsed, err := certs.ParseCRL(der)
	if err != nil {
		return err
	}
	if parsed.Len() != len(c.entries) || !parsed.Number.IsUint64() || parsed.Number.Uint64() != c.number || !parsed.ThisUpdate.Equal(c.this) {
		return errors.New("it tells something else")
	}
	if b := parsed.BaseNumber; (b != nil) != (c.base != 0) || b != nil && (!b.IsUint64() || b.Uint64() != c.base) {
		return errors.New("it builds on another list")
	}
	address := ""
	if point := parsed.Point; point != nil && len(point.FullName) == 1 && !point.Indirect && !point.OnlyUser && !point.OnlyCA && !point.OnlyAttributes {
		address = string(point.FullName[0].Value)
	}
	if address != c.address || (parsed.Point != nil) != (c.address != "") {
		return errors.New("its scope is another")
	}
	return parsed.CheckSignatureFrom(c.issuer)
}
