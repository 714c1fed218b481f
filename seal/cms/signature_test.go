package cms

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
)

func TestSignatureOfTheField(t *testing.T) {
	s, err := ParseSignature(sample(t, "signedvalue.dat"))
	if err != nil {
		t.Fatal(err)
	}
	original := sample(t, "OFDEntries.xml")
	if err := s.Verify(s.Signer, original); err != nil {
		t.Fatal(err)
	}
	original[9] ^= 1
	if err := s.Verify(s.Signer, original); !errors.Is(err, certs.ErrSignature) {
		t.Fatal("another original:", err)
	}
}

// variants are formats.md 2 (a), (b), (c) and what protocol.md 2 adds.
func variants(original []byte) map[string]form {
	sum := sm3.Sum(original)
	text := []byte(base64.StdEncoding.EncodeToString(sum[:]))
	kind := func(o certs.OID) []byte { return attributeOf(certs.OIDContentType, oid(o)) }
	digest := func(b []byte) []byte {
		s := sm3.Sum(b)
		return attributeOf(certs.OIDMessageDigest, tlv(4, s[:]))
	}
	gm, gmData := certs.OIDGMSignedData, certs.OIDGMData
	return map[string]form{
		"a, raw":                {kind: gm, inner: gmData, content: sum[:], signs: sum[:], algorithm: certs.OIDSM2WithSM3, raw: true},
		"a, DER, sm2-1":         {kind: gm, inner: gmData, content: sum[:], signs: sum[:], algorithm: certs.OIDSM2Sign},
		"b":                     {kind: gm, inner: certs.OIDData, attrs: [][]byte{kind(certs.OIDData), digest(original)}, algorithm: certs.OIDSM2Sign},
		"b, out of order":       {kind: gm, inner: certs.OIDData, attrs: [][]byte{digest(original), kind(certs.OIDData)}, algorithm: certs.OIDSM2Sign},
		"c":                     {kind: gm, inner: gmData, content: text, signs: text, algorithm: certs.OIDSM2WithSM3},
		"attributes of a":       {kind: gm, inner: gmData, content: sum[:], attrs: [][]byte{kind(gmData), digest(sum[:])}, algorithm: certs.OIDSM2WithSM3},
		"the original itself":   {kind: gm, inner: gmData, content: original, signs: original, algorithm: certs.OIDSM2WithSM3},
		"detached, no more":     {kind: gm, inner: gmData, signs: original, algorithm: certs.OIDSM2WithSM3},
		"detached, its digest":  {kind: gm, inner: gmData, signs: sum[:], algorithm: certs.OIDSM2WithSM3},
		"RFC 5652, attributes":  {kind: certs.OIDSignedData, inner: certs.OIDData, attrs: [][]byte{kind(certs.OIDData), digest(original)}, algorithm: certs.OIDSM2WithSM3},
		"RFC 5652, without any": {kind: certs.OIDSignedData, inner: certs.OIDData, signs: original, algorithm: certs.OIDSM2WithSM3},
	}
}

func TestVariants(t *testing.T) {
	k, c := newKey(t, "签名人")
	_, other := newKey(t, "别人")
	original := []byte("<Signature>某签名人</Signature>")
	for name, f := range variants(original) {
		t.Run(name, func(t *testing.T) {
			der := f.der(t, k, c)
			s, err := ParseSignature(der)
			if err != nil {
				t.Fatal(err)
			}
			if !s.Signer.Equal(c) {
				t.Fatal("the signer is not found")
			}
			if err := s.Verify(c, original); err != nil {
				t.Fatal(err)
			}
			if s.Verify(other, original) == nil {
				t.Fatal("verified under another's key")
			}
			if s.Verify(c, append(original, ' ')) == nil || s.Verify(c, nil) == nil {
				t.Fatal("verified over another original")
			}
			if _, err := ParseSignature(append(der, 0)); err == nil {
				t.Fatal("a trailing octet was read")
			}
			if strict := name == "RFC 5652, attributes" || name == "RFC 5652, without any"; strict != (len(s.Notices) == 0) {
				t.Fatalf("notices: %q", s.Notices)
			}
		})
	}
}

// Whatever octet is changed, the signature never verifies over another original, and
// what its signature vouches for is as it was.
func TestNoFlippedOctetSignsAnother(t *testing.T) {
	k, c := newKey(t, "签名人")
	original := []byte("<Signature>某签名人</Signature>")
	sum := sm3.Sum(original)
	for name, f := range variants(original) {
		der := f.der(t, k, c)
		for i := range der {
			bad := bytes.Clone(der)
			bad[i] ^= 0x55
			s, err := ParseSignature(bad)
			if err != nil || s.VerifySignature(c, original) != nil {
				continue
			}
			if s.DataHash != nil && !bytes.Equal(s.DataHash, sum[:]) {
				t.Fatalf("%s: octet %d: it vouches for %x", name, i, s.DataHash)
			}
		}
	}
}

func FuzzParseSignature(f *testing.F) {
	k, c := newKey(f, "签名人")
	original := []byte("<Signature>某签名人</Signature>")
	for _, v := range variants(original) {
		f.Add(v.der(f, k, c))
	}
	f.Add(sample(f, "signedvalue.dat"))
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := ParseSignature(der)
		if err != nil {
			return
		}
		if s.DataHash != nil && len(s.DataHash) != sm3.Size {
			t.Fatalf("a digest of %d octets", len(s.DataHash))
		}
		if s.Signer != nil {
			_ = s.Verify(s.Signer, original)
		}
	})
}
