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
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/certs"
)

// pkcs10 is a request in parts; what is nil is usual.
type pkcs10 struct {
	key              *sm2.PrivateKey
	by               *sm2.PrivateKey // signs; nil: key
	version          int64
	subject          []byte
	point            []byte
	curve, algorithm certs.OID
	attributes       []func(*cryptobyte.Builder)
	noAttributes     bool
	after            []byte
	plain            bool // signed over SM3 without ZA
}

func sequence(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(asn1.SEQUENCE, f) }

func (p *pkcs10) der(t testing.TB) []byte {
	t.Helper()
	if p.by == nil {
		p.by = p.key
	}
	if p.point == nil {
		pt, err := sm2.PublicKeyToECDH(&p.key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		p.point = pt.Bytes()
	}
	var b cryptobyte.Builder
	sequence(&b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(p.version)
		sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(p.subject) })
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				certs.AddOID(b, certs.OIDECPublicKey)
				certs.AddOID(b, p.curve)
			})
			b.AddASN1BitString(p.point)
		})
		if !p.noAttributes {
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				for _, a := range p.attributes {
					sequence(b, a)
				}
			})
		}
	})
	info, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := p.by.SignWithSM2(rand.Reader, nil, info)
	if p.plain {
		sig, err = p.by.Sign(rand.Reader, info, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	var out cryptobyte.Builder
	sequence(&out, func(b *cryptobyte.Builder) {
		b.AddBytes(info)
		sequence(b, func(b *cryptobyte.Builder) { certs.AddOID(b, p.algorithm) })
		b.AddASN1BitString(sig)
		b.AddBytes(p.after)
	})
	der, err := out.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// asks is an attribute that requests one extension.
func asks(o certs.OID, critical bool, value []byte) func(*cryptobyte.Builder) {
	return func(b *cryptobyte.Builder) {
		certs.AddOID(b, "1.2.840.113549.1.9.14")
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					certs.AddOID(b, o)
					b.AddASN1Boolean(critical)
					b.AddASN1OctetString(value)
				})
			})
		})
	}
}

func TestRequests(t *testing.T) {
	o := fresh(t)
	other, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(a ...func(*cryptobyte.Builder)) func(*pkcs10) { return func(p *pkcs10) { p.attributes = a } }
	for name, c := range map[string]struct {
		change func(*pkcs10)
		good   bool
	}{
		"as it is":                      {func(*pkcs10) {}, true},
		"no attributes at all":          {func(p *pkcs10) { p.noAttributes = true }, true},
		"the name of another":           {func(p *pkcs10) { p.subject = o.purpose(ca.PurposeRoot).RawSubject[2:] }, true},
		"a critical key usage":          {with(asks("2.5.29.15", true, []byte{3, 2, 1, 6})), true},
		"CA:FALSE":                      {with(asks("2.5.29.19", true, []byte{0x30, 3, 1, 1, 0})), true},
		"constraints of nothing":        {with(asks("2.5.29.19", true, []byte{0x30, 0})), true},
		"an extension of no weight":     {with(asks("1.2.3", false, nil)), true},
		"signed by another key":         {func(p *pkcs10) { p.by = other }, false},
		"signed without ZA":             {func(p *pkcs10) { p.plain = true }, false},
		"point off the curve":           {func(p *pkcs10) { p.point = append([]byte{4}, bytes.Repeat([]byte{7}, 64)...) }, false},
		"point at infinity":             {func(p *pkcs10) { p.point = []byte{0} }, false},
		"curve P-256":                   {func(p *pkcs10) { p.curve = "1.2.840.10045.3.1.7" }, false},
		"ECDSA with SHA-256":            {func(p *pkcs10) { p.algorithm = "1.2.840.10045.4.3.2" }, false},
		"version 2":                     {func(p *pkcs10) { p.version = 1 }, false},
		"a subject of a megabyte":       {func(p *pkcs10) { p.subject = make([]byte, 1<<20) }, false},
		"CA:TRUE":                       {with(asks("2.5.29.19", true, []byte{0x30, 3, 1, 1, 0xff})), false},
		"CA:TRUE, not critical":         {with(asks("2.5.29.19", false, []byte{0x30, 3, 1, 1, 0xff})), false},
		"a path length":                 {with(asks("2.5.29.19", false, []byte{0x30, 3, 2, 1, 0})), false},
		"constraints that are none":     {with(asks("2.5.29.19", false, []byte{5, 0})), false},
		"an unknown critical extension": {with(asks("1.2.3", true, nil)), false},
		"critical name constraints":     {with(asks("2.5.29.30", true, nil)), false},
		"two requests for extensions":   {with(asks("1.2.3", false, nil), asks("1.2.4", false, nil)), false},
		"an attribute of another form":  {with(func(b *cryptobyte.Builder) { b.AddASN1NULL() }), false},
		"more behind the signature":     {func(p *pkcs10) { p.after = []byte{5, 0} }, false},
		"a public key of the authority": {func(p *pkcs10) {
			p.point = o.purpose(ca.PurposeIssuing).RawSPKI[len(o.purpose(ca.PurposeIssuing).RawSPKI)-65:]
		}, false},
		"17 attributes": {func(p *pkcs10) {
			for i := range 17 {
				p.attributes = append(p.attributes, func(b *cryptobyte.Builder) {
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
			p := &pkcs10{key: key, curve: certs.OIDSM2Curve, algorithm: certs.OIDSM2WithSM3}
			c.change(p)
			before := len(o.rows())
			row, err := o.Issue(t.Context(), agencyOrder(p.der(t)))
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
