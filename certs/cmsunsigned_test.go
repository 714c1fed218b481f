package certs

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
)

// A signature over attributes is one over the octets of their SET. Whoever
// hands out that SET as content, without attributes, must not be believed that
// the signer signed it: RFC 5652 does not tell the two apart.
func TestAttributesAreNoContent(t *testing.T) {
	by := root(t, "单位")
	content := []byte("正文")
	honest := cmsParts(by, OIDData, content)
	honest.der(t, by.key, content)
	set := tlv(0x31, honest.attrs...)
	stolen := cmsParts(by, OIDData, set)
	stolen.attrs, stolen.signature = nil, honest.signature
	s, err := ParseSignedData(stolen.der(t, by.key, set))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(by.Certificate, nil); !errors.Is(err, ErrSignature) && !errors.Is(err, ErrMalformed) {
		t.Fatal("attributes passed for content:", err)
	}
	// Content that only begins like a set is content.
	for _, text := range [][]byte{[]byte("1号决定"), {0x31, 0}, set[:len(set)-1], append(bytes.Clone(set), 0)} {
		p := cmsParts(by, OIDData, text)
		p.attrs = nil
		if s, err = ParseSignedData(p.der(t, by.key, text)); err != nil || s.Verify(by.Certificate, nil) != nil {
			t.Fatalf("%q: %v", text, err)
		}
	}
}

func TestSignedDataOverTheLimit(t *testing.T) {
	by := root(t, "单位")
	content := make([]byte, MaxSignedData)
	if _, err := ParseSignedData(cmsParts(by, OIDData, content).der(t, by.key, content)); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
}

func TestSignerByKeyIdentifier(t *testing.T) {
	by := root(t, "单位")
	content := []byte("正文")
	p := cmsParts(by, OIDData, content)
	p.signerVersion, p.sid = []byte{2, 1, 3}, tlv(0x80, by.SubjectKeyID)
	s, err := ParseSignedData(p.der(t, by.key, content))
	if err != nil || !s.Signer.Equal(by.Certificate) {
		t.Fatal(err)
	}
	if err := s.Verify(s.Signer, nil); err != nil {
		t.Fatal(err)
	}
	if s.asWritten() {
		t.Fatal("as written, though Build names the signer otherwise")
	}
}

// What asWritten must see: whatever no signature covers.
func TestAsWritten(t *testing.T) {
	ca := root(t, "根")
	by := spec{name: "单位", usage: signs}.make(t, ca)
	content := []byte("正文")
	sorted := [][]byte{ca.Raw, by.Raw}
	slices.SortFunc(sorted, bytes.Compare)
	reversed := slices.Clone(sorted)
	slices.Reverse(reversed)
	for name, c := range map[string]struct {
		change func(*cms)
		want   bool
	}{
		"as it is":              {func(*cms) {}, true},
		"version of the data":   {func(c *cms) { c.version = []byte{2, 1, 3} }, false},
		"NULL of the digest":    {func(c *cms) { c.digest = sequence(oid(OIDSM3), []byte{5, 0}) }, false},
		"NULL of the digests":   {func(c *cms) { c.digests = tlv(0x31, sequence(oid(OIDSM3), []byte{5, 0})) }, false},
		"NULL of the signature": {func(c *cms) { c.algorithm = sequence(oid(OIDSM2WithSM3), []byte{5, 0}) }, false},
		"sm2-1":                 {func(c *cms) { c.algorithm = sequence(oid(OIDSM2Sign)) }, false},
		"GB/T 35275":            {func(c *cms) { c.kind = OIDGMSignedData }, false},
		"order of certificates": {func(c *cms) { c.certs = reversed }, false},
		"a certificate twice":   {func(c *cms) { c.certs = append(slices.Clone(sorted), sorted[1]) }, false},
		"revocation lists":      {func(c *cms) { c.crls = tlv(0xa1, crlParts(ca).der(t, ca.key)) }, false},
		"unsigned attributes":   {func(c *cms) { c.unsigned = tlv(0xa1, attributeOf("1.2.3", []byte{5, 0})) }, false},
		"empty unsigned":        {func(c *cms) { c.unsigned = tlv(0xa1) }, false},
		"no certificate":        {func(c *cms) { c.certs = nil }, false},
		"no attributes":         {func(c *cms) { c.attrs = nil }, false},
		"detached":              {func(c *cms) { c.encap = sequence(oid(OIDData)) }, false},
		"signer's version":      {func(c *cms) { c.signerVersion, c.sid = []byte{2, 1, 3}, tlv(0x80, by.SubjectKeyID) }, false},
		"a further signed property": {func(c *cms) {
			c.attrs = append(c.attrs, attributeOf(OIDSigningTime, utcTime(noon)))
			slices.SortFunc(c.attrs, bytes.Compare)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := cmsParts(by, OIDData, content)
			p.certs = sorted
			c.change(p)
			s, err := ParseSignedData(p.der(t, by.key, content))
			if err != nil {
				t.Fatal(err)
			}
			if got := s.asWritten(); got != c.want {
				t.Fatalf("asWritten is %t", got)
			}
		})
	}
}

func TestNoSignatureNoSignedData(t *testing.T) {
	by := root(t, "单位")
	fails := failing{by.key}
	if _, err := BuildSignedData(t.Context(), SignedDataSpec{ContentType: OIDData, Signer: fails, Certificate: by.Certificate}); !errors.Is(err, errDevice) {
		t.Fatal(err)
	}
	if _, err := SignStatement(t.Context(), TypeSealList, head("520000"), by.Certificate, fails); !errors.Is(err, errDevice) {
		t.Fatal(err)
	}
}

// failing is a device whose key is there and does not sign.
type failing struct{ softKey }

var errDevice = errors.New("the device is gone")

func (failing) SignMessage(context.Context, []byte) ([]byte, error) { return nil, errDevice }
