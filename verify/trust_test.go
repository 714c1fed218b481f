package verify_test

import (
	"errors"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/verify"
)

// Services withdrawn and distrusted, and who may speak for whom: protocol.md 3.
func TestTrust(t *testing.T) {
	farToken := func(s *scene) { s.order.tsa, s.order.chain = s.far.tsa, nil }
	for name, c := range map[string]struct {
		change  func(s *scene)
		verdict verify.Verdict
		code    verify.Code
	}{
		"authority withdrawn after P":  {func(s *scene) { s.r.then(s.r.issuing, certs.Withdrawn, noon.Add(2*gap)); s.notTheRoot() }, verify.Valid, ""},
		"authority withdrawn before P": {func(s *scene) { s.r.then(s.r.issuing, certs.Withdrawn, noon.Add(-gap)); s.notTheRoot() }, verify.CannotConfirm, verify.ServiceDistrusted},
		"authority withdrawn before P, no token": {func(s *scene) {
			s.order.unproven = true
			s.r.then(s.r.issuing, certs.Withdrawn, noon.Add(2*gap))
			s.notTheRoot()
		}, verify.CannotConfirm, verify.TimeNotProven},
		"maker withdrawn since":  {func(s *scene) { s.r.then(s.r.maker, certs.Withdrawn, noon.Add(-time.Hour)) }, verify.Valid, ""},
		"maker withdrawn before": {func(s *scene) { s.r.then(s.r.maker, certs.Withdrawn, epoch.Add(time.Hour)) }, verify.CannotConfirm, verify.ServiceDistrusted},
		"TSA withdrawn after P":  {func(s *scene) { s.r.then(s.r.tsa, certs.Withdrawn, noon.Add(2*gap)) }, verify.Valid, ""},
		"TSA withdrawn before P": {func(s *scene) { s.r.then(s.r.tsa, certs.Withdrawn, noon) }, verify.CannotConfirm, verify.TimeNotProven},
		"TSA distrusted after P": {func(s *scene) { s.r.then(s.r.tsa, certs.Distrusted, noon.Add(2*gap)) }, verify.CannotConfirm, verify.TimeNotProven},
		"authority distrusted after P, own token": {func(s *scene) {
			s.r.then(s.r.issuing, certs.Distrusted, noon.Add(2*gap))
			s.notTheRoot()
		}, verify.CannotConfirm, verify.ServiceDistrusted},
		"authority distrusted after P, another region's token": {func(s *scene) {
			s.r.then(s.r.issuing, certs.Distrusted, noon.Add(2*gap))
			s.notTheRoot()
			farToken(s)
		}, verify.Valid, ""},
		"authority distrusted at P, another region's token": {func(s *scene) {
			s.r.then(s.r.issuing, certs.Distrusted, noon.Add(gap))
			s.notTheRoot()
			farToken(s)
		}, verify.CannotConfirm, verify.ServiceDistrusted},
		"maker distrusted after P, own token":              {func(s *scene) { s.r.then(s.r.maker, certs.Distrusted, noon.Add(2*gap)) }, verify.CannotConfirm, verify.ServiceDistrusted},
		"maker distrusted after P, another region's token": {func(s *scene) { s.r.then(s.r.maker, certs.Distrusted, noon.Add(2*gap)); farToken(s) }, verify.Valid, ""},
		"distrusted later than At":                         {func(s *scene) { s.r.then(s.r.maker, certs.Distrusted, s.at.Add(time.Second)) }, verify.Valid, ""},
		"not granted yet when the seal was made":           {func(s *scene) { s.r.services[2].History[0].Since = epoch.Add(48 * time.Hour) }, verify.CannotConfirm, verify.ServiceDistrusted},
		"another region's services for a seal of this code": {func(s *scene) {
			s.order.signer = s.far.signer
			s.order.seal = s.far.makeSeal(s, sealOrder{id: s.r.sealID(1), signer: s.far.signer})
		}, verify.NotValid, verify.SealOfAnotherRegion},
		"another region's authority, our maker": {func(s *scene) {
			s.order.signer = s.far.signer
			s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.far.signer})
		}, verify.NotValid, verify.SealOfAnotherRegion},
		"another region's maker, our authority": {func(s *scene) {
			s.order.seal = s.far.makeSeal(s, sealOrder{id: s.r.sealID(1), signer: s.r.signer})
		}, verify.NotValid, verify.SealOfAnotherRegion},
		"services for one prefecture, seal of another": {func(s *scene) {
			for i := range s.r.services {
				s.r.services[i].Prefixes = []string{"5203"}
			}
			s.r.services[3].Prefixes = nil
		}, verify.NotValid, verify.SealOfAnotherRegion},
		"a service for one organisation": {func(s *scene) { s.r.services[2].Organisations = []string{"11520000MB1A00001X"} }, verify.NotValid, verify.SealOfAnotherRegion},
		"a service for this organisation": {func(s *scene) {
			s.r.services[2].Organisations = []string{"11520000MB1A00002W", "11520000MB1A00001X"}
			s.order.signer = newParty(s, s.r.issuing, profile{name: s.r.sealID(1), uscc: "11520000MB1A00001X"})
			s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.order.signer})
		}, verify.Valid, ""},
		"an authority for another organisation": {func(s *scene) {
			s.r.services[1].Organisations = []string{"11520000MB1A00002W"}
			s.order.signer = newParty(s, s.r.issuing, profile{name: s.r.sealID(1), uscc: "11520000MB1A00001X"})
			s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.order.signer})
		}, verify.NotValid, verify.SealOfAnotherRegion},
		"maker with a signer's certificate": {func(s *scene) {
			plain := newParty(s, s.r.issuing, profile{name: "no maker"})
			s.r.services[2].Certificate = plain.cert.Raw
			s.order.seal = s.r.makeSeal(s, sealOrder{maker: plain})
		}, verify.NotValid, verify.SealMakerNotValid},
		"maker certified, not listed": {func(s *scene) {
			s.order.seal = s.r.makeSeal(s, sealOrder{maker: newParty(s, s.r.issuing, profile{name: "制章者", eku: certs.OIDEKUSealMaker})})
		}, verify.CannotConfirm, verify.IssuerUnknown},
		"maker that made itself": {func(s *scene) {
			s.order.seal = s.r.makeSeal(s, sealOrder{maker: newParty(s, nil, profile{name: "520000 制章者", eku: certs.OIDEKUSealMaker})})
		}, verify.CannotConfirm, verify.IssuerUnknown},
		"signer with a service's certificate": {func(s *scene) {
			s.order.signer = s.r.status
			s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.r.status})
		}, verify.NotValid, verify.SignerKeyUsage},
		"signer with an authority's certificate": {func(s *scene) {
			s.order.signer = s.r.issuing
			s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.r.issuing})
		}, verify.NotValid, verify.SignerKeyUsage},
		"signer certified by a signer": {func(s *scene) {
			s.order.signer = newParty(s, s.r.signer, profile{name: s.r.sealID(1)})
			s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.order.signer})
		}, verify.CannotConfirm, verify.IssuerUnknown},
		"signer not in the seal": {func(s *scene) { s.order.signer = newParty(s, s.r.issuing, profile{name: s.r.sealID(1)}) }, verify.NotValid, verify.SignerNotInSeal},
		"signer's key under another certificate": {func(s *scene) {
			s.order.signer = newParty(s, s.r.issuing, profile{name: s.r.sealID(1), key: s.r.signer.key})
		}, verify.NotValid, verify.SignerNotInSeal},
		"authority distrusted, its certificate among the evidence and the root listed": {func(s *scene) {
			s.r.then(s.r.issuing, certs.Distrusted, noon.Add(-gap))
			s.more = []verify.Item{verify.NewItem(verify.KindCertificate, s.r.issuing.cert.Raw)}
		}, verify.CannotConfirm, verify.ServiceDistrusted},
		"authority distrusted, renewed under the root for the same key": {func(s *scene) {
			s.r.then(s.r.issuing, certs.Distrusted, noon.Add(-gap))
			again := newParty(s, s.r.root, profile{name: "520000 issuing", ca: true, key: s.r.issuing.key})
			s.more = []verify.Item{verify.NewItem(verify.KindCertificate, again.cert.Raw)}
		}, verify.CannotConfirm, verify.ServiceDistrusted},
		"the authority's certificate among the evidence": {func(s *scene) {
			s.more = []verify.Item{verify.NewItem(verify.KindCertificate, s.r.issuing.cert.Raw)}
		}, verify.Valid, ""},
		"an authority that is not listed, under the root that is": {func(s *scene) {
			sub := newParty(s, s.r.root, profile{name: "520000 second issuing", ca: true})
			s.order.signer = newParty(s, sub, profile{name: s.r.sealID(1)})
			s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.order.signer})
			s.more = []verify.Item{verify.NewItem(verify.KindCertificate, sub.cert.Raw), sub.list(s, s.known)}
		}, verify.Valid, ""},
		"lists at their end":   {func(s *scene) { s.listed = s.at.Add(-certs.ListLife) }, verify.Valid, ""},
		"lists past their end": {func(s *scene) { s.listed = s.at.Add(-certs.ListLife - time.Second) }, verify.CannotConfirm, verify.TrustListExpired},
		"no trust":             {func(s *scene) { s.noTrust = true }, verify.CannotConfirm, verify.TrustMissing},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.change(s)
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// notTheRoot takes the root out of the list, as whose child the issuing authority
// would be trusted still.
func (s *scene) notTheRoot() {
	s.r.services = s.r.services[1:]
	s.more = append(s.more, verify.NewItem(verify.KindCertificate, s.r.root.cert.Raw))
}

// A trust that is held on to ends when its lists do, whenever it was opened.
func TestATrustHeldPastItsEnd(t *testing.T) {
	s := newScene(t)
	trust := s.trust(t, s.listed, s.at)
	s.at = s.listed.Add(certs.ListLife + time.Second)
	s.known = s.at.Add(-time.Minute)
	in := s.input()
	in.Trust = trust
	expect(t, judge(s.r.sealJSON(t, s.order, decision), nil, in), verify.CannotConfirm, verify.TrustListExpired)
}

// The scheme list may end before the region lists that it names.
func TestASchemeHeldPastItsEnd(t *testing.T) {
	s := newScene(t)
	old := s.bundle(t, s.listed.Add(-24*time.Hour))
	b := s.bundle(t, s.listed)
	b.Scheme = old.Scheme
	trust, err := b.Open(certs.TrustOptions{At: s.at})
	if err != nil {
		t.Fatal(err)
	}
	s.at = s.listed.Add(certs.ListLife - time.Hour)
	s.known = s.at.Add(-time.Minute)
	in := s.input()
	in.Trust = trust
	expect(t, judge(s.r.sealJSON(t, s.order, decision), nil, in), verify.CannotConfirm, verify.TrustListExpired)
}

// A region whose list has ended takes no other with it.
func TestAnotherRegionsListEnded(t *testing.T) {
	for name, c := range map[string]struct {
		order   func(s *scene)
		verdict verify.Verdict
		code    verify.Code
	}{
		"a stamp that it has no part in": {func(*scene) {}, verify.Valid, ""},
		"a stamp with its token":         {func(s *scene) { s.order.tsa, s.order.chain = s.far.tsa, nil }, verify.CannotConfirm, verify.TrustListExpired},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.order(s)
			b := s.bundle(t, s.listed)
			b.Regions[1] = s.bundle(t, s.at.Add(-8*24*time.Hour)).Regions[1]
			in := s.input()
			var err error
			if in.Trust, err = b.Open(certs.TrustOptions{At: s.at}); !errors.Is(err, certs.ErrTrustExpired) {
				t.Fatal(err)
			}
			expect(t, judge(s.r.sealJSON(t, s.order, decision), nil, in), c.verdict, c.code)
		})
	}
}

// Where first trust came from, and how old the lists are, is told.
func TestTheReportTellsOfTrust(t *testing.T) {
	s := newScene(t)
	bundle := s.bundle(t, s.listed)
	anchor, err := bundle.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	doc := s.r.sealJSON(t, s.order, decision)
	for want, o := range map[string]certs.TrustOptions{
		certs.AnchorCaller: {}, certs.AnchorGiven: {Anchors: []string{anchor}}, certs.AnchorShipped: {Shipped: []string{anchor}},
	} {
		o.At = s.at
		in := s.input()
		if in.Trust, err = bundle.Open(o); err != nil {
			t.Fatal(err)
		}
		in.Unremembered = true
		f := judge(doc, nil, in).Freshness
		if f.Trust.Anchor != want || f.Trust.Scheme != 12 || f.Trust.Regions["520000"] != 128 || f.Trust.Memory != "none" {
			t.Errorf("%s: %+v", want, f.Trust)
		}
		in.Unremembered = false
		if f := judge(doc, nil, in).Freshness; f.Trust.Memory != "" {
			t.Errorf("memory %q", f.Trust.Memory)
		}
	}
}
