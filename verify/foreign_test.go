package verify_test

import (
	"bytes"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/internal/testlong"
	"yinxin/seal/ses"
	"yinxin/verify"
)

// foreignSeal is the usual seal under another's vendor id.
func foreignSeal(t testing.TB, r *region) []byte {
	t.Helper()
	s, err := ses.ParseSeal(r.seal)
	if err != nil {
		t.Fatal(err)
	}
	info := bytes.Replace(bytes.Clone(s.Signed), []byte(ses.VendorID), []byte("ANYONE"), 1)
	signature, err := r.maker.SignMessage(t.Context(), info)
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(info)
		b.AddASN1OctetString(r.maker.cert.Raw)
		certs.AddOID(b, certs.OIDSM2WithSM3)
		b.AddASN1BitString(signature)
	})
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// Under another's vendor id the variants of the field are read, with a notice, and
// an altered octet is good no more than under ours.
func TestAnothersVendorID(t *testing.T) {
	s := newScene(t)
	s.order.seal = foreignSeal(t, s.r)
	c := &court{in: s.input()}
	file := []byte("any file")
	s.order.property = ses.PropertyFile
	der := s.r.stamp(t, s.order, sm3.Sum(file))
	expect(t, c.judge(t, file, der), verify.Valid, "")
	read, err := ses.ParseStamp(der)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := certs.SignatureToRaw(read.SignatureValue)
	if err != nil {
		t.Fatal(err)
	}
	// The token is over the value as it stands, so one made over the DER form says
	// nothing of the raw one.
	changed, err := ses.BuildStamp(read.Signed, read.SignerCert, raw, read.TimeStamp)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, c.judge(t, file, changed), verify.NotValid, verify.TimestampForged)
	token := timeStamp(t, s.r.tsa, nil, s.order.proven, ses.Imprint(raw))
	if changed, err = ses.BuildStamp(read.Signed, read.SignerCert, raw, token); err != nil {
		t.Fatal(err)
	}
	expect(t, c.judge(t, file, changed), verify.ValidWithNotice, verify.FormatNotice)

	of := part(t, der)
	for i := 0; i < len(der); i += testlong.Count(61, 1) {
		for bit := range 8 {
			altered := bytes.Clone(der)
			altered[i] ^= 1 << bit
			if r := c.judge(t, file, altered); good(r) {
				t.Errorf("bit %d of octet %d (%s, %x): %s %v", bit, i, of(i), der[i], r.Verdict, codes(r))
			}
		}
	}
	s.order.property = "/Doc_0/Signs/Sign_0/Signature.xml"
	expect(t, c.judge(t, file, s.r.stamp(t, s.order, sm3.Sum(file))), verify.NotValid, verify.WrongDocumentKind)
	s.order.property = "our own word"
	expect(t, c.judge(t, file, s.r.stamp(t, s.order, sm3.Sum(file))), verify.ValidWithNotice, verify.FormatNotice)
}

// No stamp is carried from one kind of document to another.
func TestKindsOfDocument(t *testing.T) {
	s := newScene(t)
	for _, property := range []string{ses.PropertyJSON, ses.PropertyPDF, "", "file:Detached", "/Doc_0/Signs/Sign_0/Signature.xml"} {
		s.order.property = property
		expect(t, judge(decision, s.r.stamp(t, s.order, sm3.Sum(decision)), s.input()), verify.NotValid, verify.WrongDocumentKind)
	}
}

// How many different seals the finished document must bear (联合行文).
func TestExpectedSeals(t *testing.T) {
	s := newScene(t)
	s.order.expected = 2
	one := s.r.sealJSON(t, s.order, decision)
	expect(t, judge(one, nil, s.input()), verify.NotValid, verify.SealsMissing)
	s.order.expected = 0
	expect(t, judge(s.r.sealJSON(t, s.order, one), nil, s.input()), verify.NotValid, verify.SealsMissing) // the same seal again
	second := s.order
	second.signer = newParty(t, s.r.issuing, profile{name: s.r.sealID(2)})
	second.seal = s.r.makeSeal(t, sealOrder{id: s.r.sealID(2), signer: second.signer})
	two := s.r.sealJSON(t, second, one)
	expect(t, judge(two, nil, s.input()), verify.Valid, "")
	// A seal of anyone's making does not stand for the one that is missing.
	x := newRegion(t, "530000")
	expect(t, judge(x.sealJSON(t, s.orderBy(x), one), nil, s.input()), verify.CannotConfirm, verify.IssuerUnknown)
}

// orderBy is the usual order of another region, under a token of ours.
func (s *scene) orderBy(r *region) order {
	return order{claimed: s.order.claimed, proven: s.order.proven, seal: r.seal, signer: r.signer, tsa: s.r.tsa}
}

// An order for seals that cannot be read must not pass for none.
func TestUnreadableExpectation(t *testing.T) {
	s := newScene(t)
	s.order.expected = 100
	s.order.property = ses.PropertyFile
	tbs, err := ses.BuildTBS(ses.StampSpec{SealDER: s.r.seal, TimeInfo: noon, DataHash: sm3.Sum(decision), PropertyInfo: ses.PropertyFile, StampID: make([]byte, 16), ExpectedSeals: 100})
	if err != nil {
		t.Fatal(err)
	}
	n := bytes.LastIndex(tbs, []byte{0x02, 0x01, 100})
	tbs[n+2] = 0 // zero seals
	signature, err := s.r.signer.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	der, err := ses.BuildStamp(tbs, s.r.signer.cert.Raw, signature, timeStamp(t, s.r.tsa, nil, noon, ses.Imprint(signature)))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, judge(decision, der, s.input()), verify.NotValid, verify.StampMalformed)
}
