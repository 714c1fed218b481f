package verify_test

import (
	"bytes"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/seal/ses"
	"yinxin/verify"
)

// tlv writes DER by hand, so that a test does not lean on what it tests.
func tlv(tag byte, parts ...[]byte) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.Tag(tag), func(b *cryptobyte.Builder) {
		for _, p := range parts {
			b.AddBytes(p)
		}
	})
	return b.BytesOrPanic()
}

func oidOf(o certs.OID) []byte { return tlv(0x06, o.DER()) }
func bits(b []byte) []byte     { return tlv(0x03, []byte{0}, b) }

func (p *party) signature(t testing.TB, message []byte) []byte {
	t.Helper()
	b, err := p.SignMessage(t.Context(), message)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealV1 is a seal of GM/T 0031-2014, by another vendor.
func (r *region) sealV1(t testing.TB) []byte {
	t.Helper()
	date := func(y string) []byte { return tlv(0x17, []byte(y+"0101000000Z")) }
	info := tlv(0x30, tlv(0x30, tlv(0x16, []byte("ES")), tlv(0x02, []byte{1}), tlv(0x16, []byte("ANYONE"))), tlv(0x16, []byte(r.sealID(1))),
		tlv(0x30, tlv(0x02, []byte{1}), tlv(0x0c, []byte("示例局")), tlv(0x30, tlv(0x04, r.signer.cert.Raw)), date("26"), date("26"), date("28")),
		tlv(0x30, tlv(0x16, []byte("PNG")), tlv(0x04, []byte("picture")), tlv(0x02, []byte{42}), tlv(0x02, []byte{42})))
	cert, algorithm := tlv(0x04, r.maker.cert.Raw), oidOf(certs.OIDSM2WithSM3)
	value := r.maker.signature(t, tlv(0x30, info, cert, algorithm))
	return tlv(0x30, info, tlv(0x30, cert, algorithm, bits(value)))
}

func (r *region) stampV1(t testing.TB, when, digest []byte, property string) []byte {
	t.Helper()
	tbs := tlv(0x30, tlv(0x02, []byte{1}), r.sealV1(t), bits(when), bits(digest), tlv(0x16, []byte(property)), tlv(0x04, r.signer.cert.Raw), oidOf(certs.OIDSM2WithSM3))
	return tlv(0x30, tbs, bits(r.signer.signature(t, tbs)))
}

// A stamp of the first generation is read and held against all that its bytes can
// say. It has no place for a time-stamp over its signature, so its time stays a claim.
func TestStampsOfTheFirstGeneration(t *testing.T) {
	s := newScene(t)
	in := s.input()
	file := []byte("any file")
	sum := sm3.Sum(file)
	token := timeStamp(t, s.r.tsa, nil, noon, sum)
	for name, when := range map[string][]byte{"text": []byte("20261124080000Z"), "UTCTime": tlv(0x17, []byte("261124080000Z")), "a time-stamp": token} {
		t.Run(name, func(t *testing.T) {
			r := judge(file, s.r.stampV1(t, when, sum[:], ses.PropertyFile), in)
			expect(t, r, verify.CannotConfirm, verify.TimeNotProven)
			for _, id := range []string{"format", "sealSignature", "signatureValue", "signerInSeal", "dataHash", "makerChain", "signerChain"} {
				if got := check(r, id); got != verify.Pass {
					t.Errorf("%s is %s", id, got)
				}
			}
			if r.Stamps[0].Standard != "GM/T 0031-2014" {
				t.Error(r.Stamps[0].Standard)
			}
			expect(t, judge([]byte("another file"), s.r.stampV1(t, when, sum[:], ses.PropertyFile), in), verify.NotValid, verify.Altered)
		})
	}
	der := s.r.stampV1(t, []byte("20261124080000Z"), sum[:], ses.PropertyFile)
	for i := range der {
		der[i] ^= 1
		if r := judge(file, der, in); r.Verdict != verify.NotValid {
			t.Fatalf("octet %d: %s %v", i, r.Verdict, codes(r))
		}
		der[i] ^= 1
	}
}

// sealV5 is a seal of GM/T 0031-2025 with a time-stamp of its own.
func (r *region) sealV5(t testing.TB, token func(value []byte) []byte) []byte {
	t.Helper()
	der, err := ses.BuildSeal(t.Context(), ses.SealSpec{Generation: ses.V5, ID: r.sealID(1), Name: "示例局", Type: 1, SignerCerts: [][]byte{r.signer.cert.Raw},
		Created: epoch.Add(year / 365), ValidFrom: epoch.Add(year / 365), ValidTo: epoch.Add(3 * year), Picture: ses.Picture{Type: "PNG", Data: []byte("p"), Width: 42, Height: 42}}, r.maker, r.maker.cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if token == nil {
		return der
	}
	read, err := ses.ParseSeal(der)
	if err != nil {
		t.Fatal(err)
	}
	// Ours bear none.
	info := bytes.Replace(read.Signed, []byte(ses.VendorID), []byte("ANYONE"), 1)
	value := r.maker.signature(t, info)
	return tlv(0x30, info, tlv(0x04, read.MakerCert), oidOf(certs.OIDSM2WithSM3), bits(value), tlv(0xa0, bits(token(value))))
}

func TestSealsOfTheFifthGeneration(t *testing.T) {
	s := newScene(t)
	chain := []*certs.Certificate{s.r.issuing.cert, s.r.root.cert}
	stranger := newRegion(t, "530000")
	for name, c := range map[string]struct {
		token   func([]byte) []byte
		verdict verify.Verdict
		code    verify.Code
	}{
		"without":    {nil, verify.Valid, ""},
		"good":       {func(v []byte) []byte { return timeStamp(t, s.r.tsa, chain, noon.Add(-gap), ses.Imprint(v)) }, verify.Valid, ""},
		"of another": {func([]byte) []byte { return timeStamp(t, s.r.tsa, chain, noon, ses.Imprint([]byte("x"))) }, verify.NotValid, verify.TimestampForged},
		"no token":   {func([]byte) []byte { return []byte("x") }, verify.NotValid, verify.TimestampForged},
		"later":      {func(v []byte) []byte { return timeStamp(t, s.r.tsa, chain, noon.Add(10*gap), ses.Imprint(v)) }, verify.NotValid, verify.TimeContradiction},
		"a stranger's": {func(v []byte) []byte { return timeStamp(t, stranger.tsa, nil, noon.Add(-gap), ses.Imprint(v)) }, verify.CannotConfirm,
			verify.TimeNotProven},
	} {
		t.Run(name, func(t *testing.T) {
			s.order.seal = s.r.sealV5(t, c.token)
			p := s.r.sealOFD(t, s.order, ofdOrder{}, plainPack())
			r := judge(p.zip(t), nil, s.input())
			expect(t, r, c.verdict, c.code)
			if r.Stamps[0].Standard != "GM/T 0031-2025" {
				t.Error(r.Stamps[0].Standard)
			}
		})
	}
}
