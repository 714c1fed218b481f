package verify_test

import (
	"bytes"
	"crypto/x509/pkix"
	"slices"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/verify"
)

// OCSP answers alone, each wrong in one way: RFC 6960 and protocol.md 3 and 4.
func TestOCSPAsEvidence(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(s *ocspScene)
		verdict verify.Verdict
		code    verify.Code
	}{
		"all good":                 {func(*ocspScene) {}, verify.Valid, ""},
		"none about the signer":    {func(s *ocspScene) { s.signer.by = nil }, verify.CannotConfirm, verify.StatusUnavailable},
		"none about the authority": {func(s *ocspScene) { s.authority.by = nil }, verify.CannotConfirm, verify.StatusUnavailable},
		"none about the maker":     {func(s *ocspScene) { s.maker.by = nil }, verify.CannotConfirm, verify.StatusUnavailable},
		"none about the TSA":       {func(s *ocspScene) { s.tsa.by = nil }, verify.CannotConfirm, verify.StatusUnavailable},
		// As of when.
		"as of before P":      {func(s *ocspScene) { s.signer.at = noon.Add(gap - time.Second) }, verify.CannotConfirm, verify.StatusStale},
		"as of P's second":    {func(s *ocspScene) { s.signer.at = noon.Add(gap) }, verify.Valid, ""},
		"a day old":           {func(s *ocspScene) { s.at = s.known.Add(24 * time.Hour) }, verify.Valid, ""},
		"more than a day old": {func(s *ocspScene) { s.at = s.known.Add(24*time.Hour + time.Second) }, verify.CannotConfirm, verify.StatusStale},
		"25 hours old, but good for a week": {func(s *ocspScene) {
			s.at = s.known.Add(25 * time.Hour)
			s.signer.until = s.known.Add(7 * 24 * time.Hour)
		}, verify.CannotConfirm, verify.StatusStale},
		"past its nextUpdate":            {func(s *ocspScene) { s.signer.until = s.at.Add(-time.Second) }, verify.CannotConfirm, verify.StatusStale},
		"at its nextUpdate":              {func(s *ocspScene) { s.signer.until = s.at }, verify.Valid, ""},
		"without nextUpdate":             {func(s *ocspScene) { s.signer.endless = true }, verify.Valid, ""},
		"without nextUpdate, a day ago":  {func(s *ocspScene) { s.signer.endless, s.signer.at, s.at = true, s.known, s.known.Add(25*time.Hour) }, verify.CannotConfirm, verify.StatusStale},
		"made after At":                  {func(s *ocspScene) { s.signer.at = s.at.Add(time.Second) }, verify.CannotConfirm, verify.StatusUnavailable},
		"known before At and made after": {func(s *ocspScene) { s.signer.made = s.at.Add(time.Second) }, verify.CannotConfirm, verify.StatusUnavailable},
		// About whom.
		"about another's serial":                     {func(s *ocspScene) { s.signer.about = newParty(s, s.r.issuing, profile{name: "another"}) }, verify.CannotConfirm, verify.StatusUnavailable},
		"about the same serial of another authority": {func(s *ocspScene) { s.signer.issuer = s.r.root }, verify.CannotConfirm, verify.StatusUnavailable},
		"unknown": {func(s *ocspScene) { s.signer.status = certs.OCSPUnknown }, verify.CannotConfirm, verify.StatusUnavailable},
		"unknown, and in no list": {func(s *ocspScene) {
			s.signer.status = certs.OCSPUnknown
			s.more = []verify.Item{s.r.issuing.list(s, s.known)}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"the TSA unknown":             {func(s *ocspScene) { s.tsa.status = certs.OCSPUnknown }, verify.CannotConfirm, verify.StatusUnavailable},
		"the status signer unknown":   {func(s *ocspScene) { s.status.status = certs.OCSPUnknown }, verify.CannotConfirm, verify.StatusUnavailable},
		"ended, the answer says less": {func(s *ocspScene) { s.ended(time.Time{}) }, verify.CannotConfirm, verify.StatusUnavailable},
		"ended, told since":           {func(s *ocspScene) { s.ended(epoch) }, verify.Valid, ""},
		"ended, told since later":     {func(s *ocspScene) { s.ended(noon.Add(20 * time.Minute)) }, verify.CannotConfirm, verify.StatusUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newOCSPScene(t)
			c.change(s)
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// ended gives the signer a certificate that ended before the answer was made.
func (s *ocspScene) ended(cutoff time.Time) {
	s.short(epoch, noon.Add(10*time.Minute))
	s.signer.about, s.signer.cutoff = s.order.signer, cutoff
}

// Who may answer: protocol.md 3 and RFC 6960 4.2.2.2.
func TestWhoseOCSPAnswerCounts(t *testing.T) {
	good := func(s *ocspScene, by *party) { s.signer.by = by }
	for name, c := range map[string]struct {
		change  func(s *ocspScene)
		verdict verify.Verdict
		code    verify.Code
	}{
		"the issuer itself":                    {func(s *ocspScene) { good(s, s.r.issuing) }, verify.Valid, ""},
		"the responder of the issuer's issuer": {func(s *ocspScene) { good(s, s.root) }, verify.CannotConfirm, verify.StatusUnavailable},
		"the issuer's issuer":                  {func(s *ocspScene) { good(s, s.r.root) }, verify.CannotConfirm, verify.StatusUnavailable},
		"another region's responder": {func(s *ocspScene) {
			by := responder(s, s.far.issuing, noCheck)
			s.far.serves(certs.ServiceOCSP, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"a namesake's responder": {func(s *ocspScene) {
			by := responder(s, newParty(s, nil, profile{name: "520000 issuing", ca: true}), noCheck)
			s.r.serves(certs.ServiceOCSP, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"one that only another region lists": {func(s *ocspScene) {
			by := responder(s, s.r.issuing, noCheck)
			s.far.serves(certs.ServiceOCSP, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"another authority that is listed": {func(s *ocspScene) {
			by := newParty(s, s.r.root, profile{name: "520000 agencies", ca: true})
			s.r.serves(certs.ServiceOCSP, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"an authority beneath the issuer that is listed": {func(s *ocspScene) {
			by := newParty(s, s.r.issuing, profile{name: "520000 beneath", ca: true})
			s.r.serves(certs.ServiceOCSP, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"such an authority with the usage": {func(s *ocspScene) {
			by := newParty(s, s.r.issuing, profile{name: "520000 beneath", ca: true, eku: certs.OIDEKUOCSPSigning, more: []pkix.Extension{noCheck}})
			s.r.serves(certs.ServiceOCSP, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable}, // it signs certificates and lists and nothing else
		"a responder beneath a listed authority beneath the issuer": {func(s *ocspScene) {
			beneath := newParty(s, s.r.issuing, profile{name: "520000 beneath", ca: true})
			s.r.serves(certs.ServiceOCSP, beneath)
			good(s, responder(s, beneath, noCheck))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"one of the issuer's name and another key, listed": {func(s *ocspScene) {
			by := newParty(s, s.r.root, profile{name: s.r.issuing.cert.Subject.CommonName, ca: true})
			s.r.serves(certs.ServiceOCSP, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"one that nobody lists": {func(s *ocspScene) { good(s, responder(s, s.r.issuing, noCheck)) }, verify.CannotConfirm, verify.StatusUnavailable},
		"one whose authority is listed for it": {func(s *ocspScene) {
			s.r.serves(certs.ServiceOCSP, s.r.issuing)
			good(s, responder(s, s.r.issuing, noCheck))
		}, verify.Valid, ""},
		"one listed for another service": {func(s *ocspScene) {
			by := responder(s, s.r.issuing, noCheck)
			s.r.serves(certs.ServiceStatusSigner, by)
			good(s, by)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"the status signer": {func(s *ocspScene) {
			s.r.serves(certs.ServiceOCSP, s.r.status)
			good(s, s.r.status)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"one that has ended":     {func(s *ocspScene) { good(s, s.answering(epoch, noon)) }, verify.CannotConfirm, verify.StatusUnavailable},
		"one that has not begun": {func(s *ocspScene) { good(s, s.answering(s.known.Add(time.Second), noon.Add(year))) }, verify.CannotConfirm, verify.StatusUnavailable},
		"one that ends since":    {func(s *ocspScene) { good(s, s.answering(epoch, s.known.Add(time.Second))) }, verify.Valid, ""},
		"withdrawn before":       {func(s *ocspScene) { s.r.then(s.issuing, certs.Withdrawn, s.known.Add(-time.Second)) }, verify.CannotConfirm, verify.StatusUnavailable},
		"withdrawn since":        {func(s *ocspScene) { s.r.then(s.issuing, certs.Withdrawn, s.known.Add(time.Second)) }, verify.Valid, ""},
		"distrusted since":       {func(s *ocspScene) { s.r.then(s.issuing, certs.Distrusted, s.known.Add(time.Second)) }, verify.CannotConfirm, verify.StatusUnavailable},
		"withdrawn, under an authority that is listed": {func(s *ocspScene) {
			s.r.serves(certs.ServiceOCSP, s.r.issuing)
			s.r.then(s.issuing, certs.Withdrawn, s.known.Add(-time.Second))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"revoked before, superseded": {func(s *ocspScene) { s.listed(s.known.Add(-time.Second), certs.ReasonSuperseded) }, verify.CannotConfirm, verify.StatusStale},
		"revoked since, superseded":  {func(s *ocspScene) { s.listed(s.known.Add(time.Second), certs.ReasonSuperseded) }, verify.Valid, ""},
		"revoked since, compromised": {func(s *ocspScene) { s.listed(s.known.Add(time.Second), certs.ReasonKeyCompromise) }, verify.CannotConfirm, verify.StatusStale},
		"revoked, the issuer says":   {func(s *ocspScene) { s.told(s.r.issuing, certs.ReasonKeyCompromise) }, verify.CannotConfirm, verify.StatusUnavailable},
		"revoked, another responder says": {func(s *ocspScene) {
			by := responder(s, s.r.issuing, noCheck)
			s.r.serves(certs.ServiceOCSP, by)
			s.told(by, certs.ReasonKeyCompromise)
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"revoked, it says itself":           {func(s *ocspScene) { s.told(s.issuing, certs.ReasonKeyCompromise) }, verify.CannotConfirm, verify.StatusUnavailable},
		"superseded since, another says":    {func(s *ocspScene) { s.told(s.r.issuing, certs.ReasonSuperseded) }, verify.Valid, ""},
		"revoked, the issuer's issuer says": {func(s *ocspScene) { s.told(s.r.root, certs.ReasonKeyCompromise) }, verify.Valid, ""},
		"revoked, nobody's responder says": {func(s *ocspScene) {
			s.told(responder(s, s.r.issuing, noCheck), certs.ReasonKeyCompromise)
		}, verify.Valid, ""},
		"to be asked about, and nobody":  {func(s *ocspScene) { s.asked() }, verify.CannotConfirm, verify.StatusUnavailable},
		"to be asked about, and in time": {func(s *ocspScene) { s.asked(); s.more = []verify.Item{s.r.issuing.list(s, s.known)} }, verify.Valid, ""},
		"to be asked about, and late": {func(s *ocspScene) {
			s.asked()
			s.more = []verify.Item{s.r.issuing.listUntil(s, s.known, s.at.Add(-time.Second))}
		}, verify.CannotConfirm, verify.StatusStale},
		"an altered answer": {func(s *ocspScene) {
			s.more = []verify.Item{altered(s.signer.item(s))}
			s.signer.by = nil
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"by another key": {func(s *ocspScene) {
			good(s, &party{newParty(s, nil, profile{name: "x"}).key, s.issuing.cert})
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"after its authority's own end": {func(s *ocspScene) {
			s.authority.status, s.authority.gone = certs.OCSPRevoked, revocation{at: noon.Add(20 * time.Minute), reason: certs.ReasonSuperseded}
		}, verify.CannotConfirm, verify.StatusUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newOCSPScene(t)
			c.change(s)
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// What is said in the name of an authority whose certificate has ended, or has not
// begun, makes nothing good.
func TestAnAnswerInItsIssuersTime(t *testing.T) {
	for name, c := range map[string]struct {
		from, to time.Time
		verdict  verify.Verdict
		code     verify.Code
	}{
		"within":          {epoch, noon.Add(year), verify.Valid, ""},
		"after its end":   {epoch, noon.Add(10 * time.Minute), verify.CannotConfirm, verify.StatusUnavailable},
		"at its very end": {epoch, noon.Add(50 * time.Minute), verify.Valid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			by := newParty(t, s.r.root, profile{name: "520000 agencies", ca: true, from: c.from, to: c.to})
			s.r.serves(certs.ServiceAgencyCA, by)
			s.order.signer = newParty(t, by, profile{name: s.r.sealID(1)})
			s.r.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
			s.more = []verify.Item{said{about: s.order.signer, issuer: by, by: by, at: s.known}.item(t),
				said{about: by, issuer: s.r.root, by: s.r.root, at: s.known, cutoff: epoch}.item(t)}
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// answering is a listed responder of another term.
func (s *ocspScene) answering(from, to time.Time) *party {
	p := newParty(s, s.r.issuing, profile{name: "520000 issuing OCSP", eku: certs.OIDEKUOCSPSigning, from: from, to: to, more: []pkix.Extension{noCheck}})
	s.r.serves(certs.ServiceOCSP, p)
	return p
}

// listed revokes the responder in a CRL, made too early to be the last word on
// anyone else.
func (s *ocspScene) listed(at time.Time, reason int) {
	s.more = append(s.more, s.r.issuing.listUntil(s, noon, s.at, revocation{who: s.issuing, at: at, reason: reason}))
}

// told has someone answer that the responder was revoked a minute after it answered.
func (s *ocspScene) told(by *party, reason int) {
	s.more = append(s.more, said{about: s.issuing, issuer: s.r.issuing, by: by, at: s.known.Add(2 * time.Minute), status: certs.OCSPRevoked,
		gone: revocation{at: s.known.Add(time.Minute), reason: reason}}.item(s))
}

// asked takes ocsp-nocheck from the responder.
func (s *ocspScene) asked() {
	by := responder(s, s.r.issuing)
	s.r.serves(certs.ServiceOCSP, by)
	for _, a := range []*said{&s.signer, &s.maker, &s.tsa, &s.status} {
		a.by = by
	}
}

// R against C and P as a CRL has it, whichever of both tells it, and of the two the
// worse counts.
func TestRevocationByOCSP(t *testing.T) {
	for _, m := range moments {
		for name, gone := range map[string]revocation{
			"superseded":  {at: m.r, reason: certs.ReasonSuperseded},
			"compromised": {at: m.r, reason: certs.ReasonKeyCompromise},
			"since when":  {at: noon.Add(40 * time.Minute), reason: certs.ReasonKeyCompromise, invalid: m.r},
			"on hold":     {at: m.r, reason: certs.ReasonCertificateHold},
		} {
			t.Run(m.name+"/"+name, func(t *testing.T) {
				s := newOCSPScene(t)
				s.signer.status, s.signer.gone = certs.OCSPRevoked, gone
				for _, more := range [][]verify.Item{nil, {s.r.issuing.list(s, s.known)}} {
					s.more = more
					if r := s.judge(); r.Verdict != m.verdict {
						t.Errorf("with %d lists: %s %v, want %s", len(more), r.Verdict, codes(r), m.verdict)
					}
				}
				gone.who = s.r.signer
				s.signer.status = certs.OCSPGood
				s.more = []verify.Item{s.r.issuing.list(s, s.known, gone)}
				if r := s.judge(); r.Verdict != m.verdict {
					t.Errorf("told by the list alone: %s %v, want %s", r.Verdict, codes(r), m.verdict)
				}
			})
		}
	}
}

// Those behind a stamp: what their revocation means is as by a CRL.
func TestThoseBehindAStampRevokedByOCSP(t *testing.T) {
	late := noon.Add(30 * time.Minute)
	for name, c := range map[string]struct {
		who     func(s *ocspScene) *said
		gone    revocation
		verdict verify.Verdict
		code    verify.Code
	}{
		"TSA superseded after P":  {func(s *ocspScene) *said { return &s.tsa }, revocation{at: late, reason: certs.ReasonSuperseded}, verify.ValidWithNotice, verify.TSARevokedAfter},
		"TSA compromised after P": {func(s *ocspScene) *said { return &s.tsa }, revocation{at: late, reason: certs.ReasonKeyCompromise}, verify.CannotConfirm, verify.TimeNotProven},
		"maker compromised since": {func(s *ocspScene) *said { return &s.maker }, revocation{at: late, reason: certs.ReasonKeyCompromise, invalid: epoch}, verify.NotValid, verify.SealMakerNotValid},
		"status signer":           {func(s *ocspScene) *said { return &s.status }, revocation{at: late, reason: certs.ReasonKeyCompromise}, verify.CannotConfirm, verify.StatusUnavailable},
		"authority compromised":   {func(s *ocspScene) *said { return &s.authority }, revocation{at: late, reason: certs.ReasonCACompromise, invalid: noon.Add(-time.Hour)}, verify.NotValid, verify.CertificateRevokedBefore},
	} {
		t.Run(name, func(t *testing.T) {
			s := newOCSPScene(t)
			a := c.who(s)
			a.status, a.gone = certs.OCSPRevoked, c.gone
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// Not one bit of an answer can be changed so that something is found good that was
// not: neither by "good" from "revoked" nor of another certificate.
func TestNoBitOfAnAnswerMakesGood(t *testing.T) {
	s := newOCSPScene(t)
	s.signer.status, s.signer.gone = certs.OCSPRevoked, revocation{at: noon.Add(-time.Hour), reason: certs.ReasonSuperseded}
	item := s.signer.item(t)
	s.signer.by = nil
	s.judge() // gathers the rest
	rest, in := s.evidence, s.input()
	doc := s.r.sealJSON(t, s.order, decision)
	engine := &verify.Engine{}
	for i := range item.Raw {
		for _, bit := range []byte{1, 1 << (i % 8)} {
			raw := bytes.Clone(item.Raw)
			raw[i] ^= bit
			in.Evidence = &verify.Evidence{Items: append(slices.Clone(rest), verify.NewItem(verify.KindOCSP, raw))}
			if r := engine.Judge(verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil), in); good(r) {
				t.Fatalf("octet %d: %s", i, r.Verdict)
			}
		}
	}
	in.Evidence = &verify.Evidence{Items: append(slices.Clone(rest), item)}
	expect(t, engine.Judge(verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil), in), verify.NotValid, verify.CertificateRevokedBefore)
}

// The report says how old the answers were, and is the same whatever their order.
func TestOCSPInTheReport(t *testing.T) {
	s := newOCSPScene(t)
	s.signer.at = noon.Add(gap)
	s.more = []verify.Item{s.r.issuing.list(s, s.known)}
	first := s.judge()
	expect(t, first, verify.Valid, "")
	stamp := func(at time.Time) string { return at.UTC().Format(time.RFC3339) }
	for _, want := range []verify.StatusFreshness{{Source: "ocsp", AsOf: stamp(s.known)}, {Source: "ocsp", AsOf: stamp(noon.Add(gap))}, {Source: "crl", AsOf: stamp(s.known)}} {
		if !slices.Contains(first.Freshness.Status, want) {
			t.Errorf("%+v is not in %+v", want, first.Freshness.Status)
		}
	}
	doc, in := s.r.sealJSON(t, s.order, decision), s.input()
	a := judge(doc, nil, in)
	slices.Reverse(in.Evidence.Items)
	if b := judge(doc, nil, in); !bytes.Equal(a.JSON(), b.JSON()) {
		t.Error("the order of the evidence changes the report")
	}
}

// Answers that cost a check each and say nothing push the budget to its end: what
// was not looked at is not taken for silence.
func TestAThousandAnswers(t *testing.T) {
	s := newOCSPScene(t)
	s.judge()
	items := s.evidence
	gone := s.signer
	gone.status, gone.gone, gone.at = certs.OCSPRevoked, revocation{at: noon.Add(-time.Hour)}, s.known.Add(time.Minute)
	items = append(items, gone.item(t))
	forged := s.signer
	forged.by = &party{newParty(t, nil, profile{name: "x"}).key, s.issuing.cert}
	for n := len(items); n < verify.MaxEvidence; n++ {
		forged.at = s.known.Add(-time.Duration(n) * time.Second)
		items = append(items, forged.item(t))
	}
	in := s.input()
	in.Evidence = &verify.Evidence{Items: items}
	doc := s.r.sealJSON(t, s.order, decision)
	within(t, func() {
		if r := judge(doc, nil, in); r.Verdict != verify.NotValid {
			expect(t, r, verify.CannotConfirm, verify.WorkLimit)
		}
	})
}
