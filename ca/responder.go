package ca

import "context"

// Responder gives who answers for the certificates of an issuer (RFC 6960
// 4.2.2.2): the responder that the issuer certified, if it is in force, else the
// issuer itself. The latter is so for an authority that has been re-keyed, whose
// certificates are still asked about when the responder has gone on to the new key.
func (a *Authority) Responder(ctx context.Context, issuer string) (Credential, error) {
	now := a.now()
	for _, p := range []Purpose{PurposeOCSP, PurposeOCSPRoot} {
		c, err := a.Purpose(ctx, p)
		if err != nil {
			return Credential{}, err
		}
		if c.Row.Issuer == issuer && c.Row.Revocation == nil && !now.Before(c.Certificate.NotBefore) && !now.After(c.Certificate.NotAfter) {
			return c, nil
		}
	}
	return a.Issuer(ctx, issuer)
}
