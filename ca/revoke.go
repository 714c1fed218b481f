package ca

import (
	"context"
	"fmt"
	"time"

	"yinxin/certs"
	"yinxin/internal/act"
)

// RevokeRequest revokes a certificate for ever. Invalidity is the moment since
// when its key may have been misused, zero if that is the present.
type RevokeRequest struct {
	Serial     string
	Reason     int // RFC 5280 5.3.1
	Invalidity time.Time
	Who, Why   string
}

// Reasons by the names that people use.
var Reasons = map[string]int{
	"unspecified": certs.ReasonUnspecified, "keyCompromise": certs.ReasonKeyCompromise, "cACompromise": certs.ReasonCACompromise,
	"affiliationChanged": certs.ReasonAffiliationChanged, "superseded": certs.ReasonSuperseded,
	"cessationOfOperation": certs.ReasonCessationOfOperation, "privilegeWithdrawn": certs.ReasonPrivilegeWithdrawn,
}

// Revoke records the revocation; the next CRL that is asked for holds it. A
// certificate is never put on hold: CRL and OCSP forget a hold, and freezing
// the seal is the suspension (protocol.md 4).
func (a *Authority) Revoke(ctx context.Context, r RevokeRequest) (Row, error) {
	now := a.now()
	known := false
	for _, reason := range Reasons {
		known = known || reason == r.Reason
	}
	switch {
	case !known:
		return Row{}, fmt.Errorf("%w: reason %d", ErrRefused, r.Reason)
	case r.Who == "" || r.Why == "":
		return Row{}, fmt.Errorf("%w: who revokes and why must be said", ErrRefused)
	case r.Invalidity.After(now):
		return Row{}, fmt.Errorf("%w: the invalidity date lies in the future", ErrRefused)
	}
	rev := Revocation{Serial: r.Serial, At: now, Reason: r.Reason, Invalidity: r.Invalidity.UTC().Truncate(time.Second), Who: r.Who, Why: r.Why}
	if r.Invalidity.IsZero() {
		rev.Invalidity = time.Time{}
	}
	done, err := act.New(a.c.Clock(), a.c.Rand, ActRevoked, r.Serial, rev)
	if err != nil {
		return Row{}, err
	}
	return a.c.Store.CommitRevocation(ctx, done, rev)
}

// Certificate shows one row.
func (a *Authority) Certificate(ctx context.Context, serial string) (Row, error) {
	return a.c.Store.Certificate(ctx, serial)
}

// Certificates lists rows.
func (a *Authority) Certificates(ctx context.Context, f Filter) ([]Row, error) {
	return a.c.Store.Certificates(ctx, f, a.c.Clock())
}

// Abandoned lists the intents whose certificate never came: what a killed
// process may have signed. Their serials are never used again.
func (a *Authority) Abandoned(ctx context.Context) ([]Intent, error) { return a.c.Store.Intents(ctx) }
