package ca

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// IssueRequest asks for a certificate of an agency: on a key of ours, or by a
// request that proves possession of the agency's own.
type IssueRequest struct {
	Profile    string // agency-seal, person, client
	Agency     string // USCC
	AgencyName string
	CommonName string // the 14-digit seal code of an agency seal; else what it is for
	Key        hsm.Key
	CSR        []byte // PKCS#10, DER or PEM
	Replaces   string // serial of the agency's certificate that this one renews; RenewCertificate checks it
	Who, Why   string
	Retry      *act.Retry
	By         act.Officer // who asks, as far as a key says it
	Dual       bool        // with an encryption certificate beside it: ca/escrow issues those
	Admitted   bool        // the gate was asked (Admit), or officers approved it
	supersede  bool        // RenewCertificate revokes what it replaces
}

// Issuable lists the profiles that agencies may ask for.
func Issuable() []string { return []string{ProfileAgencySeal, ProfilePerson, ProfileClient} }

func issuable(profile string) bool { return slices.Contains(Issuable(), profile) }

const (
	// maxNameText bounds what goes into a subject: X.520's upper bound is 64
	// characters, and unit names of the field are longer than that.
	maxNameText = 200
	// maxGrounds bounds who and why: they stand in the journal for ever.
	maxGrounds = 1000
)

// Issue issues a certificate: intent, signature, certificate, in that order,
// each durable before the next. A retry gives what was issued the first time.
// The subject is the caller's to take from the register of agencies; of a
// request only the key counts.
func (a *Authority) Issue(ctx context.Context, r IssueRequest) (Row, error) {
	if row, found, err := a.retried(ctx, r.Retry); found || err != nil {
		return row, err
	}
	key, err := r.check()
	if err != nil {
		return Row{}, err
	}
	switch serial, err := a.admit(ctx, r); {
	case errors.Is(err, act.ErrRetryTaken):
		return a.first(ctx, r.Retry, err)
	case err != nil:
		return Row{}, err
	case serial != "":
		return a.c.Store.Certificate(ctx, serial)
	}
	subject := Name{Organization: r.AgencyName, CommonName: r.CommonName}
	if r.Profile == ProfileAgencySeal {
		subject = SealSubject(r.Agency, r.AgencyName, r.CommonName)
	}
	row, err := a.issue(ctx, order{
		profile: a.profile(r.Profile), issuer: PurposeIssuing, subject: subject,
		key: key, held: r.Key, agency: r.Agency, who: r.Who, why: r.Why, retry: r.Retry, replaces: r.Replaces,
	})
	if err == nil {
		return row, nil
	}
	return a.first(ctx, r.Retry, err)
}

// first gives what another call with the same idempotency key made, if it was that
// which failed this one.
func (a *Authority) first(ctx context.Context, r *act.Retry, err error) (Row, error) {
	row, found, again := a.retried(ctx, r)
	switch {
	case found:
		return row, nil
	case errors.Is(again, ErrRetryMismatch):
		return Row{}, again
	}
	return Row{}, err
}

// retried finds what was issued under the idempotency key.
func (a *Authority) retried(ctx context.Context, r *act.Retry) (Row, bool, error) {
	if r == nil {
		return Row{}, false, nil
	}
	done, found, err := a.c.Store.Done(ctx, r.Slot(), a.c.Clock())
	switch {
	case err != nil || !found:
		return Row{}, false, err
	case done.Request != r.Request:
		return Row{}, false, ErrRetryMismatch
	}
	row, err := a.c.Store.CertificateByAct(ctx, done.Act)
	if errors.Is(err, ErrNotFound) { // a request that waits, which the gate knows
		return Row{}, false, nil
	}
	return row, err == nil, err
}

// askedBefore tells whether the idempotency key is taken by what is no certificate
// yet: a request, and the gate knows what became of it.
func (a *Authority) askedBefore(ctx context.Context, r *act.Retry) (bool, error) {
	if r == nil || a.c.Gate == nil {
		return false, nil
	}
	done, found, err := a.c.Store.Done(ctx, r.Slot(), a.c.Clock())
	if err != nil || !found {
		return false, err
	}
	_, err = a.c.Store.CertificateByAct(ctx, done.Act)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	return false, err
}

func (r *IssueRequest) check() (*ecdsa.PublicKey, error) {
	switch {
	case !issuable(r.Profile):
		return nil, fmt.Errorf("%w: no agency may have a certificate of profile %q", ErrRefused, r.Profile)
	case !certs.USCCValid(r.Agency):
		return nil, fmt.Errorf("%w: %q is no unified social credit code", ErrRefused, r.Agency)
	case !grounds(r.Who) || !grounds(r.Why):
		return nil, fmt.Errorf("%w: who asks and why must be said, in 1 to %d octets of text", ErrRefused, maxGrounds)
	case r.Dual && !r.Admitted:
		return nil, fmt.Errorf("%w: a pair of certificates is issued by the key centre", ErrRefused)
	case (r.Key == nil) == (r.CSR == nil):
		return nil, fmt.Errorf("%w: either a request or a key", ErrRefused)
	case r.Profile == ProfileAgencySeal && !sealCode(r.CommonName):
		return nil, fmt.Errorf("%w: %q is no seal code of 14 digits", ErrRefused, r.CommonName)
	}
	for _, text := range []string{r.AgencyName, r.CommonName} {
		if !plainName(text) {
			return nil, fmt.Errorf("%w: a name is missing or cannot stand in a certificate", ErrRefused)
		}
	}
	if r.Key != nil {
		switch i := r.Key.Info(); {
		case i.Usage != hsm.UsageSign:
			return nil, fmt.Errorf("%w: the key is for %q", ErrRefused, i.Usage)
		case i.State != hsm.Active:
			return nil, fmt.Errorf("%w: the key is %s", ErrRefused, i.State)
		}
		return r.Key.Public(), nil
	}
	return parseRequest(r.CSR)
}

// plainName refuses what would show as another name than it is: controls, and
// the marks that turn the direction of writing.
func plainName(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxNameText && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// sealCode is 14 digits: the region's six and a serial of eight.
func sealCode(s string) bool { return len(s) == 14 && strings.Trim(s, "0123456789") == "" }

func grounds(s string) bool { return s != "" && len(s) <= maxGrounds && utf8.ValidString(s) }

// IssueSealCertificate issues the certificate of a seal's key, for the seal office,
// which has asked whether the seal may be made.
func (a *Authority) IssueSealCertificate(ctx context.Context, agency, agencyName, sealID string, key hsm.Key, who, why string, retry *act.Retry) (string, []byte, error) {
	r, err := a.Issue(ctx, IssueRequest{Profile: ProfileAgencySeal, Agency: agency, AgencyName: agencyName, CommonName: sealID, Key: key, Who: who, Why: why, Retry: retry, Admitted: true})
	return r.Serial, r.DER, err
}

// IssuePersonCertificate issues that of a person's seal, which bears their name.
func (a *Authority) IssuePersonCertificate(ctx context.Context, agency, agencyName, name string, key hsm.Key, who, why string, retry *act.Retry) (string, []byte, error) {
	r, err := a.Issue(ctx, IssueRequest{Profile: ProfilePerson, Agency: agency, AgencyName: agencyName, CommonName: name, Key: key, Who: who, Why: why, Retry: retry, Admitted: true})
	return r.Serial, r.DER, err
}
