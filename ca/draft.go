package ca

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"math/big"
	"time"
)

// draft fills the template and finds who signs it: for a self-signed
// certificate its own key, and no certificate.
func (a *Authority) draft(ctx context.Context, o order) (*template, Credential, error) {
	serial, err := newSerial(a.c.Rand)
	if err != nil {
		return nil, Credential{}, err
	}
	now := a.now()
	t := &template{profile: o.profile, serial: serial, subject: o.subject, key: o.key, uscc: o.agency, notBefore: now, notAfter: now.Add(o.profile.c.Life - time.Second), cpsURL: a.cpsURL()}
	if o.selfSigned() {
		if !o.profile.c.CA { // RFC 5280 4.2.1.1 spares an authority's own certificate alone
			pt, err := point(o.key)
			if err != nil {
				return nil, Credential{}, err
			}
			t.issuerKeyID = keyID(pt)
		}
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
		return nil, by, fmt.Errorf("%w: %s is revoked and signs no more; its successor comes first (yinxin ca renew issuing)", ErrRefused, issuer.Subject)
	}
	if now.Before(issuer.NotBefore) || !now.Before(issuer.NotAfter) {
		return nil, by, fmt.Errorf("%w: %s signs from %s to %s only", ErrRefused, issuer.Subject, issuer.NotBefore.Format(time.RFC3339), issuer.NotAfter.Format(time.RFC3339))
	}
	if t.notAfter.After(issuer.NotAfter) { // the shell model: nothing outlives its issuer
		t.notAfter = issuer.NotAfter
	}
	t.issuer, t.issuerKeyID = issuer.RawSubject, issuer.SubjectKeyID
	t.crlURL, t.freshestURL = a.crlURLs(by.Name, hex.EncodeToString(serial.Bytes()), o.profile)
	t.issuerURL, t.ocspURL = a.issuerURL(by.Name), a.ocspURL()
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
