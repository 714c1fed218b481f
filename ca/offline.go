package ca

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"yinxin/ca/lint"
	"yinxin/certs"
	"yinxin/hsm"
)

// OfflineCertificate makes the certificate of a trust-list key that is kept apart
// from every province, on the machine of whoever signs scheme lists. It is
// self-signed and stands in no register: the scheme list itself names it, and its
// fingerprint is what is trusted (protocol.md 3).
func OfflineCertificate(ctx context.Context, key hsm.Key, n Name, now time.Time, random io.Reader) (*certs.Certificate, error) {
	if !plainName(n.Organization) || !plainName(n.CommonName) {
		return nil, fmt.Errorf("%w: whose key it is must be said, in printable text", ErrRefused)
	}
	checked, err := offlineDraft(key, n, now.UTC().Truncate(time.Second), random)
	if err != nil {
		return nil, err
	}
	der, err := sign(ctx, key, checked)
	if err != nil {
		return nil, err
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("the certificate made cannot be read: %w", err)
	}
	if !c.PublicKey.Equal(key.Public()) || c.CheckSignatureFrom(c) != nil {
		return nil, errors.New("the certificate made does not bear its own signature")
	}
	return c, nil
}

// offlineDraft is linted as what a province issues. No practice statement stands
// behind it, so it bears no policy.
func offlineDraft(key hsm.Key, n Name, now time.Time, random io.Reader) (*lint.Checked, error) {
	profiles, err := standardProfiles(false)
	if err != nil {
		return nil, err
	}
	p := profiles[ProfileTrustList]
	p.c.Policies = nil
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	pt, err := point(key.Public())
	if err != nil {
		return nil, fmt.Errorf("%w: the key is not of the SM2 curve: %w", ErrRefused, err)
	}
	t := &template{profile: p, serial: serial, subject: n, key: key.Public(), issuerKeyID: keyID(pt), notBefore: now, notAfter: now.Add(p.c.Life - time.Second)}
	tbs, err := t.tbs()
	if err != nil {
		return nil, err
	}
	linter, err := lint.New(random)
	if err != nil {
		return nil, err
	}
	return linter.Check(tbs, order{profile: p, subject: n, key: key.Public()}.expected())
}
