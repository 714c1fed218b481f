package ca

import (
	"context"
	"fmt"

	"yinxin/internal/act"
)

// Renew gives a purpose a new key and certificate, in the place of those it has,
// whatever state they are in: renewal is always re-key. The old certificate stays
// in the register and good for what it signed, unless it is revoked. An issuing CA
// gets the name of its generation, and signs all that is issued from now on. The
// scheme's next key stands under itself too: it is trusted by the list that the one
// before it signs (protocol.md 3), which is internal/trust's to make.
func (a *Authority) Renew(ctx context.Context, p Purpose, who, why string) (Row, error) {
	return a.RenewOwn(ctx, OwnRenewal{Purpose: p, Who: who, Why: why})
}

// OwnRenewal is the renewal of one of the province's own purposes. That of an
// issuing authority may need a second officer.
type OwnRenewal struct {
	Purpose  Purpose
	Who, Why string
	Retry    *act.Retry
	By       act.Officer // who asks, as far as a key says it
	Replaces string      // serial of what it replaces, "" for the current one
	Admitted bool        // officers approved it
}

// RenewOwn is Renew by officers: it waits where a second one is needed, and a retry
// gives what was made.
func (a *Authority) RenewOwn(ctx context.Context, r OwnRenewal) (Row, error) {
	s, ok := specOf(r.Purpose)
	switch {
	case !ok:
		return Row{}, fmt.Errorf("%w: purpose %q", ErrNotFound, r.Purpose)
	case s.purpose == PurposeRoot:
		return Row{}, fmt.Errorf("%w: nobody stands above a root who could lead from it to another; docs/ca.md tells what comes at its end", ErrRefused)
	case !grounds(r.Who) || !grounds(r.Why):
		return Row{}, fmt.Errorf("%w: who renews and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	}
	a.renewing.Lock()
	defer a.renewing.Unlock()
	if row, found, err := a.retried(ctx, r.Retry); found || err != nil {
		return row, err
	}
	return a.renew(ctx, s, r)
}

// renew is called with a.renewing.
func (a *Authority) renew(ctx context.Context, s purposeSpec, r OwnRenewal) (Row, error) {
	rows, err := a.History(ctx, s.purpose)
	if err != nil {
		return Row{}, err
	}
	if len(rows) == 0 {
		return Row{}, fmt.Errorf("%w: %s has no certificate yet", ErrNotFound, s.purpose)
	}
	before, generation := rows[len(rows)-1], len(rows)+1
	if r.Replaces != "" && r.Replaces != before.Serial {
		return Row{}, fmt.Errorf("%w: %s was renewed meanwhile", ErrRefused, s.purpose)
	}
	if serial, err := a.admitCA(ctx, before, generation, r); err != nil {
		return Row{}, err
	} else if serial != "" {
		return a.c.Store.Certificate(ctx, serial)
	}
	row, err := a.install(ctx, s, before, generation, r.Who, r.Why, r.Retry)
	if err != nil {
		return Row{}, err
	}
	a.c.Log.Info("a certificate of the province was renewed", "purpose", s.purpose, "serial", row.Serial, "notAfter", row.NotAfter)
	if s.purpose == PurposeIssuing {
		if err := a.responders(ctx); err != nil {
			a.c.Log.Error("the new issuing CA has no OCSP responder yet; it is tried again each hour", "error", err)
		}
	}
	return row, nil
}
