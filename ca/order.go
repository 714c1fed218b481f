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
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// order is one certificate to be made.
type order struct {
	profile  Profile
	issuer   Purpose
	under    string  // the issuer by its name; "" for the current one of its purpose
	purpose  Purpose // of our own
	replaces string  // serial of the certificate that it renews
	subject  Name
	key      *ecdsa.PublicKey
	held     hsm.Key // nil when the key is elsewhere
	agency   string
	twin     string // serial of the signing certificate that an encryption certificate goes with
	who, why string
	retry    *act.Retry
}

func (o order) selfSigned() bool { return o.purpose != "" && o.purpose == o.issuer }

// drawSerials is how often a serial number is drawn before the random source
// is held to be broken: 126 bits do not meet by chance.
const drawSerials = 3

// issue makes and records one certificate. Whatever fails after the intent,
// the intent stays told.
func (a *Authority) issue(ctx context.Context, o order) (Row, error) {
	pt, err := point(o.key)
	if err != nil {
		return Row{}, fmt.Errorf("%w: the key is not of the SM2 curve: %w", ErrRefused, err)
	}
	for range drawSerials {
		var t *template
		var by Credential
		if t, by, err = a.draft(ctx, o); err != nil {
			return Row{}, err
		}
		var tbs []byte
		if tbs, err = t.tbs(); err != nil {
			return Row{}, err
		}
		intent := Intent{Serial: hex.EncodeToString(t.serial.Bytes()), Profile: o.profile.Name(), Agency: o.agency,
			Subject: o.subject.CommonName, KeySM3: sm3.Sum(pt), At: t.notBefore, TBS: tbs}
		if err = a.c.Store.PutIntent(ctx, intent); errors.Is(err, ErrSerialTaken) {
			continue
		}
		if err != nil {
			return Row{}, fmt.Errorf("intent: %w", err)
		}
		row, err := a.fulfil(ctx, o, by, intent)
		if err != nil {
			a.abandon(ctx, intent)
		}
		return row, err
	}
	return Row{}, fmt.Errorf("the random source repeats itself: %w", err)
}

// fulfil signs what was intended, reads it again as a stranger would, and
// records it.
func (a *Authority) fulfil(ctx context.Context, o order, by Credential, i Intent) (Row, error) {
	signature, err := by.Key.SignMessage(ctx, i.TBS)
	if err != nil {
		return Row{}, fmt.Errorf("sign certificate: %w", err)
	}
	der, err := assemble(i.TBS, signature)
	if err != nil {
		return Row{}, err
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		return Row{}, fmt.Errorf("the certificate made cannot be read: %w", err)
	}
	issuer := by.Certificate
	if issuer == nil {
		issuer = c
	}
	if err := o.isMadeBy(c, issuer, i); err != nil {
		return Row{}, fmt.Errorf("the certificate made is not the one ordered: %w", err)
	}
	return a.record(ctx, o, c, i.Serial, by.Name)
}

// isMadeBy holds what was read against what was ordered, so that a fault of
// the encoder or of the key's device never leaves as a certificate.
func (o order) isMadeBy(c, issuer *certs.Certificate, i Intent) error {
	p := o.profile.c
	switch {
	case !bytes.Equal(c.RawTBS, i.TBS), hex.EncodeToString(c.Serial.Bytes()) != i.Serial, !c.PublicKey.Equal(o.key):
		return errors.New("it was not signed as it stands in the intent")
	case c.KeyUsage != p.KeyUsage, c.IsCA != p.CA, c.IsCA && c.MaxPathLen != p.PathLen, c.EKUCritical != p.EKUCritical:
		return errors.New("its uses are not those of the profile")
	case p.EKU == "" && len(c.EKUs) != 0, p.EKU != "" && (len(c.EKUs) != 1 || c.EKUs[0] != p.EKU):
		return errors.New("its extended key usage is not that of the profile")
	case c.Subject.CommonName != o.subject.CommonName, c.Subject.Organization != o.subject.Organization, c.USCC != o.agency:
		return errors.New("its subject is another")
	}
	return c.CheckSignatureFrom(issuer)
}

func (a *Authority) record(ctx context.Context, o order, c *certs.Certificate, serial, issuer string) (Row, error) {
	now := a.c.Clock()
	r := Row{
		Serial: serial, Issuer: issuer, Profile: o.profile.Name(), Purpose: o.purpose, Agency: o.agency,
		Subject: c.Subject.String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter, DER: c.Raw, IssuedAt: now.UTC().Truncate(time.Second),
		Who: o.who, Why: o.why, Twin: o.twin, Replaces: o.replaces,
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

// abandon tells that the certificate of an intent will not come. If it was
// recorded after all, or the store cannot be written, nothing happens: the
// next start settles it.
func (a *Authority) abandon(ctx context.Context, i Intent) {
	err := a.commitAbandoned(context.WithoutCancel(ctx), i)
	if err != nil && !errors.Is(err, ErrNotFound) {
		a.c.Log.Warn("an intent stays open until the next start", "serial", i.Serial, "error", err)
	}
}

func (a *Authority) commitAbandoned(ctx context.Context, i Intent) error {
	i.Abandoned = a.now()
	done, err := act.New(a.c.Clock(), a.c.Rand, ActAbandoned, i.Serial, i)
	if err != nil {
		return err
	}
	return a.c.Store.CommitAbandoned(ctx, done, i.Serial)
}

// draft fills the template and finds who signs it: for a self-signed
// certificate its own key, and no certificate.
func (a *Authority) draft(ctx context.Context, o order) (*template, Credential, error) {
	serial, err := newSerial(a.c.Rand)
	if err != nil {
		return nil, Credential{}, err
	}
	now := a.now()
	t := &template{profile: o.profile, serial: serial, subject: o.subject, key: o.key, uscc: o.agency, notBefore: now, notAfter: now.Add(o.profile.c.Life - time.Second)}
	if o.selfSigned() {
		return t, Credential{Key: o.held, Name: string(o.issuer)}, nil
	}
	var by Credential
	if o.under != "" {
		by, err = a.Issuer(ctx, o.under)
	} else {
		by, err = a.Purpose(ctx, o.issuer)
	}
	if err != nil {
		return nil, by, fmt.Errorf("issuer: %w", err)
	}
	issuer := by.Certificate
	if by.Row.Revocation != nil {
		return nil, by, fmt.Errorf("%w: %s is revoked and signs no more", ErrRefused, issuer.Subject)
	}
	if now.Before(issuer.NotBefore) || !now.Before(issuer.NotAfter) {
		return nil, by, fmt.Errorf("%w: %s signs from %s to %s only", ErrRefused, issuer.Subject, issuer.NotBefore.Format(time.RFC3339), issuer.NotAfter.Format(time.RFC3339))
	}
	if t.notAfter.After(issuer.NotAfter) { // the shell model: nothing outlives its issuer
		t.notAfter = issuer.NotAfter
	}
	t.issuer, t.issuerKeyID = issuer.RawSubject, issuer.SubjectKeyID
	t.crlURL = a.c.BaseURL + "/crl/" + by.Name + ".crl"
	t.issuerURL = a.c.BaseURL + "/ca/" + by.Name + ".cer"
	t.ocspURL = a.c.BaseURL + "/ocsp"
	return t, by, nil
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
