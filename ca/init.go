package ca

import (
	"context"
	"errors"
	"fmt"

	"yinxin/certs"
	"yinxin/hsm"
)

// Init makes what is missing of the chain and of the certificates of each
// purpose. Killed at any point it goes on from there: a key without a
// certificate is left over and another is made.
func (a *Authority) Init(ctx context.Context) error {
	for _, p := range purposes {
		_, err := a.c.Store.Current(ctx, p.purpose)
		if err == nil {
			continue
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		key, err := a.c.Keys.Generate(ctx, string(p.purpose), hsm.UsageSign)
		if err != nil {
			return fmt.Errorf("key of %s: %w", p.purpose, err)
		}
		o := order{profile: a.profiles[p.profile], issuer: p.issuer, purpose: p.purpose, key: key.Public(), held: key,
			subject: Name{Organization: a.c.RegionName, CommonName: a.c.RegionName + p.title}, who: "init", why: "the province is set up"}
		if _, err := a.issue(ctx, o); err != nil {
			return fmt.Errorf("certificate of %s: %w", p.purpose, err)
		}
	}
	return nil
}

// Purpose gives the current key and certificate of a purpose.
func (a *Authority) Purpose(ctx context.Context, p Purpose) (Credential, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if c, ok := a.current[p]; ok {
		return c, nil
	}
	row, err := a.c.Store.Current(ctx, p)
	if err != nil {
		return Credential{}, fmt.Errorf("%s: %w", p, err)
	}
	cert, err := certs.ParseCertificate(row.DER)
	if err != nil {
		return Credential{}, fmt.Errorf("%s: %w", p, err)
	}
	key, err := a.c.Keys.Key(ctx, row.KeyID)
	if err != nil {
		return Credential{}, fmt.Errorf("key of %s: %w", p, err)
	}
	if !key.Public().Equal(cert.PublicKey) {
		return Credential{}, fmt.Errorf("%s: the key is not that of its certificate", p)
	}
	c := Credential{cert, key, row}
	a.current[p] = c
	return c, nil
}

// Chain gives the certificates above one of ours, issuing CA first, without
// the root.
func (a *Authority) Chain(ctx context.Context) ([]*certs.Certificate, error) {
	c, err := a.Purpose(ctx, PurposeIssuing)
	if err != nil {
		return nil, err
	}
	return []*certs.Certificate{c.Certificate}, nil
}
