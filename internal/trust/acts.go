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
	"yinxin/internal/act"
)

// Request of an act: what is trusted, by whom and why.
type Request struct {
	Bundle   *certs.Bundle
	Anchor   string // of Add: the fingerprint that was told by another way
	Who, Why string
}

func (r Request) check() error {
	for _, s := range []string{r.Who, r.Why} {
		if strings.TrimSpace(s) == "" || len(s) > maxGrounds {
			return fmt.Errorf("%w: who does it and why must be said, in 1 to %d octets", ErrRefused, maxGrounds)
		}
	}
	return nil
}

// Add trusts a scheme for the first time, by the fingerprint of its keys. Where it
// names this region by a key of the region's own, the province publishes under it
// from now on.
func (o *Office) Add(ctx context.Context, q Request) (Scheme, error) {
	q.Anchor = strings.ToLower(q.Anchor)
	if err := errors.Join(q.check(), certs.CheckAnchor(q.Anchor)); err != nil {
		return Scheme{}, err
	}
	fresh, err := q.Bundle.From(q.Anchor)
	if err != nil {
		return Scheme{}, err
	}
	if _, err := fresh.Open(certs.TrustOptions{Anchors: []string{q.Anchor}, At: o.now()}); err != nil {
		return Scheme{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r, err := o.rows(ctx)
	if err != nil {
		return Scheme{}, err
	}
	row := Scheme{Name: q.Anchor}
	if i := slices.IndexFunc(r.schemes, func(s Scheme) bool { return s.Name == q.Anchor }); i >= 0 {
		row = r.schemes[i]
		if row.trusted() {
			return row, fmt.Errorf("%w: %s is trusted already; trust import brings its newer lists", ErrRefused, row.Name)
		}
		// What was seen before it was removed is not forgotten.
		if fresh, err = r.bundle(row, "").Advance(fresh); err != nil {
			return row, err
		}
	}
	row.Since, row.Removed = o.now(), time.Time{}
	return o.commit(ctx, ActAdded, r, row, fresh, q)
}

// Import takes newer lists of a scheme that is trusted. With ErrNothingNewer the row
// comes as it stands.
func (o *Office) Import(ctx context.Context, q Request) (Scheme, error) {
	if err := q.check(); err != nil {
		return Scheme{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r, err := o.rows(ctx)
	if err != nil {
		return Scheme{}, err
	}
	row, err := r.leadTo(q.Bundle)
	if err != nil {
		return row, err
	}
	kept := r.bundle(row, "")
	next, err := kept.Advance(q.Bundle)
	if err != nil {
		return row, err
	}
	newer := func(a json.RawMessage) bool {
		return !slices.ContainsFunc(kept.Regions, func(b json.RawMessage) bool { return slices.Equal(a, b) })
	}
	if sameList(next.Scheme, kept.Scheme) && !slices.ContainsFunc(next.Regions, newer) {
		return row, ErrNothingNewer
	}
	return o.commit(ctx, ActImported, r, row, next, q)
}

// leadTo finds the trusted scheme whose keys a bundle's lists have had.
func (r rows) leadTo(b *certs.Bundle) (Scheme, error) {
	theirs, err := b.Anchors()
	if err != nil {
		return Scheme{}, err
	}
	for _, s := range r.schemes {
		if !s.trusted() {
			continue
		}
		ours, err := r.bundle(s, "").Anchors()
		if err != nil {
			return Scheme{}, err
		}
		if slices.ContainsFunc(ours, func(a string) bool { return slices.Contains(theirs, a) }) {
			return s, nil
		}
		// A list alone may be the first of new keys.
		if d, err := certs.ParseSchemeDraft(b.Scheme); err == nil {
			if last, err := certs.ParseSchemeDraft(s.Newest); err == nil && d.Standing(last).Before >= last.List().K {
				return s, nil
			}
		}
	}
	return Scheme{}, fmt.Errorf("%w: trust add takes it by its fingerprint", ErrNotTrusted)
}

// commit puts a row with the lists of a bundle.
func (o *Office) commit(ctx context.Context, name string, r rows, row Scheme, b *certs.Bundle, q Request) (Scheme, error) {
	if err := o.mayName(ctx, r, row.Name, b.Scheme); err != nil {
		return row, err
	}
	row.Revision++
	row.History, row.Newest = nil, b.Scheme
	for _, raw := range b.History {
		row.History = append(row.History, raw)
	}
	row.Who, row.Why = q.Who, q.Why
	var lists []List
	for _, raw := range b.Regions {
		l, err := listOf(raw)
		if err != nil {
			return row, err
		}
		lists = append(lists, l)
	}
	return row, o.put(ctx, name, row, lists)
}

func (o *Office) put(ctx context.Context, name string, row Scheme, lists []List) error {
	a, err := act.New(o.c.Clock(), o.c.Rand, name, row.Name, row)
	if err != nil {
		return err
	}
	o.view = nil // whatever comes of it
	return o.c.Store.CommitScheme(ctx, a, row, lists)
}

func listOf(raw json.RawMessage) (List, error) {
	st, err := certs.ParseStatement(raw)
	if err != nil {
		return List{}, err
	}
	var l struct{ Sequence uint64 }
	if err := json.Unmarshal(st.Payload, &l); err != nil {
		return List{}, err
	}
	return List{Name: st.Issuer, Sequence: l.Sequence, Raw: raw}, nil
}

// mayName refuses a scheme that would have another speak for a region: for this one
// by a key that is not its own, or for one that another trusted scheme names by other
// keys.
func (o *Office) mayName(ctx context.Context, r rows, scheme string, list []byte) error {
	d, err := certs.ParseSchemeDraft(list)
	if err != nil {
		return err
	}
	signers, err := o.c.Source.ListSigners(ctx)
	if err != nil {
		return err
	}
	for _, region := range d.List().Regions {
		if region.Code == o.c.Region && !slices.ContainsFunc(signers, func(s certs.StatementSigner) bool { return names(list, region.Code, s.Certificate) }) {
			return fmt.Errorf("%w: the scheme names this region, %s, by a key that is not its own", ErrRefused, region.Code)
		}
		for _, other := range r.schemes {
			if other.Name != scheme && other.trusted() && region.Code != o.c.Region && !agree(other.Newest, region) {
				return fmt.Errorf("%w: region %s is named by scheme %s with other keys", ErrRefused, region.Code, other.Name)
			}
		}
	}
	return nil
}

// agree tells whether a scheme list does not name the region, or by one of its keys.
func agree(list []byte, region certs.SchemeRegion) bool {
	d, err := certs.ParseSchemeDraft(list)
	if err != nil {
		return false
	}
	for _, r := range d.List().Regions {
		if r.Code == region.Code {
			return slices.ContainsFunc(r.Keys, func(a certs.Base64) bool {
				return slices.ContainsFunc(region.Keys, func(b certs.Base64) bool { return slices.Equal(a, b) })
			})
		}
	}
	return true
}

// Remove ends the trust in a scheme of others. What was seen of it is remembered.
func (o *Office) Remove(ctx context.Context, name, who, why string) (Scheme, error) {
	q := Request{Who: who, Why: why}
	if err := q.check(); err != nil {
		return Scheme{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r, err := o.rows(ctx)
	if err != nil {
		return Scheme{}, err
	}
	i := slices.IndexFunc(r.schemes, func(s Scheme) bool { return s.Name == strings.ToLower(name) && s.trusted() })
	switch {
	case name == Own:
		return Scheme{}, fmt.Errorf("%w: the province's own scheme cannot be removed", ErrRefused)
	case i < 0:
		return Scheme{}, fmt.Errorf("%w: no scheme %q is trusted", ErrRefused, name)
	}
	row := r.schemes[i]
	row.Revision++
	row.Removed, row.Who, row.Why = o.now(), who, why
	return row, o.put(ctx, ActRemoved, row, nil)
}

// Schemes gives the rows of the schemes of others, and of the own one where offline
// keys sign it.
func (o *Office) Schemes(ctx context.Context) ([]Scheme, error) {
	all, err := o.c.Store.Schemes(ctx)
	return slices.DeleteFunc(all, func(s Scheme) bool { return len(s.Newest) == 0 }), err
}

// Kept gives a scheme's lists as they are kept and count, as one bundle.
func (o *Office) Kept(ctx context.Context, s Scheme) (*certs.Bundle, error) {
	r, err := o.rows(ctx)
	if err != nil {
		return nil, err
	}
	return r.bundle(s, "").Named()
}
