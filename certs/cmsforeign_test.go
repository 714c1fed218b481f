package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"
)

// foreignSigner is a key of RSA or ECDSA with its certificate.
func foreignSigner(t testing.TB, key crypto.Signer) *Certificate {
	t.Helper()
	tpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "abroad"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseAnyCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// foreignCMS is a SignedData over content, made by hand.
func foreignCMS(t testing.TB, key crypto.Signer, c *Certificate, digest, signature []byte, h crypto.Hash, opts crypto.SignerOpts, content []byte) []byte {
	t.Helper()
	sum := func(b []byte) []byte {
		x := h.New()
		x.Write(b)
		return x.Sum(nil)
	}
	attrs := [][]byte{attributeOf(OIDContentType, oid(OIDData)), attributeOf(OIDMessageDigest, tlv(4, sum(content)))}
	value, err := key.Sign(rand.Reader, sum(tlv(0x31, attrs...)), opts)
	if err != nil {
		t.Fatal(err)
	}
	one := []byte{2, 1, 1}
	signer := sequence(one, sequence(c.RawIssuer, tlv(2, c.Serial.Bytes())), digest, tlv(0xa0, attrs...), signature, tlv(4, value))
	return sequence(oid(OIDSignedData), tlv(0xa0, sequence(one, tlv(0x31, digest), sequence(oid(OIDData)), tlv(0xa0, c.Raw), tlv(0x31, signer))))
}

// Each algorithm must be the signer's digest's, and RSASSA-PSS whole: RFC 4055's
// defaults are SHA-1.
func TestForeignAlgorithms(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaCert, ecCert := foreignSigner(t, rsaKey), foreignSigner(t, ecKey)
	null := []byte{5, 0}
	sha256, sha384, sha1 := sequence(oid(oidSHA256), null), sequence(oid(oidSHA384), null), sequence(oid(oidSHA1), null)
	mgf := func(digest []byte) []byte { return sequence(oid(oidMGF1), digest) }
	pss := func(parts ...[]byte) []byte { return sequence(oid(oidRSAPSS), sequence(parts...)) }
	salt := func(n byte) []byte { return tlv(0xa2, []byte{2, 1, n}) }
	content := []byte("content")
	for name, c := range map[string]struct {
		digest, signature []byte
		h                 crypto.Hash
		opts              crypto.SignerOpts
		ec                bool
		want              error
	}{
		"RSA":                        {sha256, sequence(oid(oidRSA), null), crypto.SHA256, crypto.SHA256, false, nil},
		"RSA with SHA-256":           {sha256, sequence(oid("1.2.840.113549.1.1.11"), null), crypto.SHA256, crypto.SHA256, false, nil},
		"RSA with SHA-384 of both":   {sha384, sequence(oid("1.2.840.113549.1.1.12"), null), crypto.SHA384, crypto.SHA384, false, nil},
		"ECDSA":                      {sha256, sequence(oid("1.2.840.10045.4.3.2")), crypto.SHA256, crypto.SHA256, true, nil},
		"PSS":                        {sha256, pss(tlv(0xa0, sha256), tlv(0xa1, mgf(sha256)), salt(32)), crypto.SHA256, &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, false, nil},
		"RSA with another digest":    {sha256, sequence(oid("1.2.840.113549.1.1.12"), null), crypto.SHA256, crypto.SHA256, false, ErrUnsupported},
		"ECDSA with another digest":  {sha256, sequence(oid("1.2.840.10045.4.3.3")), crypto.SHA256, crypto.SHA256, true, ErrUnsupported},
		"SHA-1":                      {sha1, sequence(oid(oidRSA), null), crypto.SHA1, crypto.SHA1, false, ErrUnsupported},
		"RSA, signed by ECDSA":       {sha256, sequence(oid(oidRSA), null), crypto.SHA256, crypto.SHA256, true, ErrSignature},
		"SM2 with SHA-256":           {sha256, sequence(oid(OIDSM2WithSM3)), crypto.SHA256, crypto.SHA256, true, ErrUnsupported},
		"DSA":                        {sha256, sequence(oid("2.16.840.1.101.3.4.3.2")), crypto.SHA256, crypto.SHA256, true, ErrUnsupported},
		"PSS by its defaults":        {sha256, pss(), crypto.SHA256, &rsa.PSSOptions{SaltLength: 20, Hash: crypto.SHA256}, false, ErrUnsupported},
		"PSS of another digest":      {sha256, pss(tlv(0xa0, sha384), tlv(0xa1, mgf(sha384)), salt(32)), crypto.SHA256, &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, false, ErrUnsupported},
		"PSS with another mask":      {sha256, pss(tlv(0xa0, sha256), tlv(0xa1, mgf(sha384)), salt(32)), crypto.SHA256, &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, false, ErrUnsupported},
		"PSS with no salt":           {sha256, pss(tlv(0xa0, sha256), tlv(0xa1, mgf(sha256)), salt(0)), crypto.SHA256, &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, false, ErrUnsupported},
		"PSS with a long salt":       {sha256, pss(tlv(0xa0, sha256), tlv(0xa1, mgf(sha256)), salt(33)), crypto.SHA256, &rsa.PSSOptions{SaltLength: 33, Hash: crypto.SHA256}, false, ErrUnsupported},
		"PSS with another salt":      {sha256, pss(tlv(0xa0, sha256), tlv(0xa1, mgf(sha256)), salt(20)), crypto.SHA256, &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}, false, ErrSignature},
		"PSS, signed by PKCS #1 1.5": {sha256, pss(tlv(0xa0, sha256), tlv(0xa1, mgf(sha256)), salt(32)), crypto.SHA256, crypto.SHA256, false, ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			key, cert := crypto.Signer(rsaKey), rsaCert
			if c.ec {
				key, cert = ecKey, ecCert
			}
			der := foreignCMS(t, key, cert, c.digest, c.signature, c.h, c.opts, content)
			s, err := ParseAnySignedData(der)
			if err == nil {
				err = s.Verify(s.Signer, content)
			}
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("%v, want %v", err, c.want)
			}
			// What judges seals reads none of them.
			for _, read := range []func([]byte) (*SignedData, error){ParseSignedData, ParseFieldSignedData} {
				if _, err := read(der); err == nil {
					t.Error("read as a SignedData of SM2")
				}
			}
		})
	}
}
