package verify

import (
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"yinxin/certs"
)

// judgement is one run of the engine over one document.
type judgement struct {
	d    *Document
	in   Input
	work *work
	ev   gathered
	used []StatusFreshness
}

// Judge gives the report. The same document, trust, evidence and time give the
// same report byte for byte, CheckedAt aside.
func (d *Document) Judge(in Input) Report { return new(Engine).Judge(d, in) }

// Judge is Document.Judge with a memory of good signatures.
func (e *Engine) Judge(d *Document, in Input) Report {
	in.At = in.At.UTC()
	if in.Now.IsZero() {
		in.Now = in.At
	}
	j := &judgement{d: d, in: in, work: newWork(e)}
	r := Report{Format: d.format, Digest: Digest{"SM3", d.digest}, CheckedAt: rfc3339(in.Now), Reasons: []Reason{}, Stamps: []StampReport{}}
	r.Freshness = Freshness{Trust: j.trustFreshness(), Status: []StatusFreshness{}}
	if d.none != "" {
		r.Verdict = None
		r.Reasons = explain([]Code{d.none})
		return r
	}
	j.gather()
	stamps := make([]*stampCase, len(d.marks))
	for i := range d.marks {
		stamps[i] = j.stamp(i)
	}
	j.together(stamps)
	var codes []Code
	var verdicts []Verdict
	for _, s := range stamps {
		r.Stamps = append(r.Stamps, s.finish())
		verdicts = append(verdicts, s.report.Verdict)
		codes = append(codes, s.codes...)
	}
	r.Verdict = Worst(verdicts...)
	r.Indication = r.Verdict.Indication()
	r.Reasons = explain(codes)
	r.Freshness.Status = append(r.Freshness.Status, j.used...)
	return r
}

// explain gives each code once, worst first, then in the order of the table.
func explain(codes []Code) []Reason {
	codes = slices.Clone(codes)
	slices.SortFunc(codes, func(a, b Code) int {
		_, x := lookup(a)
		_, y := lookup(b)
		return x - y
	})
	out := []Reason{}
	for _, c := range slices.Compact(codes) {
		if r, ok := Explain(c); ok {
			out = append(out, r)
		}
	}
	return out
}

func regionCodes(t *certs.Trust) []string {
	var out []string
	for code := range t.Regions {
		out = append(out, code)
	}
	slices.Sort(out)
	return out
}

func (j *judgement) trustFreshness() TrustFreshness {
	f := TrustFreshness{Regions: map[string]uint64{}}
	if j.in.Unremembered {
		f.Memory = "none"
	}
	if t := j.in.Trust; t != nil {
		f.Anchor, f.Scheme = t.Anchor, t.SchemeSequence
		for code, r := range t.Regions {
			f.Regions[code] = r.Sequence
		}
	}
	return f
}

// saw notes evidence that was used, once.
func (j *judgement) saw(k knowledge) {
	f := StatusFreshness{Source: k.source, AsOf: rfc3339(k.asOf), Stale: !k.now}
	if k.any && !slices.Contains(j.used, f) {
		j.used = append(j.used, f)
	}
}

// together makes the checks that concern the stamps of a document as a whole:
// what followed a stamp must itself be a good stamp, and as many stamps must be
// there as one of them promises.
func (j *judgement) together(stamps []*stampCase) {
	good := 0
	for _, s := range stamps {
		if v := s.verdict(); s.mark.role == "seal" && (v == Valid || v == ValidWithNotice) {
			good++
		}
	}
	// Judged before any is changed by what follows it.
	bad := make([]bool, len(stamps))
	for i, s := range stamps {
		bad[i] = s.verdict() == NotValid
	}
	for i, s := range stamps {
		later := slices.Contains(bad[i+1:], true)
		switch {
		case s.mark.added || later:
			s.fail("laterChanges", ContentAddedAfterSeal, "")
			s.report.CoversWholeDocument = false
		default:
			s.pass("laterChanges")
		}
		n, ok := 0, false
		if s.stamp != nil {
			n, ok = s.stamp.ExpectedSeals()
		}
		switch {
		case !ok:
			s.skip("expectedSeals")
		case good < n:
			s.fail("expectedSeals", SealsMissing, fmt.Sprintf("%d of %d", good, n))
		default:
			s.pass("expectedSeals")
		}
	}
}

// wantCRLs asks for the lists of a certificate and of those above it, as far
// as a trusted authority signed them: an address that anyone could write into
// a file of their own must not be visited.
func (j *judgement) wantCRLs(c *certs.Certificate, add func(Want)) {
	for depth := 0; c != nil && depth < 8; depth++ {
		issuer := j.issuerOf(c)
		if issuer == nil || issuer.Equal(c) || c.CheckSignatureFrom(issuer) != nil {
			return
		}
		for _, url := range c.CRLURLs {
			add(Want{Kind: KindCRL, URL: url})
		}
		c = issuer
	}
}

// Wants tells which evidence would help to judge the document now: a CRL for
// each certificate, and the status of each seal.
func (d *Document) Wants(in Input) []Want {
	j := &judgement{d: d, in: in, work: newWork(new(Engine))}
	var out []Want
	add := func(w Want) {
		if !slices.Contains(out, w) {
			out = append(out, w)
		}
	}
	for i := range d.marks {
		s := &stampCase{j: j, mark: &d.marks[i]}
		if !s.parse() {
			continue
		}
		at := s.stamp.TimeInfo
		seen := []*certs.Certificate{s.maker, s.signer}
		if s.token != nil {
			seen = append(seen, s.token.Signer)
		}
		for _, c := range seen {
			j.wantCRLs(c, add)
		}
		if in.Trust == nil || s.signer == nil {
			continue
		}
		found, err := in.Trust.Find(s.signer, certs.ServiceAgencyCA, nil, 0, at)
		if err != nil {
			continue
		}
		sum := s.stamp.Seal.SM3()
		name := hex.EncodeToString(sum[:])
		add(Want{Kind: KindSealStatus, Region: found.Region.Code, Key: s.stamp.Seal.ID, Seal: name, At: at.UTC().Truncate(time.Second),
			URL: fmt.Sprintf("%s/api/v1/seals/%s/status?seal=%s", found.Region.URL, s.stamp.Seal.ID, name)})
	}
	return out
}
