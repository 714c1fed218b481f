package ca

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

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
	profiles, err := standardProfiles()
	if err != nil {
		return nil, err
	}
	serial, err := newSerial(random)
	if err != nil {
		return nil, err
	}
	now = now.UTC().Truncate(time.Second)
	p := profiles[ProfileTrustList]
	t := &template{profile: p, serial: serial, subject: n, key: key.Public(), notBefore: now, notAfter: now.Add(p.c.Life - time.Second)}
	tbs, err := t.tbs()
	if err != nil {
		return nil, err
	}
	signature, err := key.SignMessage(ctx, tbs)
	if err != nil {
		return nil, fmt.Errorf("sign certificate: %w", err)
	}
	der, err := assemble(tbs, signature)
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
