package interop

import (
	"bytes"
	"crypto/rand"
	"encoding/asn1"
	"math/big"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	tjsm2 "github.com/tjfoc/gmsm/sm2"
	tjsm3 "github.com/tjfoc/gmsm/sm3"
	tjx509 "github.com/tjfoc/gmsm/x509"

	"yinxin/hsm"
)

// tjfoc/gmsm is a second implementation of SM2 and SM3 in Go, with no code in
// common with the one that we build on.

// tjfocKeyOf gives a certificate's key as their library reads it, looked up by
// its place: their X.509 reader fails on the arc of our extended key usages,
// whose number does not fit in 64 bits.
func tjfocKeyOf(t testing.TB, certificate []byte) *tjsm2.PublicKey {
	t.Helper()
	var s signed
	decode(t, certificate, &s)
	var tbs struct {
		Version                              int `asn1:"explicit,tag:0"`
		Serial                               *big.Int
		Algorithm, Issuer, Validity, Subject asn1.RawValue
		PublicKey                            asn1.RawValue
	}
	decode(t, s.TBS.FullBytes, &tbs)
	key, err := tjx509.ParseSm2PublicKey(tbs.PublicKey.FullBytes)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestTjfocChecksAStamp(t *testing.T) {
	h := newHouse(t)
	s, _ := stampOf(t, h.sealJSON(t, []byte(`{"决定":"准予"}`)))
	var seal sesSeal
	decode(t, s.ToSign.Seal.FullBytes, &seal)
	token := parseToken(t, s.TimeStamp.RightAlign()).Content.Signers[0]
	for name, c := range map[string]struct{ signer, message, signature []byte }{
		"TBS_Sign":  {s.Certificate, s.ToSign.Raw, s.Signature.RightAlign()},
		"eSealInfo": {seal.Certificate, seal.Info.FullBytes, seal.Signature.RightAlign()},
		"token":     {h.purpose(t, "tsa"), append([]byte{0x31}, token.Attributes.FullBytes[1:]...), token.Signature},
	} {
		key := tjfocKeyOf(t, c.signer)
		if !key.Verify(c.message, c.signature) {
			t.Errorf("%s: tjfoc refuses the signature", name)
		}
		if key.Verify(c.message[1:], c.signature) {
			t.Errorf("%s: tjfoc takes the signature for another message's", name)
		}
	}
}

// An envelope of theirs is opened by a key of the store, and their SM3 is ours.
func TestTjfocsEnvelopeAndDigest(t *testing.T) {
	h, ctx := newHouse(t), t.Context()
	open, err := h.Keys.Generate(ctx, "interop", hsm.UsageEncrypt)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := smx509.MarshalPKIXPublicKey(open.Public())
	if err != nil {
		t.Fatal(err)
	}
	public, err := tjx509.ParseSm2PublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := tjsm2.EncryptAsn1(public, []byte("信封"), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := open.Decrypt(ctx, sealed); err != nil || string(got) != "信封" {
		t.Errorf("%q %v", got, err)
	}
	for n := range 200 {
		message := bytes.Repeat([]byte{byte(n)}, n)
		if ours := sm3.Sum(message); !bytes.Equal(ours[:], tjsm3.Sm3Sum(message)) {
			t.Errorf("%d octets: another SM3", n)
		}
	}
}
