package tsa

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

type softKey struct{ private *sm2.PrivateKey }

func (k softKey) Public() *ecdsa.PublicKey { return &k.private.PublicKey }

func (k softKey) SignMessage(_ context.Context, message []byte) ([]byte, error) {
	return k.private.SignWithSM2(rand.Reader, nil, message)
}

// stamper is a key with a certificate that it signed itself, of these uses.
func stamper(t testing.TB, critical bool, uses ...certs.OID) (softKey, *certs.Certificate) {
	t.Helper()
	private, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := softKey{private}
	sequence := func(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(asn1.SEQUENCE, f) }
	algorithm := func(b *cryptobyte.Builder) {
		sequence(b, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM2WithSM3) })
	}
	public, err := sm2.PublicKeyToECDH(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	sequence(&b, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
		b.AddASN1Int64(1)
		algorithm(b)
		sequence(b, func(*cryptobyte.Builder) {})
		sequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1UTCTime(noon.Add(-time.Hour))
			b.AddASN1UTCTime(noon.Add(time.Hour))
		})
		sequence(b, func(*cryptobyte.Builder) {})
		sequence(b, func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				certs.AddOID(b, certs.OIDECPublicKey)
				certs.AddOID(b, certs.OIDSM2Curve)
			})
			b.AddASN1BitString(public.Bytes())
		})
		if len(uses) == 0 {
			return
		}
		b.AddASN1(asn1.Tag(3).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) {
					certs.AddOID(b, "2.5.29.37")
					b.AddASN1Boolean(critical)
					b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) {
						sequence(b, func(b *cryptobyte.Builder) {
							for _, o := range uses {
								certs.AddOID(b, o)
							}
						})
					})
				})
			})
		})
	})
	tbs, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	var out cryptobyte.Builder
	sequence(&out, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		algorithm(b)
		b.AddASN1BitString(sig)
	})
	der, err := out.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, c
}

// fixed signs with one certificate for ever.
func fixed(key certs.Signer, cert *certs.Certificate) func(context.Context) (Signing, error) {
	return func(context.Context) (Signing, error) { return Signing{Signer: key, Certificate: cert}, nil }
}

// clocked is an authority whose clock the test sets.
func clocked(t testing.TB, notBefore time.Time) (*Authority, *time.Time) {
	t.Helper()
	key, cert := stamper(t, true, certs.OIDEKUTimeStamping)
	now := noon
	a, err := New(Config{Signing: fixed(key, cert), Clock: func() time.Time { return now }, Rand: rand.Reader, NotBefore: notBefore})
	if err != nil {
		t.Fatal(err)
	}
	return a, &now
}

var imprint = sm3.Sum([]byte("签名值"))

// stamp makes a token and reads it as a verifier does.
func stamp(t testing.TB, a *Authority) *certs.TimeStamp {
	t.Helper()
	token, at, err := a.Stamp(t.Context(), imprint)
	if err != nil {
		t.Fatal(err)
	}
	ts, err := certs.ParseTimeStamp(token)
	if err != nil {
		t.Fatal(err)
	}
	if !ts.GenTime.Equal(at) || !bytes.Equal(ts.Imprint, imprint[:]) || ts.Accuracy != Accuracy || ts.Policy != certs.OIDTSAPolicy || ts.Nonce != nil || len(ts.Notices) != 0 {
		t.Fatalf("%+v, said to be of %s", ts, at)
	}
	return ts
}
