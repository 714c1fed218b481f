package verify_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/seal/cms"
	"yinxin/seal/ses"
	"yinxin/verify"
)

// sealedCMS is a small page under one good stamp of profile cms.
func sealedCMS(t testing.TB) (*scene, []byte) {
	s := newScene(t)
	s.order.seal, s.order.cms = s.r.makeSeal(t, sealOrder{picture: plainFace(t)}), true
	return s, s.r.sealPDF(t, s.order, sample(t, pdfSamples+"/unsigned/minimal.pdf"))
}

// inside puts other octets into the place of a PDF's last stamp.
func inside(t testing.TB, page, der []byte) []byte {
	t.Helper()
	old, at := contents(t, page)
	out := bytes.Clone(page)
	copy(out[at:], hex.AppendEncode(nil, append(bytes.Clone(der), make([]byte, max(0, len(old)-len(der)))...)))
	return out
}

func TestProfileCMS(t *testing.T) {
	s, one := sealedCMS(t)
	r := judge(one, nil, s.input())
	expect(t, r, verify.Valid, "")
	if len(r.Stamps) != 1 || r.Stamps[0].Standard != "GB/T 38540-2020 (CMS)" || r.Stamps[0].Seal.ID != s.r.sealID(1) || r.Stamps[0].TimeSource != "timestamp" {
		t.Errorf("%+v", r.Stamps)
	}
	s.order.cms = false
	two := s.r.sealPDF(t, s.order, one)
	s.order.cms = true
	expect(t, judge(s.r.sealPDF(t, s.order, two), nil, s.input()), verify.Valid, "")
	// The checks that its place in the document has no part in are the same ones.
	s.order.expected = 2
	expect(t, judge(s.r.sealPDF(t, s.order, one), nil, s.input()), verify.NotValid, verify.SealsMissing)
	s.order.expected, s.order.unproven = 0, true
	expect(t, judge(s.r.sealPDF(t, s.order, one), nil, s.input()), verify.CannotConfirm, verify.TimeNotProven)
	s.order.unproven, s.order.claimed = false, s.order.proven.Add(time.Hour)
	expect(t, judge(s.r.sealPDF(t, s.order, one), nil, s.input()), verify.NotValid, verify.TimeContradiction)
}

// When it was made stands beside the stamp, and is covered by it.
func TestTheTimeBesideAStampIsCovered(t *testing.T) {
	s, one := sealedCMS(t)
	at := bytes.LastIndex(one, []byte("/M (D:2026"))
	bad := bytes.Clone(one)
	bad[at+len("/M (D:202")] = '5'
	expect(t, judge(bad, nil, s.input()), verify.NotValid, verify.Altered)
	copy(bad[at:], "/N")
	expect(t, judge(bad, nil, s.input()), verify.NotValid, verify.Altered)
}

// A stamp of profile cms is for PDF and nothing else.
func TestCMSIsNotCarried(t *testing.T) {
	s, one := sealedCMS(t)
	der, _ := contents(t, one)
	file := []byte("any file")
	expect(t, judge(file, s.r.stampCMS(t, s.usualCMS(), sm3Of(file)), s.input()), verify.NotValid, verify.WrongDocumentKind)
	expect(t, judge(file, der, s.input()), verify.NotValid, verify.WrongDocumentKind)
	for _, d := range sealedDocuments(t, s) {
		if page(d.name) {
			continue
		}
		doc, stamp := d.with(der)
		expect(t, judge(doc, stamp, s.input()), verify.NotValid, verify.WrongDocumentKind)
	}
	// Nor does the other profile's stamp carry over: its key signed something else.
	read, err := cms.ParseStamp(der, noon)
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := ses.BuildStamp(read.Signed, read.SignerCert, read.SignatureValue, read.TimeStamp)
	if err != nil {
		t.Fatal(err)
	}
	if r := judge(inside(t, one, wrapped), nil, s.input()); good(r) {
		t.Error("attributes passed for TBS_Sign")
	}
}

// usualCMS is the usual order in profile cms.
func (s *scene) usualCMS() order {
	o := s.order
	o.signer, o.tsa, o.chain = s.r.signer, s.r.tsa, []*certs.Certificate{s.r.issuing.cert, s.r.root.cert}
	return o
}

// surgery takes a stamp of profile cms apart and puts it together otherwise.
type surgery struct {
	kind                       certs.OID
	version, digests, encap    []byte
	certificates               [][]byte
	signerVersion, sid, digest []byte
	attributes                 [][]byte
	algorithm, value, unsigned []byte
	crls, second, behind       []byte
}

func integer(n *big.Int) []byte {
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1BigInt(n)
	return b.BytesOrPanic()
}

func attributeOf(o certs.OID, values ...[]byte) []byte {
	return element(0x30, oidOf(o), element(0x31, values...))
}

func dissect(t testing.TB, der []byte) *surgery {
	t.Helper()
	sd, err := certs.ParseSignedData(der)
	if err != nil {
		t.Fatal(err)
	}
	sm3 := element(0x30, oidOf(certs.OIDSM3))
	s := &surgery{
		kind: certs.OIDSignedData, version: []byte{2, 1, 1}, digests: element(0x31, sm3), encap: element(0x30, oidOf(certs.OIDData)), certificates: [][]byte{sd.Signer.Raw},
		signerVersion: []byte{2, 1, 1}, sid: element(0x30, sd.Signer.RawIssuer, integer(sd.Signer.Serial)), digest: sm3,
		algorithm: element(0x30, oidOf(certs.OIDSM2WithSM3)), value: element(4, sd.SignatureValue()), unsigned: element(0xa1, attributeOf(sd.Unsigned[0].Type, sd.Unsigned[0].Value)),
	}
	set := cryptobyte.String(sd.Signed())
	set.ReadASN1(&set, asn1.SET)
	for !set.Empty() {
		var a cryptobyte.String
		if !set.ReadASN1Element(&a, asn1.SEQUENCE) {
			t.Fatal("attributes")
		}
		s.attributes = append(s.attributes, a)
	}
	return s
}

func (s *surgery) der() []byte {
	signer := element(0x30, s.signerVersion, s.sid, s.digest, element(0xa0, s.attributes...), s.algorithm, s.value, s.unsigned)
	return append(element(0x30, oidOf(s.kind), element(0xa0, element(0x30, s.version, s.digests, s.encap, element(0xa0, s.certificates...), s.crls, element(0x31, signer, s.second)))), s.behind...)
}

// signed signs the attributes anew, in the order of DER, and stamps the time.
func (s *surgery) signed(t testing.TB, x *scene) {
	t.Helper()
	slices.SortFunc(s.attributes, bytes.Compare)
	value, err := x.r.signer.SignMessage(t.Context(), element(0x31, s.attributes...))
	if err != nil {
		t.Fatal(err)
	}
	o := x.usualCMS()
	s.value, s.unsigned = element(4, value), element(0xa1, attributeOf(certs.OIDTimeStampToken, timeStamp(t, o.tsa, o.chain, o.proven, ses.Imprint(value))))
}

func (s *surgery) without(o certs.OID) {
	s.attributes = slices.DeleteFunc(s.attributes, func(a []byte) bool { return bytes.Contains(a[:min(len(a), 40)], oidOf(o)) })
}

// Under our vendor id there is one encoding, and what is not under the signature is
// not there.
func TestReencodedCMS(t *testing.T) {
	s, one := sealedCMS(t)
	der, _ := contents(t, one)
	c := &court{in: s.input()}
	if !bytes.Equal(dissect(t, der).der(), der) {
		t.Fatal("the stamp is not what it was taken apart into")
	}
	null := []byte{5, 0}
	for name, change := range map[string]func(x *surgery){
		"GB/T 35275 outside":    func(x *surgery) { x.kind = certs.OIDGMSignedData },
		"GB/T 35275 inside":     func(x *surgery) { x.encap = element(0x30, oidOf(certs.OIDGMData)) },
		"version 3":             func(x *surgery) { x.version = []byte{2, 1, 3} },
		"NULL of the digest":    func(x *surgery) { x.digest = element(0x30, oidOf(certs.OIDSM3), null) },
		"NULL of the digests":   func(x *surgery) { x.digests = element(0x31, element(0x30, oidOf(certs.OIDSM3), null)) },
		"NULL of the signature": func(x *surgery) { x.algorithm = element(0x30, oidOf(certs.OIDSM2WithSM3), null) },
		"sm2-1":                 func(x *surgery) { x.algorithm = element(0x30, oidOf(certs.OIDSM2Sign)) },
		"a certificate more":    func(x *surgery) { x.certificates = append(x.certificates, s.r.root.cert.Raw) },
		"its certificate twice": func(x *surgery) { x.certificates = append(x.certificates, x.certificates[0]) },
		"no certificate":        func(x *surgery) { x.certificates = nil },
		"a list of revocations": func(x *surgery) { x.crls = element(0xa1) },
		"by key identifier": func(x *surgery) {
			x.signerVersion, x.sid = []byte{2, 1, 3}, element(0x80, s.r.signer.cert.SubjectKeyID)
		},
		"two signers":                func(x *surgery) { x.second = element(0x30, x.signerVersion, x.sid, x.digest, x.algorithm, x.value) },
		"octets behind":              func(x *surgery) { x.behind = []byte{5, 0} },
		"attributes out of order":    func(x *surgery) { slices.Reverse(x.attributes) },
		"raw r||s":                   func(x *surgery) { raw, _ := certs.SignatureToRaw(x.value[2:]); x.value = element(4, raw) },
		"no token":                   func(x *surgery) { x.unsigned = nil },
		"an empty set of unsigned":   func(x *surgery) { x.unsigned = element(0xa1) },
		"an unsigned attribute more": func(x *surgery) { x.unsigned = element(0xa1, attributeOf("1.2.3", null), x.unsigned[4:]) },
		"another unsigned attribute": func(x *surgery) { x.unsigned = element(0xa1, attributeOf("1.2.3", null)) },
		"its token twice":            func(x *surgery) { x.unsigned = element(0xa1, x.unsigned[4:], x.unsigned[4:]) },
		"its content with it": func(x *surgery) {
			x.encap = element(0x30, oidOf(certs.OIDData), element(0xa0, element(4, []byte("x"))))
		},
		"the seal beside": func(x *surgery) {
			x.without(certs.OIDSESealAttr)
			x.signed(t, s)
			x.unsigned = element(0xa1, attributeOf(certs.OIDSESealAttr, s.order.seal))
		},
		"no seal":                     func(x *surgery) { x.without(certs.OIDSESealAttr); x.signed(t, s) },
		"no signingCertificateV2":     func(x *surgery) { x.without(certs.OIDSigningCertV2); x.signed(t, s) },
		"no messageDigest":            func(x *surgery) { x.without(certs.OIDMessageDigest); x.signed(t, s) },
		"no contentType":              func(x *surgery) { x.without(certs.OIDContentType); x.signed(t, s) },
		"an attribute that we do not": func(x *surgery) { x.attributes = append(x.attributes, attributeOf("1.2.3", null)); x.signed(t, s) },
		"the seal twice": func(x *surgery) {
			x.attributes = append(x.attributes, attributeOf(certs.OIDSESealAttr, s.r.seal))
			x.signed(t, s)
		},
		"two seals in one": func(x *surgery) {
			x.without(certs.OIDSESealAttr)
			x.attributes = append(x.attributes, attributeOf(certs.OIDSESealAttr, s.order.seal, s.r.seal))
			x.signed(t, s)
		},
		"a signing-time": func(x *surgery) {
			x.attributes = append(x.attributes, attributeOf(certs.OIDSigningTime, element(0x17, []byte("261123120000Z"))))
			x.signed(t, s)
		},
		"seals it cannot count": func(x *surgery) {
			x.attributes = append(x.attributes, attributeOf(certs.OIDExpectedSeals, []byte{2, 1, 0}))
			x.signed(t, s)
		},
	} {
		x := dissect(t, der)
		change(x)
		if r := c.judge(t, inside(t, one, x.der()), nil); good(r) {
			t.Errorf("%s: %s %v", name, r.Verdict, codes(r))
		}
	}
	// What is only signed anew is good: the faults above are the ones they are named by.
	x := dissect(t, der)
	x.signed(t, s)
	expect(t, c.judge(t, inside(t, one, x.der()), nil), verify.Valid, "")
}

// Under another's vendor id the departures of the field are told, and no more.
func TestAnothersCMS(t *testing.T) {
	s, _ := sealedCMS(t)
	own := s.r.seal
	s.r.seal = s.order.seal
	s.order.seal = foreignSeal(t, s.r)
	s.r.seal = own
	one := s.r.sealPDF(t, s.order, sample(t, pdfSamples+"/unsigned/minimal.pdf"))
	in := s.input()
	expect(t, judge(one, nil, in), verify.Valid, "")
	der, _ := contents(t, one)
	for name, change := range map[string]func(x *surgery){
		"GB/T 35275":         func(x *surgery) { x.kind = certs.OIDGMSignedData },
		"sm2-1":              func(x *surgery) { x.algorithm = element(0x30, oidOf(certs.OIDSM2Sign)) },
		"a certificate more": func(x *surgery) { x.certificates = append(x.certificates, s.r.root.cert.Raw) },
		"an attribute more":  func(x *surgery) { x.unsigned = element(0xa1, attributeOf("1.2.3", []byte{5, 0}), x.unsigned[4:]) },
		"a signing-time": func(x *surgery) {
			x.attributes = append(x.attributes, attributeOf(certs.OIDSigningTime, element(0x17, []byte("261123120000Z"))))
			x.signed(t, s)
		},
	} {
		x := dissect(t, der)
		change(x)
		r := judge(inside(t, one, x.der()), nil, in)
		if want := verify.ValidWithNotice; r.Verdict != want && !(name == "a signing-time" && r.Verdict == verify.Valid) {
			t.Errorf("%s: %s %v", name, r.Verdict, codes(r))
		}
		r = judge(append(inside(t, one, x.der())[:len(one)-9], "\n%%EOF"...), nil, in)
		if good(r) {
			t.Errorf("%s: a changed document is %s", name, r.Verdict)
		}
	}
	x := dissect(t, der)
	x.certificates = [][]byte{s.r.root.cert.Raw}
	if r := judge(inside(t, one, x.der()), nil, in); good(r) {
		t.Error("another's certificate in its place")
	}
}

func sm3Of(b []byte) [32]byte { return ses.Imprint(b) }
