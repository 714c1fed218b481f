package companion

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"math/big"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// Each rule is broken by a draft that keeps the others, or it would guard nothing.
func TestEveryRuleRefuses(t *testing.T) {
	a := &Authority{c: Config{Rand: rand.Reader, Region: "520000", RegionName: "贵州省"}}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	make := func(role Role, root *x509.Certificate, public any, by any, change func(*x509.Certificate)) *x509.Certificate {
		t.Helper()
		var row *Row
		if root != nil {
			row = &Row{DER: root.Raw}
		}
		template, parent, err := a.template(role, row, noon)
		if err != nil {
			t.Fatal(err)
		}
		change(template)
		blank := *parent
		blank.PublicKey = nil
		der, err := x509.CreateCertificate(rand.Reader, template, &blank, public, by)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	same := func(*x509.Certificate) {}
	root := make(Root, nil, key.Public(), key, same)
	signer := make(Signer, root, key.Public(), key, same)
	if err := check(Root, root, root, noon); err != nil {
		t.Fatal(err)
	}
	if err := check(Signer, signer, root, noon); err != nil {
		t.Fatal(err)
	}
	for name, draft := range map[string]*x509.Certificate{
		"a short serial":         make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.SerialNumber = big.NewInt(7) }),
		"SHA-512":                make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.ECDSAWithSHA512 }),
		"RSA above":              make(Signer, root, key.Public(), rsaKey, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA256WithRSA }),
		"a key on P-384":         make(Signer, root, other.Public(), key, same),
		"a key of RSA":           make(Signer, root, rsaKey.Public(), key, same),
		"no name":                make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.Subject.CommonName = "" }),
		"another country":        make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.Subject.Country = []string{"US"} }),
		"of tomorrow":            make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.NotBefore = noon.Add(24 * time.Hour) }),
		"three years":            make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.NotAfter = noon.Add(3 * year) }),
		"over at once":           make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.NotAfter = noon }),
		"an authority":           make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.BasicConstraintsValid, c.IsCA = true, true }),
		"may certify":            make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageCertSign }),
		"may encrypt":            make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageKeyEncipherment }),
		"a server":               make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }),
		"an unknown usage":       make(Signer, root, key.Public(), key, func(c *x509.Certificate) { c.UnknownExtKeyUsage = append(c.UnknownExtKeyUsage, []int{1, 2, 3}) }),
		"a root for a signature": root,
	} {
		if err := check(Signer, draft, root, noon); !errors.Is(err, ErrDraft) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, draft := range map[string]*x509.Certificate{
		"eleven years":        make(Root, nil, key.Public(), key, func(c *x509.Certificate) { c.NotAfter = noon.Add(11 * year) }),
		"over authorities":    make(Root, nil, key.Public(), key, func(c *x509.Certificate) { c.MaxPathLenZero, c.MaxPathLen = false, 1 }),
		"of no bound":         make(Root, nil, key.Public(), key, func(c *x509.Certificate) { c.MaxPathLenZero, c.MaxPathLen = false, -1 }),
		"that signs":          make(Root, nil, key.Public(), key, func(c *x509.Certificate) { c.KeyUsage |= x509.KeyUsageDigitalSignature }),
		"a signer for a root": signer,
	} {
		if err := check(Root, draft, draft, noon); !errors.Is(err, ErrDraft) {
			t.Errorf("a root, %s: %v", name, err)
		}
	}
}
