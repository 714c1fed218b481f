package trust

import (
	"context"
	"errors"
	"slices"
	"time"

	"yinxin/certs"
)

// view is what is published and trusted while nothing changes and no hour passes:
// everyone is given the same octets, and a verifier can keep what it has found.
type view struct {
	hour    time.Time
	state   string
	bundle  *certs.Bundle
	region  []byte // this region's list
	trust   *certs.Trust
	expires map[string]time.Time // by "scheme" and region
}

// Bundle is what the province publishes: its scheme's list and the lists of the
// regions in it, its own made anew each hour and whenever a service has changed.
func (o *Office) Bundle(ctx context.Context) (*certs.Bundle, error) {
	v, err := o.look(ctx)
	if err != nil {
		return nil, err
	}
	return v.bundle, nil
}

// ErrNoList: there is no scheme list of this sequence to be had. Those from which
// keys or k changed are, and those to which they did.
var ErrNoList = errors.New("no scheme list of this sequence is kept")

// SchemeList is the signed scheme list of a sequence, 0 for the newest.
func (o *Office) SchemeList(ctx context.Context, sequence uint64) ([]byte, error) {
	v, err := o.look(ctx)
	if err != nil {
		return nil, err
	}
	if sequence == 0 {
		return v.bundle.Scheme, nil
	}
	for _, raw := range append(slices.Clone(v.bundle.History), v.bundle.Scheme) {
		if l, err := listOf(raw); err == nil && l.Sequence == sequence {
			return raw, nil
		}
	}
	return nil, ErrNoList
}

// RegionList is this region's signed list.
func (o *Office) RegionList(ctx context.Context) ([]byte, error) {
	v, err := o.look(ctx)
	if err != nil {
		return nil, err
	}
	return v.region, nil
}

// Trust is what the province judges by: its own scheme and those of others that were
// added.
func (o *Office) Trust(ctx context.Context) (*certs.Trust, error) {
	v, err := o.look(ctx)
	if err != nil {
		return nil, err
	}
	return v.trust, nil
}

// Expiries tells when each list in use ends, by "scheme", for the list that the
// province publishes under, and by region.
func (o *Office) Expiries(ctx context.Context) (map[string]time.Time, error) {
	v, err := o.look(ctx)
	if err != nil {
		return nil, err
	}
	return v.expires, nil
}

func (o *Office) look(ctx context.Context) (*view, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lookLocked(ctx)
}

func (o *Office) lookLocked(ctx context.Context) (*view, error) {
	state, err := o.c.Source.State(ctx)
	if err != nil {
		return nil, err
	}
	now := o.now()
	if v := o.view; v != nil && v.state == state && v.hour.Equal(now.Truncate(listEvery)) {
		return v, nil
	}
	r, err := o.rows(ctx)
	if err != nil {
		return nil, err
	}
	v := &view{hour: now.Truncate(listEvery), state: state, expires: map[string]time.Time{}}
	published, err := o.publish(ctx, r, v)
	if err != nil {
		return nil, err
	}
	if err := o.open(r, published, now, v); err != nil {
		return nil, err
	}
	o.view = v
	return v, nil
}

// publish makes the bundle under the scheme that names this region, and gives that
// scheme's name.
func (o *Office) publish(ctx context.Context, r rows, v *view) (string, error) {
	signers, err := o.c.Source.ListSigners(ctx)
	if err != nil || len(signers) == 0 {
		return "", errors.Join(err, noSigner(signers, "trust-list"))
	}
	row, by := o.publishing(r, signers)
	kept := r.lists[Own]
	if v.region, err = o.regionList(ctx, by, kept[o.c.Region]); err != nil {
		return "", err
	}
	if row.Name == Own && len(row.Newest) == 0 {
		var raw []byte
		if row, raw, err = o.ownScheme(ctx, row, signers, kept[certs.SchemeIssuer]); err != nil {
			return "", err
		}
		row.Newest = raw
	}
	if v.bundle, err = r.bundle(row, o.c.Region).Named(); err != nil {
		return "", err
	}
	v.bundle.Regions = append(v.bundle.Regions, v.region)
	slices.Reverse(v.bundle.Regions) // its own first
	return row.Name, nil
}

// publishing finds the scheme to publish under and the key whose list it takes: the
// scheme that was trusted last of those that name this region by a key of its own.
// The own one is left where no other does.
func (o *Office) publishing(r rows, signers []certs.StatementSigner) (Scheme, certs.StatementSigner) {
	best, by := r.schemes[0], signers[0]
	found := false
	for _, s := range r.schemes {
		if !s.trusted() || found && !s.Since.After(best.Since) {
			continue
		}
		for _, k := range signers {
			if names(s.Newest, o.c.Region, k.Certificate) {
				best, by, found = s, k, true
				break
			}
		}
	}
	if !found && r.schemes[0].trusted() {
		o.c.Log.Error("the scheme list does not name this region's list key: nobody accepts its list until it does", "key", certs.KeyID(by.Certificate))
	}
	return best, by
}

// names tells whether a scheme list lets a key sign a region's list.
func names(scheme []byte, region string, key *certs.Certificate) bool {
	d, err := certs.ParseSchemeDraft(scheme)
	if err != nil {
		return false
	}
	for _, r := range d.List().Regions {
		for _, der := range r.Keys {
			if r.Code == region && slices.Equal(der, key.Raw) {
				return true
			}
		}
	}
	return false
}

// open checks all that is kept as any verifier would. What is kept is the memory of
// the highest sequence: nothing lower ever replaces it.
func (o *Office) open(r rows, published string, now time.Time, v *view) error {
	anchors, err := v.bundle.Anchors()
	if err != nil {
		return err
	}
	own, err := v.bundle.Open(certs.TrustOptions{Anchors: anchors[len(anchors)-1:], At: now})
	if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
		return err
	}
	var others []*certs.Trust
	for _, s := range r.schemes {
		if s.Name == published || s.Name == Own || !s.trusted() {
			continue
		}
		named, err := r.bundle(s, o.c.Region).Named()
		if err != nil {
			return err
		}
		t, err := named.Open(certs.TrustOptions{Anchors: []string{s.Name}, At: now})
		if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
			return err
		}
		others = append(others, t)
	}
	v.trust = own
	if len(others) > 0 {
		v.trust = certs.Merge(own, others...)
	}
	v.expires[certs.SchemeIssuer] = own.SchemeExpires
	for code, region := range v.trust.Regions {
		v.expires[code] = region.Expires
	}
	return nil
}
