package ca

import (
	"context"
	"errors"
)

// Responder gives who answers for the certificates of an issuer (RFC 6960
// 4.2.2.2): the responder that the issuer certified, if it is in force, else the
// issuer itself.
func (a *Authority) Responder(ctx context.Context, issuer string) (Credential, error) {
	p, ok := Responder(issuer)
	if !ok {
		return a.Issuer(ctx, issuer)
	}
	now := a.now()
	c, err := a.Purpose(ctx, p)
	switch {
	case errors.Is(err, ErrNotFound): // the renewal of the issuer was killed before its responder was made
	case err != nil:
		return Credential{}, err
	case c.Row.Issuer == issuer && c.Row.Revocation == nil && !now.Before(c.Certificate.NotBefore) && !now.After(c.Certificate.NotAfter):
		return c, nil
	}
	return a.Issuer(ctx, issuer)
}
