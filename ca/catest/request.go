// Package catest makes certification requests for tests: PKCS10 in parts that can
// be spoiled one by one, and Bad, those that no door of an authority lets in.
package catest

import (
	"crypto/rand"
	"encoding/pem"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// PKCS10 is a request in parts; what is zero is usual.
type PKCS10 struct {
	Key              *sm2.PrivateKey
	By               *sm2.PrivateKey // signs; nil: Key
	Version          int64
	Subject          []byte // what stands in its SEQUENCE
	Point            []byte
	Curve, Algorithm certs.OID
	Attributes       []func(*cryptobyte.Builder)
	NoAttributes     bool
	After            []byte
	Plain            bool // signed over SM3 without ZA
}

func sequence(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(asn1.SEQUENCE, f) }

// Key makes a key.
func Key(t testing.TB) *sm2.PrivateKey {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// PEM is a request on a key as the library makes it, which shares no code with ours.
func PEM(t testing.TB, key *sm2.PrivateKey) []byte {
	t.Helper()
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

// DER signs the request.
func (p *PKCS10) DER(t testing.TB) []byte {
	t.Helper()
	p.usual(t)
	info, err := p.info()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := p.By.SignWithSM2(rand.Reader, nil, info)
	if p.Plain {
		sig, err = p.By.Sign(rand.Reader, info, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p.assemble(t, info, sig)
}

func (p *PKCS10) usual(t testing.TB) {
	t.Helper()
	if p.By == nil {
		p.By = p.Key
	}
	if p.Curve == "" {
		p.Curve = certs.OIDSM2Curve
	}
	if p.Algorithm == "" {
		p.Algorithm = certs.OIDSM2WithSM3
	}
	if p.Point == nil {
		pt, err := sm2.PublicKeyToECDH(&p.Key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		p.Point = pt.Bytes()
	}
}

func (p *PKCS10) assemble(t testing.TB, info, signature []byte) []byte {
	t.Helper()
	var out cryptobyte.Builder
	sequence(&out, func(b *cryptobyte.Builder) {
		b.AddBytes(info)
		sequence(b, func(b *cryptobyte.Builder) { certs.AddOID(b, p.Algorithm) })
		b.AddASN1BitString(signature)
		b.AddBytes(p.After)
	})
	der, err := out.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (p *PKCS10) info() ([]byte, error) {
	var b cryptobyte.Builder
	sequence(&b, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(p.Version)
		sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(p.Subject) })
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				certs.AddOID(b, certs.OIDECPublicKey)
				certs.AddOID(b, p.Curve)
			})
			b.AddASN1BitString(p.Point)
		})
		if !p.NoAttributes {
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				for _, a := range p.Attributes {
					sequence(b, a)
				}
			})
		}
	})
	return b.Bytes()
}

// Asks is an attribute that requests one extension.
func Asks(o certs.OID, critical bool, value []byte) func(*cryptobyte.Builder) {
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
