package verify

import (
	"encoding/hex"
	"time"

	"yinxin/certs"
	"yinxin/verify/status"
)

// worstOutcome keeps the outcome that weighs most, the first of equals.
func worstOutcome(a, b outcome) outcome {
	weight := func(o outcome) int {
		w := o.verdict().rank() * 2
		if o.result != Pass {
			w++
		}
		return w
	}
	if weight(b) > weight(a) {
		return b
	}
	return a
}

// missing tells of a certificate of which nobody speaks, or too early or long ago.
func (s standing) missing() outcome {
	if s.strange {
		return unknown(StatusUnavailable, "its authority does not know it")
	}
	return missing(s.known, s.asOf)
}

// missing tells likewise of anything.
func missing(known bool, asOf time.Time) outcome {
	if !known {
		return unknown(StatusUnavailable, "")
	}
	return unknown(StatusStale, "as of "+rfc3339(asOf))
}

// certStatusAtSealing: no certificate between signer and root had been revoked by
// P (protocol.md 4): R <= C is bad, C < R <= P cannot be told.
func (t *trial) certStatusAtSealing() outcome {
	if t.stamp == nil || t.signer == nil || t.signerErr != nil {
		return notMade
	}
	c, p := t.ends()
	result := t.ifProven()
	for _, s := range t.standings(t.signerFound) {
		t.use(s)
		switch {
		case s.revoked && !s.since.After(c):
			result = worstOutcome(result, failed(CertificateRevokedBefore, "revoked "+rfc3339(s.since)))
		case s.revoked && t.proven && !s.since.After(p):
			result = worstOutcome(result, unknown(RevokedDuringSealing, "revoked "+rfc3339(s.since)))
		case !s.revoked && !s.atSealing:
			result = worstOutcome(result, s.missing())
		}
	}
	return result
}

// certStatusNow: what is known today of the same certificates.
func (t *trial) certStatusNow() outcome {
	if t.stamp == nil || t.signer == nil || t.signerErr != nil {
		return notMade
	}
	_, p := t.ends()
	result := passed
	for _, s := range t.standings(t.signerFound) {
		switch {
		case s.revoked && t.proven && s.since.After(p):
			result = worstOutcome(result, noticed(CertificateRevokedAfter, "revoked "+rfc3339(s.since)))
		case s.revoked:
			// certStatusAtSealing gave the reason.
			result = worstOutcome(result, outcome{result: Unknown, detail: "revoked " + rfc3339(s.since)})
		}
		if !s.now {
			result = worstOutcome(result, s.today())
		}
	}
	return result
}

// makerStatus: the certificates behind the seal's maker. When the seal was made is
// its maker's word, so after a compromise only P proves that the seal is older.
func (t *trial) makerStatus() outcome {
	if t.stamp == nil || t.maker == nil || t.makerErr != nil {
		return notMade
	}
	_, p := t.ends()
	made := t.stamp.Seal.Created
	result := t.ifProven()
	for _, s := range t.standings(t.makerFound) {
		t.use(s)
		switch {
		case s.revoked && !s.since.After(made):
			result = worstOutcome(result, failed(SealMakerNotValid, "revoked "+rfc3339(s.since)))
		case s.revoked && s.compromise && !s.since.After(p):
			result = worstOutcome(result, unknown(RevokedDuringSealing, "the maker's certificate was revoked "+rfc3339(s.since)))
		case s.revoked:
			result = worstOutcome(result, noticed(SealMakerRevokedAfter, "revoked "+rfc3339(s.since)))
		}
		switch {
		case !s.revoked && !s.atSealing:
			result = worstOutcome(result, s.missing())
		case !s.now:
			result = worstOutcome(result, s.today())
		}
	}
	return result
}

// tsaStatus: whether the authority behind the token stands, or stood when a document
// time-stamp proved the token.
func (t *trial) tsaStatus() outcome {
	if t.stamp == nil || !t.proven {
		return notMade
	}
	if t.lender != nil {
		return t.lender.weighed
	}
	result := passed
	for _, s := range t.standings(t.tsaFound) {
		t.use(s)
		result = worstOutcome(result, t.authorityStands(s))
	}
	return result
}

// use notes what the verdict stands on, for the report's freshness.
func (t *trial) use(s standing) {
	for source, of := range map[Kind]spoken{KindCRL: s.crl, KindOCSP: s.ocsp} {
		if !of.asOf.IsZero() {
			t.used[StatusFreshness{Source: string(source), AsOf: rfc3339(of.asOf), Stale: !of.fresh}] = true
		}
	}
}

// sealWord is what the region's register says of this very seal.
type sealWord struct {
	known, foreign bool // foreign: the register has no such seal
	atSealing, now bool
	kept           bool // the document holds what tells of sealing
	asOf           time.Time
	intervals      []status.Interval
}

// sealWord gathers every statement about the SM3 of this seal by the status
// signer of its region.
func (t *trial) sealWord() sealWord {
	var w sealWord
	var all []told
	name := t.sealName()
	for _, r := range t.book.statements {
		var asOf time.Time
		var intervals []status.Interval
		foreign := false
		switch {
		case r.seal != nil && r.seal.Seal == name && r.seal.ID == t.stamp.Seal.ID:
			asOf, intervals, foreign = r.seal.AsOf, r.seal.Intervals, r.seal.State == status.SealUnknown
		case r.list != nil:
			asOf, intervals = r.list.AsOf, r.listed[name]
		default:
			continue
		}
		signer := t.speaker(r, t.makerFound.Region, t.stamp.Seal.ID)
		if signer == nil {
			continue
		}
		_, p := t.ends()
		fresh := !t.in.At.After(r.statement.Expires) && t.in.At.Sub(asOf) <= MaxAge
		w.known = true
		w.foreign = w.foreign || foreign
		w.now = w.now || fresh
		lasts := t.book.lasts(r, signer.NotAfter, r.statement.Expires, t.in.At)
		w.atSealing = w.atSealing || (fresh || lasts) && madeAfter(asOf, p)
		w.kept = w.kept || lasts && madeAfter(asOf, p)
		if asOf.After(w.asOf) {
			w.asOf = asOf
		}
		for _, i := range intervals {
			all = append(all, told{i, asOf})
		}
		t.used[StatusFreshness{Source: r.statement.Type, AsOf: rfc3339(asOf), Stale: !fresh}] = true
	}
	w.intervals = together(all)
	return w
}

// told is an interval as it was known at a time.
type told struct {
	status.Interval
	asOf time.Time
}

// together gives the intervals of all statements: none is ever forgotten, not even
// one that a newer statement leaves out. Only a freeze that lasted when it was told
// of, and has an end in a newer statement, ended there.
func together(all []told) []status.Interval {
	ended := map[int64]time.Time{} // by the freeze's beginning: the newest word of its end
	for _, i := range all {
		if from := i.From.UnixNano(); i.State == status.SealFrozen && !i.To.IsZero() && i.asOf.After(ended[from]) {
			ended[from] = i.asOf
		}
	}
	var out []status.Interval
	for _, i := range all {
		if i.State != status.SealFrozen || !i.To.IsZero() || !ended[i.From.UnixNano()].After(i.asOf) {
			out = append(out, i.Interval)
		}
	}
	return out
}

// sealName is what statements call this very seal.
func (t *trial) sealName() string {
	sum := t.stamp.Seal.SM3()
	return hex.EncodeToString(sum[:])
}

func (t *trial) speaks(r *reading, region *certs.Region, code string) bool {
	return t.speaker(r, region, code) != nil
}

// speaker is who made a statement, if that is a status signer of that region that may
// speak for a seal's or region's code, and was not revoked when it spoke; else nil.
func (t *trial) speaker(r *reading, region *certs.Region, code string) *certs.Certificate {
	if region == nil || r.statement.Issuer != region.Code {
		return nil
	}
	if t.w.check(keyOf("said", r.sum[:]), func() error { return nil }) != nil {
		return nil
	}
	signer, err := t.w.engine.statementBy(t.in.Trust, r)
	if err != nil {
		return nil
	}
	for i := range region.Services {
		s := &region.Services[i]
		if s.Type != certs.ServiceStatusSigner || !s.Certificate.Equal(signer) || !s.SpeaksFor(region.Code, code) {
			continue
		}
		ends := t.standings(certs.Found{Path: []*certs.Certificate{signer}, Region: region, Service: s})
		for _, e := range ends {
			if e.strange || e.revoked && spoiled(e.since, e.compromise, r.statement.IssuedAt, t.book.existed(r)) {
				return nil
			}
		}
		return signer
	}
	return nil
}

func (t *trial) sealStatusAtSealing() outcome {
	if t.stamp == nil || t.maker == nil || t.makerErr != nil {
		return notMade
	}
	c, p := t.ends()
	w := t.sealWord()
	result := t.ifProven()
	for _, i := range w.intervals {
		if !i.To.IsZero() && !i.To.After(c) || i.From.After(p) {
			continue
		}
		code := SealCancelledBeforeSealing
		if i.State == status.SealFrozen {
			code = SealFrozenAtSealing
		}
		if i.From.After(c) {
			result = worstOutcome(result, unknown(RevokedDuringSealing, string(i.State)+" since "+rfc3339(i.From)))
		} else {
			result = worstOutcome(result, failed(code, string(i.State)+" since "+rfc3339(i.From)))
		}
	}
	switch {
	case w.foreign:
		result = worstOutcome(result, unknown(SealStatusUnknownToList, ""))
	case !w.atSealing:
		result = worstOutcome(result, missing(w.known, w.asOf))
	}
	return result
}

func (t *trial) sealStatusNow() outcome {
	if t.stamp == nil || t.maker == nil || t.makerErr != nil {
		return notMade
	}
	_, p := t.ends()
	w := t.sealWord()
	result := passed
	for _, i := range w.intervals {
		over := !i.To.IsZero() && !i.To.After(t.in.At)
		if over || !i.From.After(p) || !t.proven {
			continue
		}
		code := SealCancelledAfter
		if i.State == status.SealFrozen {
			code = SealFrozenAfter
		}
		result = worstOutcome(result, noticed(code, string(i.State)+" since "+rfc3339(i.From)))
	}
	switch {
	case w.foreign:
		result = worstOutcome(result, unknown(SealStatusUnknownToList, ""))
	case !w.now:
		result = worstOutcome(result, w.today())
	}
	return result
}
