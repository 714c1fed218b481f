package verify_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/certs"
	"yinxin/verify"
	"yinxin/verify/status"
)

// rich is a scene with evidence of every kind and age, whose report says much.
func rich(t testing.TB) (doc []byte, in verify.Input) {
	s := newScene(t)
	s.order.expected = 2
	doc = s.r.sealJSON(t, s.order, decision)
	second := s.order
	second.signer = newParty(t, s.r.issuing, profile{name: s.r.sealID(2)})
	second.seal = s.r.makeSeal(t, sealOrder{id: s.r.sealID(2), signer: second.signer})
	second.tsa, second.chain = s.far.tsa, []*certs.Certificate{s.far.issuing.cert, s.far.root.cert}
	doc = s.r.sealJSON(t, second, doc)
	s.gone = []revocation{{who: s.r.signer, at: noon.Add(20 * time.Minute), reason: certs.ReasonSuperseded}}
	s.history = []status.Interval{{State: status.SealFrozen, From: noon.Add(30 * time.Minute)}}
	s.more = []verify.Item{
		s.r.issuing.list(t, noon.Add(-time.Hour)), s.r.issuing.listUntil(t, s.known, s.at.Add(-time.Second), s.gone...),
		s.r.root.listUntil(t, s.known, s.at.Add(-time.Second)), s.far.root.list(t, noon.Add(-30*time.Hour)),
		s.r.answer(t, s.r.status, s.known, s.r.seal, s.history...), s.r.answer(t, s.r.status, s.known.Add(-26*time.Hour), second.seal),
		s.r.answer(t, s.r.status, s.known.Add(time.Minute), second.seal), s.far.answer(t, s.far.status, s.known, s.r.seal),
		verify.NewItem(verify.KindCertificate, s.r.root.cert.Raw), verify.NewItem(verify.KindCertificate, s.r.issuing.cert.Raw),
		{Kind: verify.KindCRL, Raw: []byte("none")},
	}
	s.more = append(s.more, s.more[0], s.more[4])
	return doc, s.input()
}

// The same input gives the same report, octet for octet, in whatever order the
// evidence comes and whatever the Engine judged before.
func TestTheSameReport(t *testing.T) {
	doc, in := rich(t)
	want := judge(doc, nil, in)
	expect(t, want, verify.ValidWithNotice, verify.SealFrozenAfter)
	other, otherIn := rich(t)
	warm := &verify.Engine{}
	rnd := rand.New(rand.NewPCG(2026, 11))
	for range 40 {
		switch rnd.IntN(4) {
		case 0:
			warm.Judge(verify.Open(bytes.NewReader(other), int64(len(other)), "", nil), otherIn)
		case 1: // at another time
			later := in
			later.At = in.At.Add(time.Duration(rnd.IntN(100)-50) * time.Hour)
			warm.Judge(verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil), later)
		case 2:
			altered := mutate(rnd, doc, []string{`"`})
			warm.Judge(verify.Open(bytes.NewReader(altered), int64(len(altered)), "", nil), in)
		}
		items := slices.Clone(in.Evidence.Items)
		rnd.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		if rnd.IntN(2) == 0 { // as a collector gives them, not read yet
			for i := range items {
				items[i] = verify.Item{Kind: items[i].Kind, Raw: items[i].Raw}
			}
		}
		shuffled := in
		shuffled.Evidence = &verify.Evidence{Items: items}
		d := verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil)
		d.Wants(shuffled)
		got := warm.Judge(d, shuffled)
		if diff := cmp.Diff(string(want.JSON()), string(got.JSON())); diff != "" {
			t.Fatalf("another report:\n%s", diff)
		}
	}
}

// What an Engine remembers under one trust decides nothing under another, at once
// and from many goroutines.
func TestOneEngineUnderTwoTrusts(t *testing.T) {
	s := newScene(t)
	doc := s.r.sealJSON(t, s.order, decision)
	in := s.input()
	s.r.then(s.r.maker, certs.Distrusted, noon.Add(-time.Hour))
	strict := in
	strict.Trust = s.trust(t, s.listed, s.at)
	none := in
	none.Trust = nil
	engine := &verify.Engine{}
	var all sync.WaitGroup
	for n := range 60 {
		all.Go(func() {
			d := verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil)
			x := []struct {
				in   verify.Input
				want verify.Verdict
				code verify.Code
			}{{in, verify.Valid, ""}, {strict, verify.CannotConfirm, verify.ServiceDistrusted}, {none, verify.CannotConfirm, verify.TrustMissing}}[n%3]
			expect(t, engine.Judge(d, x.in), x.want, x.code)
		})
	}
	all.Wait()
}

// Now is shown and decides nothing.
func TestCheckedAt(t *testing.T) {
	doc, in := rich(t)
	a := judge(doc, nil, in)
	in.Now = in.At.Add(1000 * time.Hour)
	b := judge(doc, nil, in)
	if b.CheckedAt != in.Now.Format(time.RFC3339) || a.CheckedAt != in.At.Format(time.RFC3339) {
		t.Errorf("%s and %s", a.CheckedAt, b.CheckedAt)
	}
	b.CheckedAt = a.CheckedAt
	if diff := cmp.Diff(string(a.JSON()), string(b.JSON())); diff != "" {
		t.Error(diff)
	}
}

// A document gets the worst verdict of its stamps; each stamp has its own.
func TestWorstOfTheStamps(t *testing.T) {
	s := newScene(t)
	stamps := map[verify.Verdict]order{verify.Valid: s.order}
	late := s.order
	late.proven = noon.Add(20 * time.Minute)
	unproven := s.order
	unproven.unproven = true
	forged := s.order
	forged.signer = newParty(t, s.r.issuing, profile{name: "x"})
	stamps[verify.ValidWithNotice], stamps[verify.CannotConfirm], stamps[verify.NotValid] = late, unproven, forged
	for first, a := range stamps {
		for second, b := range stamps {
			r := judge(s.r.sealJSON(t, b, s.r.sealJSON(t, a, decision)), nil, s.input())
			own := first
			if second == verify.NotValid { // an earlier stamp is good only if what followed it is
				own = verify.NotValid
			}
			if r.Verdict != verify.Worst(first, second) || r.Stamps[0].Verdict != own || r.Stamps[1].Verdict != second {
				t.Errorf("%s then %s: %s, of %s and %s", first, second, r.Verdict, r.Stamps[0].Verdict, r.Stamps[1].Verdict)
			}
			if r.Indication != r.Verdict.Indication() {
				t.Errorf("%s is %s", r.Verdict, r.Indication)
			}
		}
	}
}

// What is not good names a reason of its own verdict first, and its indication.
func TestReasonsGoWithTheVerdict(t *testing.T) {
	s := newScene(t)
	s.order.unproven = true
	s.history = []status.Interval{{State: status.SealCancelled, From: noon.Add(-time.Hour)}}
	doc := bytes.Replace(s.r.sealJSON(t, s.order, decision), []byte("128.50"), []byte("128.51"), 1)
	r := judge(doc, nil, s.input())
	want := []verify.Code{verify.Altered, verify.SealCancelledBeforeSealing, verify.TimeNotProven}
	if diff := cmp.Diff(want, codes(r)); diff != "" || r.Verdict != verify.NotValid || r.Stamps[0].SubIndication != "HASH_FAILURE" {
		t.Errorf("%s %s\n%s", r.Verdict, r.Stamps[0].SubIndication, diff)
	}
	for _, reason := range r.Reasons {
		if row, ok := verify.Explain(reason.Code); !ok || row != reason {
			t.Errorf("%s is not as the table has it", reason.Code)
		}
	}
}

// A check that was not made is never a pass: with nothing to go by, only what the
// bytes themselves show passes.
func TestNothingPassesUnmade(t *testing.T) {
	s := newScene(t)
	s.noTrust, s.evidence = true, []verify.Item{}
	r := s.judge()
	expect(t, r, verify.CannotConfirm, verify.TrustMissing)
	shown := "format sealFormat sealSignature signatureValue signerInSeal signerKeyUsage propertyInfo dataHash coverage laterChanges"
	for _, c := range r.Stamps[0].Checks {
		if c.Result == verify.Pass && !slices.Contains(strings.Fields(shown), c.ID) {
			t.Errorf("%s passed", c.ID)
		}
	}
	if r.Stamps[0].TimeSource != "claimed" || r.Stamps[0].Signer.Region != "" {
		t.Errorf("%+v", r.Stamps[0])
	}
}

// Pieces of one age, some of them stale, are listed in one order.
func TestFreshnessIsInOrder(t *testing.T) {
	s := newScene(t)
	s.order.tsa, s.order.chain = s.far.tsa, nil
	s.evidence = append(s.without(of(s.far.issuing)), s.far.issuing.listUntil(t, s.known, s.at.Add(-time.Second)))
	in, doc := s.input(), s.r.sealJSON(t, s.order, decision)
	want := judge(doc, nil, in)
	expect(t, want, verify.CannotConfirm, verify.StatusStale)
	for range 20 {
		if diff := cmp.Diff(want.Freshness, judge(doc, nil, in).Freshness); diff != "" {
			t.Fatal(diff)
		}
	}
	known := s.known.Format(time.RFC3339)
	if diff := cmp.Diff([]verify.StatusFreshness{{Source: "crl", AsOf: known}, {Source: "crl", AsOf: known, Stale: true}, {Source: "seal-list", AsOf: known}}, want.Freshness.Status); diff != "" {
		t.Error(diff)
	}
}
