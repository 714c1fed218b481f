package ca

import (
	"context"
	"fmt"

	"yinxin/certs"
	"yinxin/internal/act"
)

// HoldRequest suspends a certificate, or ends its suspension.
type HoldRequest struct {
	Serial   string
	Who, Why string
}

// holdable are the profiles that may be put on hold. A signer's may not: lists and
// OCSP forget a hold, and what was signed meanwhile would be good again. Freezing
// the seal is the suspension (protocol.md 4).
var holdable = map[string]bool{ProfileClient: true, ProfileEncryption: true}

// Hold counts a certificate as revoked until Release, or for ever if it is revoked
// meanwhile.
func (a *Authority) Hold(ctx context.Context, r HoldRequest) (Row, error) {
	row, err := a.holding(ctx, r)
	if err != nil {
		return Row{}, err
	}
	held := Revocation{Serial: row.Serial, At: a.now(), Reason: certs.ReasonCertificateHold, Who: r.Who, Why: r.Why}
	done, err := act.New(a.c.Clock(), a.c.Rand, ActHeld, r.Serial, held)
	if err != nil {
		return Row{}, err
	}
	return a.c.Store.CommitRevocation(ctx, done, held)
}

// Release ends a hold; ErrNotHeld if there is none. Its record has the reason that
// delta lists tell it by (RFC 5280 5.3.1).
func (a *Authority) Release(ctx context.Context, r HoldRequest) (Row, error) {
	row, err := a.holding(ctx, r)
	if err != nil {
		return Row{}, err
	}
	released := Revocation{Serial: row.Serial, At: a.now(), Reason: certs.ReasonRemoveFromCRL, Who: r.Who, Why: r.Why}
	done, err := act.New(a.c.Clock(), a.c.Rand, ActReleased, r.Serial, released)
	if err != nil {
		return Row{}, err
	}
	return a.c.Store.CommitRelease(ctx, done, released)
}

func (a *Authority) holding(ctx context.Context, r HoldRequest) (Row, error) {
	row, err := a.c.Store.Certificate(ctx, r.Serial)
	switch {
	case err != nil:
		return Row{}, err
	case !holdable[row.Profile]:
		return Row{}, fmt.Errorf("%w: a certificate of profile %q is never on hold; a seal is frozen instead", ErrRefused, row.Profile)
	case !grounds(r.Who) || !grounds(r.Why):
		return Row{}, fmt.Errorf("%w: who asks and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	}
	return row, nil
}

// Change is a revocation, a hold or a release as it was recorded.
type Change struct {
	Act string `json:"act"`
	Revocation
}

// Changes gives all that happened to a certificate since it was issued, oldest
// first.
func (a *Authority) Changes(ctx context.Context, serial string) ([]Change, error) {
	return a.c.Store.Changes(ctx, serial)
}
