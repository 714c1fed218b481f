package ca_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/ca/catest"
	"yinxin/certs"
)

func TestRequests(t *testing.T) {
	o := fresh(t)
	other, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(a ...func(*cryptobyte.Builder)) func(*catest.PKCS10) {
		return func(p *catest.PKCS10) { p.Attributes = a }
	}
	for name, c := range map[string]struct {
		change func(*catest.PKCS10)
		good   bool
	}{
		"as it is":                      {func(*catest.PKCS10) {}, true},
		"no attributes at all":          {func(p *catest.PKCS10) { p.NoAttributes = true }, true},
		"the name of another":           {func(p *catest.PKCS10) { p.Subject = o.purpose(ca.PurposeRoot).RawSubject[2:] }, true},
		"a critical key usage":          {with(catest.Asks("2.5.29.15", true, []byte{3, 2, 1, 6})), true},
		"CA:FALSE":                      {with(catest.Asks("2.5.29.19", true, []byte{0x30, 3, 1, 1, 0})), true},
		"constraints of nothing":        {with(catest.Asks("2.5.29.19", true, []byte{0x30, 0})), true},
		"an extension of no weight":     {with(catest.Asks("1.2.3", false, nil)), true},
		"signed by another key":         {func(p *catest.PKCS10) { p.By = other }, false},
		"signed without ZA":             {func(p *catest.PKCS10) { p.Plain = true }, false},
		"point off the curve":           {func(p *catest.PKCS10) { p.Point = append([]byte{4}, bytes.Repeat([]byte{7}, 64)...) }, false},
		"point at infinity":             {func(p *catest.PKCS10) { p.Point = []byte{0} }, false},
		"curve P-256":                   {func(p *catest.PKCS10) { p.Curve = "1.2.840.10045.3.1.7" }, false},
		"ECDSA with SHA-256":            {func(p *catest.PKCS10) { p.Algorithm = "1.2.840.10045.4.3.2" }, false},
		"version 2":                     {func(p *catest.PKCS10) { p.Version = 1 }, false},
		"a subject of a megabyte":       {func(p *catest.PKCS10) { p.Subject = make([]byte, 1<<20) }, false},
		"CA:TRUE":                       {with(catest.Asks("2.5.29.19", true, []byte{0x30, 3, 1, 1, 0xff})), false},
		"CA:TRUE, not critical":         {with(catest.Asks("2.5.29.19", false, []byte{0x30, 3, 1, 1, 0xff})), false},
		"a path length":                 {with(catest.Asks("2.5.29.19", false, []byte{0x30, 3, 2, 1, 0})), false},
		"constraints that are none":     {with(catest.Asks("2.5.29.19", false, []byte{5, 0})), false},
		"an unknown critical extension": {with(catest.Asks("1.2.3", true, nil)), false},
		"critical name constraints":     {with(catest.Asks("2.5.29.30", true, nil)), false},
		"two requests for extensions":   {with(catest.Asks("1.2.3", false, nil), catest.Asks("1.2.4", false, nil)), false},
		"an attribute of another form":  {with(func(b *cryptobyte.Builder) { b.AddASN1NULL() }), false},
		"more behind the signature":     {func(p *catest.PKCS10) { p.After = []byte{5, 0} }, false},
		"a public key of the authority": {func(p *catest.PKCS10) {
			p.Point = o.purpose(ca.PurposeIssuing).RawSPKI[len(o.purpose(ca.PurposeIssuing).RawSPKI)-65:]
		}, false},
		"17 attributes": {func(p *catest.PKCS10) {
			for i := range 17 {
				p.Attributes = append(p.Attributes, func(b *cryptobyte.Builder) {
					certs.AddOID(b, certs.OID(fmt.Sprint("1.2.3.", i)))
					b.AddASN1(asn1.SET, func(*cryptobyte.Builder) {})
				})
			}
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := sm2.GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			p := &catest.PKCS10{Key: key}
			c.change(p)
			before := len(o.rows())
			row, err := o.Issue(t.Context(), agencyOrder(p.DER(t)))
			if !c.good {
				if !errors.Is(err, ca.ErrBadRequest) {
					t.Fatal(err)
				}
				if len(o.rows()) != before {
					t.Fatal("a refused request is in the register")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			made, err := certs.ParseCertificate(row.DER)
			if err != nil || !made.PublicKey.Equal(&key.PublicKey) || made.Subject.CommonName != "业务系统" || made.IsCA || made.KeyUsage != certs.KeyUsageDigitalSignature {
				t.Fatalf("the request had its way: %s, %v", made.Subject, err)
			}
		})
	}
	o.restart()
	o.agree()
}

func TestRequestsAsFiles(t *testing.T) {
	o := fresh(t)
	der := request(t)
	text := func(kind string, b []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: b}) }
	for name, b := range map[string][]byte{"PEM": text("CERTIFICATE REQUEST", der), "the older name": text("NEW CERTIFICATE REQUEST", request(t)), "line breaks around": append([]byte("\n\n"), text("CERTIFICATE REQUEST", request(t))...)} {
		if _, err := o.Issue(t.Context(), agencyOrder(b)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p256, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, ec)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaRequest, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, rsaKey)
	if err != nil {
		t.Fatal(err)
	}
	whole := request(t)
	for name, b := range map[string][]byte{
		"P-256": p256, "RSA": rsaRequest, "a certificate": o.purpose(ca.PurposeRoot).Raw, "text": []byte("准予"), "empty": {}, "a trailing byte": append(bytes.Clone(whole), 0),
		"two in a file": bytes.Repeat(text("CERTIFICATE REQUEST", whole), 2), "another block": text("CERTIFICATE", whole), "no end": []byte("-----BEGIN CERTIFICATE REQUEST-----\nMII"),
		"over the limit": append(text("CERTIFICATE REQUEST", whole), bytes.Repeat([]byte("\n"), ca.MaxRequest)...),
	} {
		if _, err := o.Issue(t.Context(), agencyOrder(b)); !errors.Is(err, ca.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		if _, err := o.Issue(t.Context(), agencyOrder(changed)); !errors.Is(err, ca.ErrBadRequest) {
			t.Fatalf("octet %d was changed: %v", i, err)
		}
	}
}

// Whatever comes in, nothing goes out.
func TestBadRequests(t *testing.T) {
	o := fresh(t)
	before := len(o.rows())
	bad := catest.Bad(t)
	bad["a subject of a megabyte"] = catest.Large(t)
	for name, der := range bad {
		if _, err := o.Issue(t.Context(), agencyOrder(der)); !errors.Is(err, ca.ErrBadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.Issue(t.Context(), agencyOrder(catest.Trivial(t))); !errors.Is(err, ca.ErrRefused) || !strings.Contains(err.Error(), "gmt0003_point_trivial") {
		t.Error("the private key 1:", err)
	}
	for _, p := range purposes {
		c, err := o.Purpose(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Issue(t.Context(), agencyOrder(catest.On(t, c.Key))); !errors.Is(err, ca.ErrKeyTaken) {
			t.Errorf("on the key of %s: %v", p, err)
		}
	}
	if n := len(o.rows()); n != before {
		t.Errorf("%d certificates", n-before)
	}
	if gone, err := o.Abandoned(t.Context()); err != nil || len(gone) != 0 {
		t.Error("an intent:", gone, err)
	}
	o.restart()
	o.agree()
}
