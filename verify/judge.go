package verify

import (
	"cmp"
	"slices"
)

// Judge gives the report, with an Engine of its own.
func (d *Document) Judge(in Input) Report { return new(Engine).Judge(d, in) }

// Judge gives the report on a document. It depends on d and in alone.
func (e *Engine) Judge(d *Document, in Input) Report {
	r := Report{
		Format: d.format, Digest: Digest{"SM3", d.digest}, Reasons: []Reason{}, Stamps: []StampReport{},
		Freshness: freshnessOf(in),
	}
	now := in.Now
	if now.IsZero() {
		now = in.At
	}
	r.CheckedAt = rfc3339(now)
	if d.none != "" {
		r.Verdict = None
		r.addReasons([]Code{d.none})
		return r
	}
	used := map[StatusFreshness]bool{}
	trials := e.trials(d, in, used)
	// The last stamp first: an earlier one is good only if what followed it is.
	var codes []Code
	verdicts := make([]Verdict, 0, len(trials)+1)
	r.Stamps = make([]StampReport, len(trials))
	laterBad := false
	for n := len(trials) - 1; n >= 0; n-- {
		trials[n].laterBad = laterBad
		var found []Code
		var counts Verdict
		r.Stamps[n], counts, found = trials[n].judgeRole(n, trials[n].distinctSeals > 0)
		codes = append(codes, found...)
		verdicts = append(verdicts, counts)
		laterBad = laterBad || r.Stamps[n].Verdict == NotValid
	}
	refused := trials[0].w.refused
	licence, found := d.judgeLicence(trials, in, used)
	if trials[0].w.refused > refused {
		found = append(found, WorkLimit)
	}
	r.Licence = licence
	for _, c := range found {
		row, _ := lookup(c)
		codes, verdicts = append(codes, c), append(verdicts, row.verdict)
	}
	r.Verdict = Worst(verdicts...)
	r.Indication = r.Verdict.Indication()
	r.addReasons(sortCodes(codes))
	for s := range used {
		r.Freshness.Status = append(r.Freshness.Status, s)
	}
	slices.SortFunc(r.Freshness.Status, compareFreshness)
	return r
}

func compareFreshness(a, b StatusFreshness) int {
	staleLast := 0
	switch {
	case a.Stale && !b.Stale:
		staleLast = 1
	case b.Stale && !a.Stale:
		staleLast = -1
	}
	return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.AsOf, b.AsOf), staleLast)
}

func (r *Report) addReasons(codes []Code) {
	for _, c := range codes {
		reason, _ := Explain(c)
		r.Reasons = append(r.Reasons, reason)
	}
}

// trials reads every stamp and counts the different seals.
func (e *Engine) trials(d *Document, in Input, used map[StatusFreshness]bool) []*trial {
	w := newWork(e)
	b := newBook(in.Evidence, d.kept, in.At)
	if b.over {
		w.left = 0
	}
	var all []*trial
	seals := map[string]bool{}
	for i, m := range d.marks {
		t := &trial{in: in, w: w, book: b, doc: d, mark: m, brought: &d.brought[i], used: used}
		all = append(all, t)
	}
	attest(all, b)
	for _, t := range all {
		if t.mark.role == roleTimestamp {
			continue
		}
		t.open()
		t.afterSeal = len(seals) > 0
		if t.stamp != nil {
			seals[t.stamp.Seal.ID] = true
		}
	}
	for _, t := range all {
		t.distinctSeals = len(seals)
	}
	return all
}

func freshnessOf(in Input) Freshness {
	f := Freshness{Status: []StatusFreshness{}}
	f.Trust.Regions = map[string]uint64{}
	if in.Unremembered {
		f.Trust.Memory = "none"
	}
	if in.Trust == nil {
		return f
	}
	if f.Trust.Anchor == "" {
		f.Trust.Anchor = in.Trust.Anchor
	}
	f.Trust.Scheme = in.Trust.SchemeSequence
	for code, r := range in.Trust.Regions {
		f.Trust.Regions[code] = r.Sequence
	}
	return f
}
