package ca

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"yinxin/certs"
	"yinxin/hsm"
)

// Credential is a certificate of the authority's own with its key and its row.
type Credential struct {
	Certificate *certs.Certificate
	Key         hsm.Key
	Row         Row
	// Chain are the certificates above it, without a self-signed one.
	Chain []*certs.Certificate
	// Name of an issuer, as the rows of what it issued have it; "" of all else.
	Name string

	ended string // why it must not sign whatever the time is, "" if it may
}

// held is under what a credential is kept: the current one of a purpose, or an
// issuer of any generation by its name.
type held struct {
	purpose Purpose
	issuer  string
}

// Purpose gives the current key and certificate of a purpose, in force or not.
func (a *Authority) Purpose(ctx context.Context, p Purpose) (Credential, error) {
	return a.credential(ctx, held{purpose: p})
}

// Signing gives what signs for a purpose now: ErrEnded if it is revoked, or its
// issuer is, or it is not in validity. It is asked anew for each signature, so
// that a renewal and a revocation count at once.
func (a *Authority) Signing(ctx context.Context, p Purpose) (Credential, error) {
	c, err := a.Purpose(ctx, p)
	if err != nil {
		return c, err
	}
	if err := c.inForce(a.c.Clock()); err != nil {
		return c, fmt.Errorf("%s: %w", p, err)
	}
	return c, nil
}

func (c Credential) inForce(now time.Time) error {
	switch {
	case c.ended != "":
		return fmt.Errorf("%w: %s", ErrEnded, c.ended)
	case now.Before(c.Certificate.NotBefore):
		return fmt.Errorf("%w: its certificate begins at %s, and the clock stands before that", ErrEnded, c.Certificate.NotBefore.Format(time.RFC3339))
	case now.After(c.Certificate.NotAfter):
		return fmt.Errorf("%w: its certificate ended at %s", ErrEnded, c.Certificate.NotAfter.Format(time.RFC3339))
	}
	return nil
}

// credential reads without a lock what is held, since every stamp asks.
func (a *Authority) credential(ctx context.Context, h held) (Credential, error) {
	if known := a.held.Load(); known != nil {
		if c, ok := (*known)[h]; ok {
			return c, nil
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.load(ctx, h)
}

// load reads a credential and holds it. It is called under mu: what forget waits
// for cannot hold what was read before.
func (a *Authority) load(ctx context.Context, h held) (c Credential, err error) {
	known := map[held]Credential{}
	if p := a.held.Load(); p != nil {
		known = *p
	}
	if c, ok := known[h]; ok {
		return c, nil
	}
	if c.Row, c.Name, err = a.rowOf(ctx, h); err != nil {
		return Credential{}, err
	}
	if err := a.complete(ctx, &c); err != nil {
		return Credential{}, err
	}
	// complete may have held the issuers.
	if p := a.held.Load(); p != nil {
		known = *p
	}
	next := maps.Clone(known)
	next[h] = c
	a.held.Store(&next)
	return c, nil
}

// rowOf finds the certificate, and the name of an issuer.
func (a *Authority) rowOf(ctx context.Context, h held) (Row, string, error) {
	if h.issuer == "" {
		row, err := a.c.Store.Current(ctx, h.purpose)
		if err != nil || !issues(h.purpose) {
			return row, "", wrap(string(h.purpose), err)
		}
		rows, err := a.History(ctx, h.purpose)
		return row, issuerName(h.purpose, len(rows)), err
	}
	p, generation, ok := parseIssuer(h.issuer)
	if !ok {
		return Row{}, "", ErrNotFound
	}
	rows, err := a.History(ctx, p)
	if err != nil {
		return Row{}, "", err
	}
	if generation > len(rows) {
		return Row{}, "", ErrNotFound
	}
	return rows[generation-1], h.issuer, nil
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}

// complete reads certificate, key and chain of a row.
func (a *Authority) complete(ctx context.Context, c *Credential) (err error) {
	what := string(c.Row.Purpose)
	if c.Certificate, err = certs.ParseCertificate(c.Row.DER); err != nil {
		return fmt.Errorf("%w: certificate of %s: %w", ErrLost, what, err)
	}
	if c.Key, err = a.c.Keys.Key(ctx, c.Row.KeyID); err != nil {
		return fmt.Errorf("key of %s: %w", what, err)
	}
	if !c.Key.Public().Equal(c.Certificate.PublicKey) {
		return fmt.Errorf("%w: the key of %s is not that of its certificate", ErrLost, what)
	}
	if c.Row.Revocation != nil {
		c.ended = "its certificate is revoked"
	}
	if c.Row.selfSigned() {
		return nil
	}
	by, err := a.load(ctx, held{issuer: c.Row.Issuer})
	if err != nil {
		return fmt.Errorf("issuer of %s: %w", what, err)
	}
	if !by.Row.selfSigned() {
		c.Chain = append([]*certs.Certificate{by.Certificate}, by.Chain...)
	}
	if c.ended == "" && by.ended != "" {
		c.ended = "its issuer's certificate is revoked"
	}
	return nil
}

// IssuerStands tells whether the authority behind a certificate of the register may
// still sign: what it issued is believed by nobody once it has ended. ErrEnded tells
// why it may not. Of an outside authority the trust list tells.
func (a *Authority) IssuerStands(ctx context.Context, serial string) error {
	row, err := a.c.Store.Certificate(ctx, serial)
	if err != nil {
		return err
	}
	if _, _, ours := parseIssuer(row.Issuer); !ours {
		return nil
	}
	by, err := a.Issuer(ctx, row.Issuer)
	if err != nil {
		return err
	}
	return wrap(row.Issuer, by.inForce(a.c.Clock()))
}

// forget drops what is held, after a certificate of ours was made or revoked.
func (a *Authority) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held.Store(nil)
}

// selfSigned: the root of any generation, and the key of the scheme.
func (r Row) selfSigned() bool { return r.Profile == ProfileRoot || r.Purpose == PurposeScheme }

// issues tells whether certificates are issued under the purpose.
func issues(p Purpose) bool { return p == PurposeRoot || p == PurposeIssuing }

// issuerName names a generation of an issuer: issuing, issuing.2, issuing.3. A key
// of its own has a name of its own, so that no two issuers share a DN or a list.
func issuerName(p Purpose, generation int) string {
	if generation <= 1 {
		return string(p)
	}
	return string(p) + "." + strconv.Itoa(generation)
}

// maxGeneration bounds what a name in an address may make us look up.
const maxGeneration = 999

func parseIssuer(name string) (p Purpose, generation int, ok bool) {
	base, number, again := strings.Cut(name, ".")
	if p = Purpose(base); !issues(p) {
		return "", 0, false
	}
	if !again {
		return p, 1, true
	}
	n, err := strconv.Atoi(number)
	// One name for each: not issuing.02.
	return p, n, err == nil && n > 1 && n <= maxGeneration && strconv.Itoa(n) == number
}

// Issuers lists the names of all that have issued, as rows and addresses
// (/crl/{issuer}.crl) have them, the root first and the oldest of each first.
func (a *Authority) Issuers(ctx context.Context) ([]string, error) {
	var out []string
	for _, p := range []Purpose{PurposeRoot, PurposeIssuing} {
		rows, err := a.History(ctx, p)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			out = append(out, issuerName(p, i+1))
		}
	}
	return out, nil
}

// Issuer gives the key and certificate of an issuer by its name, to sign its
// lists; ErrNotFound for a name that never issued.
func (a *Authority) Issuer(ctx context.Context, name string) (Credential, error) {
	if _, _, ok := parseIssuer(name); !ok {
		return Credential{}, ErrNotFound
	}
	return a.credential(ctx, held{issuer: name})
}

// History is every certificate that a purpose has had, the first one first. Each
// names the one that it replaced, and that is what counts: a clock that was set back
// between two renewals must not change which generation an issuer's name means.
func (a *Authority) History(ctx context.Context, p Purpose) ([]Row, error) {
	rows, err := a.c.Store.History(ctx, p)
	if err != nil {
		return nil, err
	}
	replacing := make(map[string]Row, len(rows))
	for _, r := range rows {
		if _, twice := replacing[r.Replaces]; twice {
			return nil, fmt.Errorf("%w: two certificates of %s in the place of one", ErrLost, p)
		}
		replacing[r.Replaces] = r
	}
	out := make([]Row, 0, len(rows))
	for last := ""; len(out) < len(rows); last = out[len(out)-1].Serial {
		next, ok := replacing[last]
		if !ok {
			return nil, fmt.Errorf("%w: the history of %s is broken", ErrLost, p)
		}
		out = append(out, next)
	}
	return out, nil
}

// Chain gives the certificates above those that are issued now, issuing CA first,
// without the root. Of an older certificate they are in its Credential, or found by
// its Row.Issuer.
func (a *Authority) Chain(ctx context.Context) ([]*certs.Certificate, error) {
	c, err := a.Purpose(ctx, PurposeIssuing)
	if err != nil {
		return nil, err
	}
	return append([]*certs.Certificate{c.Certificate}, slices.Clone(c.Chain)...), nil
}

// BaseURL is the address that certificates and lists lead to, without a slash at
// its end.
func (a *Authority) BaseURL() string { return a.c.BaseURL }
