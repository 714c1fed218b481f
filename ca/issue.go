package ca

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

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
	CSR        []byte // PKCS#10, DER
	Who, Why   string
	Retry      *act.Retry
}

// issuable are the profiles that agencies may ask for.
var issuable = map[string]bool{ProfileAgencySeal: true, ProfilePerson: true, ProfileClient: true}

// maxNameText bounds what goes into a subject: X.520's upper bound is 64
// characters, and unit names of the field are longer than that.
const maxNameText = 200

// Issue issues a certificate: intent, signature, certificate, in that order,
// each durable before the next. A retry gives what was issued the first time.
func (a *Authority) Issue(ctx context.Context, r IssueRequest) (Row, error) {
	if r.Retry != nil {
		done, found, err := a.c.Store.Done(ctx, r.Retry.Slot(), a.c.Clock())
		switch {
		case err != nil:
			return Row{}, err
		case found && done.Request != r.Retry.Request:
			return Row{}, ErrRetryMismatch
		case found:
			return a.c.Store.CertificateByAct(ctx, done.Act)
		}
	}
	key, err := r.check()
	if err != nil {
		return Row{}, err
	}
	organization := r.AgencyName
	if r.Profile == ProfileAgencySeal {
		organization = r.Agency + r.AgencyName // formats.md 3: O is USCC and unit name
	}
	return a.issue(ctx, order{
		profile: a.profiles[r.Profile], issuer: PurposeIssuing, subject: Name{Organization: organization, CommonName: r.CommonName},
		key: key, held: r.Key, agency: r.Agency, who: r.Who, why: r.Why, retry: r.Retry,
	})
}

func (r *IssueRequest) check() (*ecdsa.PublicKey, error) {
	switch {
	case !issuable[r.Profile]:
		return nil, fmt.Errorf("%w: no agency may have a certificate of profile %q", ErrRefused, r.Profile)
	case !certs.USCCValid(r.Agency):
		return nil, fmt.Errorf("%w: %q is no unified social credit code", ErrRefused, r.Agency)
	case r.Who == "" || r.Why == "":
		return nil, fmt.Errorf("%w: who asks and why must be said", ErrRefused)
	case (r.Key == nil) == (r.CSR == nil):
		return nil, fmt.Errorf("%w: either a request or a key", ErrRefused)
	case r.Profile == ProfileAgencySeal && (len(r.CommonName) != 14 || strings.Trim(r.CommonName, "0123456789") != ""):
		return nil, fmt.Errorf("%w: %q is no seal code of 14 digits", ErrRefused, r.CommonName)
	}
	for _, text := range []string{r.AgencyName, r.CommonName} {
		if text == "" || !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxNameText || strings.ContainsFunc(text, isControl) {
			return nil, fmt.Errorf("%w: a name is missing or cannot stand in a certificate", ErrRefused)
		}
	}
	if r.Key != nil {
		return r.Key.Public(), nil
	}
	return parseRequest(r.CSR)
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// order is one certificate to be made.
type order struct {
	profile  Profile
	issuer   Purpose
	purpose  Purpose // of our own
	subject  Name
	key      *ecdsa.PublicKey
	held     hsm.Key // nil when the key is elsewhere
	agency   string
	who, why string
	retry    *act.Retry
}

func (a *Authority) issue(ctx context.Context, o order) (Row, error) {
	t, issuer, err := a.draft(ctx, o)
	if err != nil {
		return Row{}, err
	}
	tbs, err := t.tbs()
	if err != nil {
		return Row{}, err
	}
	pt, err := point(o.key)
	if err != nil {
		return Row{}, err
	}
	serial := hex.EncodeToString(t.serial.Bytes())
	intent := Intent{Serial: serial, Profile: o.profile.Name(), Agency: o.agency, Subject: o.subject.CommonName, KeySM3: sm3.Sum(pt), At: t.notBefore, TBS: tbs}
	if err := a.c.Store.PutIntent(ctx, intent); err != nil {
		return Row{}, fmt.Errorf("intent: %w", err)
	}
	signature, err := issuer.SignMessage(ctx, tbs)
	if err != nil {
		return Row{}, fmt.Errorf("sign certificate: %w", err)
	}
	der, err := assemble(tbs, signature)
	if err != nil {
		return Row{}, err
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		return Row{}, fmt.Errorf("the certificate made cannot be read: %w", err)
	}
	if !bytes.Equal(c.RawTBS, tbs) || !c.PublicKey.Equal(o.key) {
		return Row{}, errors.New("the certificate made is not the one ordered")
	}
	return a.record(ctx, o, c, serial)
}

func (a *Authority) record(ctx context.Context, o order, c *certs.Certificate, serial string) (Row, error) {
	now := a.c.Clock()
	r := Row{
		Serial: serial, Issuer: string(o.issuer), Profile: o.profile.Name(), Purpose: o.purpose, Agency: o.agency,
		Subject: c.Subject.String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter, DER: c.Raw, IssuedAt: now.UTC().Truncate(time.Second),
		Who: o.who, Why: o.why,
	}
	if o.held != nil {
		r.KeyID = o.held.Info().ID
	}
	id, err := act.NewID(now, a.c.Rand)
	if err != nil {
		return Row{}, err
	}
	r.Act = id
	done, err := act.NewWithID(id, now, a.c.Rand, ActIssued, serial, r)
	if err != nil {
		return Row{}, err
	}
	done.Retry = o.retry
	if err := a.c.Store.CommitCertificate(ctx, done, r); err != nil {
		return Row{}, fmt.Errorf("record certificate: %w", err)
	}
	return r, nil
}

// draft fills the template; the issuer of a root is the root's own key.
func (a *Authority) draft(ctx context.Context, o order) (*template, hsm.Key, error) {
	serial, err := newSerial(a.c.Rand)
	if err != nil {
		return nil, nil, err
	}
	now := a.now()
	t := &template{profile: o.profile, serial: serial, subject: o.subject, key: o.key, uscc: o.agency, notBefore: now, notAfter: now.Add(o.profile.c.Life - time.Second)}
	if o.purpose == PurposeRoot {
		return t, o.held, nil
	}
	issuer, err := a.Purpose(ctx, o.issuer)
	if err != nil {
		return nil, nil, fmt.Errorf("issuer: %w", err)
	}
	if t.notAfter.After(issuer.Certificate.NotAfter) {
		t.notAfter = issuer.Certificate.NotAfter
	}
	t.issuer, t.issuerKeyID = issuer.Certificate.RawSubject, issuer.Certificate.SubjectKeyID
	t.crlURL = a.c.BaseURL + "/crl/" + string(o.issuer) + ".crl"
	t.issuerURL = a.c.BaseURL + "/ca/" + string(o.issuer) + ".cer"
	return t, issuer.Key, nil
}

// newSerial is 16 random octets, positive (protocol.md 9). The first is kept
// from 0 so that every serial has the same length.
func newSerial(random io.Reader) (*big.Int, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, fmt.Errorf("serial number: %w", err)
	}
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:]), nil
}

// IssueSealCertificate issues the certificate of a seal's key, for the seal
// office.
func (a *Authority) IssueSealCertificate(ctx context.Context, agency, agencyName, sealID string, key hsm.Key, who, why string) (string, []byte, error) {
	r, err := a.Issue(ctx, IssueRequest{Profile: ProfileAgencySeal, Agency: agency, AgencyName: agencyName, CommonName: sealID, Key: key, Who: who, Why: why})
	return r.Serial, r.DER, err
}
