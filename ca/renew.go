package ca

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"yinxin/hsm"
	"yinxin/internal/act"
)

const (
	// tsaSigns is how long a key of the time-stamp authority signs. Its certificate
	// lives for five years, so that a stamp has four in which its time-stamp can be
	// checked with nothing else, and can be stamped over.
	tsaSigns = year
	// minGain is the least that a renewal must lengthen a life. A certificate that
	// its issuer's end cuts short would else be renewed ever more often.
	minGain = 24 * time.Hour
	// overlap is how long a key that was replaced can still sign: signatures that
	// were begun before the renewal come to their end.
	overlap = time.Hour
	// fullLife is what the issuing CA must have left, or certificates of agencies
	// (3 years) are cut short by it. Half a year is to arrange a ceremony in.
	fullLife = 3*year + year/2
	// warnEvery keeps the log of a running server readable.
	warnEvery = 24 * time.Hour
)

// renewAt is when a service's key has signed long enough: at two thirds of its
// certificate's life, so that a renewal that fails has a third of it to be noticed.
func (r Row) renewAt() time.Time {
	signs := r.NotAfter.Sub(r.NotBefore) * 2 / 3
	if r.Profile == ProfileTSA {
		signs = min(signs, tsaSigns)
	}
	return r.NotBefore.Add(signs)
}

// Responder is the purpose of the delegated OCSP responder of an issuer. Each
// generation of the issuing CA has one of its own: a responder speaks only for the CA that issued its
// certificate (RFC 6960 4.2.2.2), and that CA's certificates outlive its successor's
// beginning.
func Responder(issuer string) (Purpose, bool) {
	p, generation, ok := parseIssuer(issuer)
	switch {
	case !ok || p == PurposeRoot && generation > 1:
		return "", false
	case p == PurposeRoot:
		return PurposeOCSPRoot, true
	case generation == 1:
		return PurposeOCSP, true
	}
	return PurposeOCSP + Purpose("."+strconv.Itoa(generation)), true
}

// specOf finds how the certificate of a purpose is made.
func specOf(p Purpose) (purposeSpec, bool) {
	for _, s := range purposes {
		if s.purpose == p {
			return s, true
		}
	}
	name := string(PurposeIssuing) + strings.TrimPrefix(string(p), string(PurposeOCSP))
	if of, ok := Responder(name); ok && of == p {
		s, _ := specOf(PurposeOCSP)
		s.purpose, s.title = p, s.title+generationTitle(name)
		return s, true
	}
	return purposeSpec{}, false
}

func generationTitle(issuer string) string {
	if _, n, ok := parseIssuer(issuer); ok && n > 1 {
		return fmt.Sprintf(" 第%d代", n)
	}
	return ""
}

// under names the issuer that a renewal must not leave: a responder's.
func (s purposeSpec) under() string {
	if n, ok := strings.CutPrefix(string(s.purpose), string(PurposeOCSP)); ok && s.issuer == PurposeIssuing {
		return string(PurposeIssuing) + n
	}
	return ""
}

// install makes a key and a certificate of a purpose, its first or one in the place
// of before. Each write is durable before the next, and killed between any two it
// is gone on with by the next call: a key without certificate is found by its label,
// an intent without certificate is told as abandoned, and the generation is that of
// the register.
func (a *Authority) install(ctx context.Context, s purposeSpec, before Row, generation int, who, why string, retry *act.Retry) (Row, error) {
	key, err := a.keyFor(ctx, s.purpose, generation)
	if err != nil {
		return Row{}, fmt.Errorf("key of %s: %w", s.purpose, err)
	}
	title := s.title
	if issues(s.purpose) {
		title += generationTitle(issuerName(s.purpose, generation))
	}
	row, err := a.issue(ctx, order{profile: a.profile(s.profile), issuer: s.issuer, under: s.under(), purpose: s.purpose, key: key.Public(), held: key,
		subject: Name{Organization: a.c.RegionName, CommonName: a.c.RegionName + title}, who: who, why: why, replaces: before.Serial, retry: retry})
	// The certificate may stand whatever err says.
	a.forget()
	if err != nil {
		return Row{}, fmt.Errorf("certificate of %s: %w", s.purpose, err)
	}
	return row, nil
}

// responders makes what is missing of the responders of later issuing CAs, which a
// killed renewal left out.
func (a *Authority) responders(ctx context.Context) error {
	issuers, err := a.Issuers(ctx)
	if err != nil {
		return err
	}
	for _, name := range issuers {
		p, ok := Responder(name)
		if !ok || p == PurposeOCSP || p == PurposeOCSPRoot {
			continue
		}
		if _, err := a.c.Store.Current(ctx, p); !errors.Is(err, ErrNotFound) {
			if err != nil {
				return err
			}
			continue
		}
		s, _ := specOf(p)
		if _, err := a.install(ctx, s, Row{}, 1, "init", "responder of "+name, nil); err != nil && !errors.Is(err, ErrRefused) { // an issuer that has ended needs none
			return err
		}
	}
	return nil
}

// RenewDue renews what has signed long enough, and takes keys that were replaced
// out of use. It is called at each start and each hour. One purpose that fails does
// not keep the others from being renewed.
//
// A revoked certificate is not renewed here: why its key was lost is a person's to
// find out first (Renew). Nor is an issuing CA: its root signs with an officer
// present. Both are warned of.
func (a *Authority) RenewDue(ctx context.Context) error {
	a.renewing.Lock()
	defer a.renewing.Unlock()
	now := a.c.Clock()
	warn := func(string, ...any) {}
	if now.Sub(a.warned) >= warnEvery {
		a.warned, warn = now, a.c.Log.Warn
	}
	failed := []error{a.responders(ctx)}
	services, err := a.services(ctx)
	if err != nil {
		return err
	}
	for _, s := range services {
		due, err := a.due(ctx, s, now, warn)
		if err == nil && due {
			_, err = a.renew(ctx, s, OwnRenewal{Purpose: s.purpose, Who: "renewal", Why: "its key has signed long enough"})
		}
		if err == nil {
			err = a.retire(ctx, s.purpose, now)
		}
		failed = append(failed, wrap("renewal of "+string(s.purpose), err))
	}
	a.warnOfPersons(ctx, now, warn)
	return errors.Join(failed...)
}

// warnOfPersons tells what only people can renew.
func (a *Authority) warnOfPersons(ctx context.Context, now time.Time, warn func(string, ...any)) {
	if c, err := a.Purpose(ctx, PurposeIssuing); err == nil && c.Row.NotAfter.Sub(now) < fullLife {
		warn("the issuing CA cuts the lives of certificates short: yinxin ca renew issuing", "notAfter", c.Row.NotAfter)
	}
	if c, err := a.Purpose(ctx, PurposeScheme); err == nil && !now.Before(c.Row.renewAt()) {
		warn("the key of the province's own scheme list ends: yinxin ca renew scheme, unless offline keys sign that list", "notAfter", c.Row.NotAfter)
	}
}

// services are the purposes that renew themselves.
func (a *Authority) services(ctx context.Context) (out []purposeSpec, err error) {
	for _, s := range purposes {
		if !issues(s.purpose) && s.issuer != s.purpose {
			out = append(out, s)
		}
	}
	issuers, err := a.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range issuers {
		p, ok := Responder(name)
		if s, known := specOf(p); ok && known && p != PurposeOCSP && p != PurposeOCSPRoot {
			out = append(out, s)
		}
	}
	return out, nil
}

func (a *Authority) due(ctx context.Context, s purposeSpec, now time.Time, warn func(string, ...any)) (bool, error) {
	c, err := a.Purpose(ctx, s.purpose)
	if errors.Is(err, ErrNotFound) {
		return false, nil // a responder whose issuer has ended
	}
	if err != nil {
		return false, err
	}
	if c.Row.Revocation != nil {
		warn("a certificate of the province is revoked: yinxin ca renew "+string(s.purpose), "serial", c.Row.Serial)
		return false, nil
	}
	if c.ended == "" && now.Before(c.Row.renewAt()) {
		return false, nil
	}
	by, err := a.issuerOf(ctx, s)
	if err != nil {
		return false, err
	}
	if err := by.inForce(now); err != nil {
		warn("a certificate of the province cannot be renewed, since its issuer has ended", "purpose", s.purpose, "issuer", by.Name, "error", err)
		return false, nil
	}
	if c.ended == "" && by.Row.NotAfter.Sub(c.Row.NotAfter) < minGain {
		warn("a certificate of the province is not renewed, since it would end with its issuer as it does now", "purpose", s.purpose, "issuer", by.Name, "notAfter", c.Row.NotAfter)
		return false, nil
	}
	return true, nil
}

func (a *Authority) issuerOf(ctx context.Context, s purposeSpec) (Credential, error) {
	if name := s.under(); name != "" {
		return a.Issuer(ctx, name)
	}
	return a.Purpose(ctx, s.issuer)
}

// retire suspends the keys that a service had before, once what they had begun is
// done. They are kept: destroying a key is an act of its own.
func (a *Authority) retire(ctx context.Context, p Purpose, now time.Time) error {
	rows, err := a.History(ctx, p)
	if err != nil || len(rows) < 2 || now.Sub(rows[len(rows)-1].IssuedAt) < overlap {
		return err
	}
	for _, r := range rows[:len(rows)-1] {
		key, err := a.c.Keys.Key(ctx, r.KeyID)
		if errors.Is(err, hsm.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if key.Info().State != hsm.Active {
			continue
		}
		if err := a.c.Keys.SetState(ctx, r.KeyID, hsm.Suspended); err != nil {
			return err
		}
	}
	return nil
}
