package ca

import (
	"context"
	"errors"
	"fmt"
)

// Responder gives who answers for the certificates of an issuer (RFC 6960
// 4.2.2.2): the responder that the issuer certified, if it is in force, else the
// issuer itself, so that a responder whose renewal failed is nobody's outage.
// ErrEnded: the issuer's word counts no more.
func (a *Authority) Responder(ctx context.Context, issuer string) (Credential, error) {
	p, ok := Responder(issuer)
	if !ok {
		p = PurposeOCSPRoot
	}
	c, err := a.Signing(ctx, p)
	switch {
	case err == nil && c.Row.Issuer == issuer:
		return c, nil
	case err != nil && !errors.Is(err, ErrEnded) && !errors.Is(err, ErrNotFound):
		return Credential{}, err
	}
	if c, err = a.Issuer(ctx, issuer); err != nil {
		return Credential{}, err
	}
	if err := c.inForce(a.c.Clock()); err != nil {
		return Credential{}, fmt.Errorf("%s: %w", issuer, err)
	}
	return c, nil
}
