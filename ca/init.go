package ca

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"yinxin/certs"
	"yinxin/hsm"
)

// Init is called once at each start, before anything is issued. It settles
// what a killed process left and makes what is missing of the chain and of the
// certificates of each purpose, on a key that was made for it before if there
// is one. Killed at any point, the next Init goes on from there.
func (a *Authority) Init(ctx context.Context) error {
	if err := a.recover(ctx); err != nil {
		return fmt.Errorf("intents of an earlier process: %w", err)
	}
	if err := a.loadProfiles(ctx); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	had, err := a.had(ctx)
	if err != nil || had == len(purposes) {
		return err
	}
	spare, err := a.c.Keys.List(ctx)
	if err != nil {
		return err
	}
	for _, p := range purposes[had:] {
		key, err := a.keyFor(ctx, p.purpose, spare)
		if err != nil {
			return fmt.Errorf("key of %s: %w", p.purpose, err)
		}
		o := order{profile: a.profile(p.profile), issuer: p.issuer, purpose: p.purpose, key: key.Public(), held: key,
			subject: Name{Organization: a.c.RegionName, CommonName: a.c.RegionName + p.title}, who: "init", why: "the province is set up"}
		if _, err := a.issue(ctx, o); err != nil {
			return fmt.Errorf("certificate of %s: %w", p.purpose, err)
		}
	}
	return nil
}

// had counts the purposes that have a certificate. They were issued in their
// order (so a new purpose goes last in the list), and a killed Init left the first
// few. Anything else is a damaged register:
// a new certificate would take the old one's place without a word, a root's even.
func (a *Authority) had(ctx context.Context) (n int, err error) {
	var missing []Purpose
	for _, p := range purposes {
		_, err := a.c.Store.Current(ctx, p.purpose)
		switch {
		case errors.Is(err, ErrNotFound):
			missing = append(missing, p.purpose)
		case err != nil:
			return 0, err
		case len(missing) > 0:
			return 0, fmt.Errorf("%w: %s has a certificate and %s has none", ErrLost, p.purpose, missing[0])
		default:
			n++
		}
	}
	if len(missing) == 0 {
		return n, nil
	}
	first, err := a.c.Store.Certificates(ctx, Filter{Limit: maxPage}, a.c.Clock())
	if err != nil {
		return 0, err
	}
	for _, r := range first {
		if slices.Contains(missing, r.Purpose) {
			return 0, fmt.Errorf("%w: certificate %s is of %s, which has none", ErrLost, r.Serial, r.Purpose)
		}
	}
	return n, nil
}

// keyFor takes the key that a killed Init made for the purpose, or makes one.
// There is no certificate of the purpose yet, so none can stand on that key.
func (a *Authority) keyFor(ctx context.Context, p Purpose, spare []hsm.Info) (hsm.Key, error) {
	label := "ca " + string(p)
	left := slices.IndexFunc(spare, func(i hsm.Info) bool {
		return i.Label == label && i.Usage == hsm.UsageSign && i.State == hsm.Active
	})
	if left >= 0 {
		return a.c.Keys.Key(ctx, spare[left].ID)
	}
	return a.c.Keys.Generate(ctx, label, hsm.UsageSign)
}

// recover turns the intents that an earlier process left pending into
// abandoned ones, in the journal too: each may have been signed, and none was
// handed out. Once only, since later intents are this process's own.
func (a *Authority) recover(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.recovered {
		return nil
	}
	intents, err := a.c.Store.Intents(ctx)
	if err != nil {
		return err
	}
	for _, i := range intents {
		if !i.Abandoned.IsZero() {
			continue
		}
		if err := a.commitAbandoned(ctx, i); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		a.c.Log.Warn("a certificate was intended and never recorded", "serial", i.Serial, "profile", i.Profile)
	}
	a.recovered = true
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
		return Credential{}, fmt.Errorf("%w: certificate of %s: %w", ErrLost, p, err)
	}
	key, err := a.c.Keys.Key(ctx, row.KeyID)
	if err != nil {
		return Credential{}, fmt.Errorf("key of %s: %w", p, err)
	}
	if !key.Public().Equal(cert.PublicKey) {
		return Credential{}, fmt.Errorf("%w: the key of %s is not that of its certificate", ErrLost, p)
	}
	c := Credential{cert, key, row}
	a.current[p] = c
	return c, nil
}

// Issuers lists the names of all that have issued, as rows and addresses
// (/crl/{issuer}.crl) have them.
func (a *Authority) Issuers(context.Context) ([]string, error) {
	return []string{string(PurposeRoot), string(PurposeIssuing)}, nil
}

// Issuer gives the key and certificate of an issuer by its name, to sign its
// lists; ErrNotFound for a name that never issued.
func (a *Authority) Issuer(ctx context.Context, name string) (Credential, error) {
	if name != string(PurposeRoot) && name != string(PurposeIssuing) {
		return Credential{}, ErrNotFound
	}
	return a.Purpose(ctx, Purpose(name))
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
