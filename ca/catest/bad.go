package catest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/certs"
)

// Bad gives requests, DER, that are no requests of ours: each must be refused with
// a problem of its sender, and leave nothing behind.
func Bad(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for name, spoil := range map[string]func(*PKCS10){
		"signed by another key":         func(p *PKCS10) { p.By = Key(t) },
		"signed without ZA":             func(p *PKCS10) { p.Plain = true },
		"a point off the curve":         func(p *PKCS10) { p.Point = append([]byte{4}, bytes.Repeat([]byte{7}, 64)...) },
		"the point at infinity":         func(p *PKCS10) { p.Point = []byte{0} },
		"the point 0, 0":                func(p *PKCS10) { p.Point = append([]byte{4}, make([]byte, 64)...) },
		"a coordinate over the prime":   func(p *PKCS10) { p.Point = append([]byte{4}, bytes.Repeat([]byte{0xff}, 64)...) },
		"a point of P-256":              func(p *PKCS10) { p.Point = p256Point(t) },
		"a compressed point":            compress,
		"a hybrid point":                func(p *PKCS10) { p.Point[0] = 6 | p.Point[64]&1 },
		"a point and an octet":          func(p *PKCS10) { p.Point = append(p.Point, 0) },
		"curve P-256":                   func(p *PKCS10) { p.Curve = "1.2.840.10045.3.1.7" },
		"ECDSA with SHA-256":            func(p *PKCS10) { p.Algorithm = "1.2.840.10045.4.3.2" },
		"a negative version":            func(p *PKCS10) { p.Version = -1 },
		"version 2":                     func(p *PKCS10) { p.Version = 1 },
		"an unknown critical extension": func(p *PKCS10) { p.Attributes = append(p.Attributes, Asks("1.2.3", true, nil)) },
		"the wish to be an authority": func(p *PKCS10) {
			p.Attributes = append(p.Attributes, Asks("2.5.29.19", true, []byte{0x30, 3, 1, 1, 0xff}))
		},
		"more behind the signature": func(p *PKCS10) { p.After = []byte{5, 0} },
	} {
		p := &PKCS10{Key: Key(t)}
		p.usual(t)
		spoil(p)
		out[name] = p.DER(t)
	}
	out["a trailing octet"] = append((&PKCS10{Key: Key(t)}).DER(t), 0)
	for name, key := range others(t) {
		der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = der
	}
	return out
}

func compress(p *PKCS10) { p.Point = append([]byte{2 + p.Point[64]&1}, p.Point[1:33]...) }

func p256Point(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	pt, err := key.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return pt
}

// others are keys of algorithms that are not ours.
func others(t testing.TB) map[string]crypto.Signer {
	t.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]crypto.Signer{"a request of P-256": ec, "a request of RSA": rsaKey, "a request of Ed25519": edKey}
}

// Large is a good request but for a subject of a megabyte.
func Large(t testing.TB) []byte {
	return (&PKCS10{Key: Key(t), Subject: make([]byte, 1<<20)}).DER(t)
}

// Trivial is a good request by the private key 1, which anyone can guess.
func Trivial(t testing.TB) []byte {
	t.Helper()
	key, err := sm2.NewPrivateKeyFromInt(big.NewInt(1))
	if err != nil {
		t.Fatal(err)
	}
	return (&PKCS10{Key: key}).DER(t)
}

// On is a good request that a key elsewhere signs, such as one of the authority's
// own.
func On(t testing.TB, key certs.Signer) []byte {
	t.Helper()
	pt, err := sm2.PublicKeyToECDH(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	p := &PKCS10{Key: Key(t), Point: pt.Bytes()}
	p.usual(t)
	info, err := p.info()
	if err != nil {
		t.Fatal(err)
	}
	sig, err := key.SignMessage(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	return p.assemble(t, info, sig)
}
