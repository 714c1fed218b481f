package ca

import (
	"context"
	"errors"
	"fmt"
)

// RenewServices renews every service whose key may sign no more: its certificate or
// its issuer's is revoked, or has ended. It is a person's act, and where an issuing
// CA was lost the new one comes first. What it could not renew it tells beside what
// it did; called again it goes on with the rest.
func (a *Authority) RenewServices(ctx context.Context, who, why string) (done []Row, err error) {
	if !grounds(who) || !grounds(why) {
		return nil, fmt.Errorf("%w: who renews and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	}
	a.renewing.Lock()
	defer a.renewing.Unlock()
	if _, err := a.Signing(ctx, PurposeIssuing); errors.Is(err, ErrEnded) {
		return nil, fmt.Errorf("%w: the issuing CA signs no more; its successor comes first (yinxin ca renew issuing)", ErrRefused)
	} else if err != nil {
		return nil, err
	}
	if err := a.responders(ctx); err != nil {
		return nil, err
	}
	services, err := a.services(ctx)
	if err != nil {
		return nil, err
	}
	var failed []error
	for _, s := range services {
		ended, err := a.hasEnded(ctx, s)
		if err == nil && ended {
			var row Row
			if row, err = a.renew(ctx, s, OwnRenewal{Purpose: s.purpose, Who: who, Why: why}); err == nil {
				done = append(done, row)
			}
		}
		failed = append(failed, wrap("renewal of "+string(s.purpose), err))
	}
	return done, errors.Join(failed...)
}

// hasEnded tells whether a service signs no more and could again. A responder whose
// own issuer has ended has nobody to speak for.
func (a *Authority) hasEnded(ctx context.Context, s purposeSpec) (bool, error) {
	now := a.c.Clock()
	c, err := a.Purpose(ctx, s.purpose)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil || c.inForce(now) == nil {
		return false, err
	}
	by, err := a.issuerOf(ctx, s)
	return err == nil && by.inForce(now) == nil, err
}
