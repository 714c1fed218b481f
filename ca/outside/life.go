package outside

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"yinxin/certs"
	"yinxin/internal/act"
)

// AddRequest enters an authority. Addresses are those of its CRL and its OCSP
// responder; Organisations the USCCs that it is limited to.
type AddRequest struct {
	Certificate              []byte // DER or PEM
	Name                     string
	Addresses, Organisations []string
	Who, Why                 string
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Add enters an authority as granted from now on. One that another has certified
// comes after that other: a verifier must find who speaks of its revocation.
func (o *Office) Add(ctx context.Context, r AddRequest) (Authority, error) {
	c, err := certs.ParseCertificatePEMOrDER(r.Certificate)
	if err != nil {
		return Authority{}, fmt.Errorf("%w: %w", ErrBadCertificate, err)
	}
	if err := r.check(); err != nil {
		return Authority{}, err
	}
	known, err := o.c.Store.Authorities(ctx)
	if err != nil {
		return Authority{}, err
	}
	if len(known) >= maxAuthorities {
		return Authority{}, refuse("%d outside authorities are as many as a list names", len(known))
	}
	if err := o.admissible(ctx, c, known); err != nil {
		return Authority{}, err
	}
	sum, now := c.SM3(), o.now()
	a := Authority{ID: hex.EncodeToString(sum[:16]), Name: r.Name, Certificate: c.Raw, Addresses: r.Addresses, Organisations: r.Organisations,
		History: []Change{{certs.Granted, now, now, r.Who, r.Why}}}
	return a, o.commit(ctx, ActAdded, a, 0)
}

func (r *AddRequest) check() error {
	switch {
	case !text(r.Name, maxText):
		return refuse("the authority's name is missing or cannot stand in a list")
	case !text(r.Who, maxGrounds) || !text(r.Why, maxGrounds):
		return refuse("who adds it and why must be said, in 1 to %d octets of text", maxGrounds)
	case len(r.Addresses) > maxAddresses || len(r.Organisations) > maxSubjects:
		return refuse("at most %d addresses and %d organisations", maxAddresses, maxSubjects)
	}
	for _, a := range r.Addresses {
		// A verifier will visit it.
		u, err := url.Parse(a)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || len(a) > maxAddress {
			return refuse("%q is no address such as http://ca.example.cn/list.crl", a)
		}
	}
	for _, organisation := range r.Organisations {
		if !certs.USCCValid(organisation) {
			return refuse("%q is no unified social credit code", organisation)
		}
	}
	return nil
}

// admissible: it is an authority in its time, not one of ours, and what stands above
// it is listed.
func (o *Office) admissible(ctx context.Context, c *certs.Certificate, known []Authority) error {
	const signs = certs.KeyUsageCertSign | certs.KeyUsageCRLSign
	now := o.now()
	switch {
	case !c.IsCA || c.KeyUsage&signs != signs:
		return refuse("%s may not sign certificates and revocation lists", c.Subject)
	case now.Before(c.NotBefore) || now.After(c.NotAfter):
		return refuse("%s is valid from %s to %s only", c.Subject, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
	}
	names, err := o.c.CA.Issuers(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		own, err := o.c.CA.Issuer(ctx, name)
		if err != nil {
			return err
		}
		if bytes.Equal(own.Certificate.RawSPKI, c.RawSPKI) || bytes.Equal(own.Certificate.RawSubject, c.RawSubject) {
			return refuse("%s is the province's own", c.Subject)
		}
	}
	if _, err := ladder(c, known); err != nil {
		return err
	}
	for _, k := range known {
		if other, err := certs.ParseCertificate(k.Certificate); err == nil && bytes.Equal(other.RawSPKI, c.RawSPKI) {
			return refuse("the key of %s is listed already, as %s", c.Subject, k.ID)
		}
	}
	return nil
}

// ladder leads from a certificate up to a root through listed authorities that are
// granted; the certificate itself comes first.
func ladder(c *certs.Certificate, known []Authority) ([]*certs.Certificate, error) {
	path := []*certs.Certificate{c}
	for len(path) <= len(known)+1 {
		last := path[len(path)-1]
		if bytes.Equal(last.RawIssuer, last.RawSubject) && last.CheckSignatureFrom(last) == nil {
			return path, nil
		}
		i := slices.IndexFunc(known, func(k Authority) bool {
			issuer, err := certs.ParseCertificate(k.Certificate)
			return err == nil && k.State() == certs.Granted && bytes.Equal(last.RawIssuer, issuer.RawSubject) && last.CheckSignatureFrom(issuer) == nil
		})
		if i < 0 {
			break
		}
		issuer, err := certs.ParseCertificate(known[i].Certificate)
		if err != nil {
			return nil, err
		}
		path = append(path, issuer)
	}
	return nil, refuse("%s, the issuer of %s, is not listed: add it first, a root before all", path[len(path)-1].Issuer, path[len(path)-1].Subject)
}

// EndRequest withdraws or distrusts an authority since a moment, zero for now.
type EndRequest struct {
	ID       string
	Since    time.Time
	Who, Why string
}

// Withdraw ends an authority: what was proven before stays good.
func (o *Office) Withdraw(ctx context.Context, r EndRequest) (Authority, error) {
	return o.end(ctx, r, certs.Withdrawn, ActWithdrawn)
}

// Distrust ends an authority whose key others may have used.
func (o *Office) Distrust(ctx context.Context, r EndRequest) (Authority, error) {
	return o.end(ctx, r, certs.Distrusted, ActDistrusted)
}

func (o *Office) end(ctx context.Context, r EndRequest, to certs.ServiceState, name string) (Authority, error) {
	if !text(r.Who, maxGrounds) || !text(r.Why, maxGrounds) {
		return Authority{}, refuse("who ends it and why must be said, in 1 to %d octets of text", maxGrounds)
	}
	a, err := o.c.Store.Authority(ctx, r.ID)
	if err != nil {
		return a, err
	}
	now := o.now()
	since := r.Since.UTC().Truncate(time.Second)
	if r.Since.IsZero() {
		since = now
	}
	last := a.History[len(a.History)-1]
	switch {
	case last.State == to || last.State == certs.Distrusted:
		return a, refuse("the authority is %s already", last.State)
	case since.After(now):
		return a, refuse("%s lies in the future", since.Format(time.RFC3339))
	case since.Before(last.Since):
		// The list's history is in the order of time.
		return a, refuse("it has been %s since %s: nothing earlier can be said", last.State, last.Since.Format(time.RFC3339))
	}
	before := len(a.History)
	a.History = append(slices.Clone(a.History), Change{to, since, now, r.Who, r.Why})
	return a, o.commit(ctx, name, a, before)
}

func (o *Office) commit(ctx context.Context, name string, a Authority, before int) error {
	done, err := act.New(o.c.Clock(), o.c.Rand, name, a.ID, a)
	if err != nil {
		return err
	}
	return o.c.Store.CommitAuthority(ctx, done, a, before)
}

// text can stand in a list and a log: no controls, no marks that turn the direction
// of writing.
func text(s string, most int) bool {
	return strings.TrimSpace(s) == s && s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}
