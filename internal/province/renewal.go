package province

import (
	"context"
	"crypto/ecdsa"
	"errors"

	"yinxin/ca"
	"yinxin/ca/tsa"
	"yinxin/certs"
	"yinxin/internal/journal"
	"yinxin/seal"
)

// signing gives an office the key of a purpose as it is at each signature, so that
// a renewal needs no restart and a revoked key signs no more.
func (p *Province) signing(purpose ca.Purpose) seal.Signing {
	return func(ctx context.Context) (certs.StatementSigner, error) {
		c, err := p.CA.Signing(ctx, purpose)
		return certs.StatementSigner{Certificate: c.Certificate, Signer: c.Key}, err
	}
}

// stamping is signing for time-stamps, which carry their chain.
func (p *Province) stamping(ctx context.Context) (tsa.Signing, error) {
	c, err := p.CA.Signing(ctx, ca.PurposeTSA)
	return tsa.Signing{Signer: c.Key, Certificate: c.Certificate, Chain: c.Chain}, err
}

// journalKeys are the keys of the journal from its beginning.
type journalKeys struct{ authority *ca.Authority }

func (k journalKeys) Signing(ctx context.Context) (journal.Signer, error) {
	c, err := k.authority.Signing(ctx, ca.PurposeJournal)
	return c.Key, err
}

// Known takes in a revoked key too: what it signed before is still to be checked.
func (k journalKeys) Known(ctx context.Context) ([]*ecdsa.PublicKey, error) {
	certificates, err := certificatesOf(ctx, k.authority, ca.PurposeJournal)
	if err != nil {
		return nil, err
	}
	out := make([]*ecdsa.PublicKey, len(certificates))
	for i, c := range certificates {
		out[i] = c.PublicKey
	}
	return out, nil
}

// certificatesOf reads every certificate that a purpose has had, oldest first.
func certificatesOf(ctx context.Context, authority *ca.Authority, purpose ca.Purpose) ([]*certs.Certificate, error) {
	rows, err := authority.History(ctx, purpose)
	if err != nil {
		return nil, err
	}
	out := make([]*certs.Certificate, 0, len(rows))
	for _, r := range rows {
		c, err := certs.ParseCertificate(r.DER)
		if err != nil {
			return nil, errors.Join(ca.ErrLost, err)
		}
		out = append(out, c)
	}
	return out, nil
}

// renewDue renews what is due. That it fails keeps nothing else from being done: a
// third of each life is left to find out why.
func (p *Province) renewDue(ctx context.Context) {
	if err := p.CA.RenewDue(ctx); err != nil {
		p.o.Log.Error("certificates of the province were not renewed", "error", err)
	}
}
