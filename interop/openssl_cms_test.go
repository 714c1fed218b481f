package interop

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/seal/jsondoc"
)

// sesSignature is SES_Signature of GB/T 38540-2020, read by the standard
// library.
type sesSignature struct {
	ToSign struct {
		Raw          asn1.RawContent
		Version      int
		Seal         asn1.RawValue
		TimeInfo     asn1.RawValue
		DataHash     asn1.BitString
		PropertyInfo string        `asn1:"ia5"`
		Extensions   asn1.RawValue `asn1:"optional,tag:0"`
	}
	Certificate []byte
	Algorithm   asn1.ObjectIdentifier
	Signature   asn1.BitString
	TimeStamp   asn1.BitString `asn1:"optional,explicit,tag:0"`
}

// sesSeal is SESeal of GB/T 38540-2020.
type sesSeal struct {
	Info        asn1.RawValue
	Certificate []byte
	Algorithm   asn1.ObjectIdentifier
	Signature   asn1.BitString
}

// stampOf takes the last stamp off a JSON document.
func stampOf(t testing.TB, doc []byte) (sesSignature, []byte) {
	t.Helper()
	d, err := jsondoc.Parse(doc)
	if err != nil {
		t.Fatal(err)
	}
	all := d.Stamps()
	der := all[len(all)-1]
	var s sesSignature
	decode(t, der, &s)
	return s, der
}

// A stamp's three signatures, each over the octets that formats.md 1.2 names:
// the signer's over TBS_Sign, the seal maker's over eSealInfo, and the
// time-stamp authority's over the signed attributes of its token.
func TestSignaturesInAStamp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s, _ := stampOf(t, h.sealJSON(t, []byte(`{"决定":"准予"}`)))
	checkSignature(t, "TBS_Sign", keyOf(t, s.Certificate), s.ToSign.Raw, s.Signature.RightAlign())
	var seal sesSeal
	decode(t, s.ToSign.Seal.FullBytes, &seal)
	checkSignature(t, "eSealInfo", keyOf(t, seal.Certificate), seal.Info.FullBytes, seal.Signature.RightAlign())
	if !bytes.Equal(seal.Certificate, h.purpose(t, ca.PurposeSealMaker)) {
		t.Error("the seal was made by another than the seal maker")
	}
	token := parseToken(t, s.TimeStamp.RightAlign())
	signer := token.Content.Signers[0]
	// RFC 5652 5.4: signed is the SET OF, not the [0] that stands there.
	attributes := append([]byte{0x31}, signer.Attributes.FullBytes[1:]...)
	checkSignature(t, "token", keyOf(t, h.purpose(t, ca.PurposeTSA)), attributes, signer.Signature)
	content := sm3.Sum(token.Content.Encapsulated.Content)
	if !bytes.Contains(attributes, append([]byte{4, 32}, content[:]...)) {
		t.Error("the token's messageDigest is not that of its content")
	}
}

// contentInfo is CMS SignedData (RFC 5652) with one signer.
type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content signedData `asn1:"explicit,tag:0"`
}

type signedData struct {
	Version      int
	Digests      asn1.RawValue `asn1:"set"`
	Encapsulated struct {
		Type    asn1.ObjectIdentifier
		Content []byte `asn1:"explicit,tag:0"`
	}
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version int
	Issuer  struct {
		Name   asn1.RawValue
		Serial *big.Int
	}
	Digest     asn1.RawValue
	Attributes asn1.RawValue `asn1:"tag:0"`
	Algorithm  asn1.RawValue
	Signature  []byte
}

func parseToken(t testing.TB, der []byte) contentInfo {
	t.Helper()
	var c contentInfo
	decode(t, der, &c)
	if len(c.Content.Signers) != 1 {
		t.Fatalf("%d signers", len(c.Content.Signers))
	}
	return c
}

// The token: OpenSSL reads it as CMS and as a time-stamp, and its imprint is
// what OpenSSL makes of the signature. `ts -verify` and `cms -verify` 3.0 have
// no way to name a user id, so the signature is checked raw, above.
func TestOpenSSLReadsTheTimeStamp(t *testing.T) {
	h, program := newHouse(t), openssl(t)
	s, _ := stampOf(t, h.sealJSON(t, []byte(`{"决定":"准予"}`)))
	path := write(t, "token", s.TimeStamp.RightAlign())
	out, ok := run(t, program, "ts", "-reply", "-in", path, "-token_in", "-text")
	for _, want := range []string{"Hash Algorithm: sm3", "Version: 1", "Accuracy: 0x01 seconds"} {
		if !ok || !strings.Contains(out, want) {
			t.Errorf("openssl ts does not show %q in\n%s", want, out)
		}
	}
	sum, ok := run(t, program, "dgst", "-sm3", "-r", write(t, "signature", s.Signature.RightAlign()))
	imprint, err := hex.DecodeString(strings.Fields(sum)[0])
	if !ok || err != nil || !bytes.Contains(parseToken(t, s.TimeStamp.RightAlign()).Content.Encapsulated.Content, append([]byte{4, 32}, imprint...)) {
		t.Error("the token's imprint is not OpenSSL's digest of the signature: ", sum)
	}
	out, ok = run(t, program, "cms", "-cmsout", "-print", "-inform", "DER", "-in", path)
	for _, want := range []string{"id-smime-ct-TSTInfo", "algorithm: sm3", "id-smime-aa-signingCertificateV2", "SM2-with-SM3", "contentType", "messageDigest"} {
		if !ok || !strings.Contains(out, want) {
			t.Errorf("openssl cms does not show %q in\n%s", want, out)
		}
	}
}

// The seal stands inside the stamp as DER that asn1parse walks to its end.
func TestOpenSSLWalksTheStamp(t *testing.T) {
	h, program := newHouse(t), openssl(t)
	_, der := stampOf(t, h.sealJSON(t, []byte(`{"决定":"准予"}`)))
	out, ok := run(t, program, "asn1parse", "-inform", "DER", "-in", write(t, "stamp", der))
	for _, want := range []string{":ES", ":YINXIN", ":" + h.seal.ID, ":json:jcs", ":SM2-with-SM3"} {
		if !ok || !strings.Contains(out, want) {
			t.Errorf("OpenSSL does not show %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "Error") {
		t.Error(out)
	}
}
