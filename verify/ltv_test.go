package verify_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
	"yinxin/verify"
	"yinxin/verify/status"
)

// increment adds evidence to a PDF and, by an authority at a time, a document
// time-stamp over it all.
func increment(t testing.TB, doc []byte, by *party, at time.Time, items ...verify.Item) []byte {
	t.Helper()
	if by == nil {
		return tokenOver(t, doc, nil, items...)
	}
	return tokenOver(t, doc, func(digest [32]byte) []byte { return timeStamp(t, by, nil, at, digest) }, items...)
}

// tokenOver puts whatever is made of the digest in the place of a document time-stamp.
func tokenOver(t testing.TB, doc []byte, made func(digest [32]byte) []byte, items ...verify.Item) []byte {
	t.Helper()
	f, err := pdf.Open(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	a := pdf.Addition{}
	for _, i := range items {
		kind := map[verify.Kind]pdf.EvidenceKind{verify.KindCRL: pdf.EvidenceCRL, verify.KindOCSP: pdf.EvidenceOCSP, verify.KindCertificate: pdf.EvidenceCertificate,
			verify.KindSealStatus: pdf.EvidenceStatus, verify.KindSealList: pdf.EvidenceStatus}[i.Kind]
		a.Evidence = append(a.Evidence, pdf.Evidence{Kind: kind, Data: i.Raw})
	}
	if made != nil {
		a.TokenSize = 8192
	}
	l, err := f.LayoutEvidence(a)
	if err != nil {
		t.Fatal(err)
	}
	var token []byte
	if made != nil {
		digest, err := l.Digest(nil)
		if err != nil {
			t.Fatal(err)
		}
		token = made(digest)
	}
	var out bytes.Buffer
	if _, err := l.WriteTo(&out, token); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// years is a scene whose time-stamp authorities follow one another: each runs for five
// years, and its successor comes a year before its end.
type years struct {
	*scene
	doc  []byte
	tsa  []*party // from the years 0, 4, 8 and 12 on
	late *party   // the authority that issues from the year 8 on
}

func after(n float64) time.Time { return noon.Add(time.Duration(n * float64(year))) }

// newYears seals a page at noon with a token of the first authority.
func newYears(t testing.TB) *years {
	y := &years{scene: newScene(t)}
	y.scheme = newParty(t, nil, profile{name: "scheme", eku: certs.OIDEKUTrustList, from: epoch, to: epoch.Add(20 * year)})
	for _, r := range []*region{y.r, y.far} {
		r.listing = newParty(t, nil, profile{name: r.code + " list", eku: certs.OIDEKUTrustList, from: epoch, to: epoch.Add(20 * year)})
	}
	y.late = newParty(t, nil, profile{name: "later root", ca: true, from: after(7), to: after(27)})
	y.service(certs.ServiceAgencyCA, y.late)
	for n := range 4 {
		issuer := y.r.issuing
		if n >= 2 {
			issuer = y.late
		}
		from := epoch.Add(time.Duration(4*n) * year)
		p := newParty(t, issuer, profile{name: fmt.Sprint("TSA of year ", 4*n), eku: certs.OIDEKUTimeStamping, from: from, to: from.Add(5 * year)})
		y.service(certs.ServiceTSA, p)
		y.tsa = append(y.tsa, p)
	}
	y.order.seal = y.r.makeSeal(t, sealOrder{picture: plainFace(t)})
	y.order.tsa = y.tsa[0]
	y.doc = y.r.sealPDF(t, y.order, sample(t, pdfSamples+"/unsigned/minimal.pdf"))
	y.evidence = []verify.Item{}
	return y
}

func (y *years) service(typ certs.ServiceType, p *party) {
	y.r.services = append(y.r.services, certs.RegionService{Type: typ, Name: p.cert.Subject.CommonName, Certificate: p.cert.Raw,
		History: []certs.ServiceStatus{{State: certs.Granted, Since: p.cert.NotBefore}}})
}

// said is what a collector would get at a time: the lists of who issues then, and the
// answer about the seal.
func (y *years) said(at time.Time, gone ...revocation) []verify.Item {
	out := []verify.Item{y.r.answer(y, y.r.status, at, y.order.seal, y.history...)}
	for _, issuer := range []*party{y.r.root, y.r.issuing, y.late} {
		if at.Before(issuer.cert.NotBefore) || at.After(issuer.cert.NotAfter) {
			continue
		}
		var own []revocation
		for _, g := range gone {
			if bytes.Equal(g.who.cert.RawIssuer, issuer.cert.RawSubject) {
				own = append(own, g)
			}
		}
		out = append(out, issuer.list(y, at, own...))
	}
	return out
}

// renew adds evidence of a time and a document time-stamp of a minute later.
func (y *years) renew(at time.Time, by *party) {
	y.doc = increment(y, y.doc, by, at.Add(time.Minute), y.said(at)...)
}

func (y *years) judged(at time.Time) verify.Report {
	y.Helper()
	y.at, y.listed = at, at.Add(-time.Hour)
	return judge(y.doc, nil, y.input())
}

// A sealed page is judged over the years by what it holds and a trust list of the day
// alone, everybody else being silent.
func TestOverTheYearsByItselfAlone(t *testing.T) {
	for name, c := range map[string]struct {
		renewed []float64 // each by the newest authority of then
		at      float64
		verdict verify.Verdict
		code    verify.Code
	}{
		"after a year":                  {nil, 1, verify.ValidWithNotice, verify.StatusTodayUnknown},
		"after four":                    {nil, 4, verify.ValidWithNotice, verify.StatusTodayUnknown},
		"after eight":                   {nil, 8, verify.CannotConfirm, verify.TimeNotProven},
		"after fifteen":                 {nil, 15, verify.CannotConfirm, verify.TimeNotProven},
		"renewed, after eight":          {[]float64{3.5}, 8, verify.ValidWithNotice, verify.StatusTodayUnknown},
		"renewed once, after fifteen":   {[]float64{3.5}, 15, verify.CannotConfirm, verify.TimeNotProven},
		"renewed too late":              {[]float64{6}, 8, verify.CannotConfirm, verify.TimeNotProven},
		"renewed twice, after fifteen":  {[]float64{3.5, 7.5}, 15, verify.CannotConfirm, verify.TimeNotProven},
		"renewed thrice, after fifteen": {[]float64{3.5, 7.5, 11.5}, 15, verify.ValidWithNotice, verify.StatusTodayUnknown},
		"the second left out":           {[]float64{3.5, 11.5}, 15, verify.CannotConfirm, verify.TimeNotProven},
		"the third too late":            {[]float64{3.5, 7.5, 14}, 15, verify.CannotConfirm, verify.TimeNotProven},
	} {
		t.Run(name, func(t *testing.T) {
			y := newYears(t)
			y.renew(noon.Add(10*time.Minute), y.tsa[0])
			for _, r := range c.renewed {
				y.renew(after(r), y.tsa[int(r+0.5)/4])
			}
			r := y.judged(after(c.at))
			expect(t, r, c.verdict, c.code)
			for n, s := range r.Stamps {
				if want := map[bool]string{true: "seal", false: "timestamp"}[n == 0]; s.Role != want {
					t.Errorf("signature %d is a %s", n, s.Role)
				}
			}
		})
	}
}

// Levels B, T and LT, and what is missing or wrong in the evidence.
func TestKeptEvidence(t *testing.T) {
	minutes := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	for name, c := range map[string]struct {
		make    func(y *years)
		at      time.Time
		verdict verify.Verdict
		code    verify.Code
	}{
		"T, offline": {func(y *years) {}, minutes(60), verify.CannotConfirm, verify.StatusUnavailable},
		"LT within a day, which is fresh": {func(y *years) { y.doc = increment(y, y.doc, nil, noon, y.said(minutes(10))...) },
			minutes(60), verify.Valid, ""},
		"LT after two days": {func(y *years) { y.doc = increment(y, y.doc, nil, noon, y.said(minutes(10))...) },
			after(0).Add(48 * time.Hour), verify.CannotConfirm, verify.StatusStale},
		"LT whose lists run for a week": {func(y *years) {
			items := y.said(minutes(10))
			for _, issuer := range []*party{y.r.root, y.r.issuing} {
				items = append(items, issuer.listUntil(y, minutes(10), minutes(7*24*60)))
			}
			items[0] = y.r.answer(y, y.r.status, minutes(10), y.order.seal) // of a day
			y.doc = increment(y, y.doc, nil, noon, items...)
			y.evidence = y.said(minutes(48 * 60))[:1] // of today
		}, minutes(49 * 60), verify.ValidWithNotice, verify.StatusTodayUnknown},
		"evidence from before the stamp": {func(y *years) {
			y.doc = increment(y, y.doc, y.tsa[0], minutes(11), y.said(noon.Add(-time.Minute))...)
		}, after(1), verify.CannotConfirm, verify.StatusStale},
		"evidence that came after the time-stamp": {func(y *years) {
			y.doc = increment(y, y.doc, y.tsa[0], minutes(11))
			y.doc = increment(y, y.doc, nil, noon, y.said(minutes(12))...)
		}, after(1), verify.CannotConfirm, verify.StatusStale},
		"no word about the seal": {func(y *years) {
			y.doc = increment(y, y.doc, y.tsa[0], minutes(11), y.said(minutes(10))[1:]...)
		}, after(1), verify.CannotConfirm, verify.StatusUnavailable},
		"evidence by nobody": {func(y *years) {
			nobody := newParty(y, nil, profile{name: "520000 issuing", ca: true})
			items := y.said(minutes(10))
			items[2] = nobody.list(y, minutes(10))
			y.doc = increment(y, y.doc, y.tsa[0], minutes(11), items...)
		}, after(1), verify.CannotConfirm, verify.StatusUnavailable},
		"B, time-stamped with its evidence": {func(y *years) {
			y.order.unproven = true
			y.doc = y.r.sealPDF(y, y.order, sample(y, pdfSamples+"/unsigned/minimal.pdf"))
			y.doc = increment(y, y.doc, y.tsa[0], minutes(5))
			y.doc = increment(y, y.doc, y.tsa[0], minutes(8), y.said(minutes(7))...)
		}, after(1), verify.ValidWithNotice, verify.StatusTodayUnknown},
		"B, time-stamped late": {func(y *years) {
			y.order.unproven = true
			y.doc = y.r.sealPDF(y, y.order, sample(y, pdfSamples+"/unsigned/minimal.pdf"))
			y.doc = increment(y, y.doc, y.tsa[0], minutes(50))
			y.doc = increment(y, y.doc, y.tsa[0], minutes(53), y.said(minutes(52))...)
		}, after(1), verify.ValidWithNotice, verify.TimestampLate},
		"B": {func(y *years) {
			y.order.unproven = true
			y.doc = y.r.sealPDF(y, y.order, sample(y, pdfSamples+"/unsigned/minimal.pdf"))
			y.doc = increment(y, y.doc, nil, noon, y.said(minutes(10))...)
		}, minutes(60), verify.CannotConfirm, verify.TimeNotProven},
		"stamped again afterwards": {func(y *years) {
			y.renew(minutes(10), y.tsa[0])
			y.order.claimed, y.order.proven = minutes(20), minutes(20)
			y.doc = y.r.sealPDF(y, y.order, y.doc)
			y.renew(minutes(30), y.tsa[0])
		}, after(1), verify.ValidWithNotice, verify.StatusTodayUnknown},
		"the last stamp has none": {func(y *years) {
			y.renew(minutes(10), y.tsa[0])
			y.order.claimed, y.order.proven = minutes(20), minutes(20)
			y.doc = y.r.sealPDF(y, y.order, y.doc)
		}, after(1), verify.CannotConfirm, verify.StatusStale},
	} {
		t.Run(name, func(t *testing.T) {
			y := newYears(t)
			c.make(y)
			expect(t, y.judged(c.at), c.verdict, c.code)
		})
	}
}

// What was revoked, cancelled or compromised since, told by today's evidence.
func TestEndsAfterArchiving(t *testing.T) {
	for name, c := range map[string]struct {
		gone    func(y *years) []revocation
		history []status.Interval
		renewed bool // at year 1, by an authority that nothing befell
		verdict verify.Verdict
		code    verify.Code
	}{
		"nothing":                      {nil, nil, false, verify.Valid, ""},
		"signer's certificate revoked": {func(y *years) []revocation { return []revocation{{who: y.r.signer, at: after(1)}} }, nil, false, verify.ValidWithNotice, verify.CertificateRevokedAfter},
		"signer's key in other hands since before": {func(y *years) []revocation {
			return []revocation{{who: y.r.signer, at: after(1), reason: certs.ReasonKeyCompromise, invalid: noon.Add(-time.Hour)}}
		}, nil, true, verify.NotValid, verify.CertificateRevokedBefore},
		"seal cancelled":        {nil, []status.Interval{{State: status.SealCancelled, From: after(1)}}, false, verify.ValidWithNotice, verify.SealCancelledAfter},
		"seal cancelled before": {nil, []status.Interval{{State: status.SealCancelled, From: noon.Add(-time.Hour)}}, true, verify.NotValid, verify.SealCancelledBeforeSealing},
		"time-stamp key in other hands": {func(y *years) []revocation {
			return []revocation{{who: y.tsa[0], at: after(1.6), reason: certs.ReasonKeyCompromise, invalid: after(1.5)}}
		}, nil, false, verify.CannotConfirm, verify.TimeNotProven},
		"time-stamp key in other hands, renewed before": {func(y *years) []revocation {
			return []revocation{{who: y.tsa[0], at: after(1.6), reason: certs.ReasonKeyCompromise, invalid: after(1.5)}}
		}, nil, true, verify.ValidWithNotice, verify.TSARevokedAfter},
		"time-stamp key in other hands before the renewal": {func(y *years) []revocation {
			return []revocation{{who: y.tsa[0], at: after(1.6), reason: certs.ReasonKeyCompromise, invalid: after(0.9)}}
		}, nil, true, verify.CannotConfirm, verify.TimeNotProven},
	} {
		t.Run(name, func(t *testing.T) {
			y := newYears(t)
			y.renew(noon.Add(10*time.Minute), y.tsa[0])
			if c.renewed {
				y.renew(after(1), y.r.tsa)
			}
			var gone []revocation
			if c.gone != nil {
				gone = c.gone(y)
			}
			y.history = c.history
			y.evidence = y.said(after(2), gone...)
			expect(t, y.judged(after(2).Add(time.Minute)), c.verdict, c.code)
		})
	}
}

// A distrust of the whole region: what another region's time-stamp proves to be older
// keeps its word.
func TestDistrustAfterArchiving(t *testing.T) {
	for name, c := range map[string]struct {
		far     bool
		verdict verify.Verdict
	}{"its own time-stamp": {false, verify.CannotConfirm}, "another region's": {true, verify.Valid}} {
		t.Run(name, func(t *testing.T) {
			y := newYears(t)
			y.renew(noon.Add(10*time.Minute), y.tsa[0])
			by := y.r.tsa
			if c.far {
				by = y.far.tsa
			}
			y.renew(after(1), by)
			y.r.then(y.r.maker, certs.Distrusted, after(1.5))
			y.r.then(y.r.issuing, certs.Distrusted, after(1.5))
			y.r.then(y.tsa[0], certs.Distrusted, after(1.5))
			y.evidence = y.said(after(2))
			for _, issuer := range []*party{y.far.root, y.far.issuing} {
				y.evidence = append(y.evidence, issuer.list(y, after(2)))
			}
			if r := y.judged(after(2).Add(time.Minute)); r.Verdict != c.verdict {
				expect(t, r, c.verdict, "")
			}
		})
	}
}

// Document time-stamps that are wrong, strange, or stand alone.
func TestDocumentTimestamps(t *testing.T) {
	y := newYears(t)
	y.evidence = nil
	at := noon.Add(20 * time.Minute)
	stranger := newParty(t, nil, profile{name: "nobody", eku: certs.OIDEKUTimeStamping})
	over := increment(t, y.doc, y.tsa[0], at)
	plain := func(token []byte) func([32]byte) []byte { return func([32]byte) []byte { return token } }
	order := y.order
	order.property = ses.PropertyPDF
	for name, c := range map[string]struct {
		doc     []byte
		verdict verify.Verdict
		code    verify.Code
		own     verify.Verdict // of the time-stamp itself
	}{
		"good":                    {over, verify.Valid, "", verify.Valid},
		"by nobody":               {increment(t, y.doc, stranger, at), verify.Valid, "", verify.CannotConfirm},
		"of the future":           {increment(t, y.doc, y.tsa[0], at.Add(year)), verify.Valid, "", verify.CannotConfirm},
		"by the status signer":    {increment(t, y.doc, y.r.status, at), verify.NotValid, verify.TimestampForged, verify.NotValid},
		"of other algorithms":     {tokenOver(t, y.doc, plain(sample(t, "testdata/timestamp-abroad.der"))), verify.Valid, "", verify.CannotConfirm},
		"over something else":     {tokenOver(t, y.doc, plain(timeStamp(t, y.tsa[0], nil, at, [32]byte{1}))), verify.NotValid, verify.TimestampForged, verify.NotValid},
		"a stamp in its place":    {tokenOver(t, y.doc, func(sum [32]byte) []byte { return y.r.stamp(t, order, sum) }), verify.NotValid, verify.StampMalformed, verify.NotValid},
		"no token":                {tokenOver(t, y.doc, plain([]byte{0x30, 3, 2, 1, 0})), verify.NotValid, verify.StampMalformed, verify.NotValid},
		"a byte before it":        {replaced(over, []byte("/M (D:2026"), []byte("/M (D:2027")), verify.NotValid, verify.Altered, verify.NotValid},
		"its own bytes":           {replaced(over, []byte("/SubFilter /ETSI.RFC3161"), []byte("/SubFilter /ETSI.RFC3162")), verify.NotValid, verify.TimestampForged, verify.NotValid},
		"something behind it":     {append(bytes.Clone(over), '%'), verify.NotValid, verify.ContentAddedAfterSeal, verify.NotValid},
		"a time-stamp alone":      {increment(t, sample(t, pdfSamples+"/unsigned/minimal.pdf"), y.tsa[0], at), verify.None, verify.NotSealed, ""},
		"a time-stamp and a seal": {y.r.sealPDF(t, y.order, increment(t, sample(t, pdfSamples+"/unsigned/minimal.pdf"), y.tsa[0], noon)), verify.Valid, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			y.doc = c.doc
			y.at, y.listed = noon.Add(time.Hour), noon.Add(-time.Hour)
			r := judge(c.doc, nil, y.input())
			expect(t, r, c.verdict, c.code)
			if c.own != "" && (len(r.Stamps) != 2 || r.Stamps[1].Verdict != c.own) {
				t.Errorf("the time-stamp: %+v", r.Stamps)
			}
		})
	}
}

func replaced(doc, from, to []byte) []byte {
	return slices.Concat(doc[:bytes.LastIndex(doc, from)], to, doc[bytes.LastIndex(doc, from)+len(from):])
}
