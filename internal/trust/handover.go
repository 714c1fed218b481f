package trust

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"yinxin/certs"
)

// HandOver gives the province's own scheme to the offline keys that signed its next
// list. The scheme key, which the province holds, signs twice more: a last list of
// its own, numbered just before theirs, and theirs. So whoever trusts the old key is
// led to the new ones, and the ceremony can take days while the province goes on
// making a list an hour.
func (o *Office) HandOver(ctx context.Context, q Request) (Scheme, error) {
	if err := q.check(); err != nil {
		return Scheme{}, err
	}
	next, err := certs.ParseSchemeDraft(q.Bundle.Scheme)
	if err != nil {
		return Scheme{}, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, err := o.lookLocked(ctx); err != nil { // there is a list to follow
		return Scheme{}, err
	}
	r, err := o.rows(ctx)
	if err != nil {
		return Scheme{}, err
	}
	row := r.schemes[0]
	if row.trusted() {
		return row, fmt.Errorf("%w: offline keys sign this province's scheme already; trust import brings newer lists", ErrRefused)
	}
	signers, err := o.c.Source.SchemeSigners(ctx)
	if err != nil || len(signers) == 0 {
		return row, errors.Join(err, noSigner(signers, "scheme"))
	}
	last, raw, err := o.lastOwn(ctx, next, signers[0], r.lists[Own][certs.SchemeIssuer])
	if err != nil {
		return row, err
	}
	if err := next.Sign(ctx, signers[0], last); err != nil && !errors.Is(err, certs.ErrSigned) {
		return row, err
	}
	if s := next.Standing(last); !s.Enough() {
		return row, fmt.Errorf("%w: %d of %d signatures by its own keys", certs.ErrSignature, s.Own, s.OwnNeeded)
	}
	signed, err := next.Marshal()
	if err != nil {
		return row, err
	}
	if listSigners, err := o.c.Source.ListSigners(ctx); err != nil {
		return row, err
	} else if !slices.ContainsFunc(listSigners, func(s certs.StatementSigner) bool { return names(signed, o.c.Region, s.Certificate) }) {
		return row, ErrNotNamed
	}
	if err := o.mayName(ctx, r, Own, signed); err != nil {
		return row, err
	}
	row.Revision++
	row.History = append(slices.Clone(row.History), raw)
	row.Newest, row.Since, row.Who, row.Why = signed, o.now(), q.Who, q.Why
	return row, o.put(ctx, ActHandedOver, row, []List{{Name: certs.SchemeIssuer, Sequence: last.List().Sequence, Raw: raw}})
}

// lastOwn is the last list of the province's own key, numbered before next.
func (o *Office) lastOwn(ctx context.Context, next *certs.SchemeDraft, by certs.StatementSigner, kept List) (*certs.SchemeDraft, []byte, error) {
	before, err := certs.ParseSchemeDraft(kept.Raw)
	if err != nil {
		return nil, nil, err
	}
	n := next.List().Sequence - 1
	if n < kept.Sequence || n > kept.Sequence+maxStep {
		return nil, nil, fmt.Errorf("%w: the list has sequence %d and the province has gone to %d meanwhile: draft it anew, with --ahead to leave room", ErrRefused, n+1, kept.Sequence)
	}
	raw := kept.Raw
	if n > kept.Sequence {
		l := before.List()
		l.Sequence, l.Iat = n, o.listTime(by.Certificate)
		l.Exp = l.Iat.Add(certs.ListLife)
		if raw, err = certs.SignSchemeList(ctx, l, []certs.StatementSigner{by}); err != nil {
			return nil, nil, err
		}
	}
	last, err := certs.ParseSchemeDraft(raw)
	if err != nil {
		return nil, nil, err
	}
	return last, raw, next.MayFollow(last)
}
