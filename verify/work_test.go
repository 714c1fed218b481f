package verify_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/testlong"
	"yinxin/seal/ses"
	"yinxin/verify"
)

// within fails a test whose judgement takes more than a file may take.
func within(t testing.TB, f func()) {
	t.Helper()
	begun := cpuTime(t)
	f()
	if took := cpuTime(t) - begun; took > mayTake*instrumented {
		t.Errorf("it took %s", took)
	}
}

// A document with more stamps than the budget has checks for ends with WORK_LIMIT,
// whatever the Engine remembers from before.
func TestManyStamps(t *testing.T) {
	s := newScene(t)
	doc := decision
	for range 100 { // as many as a JSON document may bear
		s.order.seal = s.r.makeSeal(t, sealOrder{picture: fmt.Appendf(nil, "%d", len(doc))})
		doc = s.r.sealJSON(t, s.order, doc)
	}
	in := s.input()
	engine := &verify.Engine{}
	within(t, func() {
		for range 2 {
			r := engine.Judge(verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil), in)
			expect(t, r, verify.CannotConfirm, verify.WorkLimit)
			if len(r.Stamps) != 100 {
				t.Errorf("%d stamps", len(r.Stamps))
			}
		}
	})
}

// Each stamp of a JSON document covers all of it, so a large one with many would be
// hashed many times.
func TestManyStampsOnALargeDocument(t *testing.T) {
	s := newScene(t)
	s.order.property = ses.PropertyJSON
	entry := `"` + base64.StdEncoding.EncodeToString(s.r.stamp(t, s.order, [32]byte{})) + `"`
	doc := fmt.Appendf(nil, `{"_seals":[%s%s],"z":"%s"}`, entry, strings.Repeat(","+entry, 99), strings.Repeat("z", 4<<20)) // within what a document may have
	in := s.input()
	within(t, func() {
		r := judge(doc, nil, in)
		expect(t, r, verify.NotValid, verify.WorkLimit)
	})
	doc = fmt.Appendf(nil, `{"_seals":[%s%s]}`, entry, strings.Repeat(","+entry, 250))
	within(t, func() { expect(t, judge(doc, nil, in), verify.None, verify.TooLarge) })
}

func TestManyStampsOnAPage(t *testing.T) {
	s := newScene(t)
	s.order.seal = s.r.makeSeal(t, sealOrder{picture: plainFace(t)})
	doc := sample(t, "../seal/pdf/testdata/unsigned/minimal.pdf")
	for range testlong.Count(30, 220) {
		doc = s.r.sealPDF(t, s.order, doc)
	}
	within(t, func() {
		expect(t, judge(doc, nil, s.input()), verify.CannotConfirm, verify.WorkLimit)
	})
}

// Lists that cost a check each and say nothing push the budget to its end before
// the one that tells of the revocation is reached: what was not looked at must not
// be taken for silence.
func TestAThousandLists(t *testing.T) {
	s := newScene(t)
	s.evidence = s.usual()
	s.evidence = append(s.evidence, s.r.issuing.list(t, s.known.Add(time.Minute), revocation{who: s.r.signer, at: noon.Add(-time.Hour)}))
	forger := &party{newParty(t, nil, profile{name: "x"}).key, s.r.issuing.cert}
	for n := len(s.evidence); n < verify.MaxEvidence; n++ {
		s.evidence = append(s.evidence, forger.list(t, s.known.Add(time.Duration(n)*time.Second/2)))
	}
	in := s.input()
	doc := s.r.sealJSON(t, s.order, decision)
	within(t, func() {
		r := judge(doc, nil, in)
		if r.Verdict != verify.NotValid {
			expect(t, r, verify.CannotConfirm, verify.WorkLimit)
		}
	})
	in.Evidence.Items = append(in.Evidence.Items, s.r.root.list(t, s.known))
	expect(t, judge(doc, nil, in), verify.CannotConfirm, verify.WorkLimit)
}

// A token can bring authorities that all certify one another, so that the ways up
// from its signer multiply, for each of the services it might lead to.
func TestAuthoritiesInARing(t *testing.T) {
	s := newScene(t)
	service := s.far.services[3] // the TSA
	for range 400 {
		s.far.services = append(s.far.services, service)
	}
	ring := profile{name: "ring", ca: true, key: newParty(t, nil, profile{name: "x"}).key}
	var chain []*certs.Certificate
	first := newParty(t, nil, ring)
	for range 14 {
		chain = append(chain, newParty(t, first, ring).cert)
	}
	s.order.tsa, s.order.chain = newParty(t, first, profile{name: "TSA", eku: certs.OIDEKUTimeStamping}), chain
	doc := decision
	for range 5 {
		doc = s.r.sealJSON(t, s.order, doc)
	}
	in := s.input()
	within(t, func() { expect(t, judge(doc, nil, in), verify.CannotConfirm, verify.TimeNotProven) })
}

// Items that cannot be read are no evidence, and cost little.
func TestEvidenceThatIsNone(t *testing.T) {
	s := newScene(t)
	deep := bytes.Repeat([]byte(`{"a":`), 1<<20)
	s.more = []verify.Item{
		{Kind: verify.KindSealList, Raw: deep}, {Kind: verify.KindCRL, Raw: bytes.Repeat([]byte{0x30, 0x80}, 1<<20)},
		{Kind: verify.KindCertificate, Raw: bytes.Repeat([]byte("-----BEGIN CERTIFICATE-----\n"), 9000)},
		{Kind: "no such kind", Raw: decision}, {Kind: verify.KindCRL}, {},
	}
	within(t, func() { expect(t, s.judge(), verify.Valid, "") })
}

// The same bytes under a false kind say nothing, and must not take the place of
// the bytes as they are.
func TestAFalseKindHidesNothing(t *testing.T) {
	s := newScene(t)
	revoked := s.r.issuing.list(t, s.known.Add(time.Second), revocation{who: s.r.signer, at: noon.Add(-time.Hour)})
	for _, kind := range []verify.Kind{verify.KindSealList, verify.KindSealStatus, verify.KindCertificate, "x"} {
		mislabelled := verify.NewItem(kind, revoked.Raw)
		for _, more := range [][]verify.Item{{revoked, mislabelled}, {mislabelled, revoked}, {mislabelled, mislabelled, revoked, mislabelled}} {
			s.evidence = append(more, s.usual()...)
			expect(t, s.judge(), verify.NotValid, verify.CertificateRevokedBefore)
		}
	}
}

// Whoever holds no key of the region can still write a certificate for the root's
// key, ended before the list that tells of a revocation was made, and put it into
// the token or among the evidence. The list speaks all the same.
func TestARootWrittenByAStrangerSilencesNothing(t *testing.T) {
	for name, place := range map[string]func(s *scene, stranger ...*party){
		"in the token": func(s *scene, stranger ...*party) {
			s.order.tsa = s.r.tsa
			s.order.chain = []*certs.Certificate{s.r.issuing.cert, stranger[0].cert, stranger[1].cert}
		},
		"in the evidence": func(s *scene, stranger ...*party) {
			s.order.tsa = s.r.tsa
			s.order.chain = []*certs.Certificate{s.r.issuing.cert}
			for _, p := range stranger {
				s.more = append(s.more, verify.NewItem(verify.KindCertificate, p.cert.Raw))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.r.services = s.r.services[1:] // the list names the issuing authority alone
			x := newParty(t, nil, profile{name: "X", ca: true})
			root := newParty(t, x, profile{name: "520000 root", ca: true, key: s.r.root.key, from: epoch, to: noon.Add(10 * time.Minute)})
			place(s, root, x)
			s.more = append(s.more, x.list(t, noon.Add(9*time.Minute)), s.r.root.list(t, noon.Add(5*time.Minute)))
			s.gone = []revocation{{who: s.r.issuing, at: s.known, reason: certs.ReasonCACompromise, invalid: noon.Add(-time.Hour)}}
			// A list from before the compromise is told of.
			s.more = append(s.more, s.r.issuing.list(t, noon.Add(2*time.Minute)))
			if r := s.judge(); r.Verdict != verify.NotValid {
				t.Errorf("%s %v", r.Verdict, codes(r))
			}
		})
	}
}

// No signature of a token covers the certificates in it, so one that nothing
// vouches for may have been put there by anyone: the token is not as it was.
func TestWhatATokenBrings(t *testing.T) {
	s := newScene(t)
	s.r.services = s.r.services[1:]
	x := newParty(t, nil, profile{name: "X", ca: true})
	for name, c := range map[string]struct {
		chain []*certs.Certificate
		good  bool
	}{
		"its chain up to the root":         {[]*certs.Certificate{s.r.issuing.cert, s.r.root.cert}, true},
		"a stranger's root":                {[]*certs.Certificate{x.cert}, false},
		"another's certificate":            {[]*certs.Certificate{s.r.signer.cert}, true}, // by a listed authority
		"the root's key by a stranger":     {[]*certs.Certificate{newParty(t, x, profile{name: "520000 root", ca: true, key: s.r.root.key}).cert, x.cert}, false},
		"the root's name, another's key":   {[]*certs.Certificate{newParty(t, nil, profile{name: "520000 root", ca: true}).cert}, false},
		"the authority's name and own key": {[]*certs.Certificate{newParty(t, nil, profile{name: "520000 issuing", ca: true}).cert}, false},
	} {
		s.order.tsa, s.order.chain = s.r.tsa, c.chain
		s.evidence = append(s.usual(), x.list(t, s.known), verify.NewItem(verify.KindCertificate, s.r.root.cert.Raw))
		if r := s.judge(); good(r) != c.good {
			t.Errorf("%s: %s %v", name, r.Verdict, codes(r))
		}
	}
}

// A judgement gives its memory back, and an Engine keeps no more than it says.
func TestAnEngineDoesNotGrow(t *testing.T) {
	s := newScene(t)
	in := s.input()
	engine := &verify.Engine{}
	judgeMany := func(n int) uint64 {
		for i := range n {
			s.order.claimed = noon.Add(time.Duration(i%50) * time.Second)
			doc := s.r.sealJSON(t, s.order, decision)
			engine.Judge(verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil), in)
		}
		runtime.GC() // twice: pools keep what they held for one round more
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := judgeMany(50)
	if after := judgeMany(500); after > before+2<<20 {
		t.Errorf("500 documents left %d KB behind", (after-before)>>10)
	}
}

// A companion that was not looked at for want of work may be broken. The last signature
// is looked at first: 23 seals and some companions leave none for the first.
func TestACompanionPastTheBudget(t *testing.T) {
	s := newScene(t)
	in := s.input()
	sign := signForms(s.r.signer)["attributes"]
	p := s.r.sealOFD(t, s.order, ofdOrder{sign: sign}, plainPack())
	value := []byte(p[p.at(signDir(0)+"SignedValue.dat")].content)
	value[len(value)-1] ^= 1 // of its signature
	p = p.with(signDir(0)+"SignedValue.dat", string(value))
	expect(t, judge(s.r.sealOFD(t, s.order, ofdOrder{}, p).zip(t), nil, in), verify.NotValid, verify.SignatureForged)
	spent := false
	for range 8 {
		p = s.r.sealOFD(t, s.order, ofdOrder{sign: sign}, p)
		sealed := p
		for range 23 {
			sealed = s.r.sealOFD(t, s.order, ofdOrder{}, sealed)
		}
		r := judge(sealed.zip(t), nil, in)
		if good(r) {
			t.Fatalf("good, and what is broken was not looked at: %+v", r.Stamps[0].Checks)
		}
		spent = spent || r.Verdict == verify.CannotConfirm && r.Stamps[len(r.Stamps)-23].Verdict == verify.Valid
	}
	if !spent {
		t.Fatal("the budget was never spent by companions alone")
	}
}
