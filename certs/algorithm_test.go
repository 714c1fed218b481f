package certs

import (
	"context"
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

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
)

// chainOf makes a root, an authority and a leaf with Go's library, which is not
// ours, and gives them as our reader reads them.
func chainOf(t *testing.T, key func() crypto.Signer) (leaf, ca, anchor *Certificate, list *CRL) {
	t.Helper()
	var parent *x509.Certificate
	var by crypto.Signer
	var out []*Certificate
	for i, name := range []string{"root", "issuing", "leaf"} {
		k := key()
		c := &x509.Certificate{SerialNumber: big.NewInt(int64(i) + 1), Subject: pkix.Name{CommonName: name}, NotBefore: noon.Add(-day), NotAfter: noon.Add(day),
			KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true}
		if name != "leaf" {
			c.KeyUsage, c.IsCA = x509.KeyUsageCertSign|x509.KeyUsageCRLSign, true
		}
		if parent == nil {
			parent, by = c, k
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, k.Public(), by)
		if err != nil {
			t.Fatal(err)
		}
		if parent, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		by = k
		read, err := ParseAnyCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseCertificate(der); !errors.Is(err, ErrUnsupported) {
			t.Fatal("the strict reader:", err)
		}
		out = append(out, read)
		if name == "issuing" {
			der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: noon, NextUpdate: noon.Add(day)}, parent, k)
			if err != nil {
				t.Fatal(err)
			}
			if list, err = ParseAnyCRL(der); err != nil {
				t.Fatal(err)
			}
			if _, err := ParseCRL(der); !errors.Is(err, ErrUnsupported) {
				t.Fatal("the strict reader of lists:", err)
			}
		}
	}
	return out[2], out[1], out[0], list
}

func TestChainsAbroad(t *testing.T) {
	for name, key := range map[string]func() crypto.Signer{
		"RSA": func() crypto.Signer { k, _ := rsa.GenerateKey(rand.Reader, 2048); return k },
		"P-256": func() crypto.Signer {
			k, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			return k
		},
		"P-384": func() crypto.Signer {
			k, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
			return k
		},
		"P-521": func() crypto.Signer {
			k, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
			return k
		},
	} {
		t.Run(name, func(t *testing.T) {
			leaf, ca, anchor, list := chainOf(t, key)
			path, err := BuildPath(leaf, PathOptions{Roots: []*Certificate{anchor}, Intermediates: []*Certificate{ca}, At: noon})
			if err != nil || len(path) != 3 || leaf.PublicKey != nil {
				t.Fatal(err)
			}
			if err := list.CheckSignatureFrom(ca); err != nil || !list.Covers(leaf) {
				t.Fatal(err)
			}
			changed := *leaf
			changed.RawTBS = append([]byte{}, leaf.RawTBS...)
			changed.RawTBS[20] ^= 1
			if err := changed.CheckSignatureFrom(ca); !errors.Is(err, ErrSignature) {
				t.Error("altered:", err)
			}
			// A key of one kind says nothing of a signature of another.
			if err := leaf.CheckSignatureFrom(root(t, "issuing").Certificate); !errors.Is(err, ErrSignature) {
				t.Error("by an SM2 key:", err)
			}
			if err := ca.Verify(leaf.RawTBS, leaf.Signature); !errors.Is(err, ErrSignature) {
				t.Error("as an SM2 signature:", err)
			}
		})
	}
}

// Collisions of SHA-1 can be bought, so it counts only where it is asked for.
func TestSHA1IsAskedFor(t *testing.T) {
	read := func(name string) *Certificate {
		c, err := ParseAnyCertificate(pkitsFile(t, "certs", name))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	leaf, ca, anchor := read("ValidDSASignaturesTest4EE.crt"), read("DSACACert.crt"), read("TrustAnchorRootCertificate.crt")
	o := PathOptions{Roots: []*Certificate{anchor}, Intermediates: []*Certificate{ca}, At: asked}
	if _, err := FindPath(leaf, o); !errors.Is(err, ErrWeak) {
		t.Fatal(err)
	}
	o.AllowSHA1 = true
	if _, err := FindPath(leaf, o); err != nil {
		t.Fatal(err)
	}
	// Parameters come from the issuer alone, and only down a path.
	inherited := read("DSAParametersInheritedCACert.crt")
	below := read("ValidDSAParameterInheritanceTest5EE.crt")
	if err := below.CheckSignatureFrom(inherited); err == nil {
		t.Fatal("a key without parameters checked a signature")
	}
	o.Roots, o.Intermediates = []*Certificate{inherited}, nil
	if _, err := FindPath(below, o); !errors.Is(err, ErrSignature) {
		t.Fatal("under an anchor without parameters:", err)
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	good, err := ParseAnyCertificate(pkitsFile(t, "certs", "GoodCACert.crt"))
	if err != nil {
		t.Fatal(err)
	}
	fields := fieldsOf(t, good.RawTBS)
	integer := func(bits int) []byte { return tlv(2, []byte{1}, make([]byte, bits/8)) }
	key := func(id []byte, content ...[]byte) []byte {
		return sequence(id, tlv(3, append([][]byte{{0}}, content...)...))
	}
	rsaID, dsaID := sequence(oid(oidRSA), []byte{5, 0}), sequence(oid(oidDSA))
	for name, spki := range map[string][]byte{
		"RSA of 10,000 bits":       key(rsaID, sequence(integer(10000), []byte{2, 1, 3})),
		"RSA, exponent 1":          key(rsaID, sequence(integer(2048), []byte{2, 1, 1})),
		"RSA, an even exponent":    key(rsaID, sequence(integer(2048), []byte{2, 1, 4})),
		"RSA, modulus 0":           key(rsaID, sequence([]byte{2, 1, 0}, []byte{2, 1, 3})),
		"RSA with more":            key(rsaID, sequence(integer(2048), []byte{2, 1, 3}), []byte{0}),
		"DSA of 4,096 bits":        key(dsaID, integer(4096)),
		"DSA, parameters of none":  key(sequence(oid(oidDSA), sequence()), integer(1024)),
		"DSA, q of 8 bits":         key(sequence(oid(oidDSA), sequence(integer(1024), []byte{2, 1, 3}, []byte{2, 1, 2})), integer(512)),
		"a point off P-256":        key(sequence(oid(OIDECPublicKey), oid("1.2.840.10045.3.1.7")), append([]byte{4}, make([]byte, 64)...)),
		"a curve that is not ours": key(sequence(oid(OIDECPublicKey), oid("1.3.132.0.10")), append([]byte{4}, make([]byte, 64)...)),
		"Ed25519":                  key(sequence(oid("1.3.101.112")), make([]byte, 32)),
	} {
		changed := append([][]byte{}, fields...)
		changed[6] = spki
		der := sequence(sequence(changed...), fields[2], tlv(3, []byte{0}, good.Signature))
		if _, err := ParseAnyCertificate(der); !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// otherID signs with ZA of another user id than the default.
type otherID struct{ softKey }

func (k otherID) SignMessage(_ context.Context, message []byte) ([]byte, error) {
	return k.private.SignWithSM2(rand.Reader, []byte("CN=GM/T 0009"), message)
}

// A signature is over ZA of the default user id (GM/T 0009) or it is none: a
// signer who was led to sign for another protocol has issued nothing.
func TestAnotherUserID(t *testing.T) {
	anchor := root(t, "根")
	p := spec{name: "叶", usage: signs}.parts(t, newKey(t), anchor)
	for name, sign := range map[string]func([]byte) ([]byte, error){
		"another id": func(b []byte) ([]byte, error) { return otherID{anchor.key}.SignMessage(t.Context(), b) },
		"without ZA": func(b []byte) ([]byte, error) {
			digest := sm3.Sum(b)
			return anchor.key.private.Sign(rand.Reader, digest[:], sm2.NewSM2SignerOption(false, nil))
		},
	} {
		p.sign = func(tbs []byte) []byte {
			sig, err := sign(tbs)
			if err != nil {
				t.Fatal(err)
			}
			return sig
		}
		leaf, err := ParseCertificate(p.der())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := FindPath(leaf, PathOptions{Roots: []*Certificate{anchor.Certificate}, At: noon}); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
		c := crlParts(anchor)
		tbs := sequence(c.version, c.inner, c.issuer, c.this, c.next, c.extensions)
		list, err := ParseCRL(sequence(tbs, c.outer, tlv(3, []byte{0}, p.sign(tbs))))
		if err != nil {
			t.Fatal(err)
		}
		if err := list.CheckSignatureFrom(anchor.Certificate); !errors.Is(err, ErrSignature) {
			t.Errorf("a list, %s: %v", name, err)
		}
	}
}

// Parameters NULL or absent, in whichever certificate of a chain (formats.md 3).
func TestParametersOfAChain(t *testing.T) {
	withNull := sequence(oid(OIDSM2WithSM3), []byte{5, 0})
	for _, algorithms := range [][2][]byte{{sm2WithSM3, sm2WithSM3}, {withNull, sm2WithSM3}, {sm2WithSM3, withNull}, {withNull, withNull}} {
		anchor := root(t, "根")
		made := func(s spec, by *entity, algorithm []byte) *entity {
			key := newKey(t)
			p := s.parts(t, key, by)
			p.inner, p.outer = algorithm, algorithm
			c, err := ParseCertificate(p.der())
			if err != nil {
				t.Fatal(err)
			}
			return &entity{c, key}
		}
		ca := made(spec{name: "签发", usage: authority, ca: true}, anchor, algorithms[0])
		leaf := made(spec{name: "叶", usage: signs}, ca, algorithms[1])
		o := PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{ca.Certificate}, At: noon}
		if _, err := FindPath(leaf.Certificate, o); err != nil {
			t.Fatal(err)
		}
	}
}

// No octet of any certificate of a chain, its constraints and policies among
// them, can be changed.
func TestNoBitOfAChainCanBeChanged(t *testing.T) {
	anchor := root(t, "根")
	ca := spec{name: "签发", usage: authority, ca: true, more: [][]byte{
		constrain([][]byte{dir(rdn(oidCommonName, 0x0c, "叶"))}, [][]byte{dns("x.cn")}), policies("1.2.1"), mappings([2]OID{"1.2.1", "1.2.2"})}}.make(t, anchor)
	leaf := spec{name: "叶", usage: signs, more: [][]byte{policies("1.2.2"), extension(oidExtAltNames, false, sequence(dns("a.cn"))), points(sequence(at(shardA)))}}.make(t, ca)
	good := func(leaf, ca []byte) bool {
		l, err := ParseCertificate(leaf)
		if err != nil {
			return false
		}
		c, err := ParseCertificate(ca)
		if err != nil {
			return false
		}
		_, err = FindPath(l, PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{c}, At: noon, ExplicitPolicy: true})
		return err == nil
	}
	if !good(leaf.Raw, ca.Raw) {
		t.Fatal("the chain itself is refused")
	}
	for i := range leaf.Raw {
		changed := append([]byte{}, leaf.Raw...)
		changed[i] ^= 1 << (i % 8)
		if good(changed, ca.Raw) {
			t.Fatalf("octet %d of the leaf", i)
		}
	}
	for i := range ca.Raw {
		changed := append([]byte{}, ca.Raw...)
		changed[i] ^= 1 << (i % 8)
		if good(leaf.Raw, changed) {
			t.Fatalf("octet %d of the authority", i)
		}
	}
}

func BenchmarkFindPath(b *testing.B) {
	anchor := root(b, "根")
	ca := spec{name: "签发", usage: authority, ca: true, more: [][]byte{policies(OIDAnyPolicy), constrain(nil, [][]byte{dns("x.cn")})}}.make(b, anchor)
	leaf := spec{name: "叶", usage: signs, more: [][]byte{policies("1.2.1")}}.make(b, ca)
	o := PathOptions{Roots: []*Certificate{anchor.Certificate}, Intermediates: []*Certificate{ca.Certificate}, At: noon, ExplicitPolicy: true}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := FindPath(leaf.Certificate, o); err != nil {
			b.Fatal(err)
		}
	}
}
