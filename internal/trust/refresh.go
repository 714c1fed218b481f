package trust

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"yinxin/certs"
)

// Fetch gets a public document over the network.
type Fetch func(ctx context.Context, address string) ([]byte, error)

// warnBefore is when people are told that a list is about to end: a ceremony of
// offline keys takes days to call.
const warnBefore = 48 * time.Hour

// Refresh asks every region of the trusted schemes for its bundle, at the address
// that the scheme list has for it and at no other, and keeps what is newer by the
// same rules as Import. What does not come is logged: the list at hand is good until
// its end.
func (o *Office) Refresh(ctx context.Context, fetch Fetch) {
	r, err := o.rows(ctx)
	if err != nil {
		o.c.Log.Error("the trust lists of other regions were not asked for", "error", err)
		return
	}
	for _, row := range r.schemes {
		if !row.trusted() {
			continue
		}
		d, err := certs.ParseSchemeDraft(row.Newest)
		if err != nil {
			o.c.Log.Error("a scheme list that is kept cannot be read", "scheme", row.Name, "error", err)
			continue
		}
		for _, region := range d.List().Regions {
			if region.Code == o.c.Region || region.URL == "" || ctx.Err() != nil {
				continue
			}
			if err := o.ask(ctx, fetch, row.Name, region); err != nil {
				o.c.Log.Warn("no newer trust list", "region", region.Code, "error", err)
			}
		}
	}
}

func (o *Office) ask(ctx context.Context, fetch Fetch, scheme string, region certs.SchemeRegion) error {
	raw, err := fetch(ctx, strings.TrimRight(region.URL, "/")+"/trust/bundle")
	if err != nil {
		return err
	}
	b, err := certs.ParseBundle(raw)
	if err != nil {
		return err
	}
	return o.learn(ctx, scheme, region.Code, b)
}

// learn takes what a region says of itself, and what it has of the scheme.
func (o *Office) learn(ctx context.Context, scheme, region string, b *certs.Bundle) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, err := o.rows(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.schemes, func(s Scheme) bool { return s.Name == scheme && s.trusted() })
	if i < 0 {
		return nil // removed meanwhile
	}
	kept := r.bundle(r.schemes[i], "")
	if led, err := r.leadTo(b); err != nil || led.Name != scheme {
		// It publishes under another scheme; its own list is the same.
		b = &certs.Bundle{Scheme: kept.Scheme, Regions: only(b.Regions, region)}
	}
	next, err := kept.Advance(b)
	if err != nil {
		return err
	}
	if !sameList(next.Scheme, kept.Scheme) {
		q := Request{Who: "province", Why: "published by region " + region}
		_, err := o.commit(ctx, ActFollowed, r, r.schemes[i], next, q)
		return err
	}
	return o.putNewer(ctx, r, scheme, next.Regions)
}

func (o *Office) putNewer(ctx context.Context, r rows, scheme string, regions []json.RawMessage) error {
	for _, raw := range regions {
		l, err := listOf(raw)
		if err != nil {
			return err
		}
		if l.Sequence <= r.lists[scheme][l.Name].Sequence {
			continue
		}
		o.view = nil
		if err := o.c.Store.PutList(ctx, scheme, l); err != nil && !errors.Is(err, ErrStale) {
			return err
		}
	}
	return nil
}

func only(lists []json.RawMessage, region string) (out []json.RawMessage) {
	for _, raw := range lists {
		if st, err := certs.ParseStatement(raw); err == nil && st.Issuer == region {
			out = append(out, raw)
		}
	}
	return out
}

// sameList tells whether two envelopes are of one list, whoever signed.
func sameList(a, b []byte) bool {
	x, err := certs.ParseStatement(a)
	y, err2 := certs.ParseStatement(b)
	return err == nil && err2 == nil && slices.Equal(x.Payload, y.Payload)
}

// Warn calls for what only people can renew.
func (o *Office) Warn(ctx context.Context) {
	all, err := o.Expiries(ctx)
	if err != nil {
		o.c.Log.Error("when the trust lists end is not known", "error", err)
		return
	}
	for list, at := range all {
		switch left := at.Sub(o.now()); {
		case left <= 0:
			o.c.Log.Error("a trust list has ended: what it vouches for cannot be confirmed", "list", list, "ended", at)
		case left < warnBefore:
			o.c.Log.Warn(fmt.Sprintf("a trust list ends in %s and has not been renewed", left.Round(time.Minute)), "list", list, "ends", at)
		}
	}
}
