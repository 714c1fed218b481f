package certs

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/emmansun/gmsm/sm3"
)

// cms is a SignedData in parts, each the DER of its field.
type cms struct {
	kind                                   OID
	version, digests, encap                []byte
	certs                                  [][]byte
	crls                                   []byte
	signerVersion, sid, digest             []byte
	attrs                                  [][]byte // nil: none, and content is signed itself
	algorithm, signature, unsigned, second []byte
	after                                  []byte
}

var (
	sm3Algorithm = sequence(oid(OIDSM3))
	explicit0    = byte(0xa0)
)

func attributeOf(o OID, values ...[]byte) []byte { return sequence(oid(o), tlv(0x31, values...)) }

func signingCert(c *Certificate) []byte {
	sum := c.SM3()
	return attributeOf(OIDSigningCertV2, sequence(sequence(sequence(sm3Algorithm, tlv(0x04, sum[:])))))
}

func usualAttributes(contentType OID, content []byte, c *Certificate) [][]byte {
	sum := sm3.Sum(content)
	out := [][]byte{attributeOf(OIDContentType, oid(contentType)), attributeOf(OIDMessageDigest, tlv(0x04, sum[:])), signingCert(c)}
	slices.SortFunc(out, bytes.Compare)
	return out
}

func cmsParts(by *entity, contentType OID, content []byte) *cms {
	version := byte(1)
	if contentType != OIDData {
		version = 3
	}
	return &cms{
		kind: OIDSignedData, version: []byte{2, 1, version}, digests: tlv(0x31, sm3Algorithm), encap: sequence(oid(contentType), tlv(explicit0, tlv(0x04, content))),
		certs: [][]byte{by.Raw}, signerVersion: []byte{2, 1, 1}, sid: sequence(by.RawIssuer, tlv(0x02, by.Serial.Bytes())), digest: sm3Algorithm,
		attrs: usualAttributes(contentType, content, by.Certificate), algorithm: sm2WithSM3,
	}
}

func (c *cms) der(t testing.TB, by softKey, content []byte) []byte {
	t.Helper()
	var attrs, certs []byte
	if c.attrs != nil {
		content = tlv(0x31, c.attrs...)
		attrs = tlv(explicit0, c.attrs...)
	}
	if c.signature == nil {
		sig, err := by.SignMessage(t.Context(), content)
		if err != nil {
			t.Fatal(err)
		}
		c.signature = tlv(0x04, sig)
	}
	if c.certs != nil {
		certs = tlv(explicit0, c.certs...)
	}
	signer := sequence(c.signerVersion, c.sid, c.digest, attrs, c.algorithm, c.signature, c.unsigned)
	return sequence(oid(c.kind), tlv(explicit0, sequence(c.version, c.digests, c.encap, certs, c.crls, tlv(0x31, signer, c.second), c.after)))
}

func TestSignedDataIsMadeAsByHand(t *testing.T) {
	ca := root(t, "根")
	by := spec{name: "单位", usage: signs}.make(t, ca)
	content := []byte("准予行政许可")
	der, err := BuildSignedData(t.Context(), SignedDataSpec{ContentType: OIDData, Content: content, Signer: by.key, Certificate: by.Certificate, Chain: []*Certificate{ca.Certificate, by.Certificate}, Time: noon,
		Extra: []Attribute{{"1.2.3", []byte{5, 0}}}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSignedData(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(s.Signer, nil); err != nil || !s.Signer.Equal(by.Certificate) || !bytes.Equal(s.Content, content) || len(s.Certificates) != 2 || len(s.Notices) != 0 {
		t.Fatal(err, s.Notices)
	}
	value, ok := s.Attribute(OIDSigningTime)
	if !ok || !bytes.Equal(value, utcTime(noon)) {
		t.Fatalf("signingTime %x", value)
	}
	if _, ok := s.Attribute("1.2.3"); !ok {
		t.Fatal("the further attribute is missing")
	}
	if !s.asWritten() {
		t.Fatal("what Build made is not as written")
	}
	// What does not carry a signature is as the hand writes it.
	hand := cmsParts(by, OIDData, content)
	hand.certs = [][]byte{ca.Raw, by.Raw}
	slices.SortFunc(hand.certs, bytes.Compare)
	hand.signature = tlv(0x04, s.signature)
	hand.attrs = append(hand.attrs, attributeOf(OIDSigningTime, utcTime(noon)), attributeOf("1.2.3", []byte{5, 0}))
	slices.SortFunc(hand.attrs, bytes.Compare)
	if !bytes.Equal(hand.der(t, by.key, nil), der) {
		t.Fatal("Build and the hand differ")
	}
	if _, err := BuildSignedData(t.Context(), SignedDataSpec{ContentType: OIDData, Content: content, Signer: by.key, Certificate: ca.Certificate}); !errors.Is(err, ErrKeyUsage) {
		t.Fatal("signed in another's name:", err)
	}
}

func TestDetached(t *testing.T) {
	by := root(t, "单位")
	content := []byte("正文")
	der, err := BuildSignedData(t.Context(), SignedDataSpec{ContentType: OIDData, Content: content, Detached: true, Signer: by.key, Certificate: by.Certificate})
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSignedData(der)
	if err != nil || s.Content != nil {
		t.Fatal(err)
	}
	if err := s.Verify(by.Certificate, content); err != nil {
		t.Fatal(err)
	}
	for name, other := range map[string][]byte{"nothing": nil, "empty": {}, "more": append(content, 0)} {
		if err := s.Verify(by.Certificate, other); err == nil {
			t.Errorf("%s was verified", name)
		}
	}
}

func TestStrictSignedData(t *testing.T) {
	ca := root(t, "根")
	by := spec{name: "单位", usage: signs}.make(t, ca)
	other := spec{name: "别家", usage: signs, serial: 9}.make(t, ca)
	content := []byte("正文")
	sum := sm3.Sum(content)
	digest := attributeOf(OIDMessageDigest, tlv(0x04, sum[:]))
	kind := attributeOf(OIDContentType, oid(OIDData))
	// attrs are put into the order of DER.
	attrs := func(list ...[]byte) func(*cms) {
		return func(c *cms) {
			slices.SortFunc(list, bytes.Compare)
			c.attrs = list
		}
	}
	sha256 := sequence(oid("2.16.840.1.101.3.4.2.1"))
	many := [][]byte{kind, digest}
	for i := range maxCMSAttributes {
		many = append(many, attributeOf(OID("1.2.3."+string(rune('1'+i%9))+"."+string(rune('1'+i/9))), []byte{5, 0}))
	}
	for name, c := range map[string]struct {
		change func(*cms)
		want   error // of reading or of the signature
	}{
		"as it is":   {func(*cms) {}, nil},
		"GB/T 35275": {func(c *cms) { c.kind = OIDGMSignedData }, nil},
		"parameters NULL": {func(c *cms) {
			c.digest, c.algorithm = sequence(oid(OIDSM3), []byte{5, 0}), sequence(oid(OIDSM2WithSM3), []byte{5, 0})
		}, nil},
		"sm2-1 as the algorithm":     {func(c *cms) { c.algorithm = sequence(oid(OIDSM2Sign)) }, nil},
		"no certificate":             {func(c *cms) { c.certs = nil }, nil},
		"without attributes":         {func(c *cms) { c.attrs = nil }, nil},
		"another content type":       {func(c *cms) { c.kind = "1.2.840.113549.1.7.3" }, ErrUnsupported},
		"version 2":                  {func(c *cms) { c.version = []byte{2, 1, 2} }, ErrMalformed},
		"digest SHA-256":             {func(c *cms) { c.digest = sha256 }, ErrUnsupported},
		"digest SHA-256 in the list": {func(c *cms) { c.digests = tlv(0x31, sha256) }, ErrMalformed},
		"two digests":                {func(c *cms) { c.digests = tlv(0x31, sm3Algorithm, sm3Algorithm) }, ErrMalformed},
		"ECDSA":                      {func(c *cms) { c.algorithm = sequence(oid("1.2.840.10045.4.3.2")) }, ErrUnsupported},
		"no signer":                  {func(c *cms) { c.signerVersion, c.second = nil, nil }, ErrMalformed},
		"two signers":                {func(c *cms) { c.second = sequence(c.signerVersion, c.sid, c.digest, c.algorithm, tlv(0x04)) }, ErrMalformed},
		"signer of version 3":        {func(c *cms) { c.signerVersion = []byte{2, 1, 3} }, ErrMalformed},
		"17 certificates":            {func(c *cms) { c.certs = slices.Repeat([][]byte{by.Raw}, maxCMSCerts+1) }, ErrMalformed},
		"a certificate that is none": {func(c *cms) { c.certs = append(c.certs, sequence([]byte{2, 1, 1})) }, ErrMalformed},
		"more behind":                {func(c *cms) { c.after = []byte{5, 0} }, ErrMalformed},
		"no contentType":             {attrs(digest), ErrMalformed},
		"another contentType":        {attrs(digest, attributeOf(OIDContentType, oid(OIDTSTInfo))), ErrMalformed},
		"no messageDigest":           {attrs(kind), ErrMalformed},
		"another digest":             {attrs(kind, attributeOf(OIDMessageDigest, tlv(0x04, make([]byte, 32)))), ErrSignature},
		"the digest cut":             {attrs(kind, attributeOf(OIDMessageDigest, tlv(0x04, sum[:31]))), ErrSignature},
		"messageDigest of two":       {attrs(kind, attributeOf(OIDMessageDigest, tlv(0x04, sum[:]), tlv(0x04, sum[:]))), ErrMalformed},
		"messageDigest of none":      {attrs(kind, attributeOf(OIDMessageDigest)), ErrMalformed},
		"messageDigest twice":        {attrs(kind, digest, attributeOf(OIDMessageDigest, tlv(0x04, make([]byte, 32)))), ErrMalformed},
		"attributes out of order":    {func(c *cms) { slices.Reverse(c.attrs) }, ErrMalformed},
		"no attribute in the set":    {func(c *cms) { c.attrs = [][]byte{} }, ErrMalformed},
		"too many attributes":        {attrs(many...), ErrMalformed},
		"names another certificate":  {attrs(kind, digest, signingCert(other.Certificate)), ErrSignature},
		"names it by SHA-256":        {attrs(kind, digest, attributeOf(OIDSigningCertV2, sequence(sequence(sequence(tlv(0x04, make([]byte, 32))))))), ErrMalformed},
		"another content":            {func(c *cms) { c.encap = sequence(oid(OIDData), tlv(explicit0, tlv(0x04, []byte("假的")))) }, ErrSignature},
		"signed by another":          {func(c *cms) { c.signature = tlv(0x04, []byte{0x30, 6, 2, 1, 1, 2, 1, 1}) }, ErrSignature},
		"a signature of no form":     {func(c *cms) { c.signature = tlv(0x04, make([]byte, 64)) }, ErrSignature},
		"the certificate of another": {func(c *cms) {
			c.certs = [][]byte{other.Raw}
			c.sid = sequence(other.RawIssuer, tlv(0x02, other.Serial.Bytes()))
		}, ErrSignature},
		"signer's serial of 21 octets": {func(c *cms) { c.sid = sequence(by.RawIssuer, tlv(0x02, []byte{1}, make([]byte, 20))) }, ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			p := cmsParts(by, OIDData, content)
			c.change(p)
			der := p.der(t, by.key, content)
			s, err := ParseSignedData(der)
			if err == nil {
				signer := s.Signer
				if signer == nil {
					signer = by.Certificate
				}
				err = s.Verify(signer, nil)
			}
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if _, err := ParseSignedData(append(der, 0)); !errors.Is(err, ErrMalformed) {
				t.Fatal("a trailing octet:", err)
			}
		})
	}
}
