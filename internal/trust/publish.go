package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"yinxin/certs"
	"yinxin/internal/act"
)

// listEvery is how long a list is served that has nothing to say anew; it lives for
// certs.ListLife.
const listEvery = time.Hour

// rows are what the store keeps, as one look at it.
type rows struct {
	schemes []Scheme // the own first
	lists   map[string]map[string]List
}

func (o *Office) rows(ctx context.Context) (r rows, err error) {
	all, err := o.c.Store.Schemes(ctx)
	if err != nil {
		return r, err
	}
	r.lists = map[string]map[string]List{}
	r.schemes = []Scheme{{Name: Own}}
	for _, s := range all {
		if s.Name == Own {
			r.schemes[0] = s
		} else {
			r.schemes = append(r.schemes, s)
		}
	}
	for _, s := range r.schemes {
		lists, err := o.c.Store.Lists(ctx, s.Name)
		if err != nil {
			return r, err
		}
		r.lists[s.Name] = map[string]List{}
		for _, l := range lists {
			r.lists[s.Name][l.Name] = l
		}
	}
	return r, nil
}

// bundle is what is kept of a scheme, without this region's list: of a region that
// the scheme dropped, or whose key it replaced, too, for what it said is remembered.
func (r rows) bundle(s Scheme, region string) *certs.Bundle {
	b := &certs.Bundle{Scheme: s.Newest, Regions: []json.RawMessage{}}
	for _, raw := range s.History {
		if !sameList(raw, s.Newest) { // the first list of a new key is kept and, for an hour, the newest
			b.History = append(b.History, raw)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.lists[s.Name])) {
		if name != region && name != certs.SchemeIssuer {
			b.Regions = append(b.Regions, r.lists[s.Name][name].Raw)
		}
	}
	return b
}

// nextSequence only rises, whatever the clock does, and where an old backup was
// restored it rises past what had been given since, because the clock went on.
func nextSequence(clock, kept uint64) uint64 { return max(clock, kept+1) }

// regionList makes this region's list, or gives the one that is kept while that is
// of this hour and says the same. Its sequence is the second it was made in.
func (o *Office) regionList(ctx context.Context, by certs.StatementSigner, kept List) ([]byte, error) {
	services, err := o.c.Source.Services(ctx)
	if err != nil {
		return nil, err
	}
	at := o.listTime(by.Certificate)
	l := certs.RegionList{Iss: o.c.Region, Iat: at, Exp: at.Add(certs.ListLife), Name: o.c.Name, URL: o.c.URL,
		Sequence: nextSequence(uint64(at.Unix()), kept.Sequence), Services: services}
	var was certs.RegionList
	if st, ok := o.keeps(kept, by, at); ok && st.Decode(&was) == nil {
		was.Iat, was.Exp, was.Sequence = l.Iat, l.Exp, l.Sequence
		if sameJSON(was, l) {
			return kept.Raw, nil
		}
	}
	raw, err := certs.SignRegionList(ctx, l, by)
	if err != nil {
		return nil, err
	}
	// Kept before it is seen, so that no two lists ever bear one sequence.
	return raw, o.c.Store.PutList(ctx, Own, List{Name: o.c.Region, Sequence: l.Sequence, Raw: raw})
}

// keeps tells whether the list at hand was made by the key in this hour.
func (o *Office) keeps(kept List, by certs.StatementSigner, at time.Time) (*certs.Statement, bool) {
	if len(kept.Raw) == 0 {
		return nil, false
	}
	st, err := certs.ParseStatement(kept.Raw)
	if err != nil || !slices.Contains(st.KeyIDs, certs.KeyID(by.Certificate)) {
		return nil, false
	}
	return st, st.IssuedAt.Truncate(listEvery).Equal(at.Truncate(listEvery))
}

func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

// listTime is now, but not before the signer's certificate begins.
func (o *Office) listTime(c *certs.Certificate) time.Time {
	if now := o.now(); !now.Before(c.NotBefore) {
		return now
	}
	return c.NotBefore
}

// maxStep is how far a scheme list's sequence may rise (protocol.md 3).
const maxStep = 1000

// ownScheme makes the scheme list of a province that is its own scheme: it names this
// region alone, and is signed by the province's scheme key. It returns the row too,
// which has a longer history where the key is a new one.
func (o *Office) ownScheme(ctx context.Context, row Scheme, listKeys []certs.StatementSigner, kept List) (Scheme, []byte, error) {
	signers, err := o.c.Source.SchemeSigners(ctx)
	if err != nil || len(signers) == 0 {
		return row, nil, errors.Join(err, noSigner(signers, "scheme"))
	}
	by := signers[0]
	at := o.listTime(by.Certificate)
	l := certs.SchemeList{Iss: certs.SchemeIssuer, Iat: at, Exp: at.Add(certs.ListLife), K: 1, Keys: []certs.Base64{by.Certificate.Raw}, Regions: []certs.SchemeRegion{o.named(listKeys)}}
	// Hours since the first key: behind what is kept only where a list was made
	// before its hour was over.
	clock := uint64(at.Sub(signers[len(signers)-1].Certificate.NotBefore)/listEvery) + 1
	l.Sequence = nextSequence(clock, kept.Sequence)
	if kept.Sequence > 0 {
		l.Sequence = min(l.Sequence, kept.Sequence+maxStep)
	}
	var was certs.SchemeList
	if st, ok := o.keeps(kept, by, at); ok && st.Decode(&was) == nil {
		was.Iat, was.Exp, was.Sequence = l.Iat, l.Exp, l.Sequence
		if sameJSON(was, l) {
			return row, kept.Raw, nil
		}
	}
	if len(kept.Raw) > 0 {
		if before, err := certs.ParseSchemeDraft(kept.Raw); err != nil {
			return row, nil, err
		} else if !slices.ContainsFunc(before.Keys(), by.Certificate.Equal) {
			return o.rekeyed(ctx, row, l, before, signers, kept)
		}
	}
	raw, err := certs.SignSchemeList(ctx, l, signers[:1])
	if err != nil {
		return row, nil, err
	}
	return row, raw, o.c.Store.PutList(ctx, Own, List{Name: certs.SchemeIssuer, Sequence: l.Sequence, Raw: raw})
}

// rekeyed signs the first list of a new scheme key by the old one too. That list and
// the old key's last are kept: over them whoever trusts the old key is led to the new.
func (o *Office) rekeyed(ctx context.Context, row Scheme, l certs.SchemeList, before *certs.SchemeDraft, signers []certs.StatementSigner, kept List) (Scheme, []byte, error) {
	old := slices.IndexFunc(signers, func(s certs.StatementSigner) bool { return s.Certificate.Equal(before.Keys()[0]) })
	if old < 0 {
		return row, nil, fmt.Errorf("%w: the scheme's key before this one", certs.ErrUnknownIssuer)
	}
	l.Sequence = kept.Sequence + 1
	raw, err := certs.SignSchemeList(ctx, l, []certs.StatementSigner{signers[0], signers[old]})
	if err != nil {
		return row, nil, err
	}
	row.Revision++
	row.History = append(slices.Clone(row.History), kept.Raw, raw)
	row.Since, row.Who, row.Why = o.now(), "province", "the scheme's key was renewed"
	a, err := act.New(o.c.Clock(), o.c.Rand, ActRekeyed, Own, row)
	if err != nil {
		return row, nil, err
	}
	return row, raw, o.c.Store.CommitScheme(ctx, a, row, []List{{Name: certs.SchemeIssuer, Sequence: l.Sequence, Raw: raw}})
}

// named is this region as a scheme list names it.
func (o *Office) named(listKeys []certs.StatementSigner) certs.SchemeRegion {
	r := certs.SchemeRegion{Code: o.c.Region, Name: o.c.Name, URL: o.c.URL}
	for _, k := range listKeys {
		r.Keys = append(r.Keys, k.Certificate.Raw)
	}
	return r
}

func noSigner(signers []certs.StatementSigner, what string) error {
	if len(signers) == 0 {
		return fmt.Errorf("%w: the province has no %s key in force", ErrNotNamed, what)
	}
	return nil
}
