package verify

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"yinxin/certs"
	"yinxin/seal/pdf"
	"yinxin/verify/status"
)

// This file is long-term evidence: what a document keeps of it, and the document
// time-stamps that prove since when (protocol.md 4, after ETSI EN 319 102-1 5.6).

// kept is a piece of evidence that the document itself holds.
type kept struct {
	item     Item
	revision int // whose bytes hold it
}

// readKept reads what the store of a PDF holds. Of our own statements those about
// seals are taken; a licence's state is of today alone.
func readKept(all []pdf.Evidence) (out []kept) {
	for _, e := range all {
		kinds := map[pdf.EvidenceKind][]Kind{
			pdf.EvidenceCertificate: {KindCertificate}, pdf.EvidenceCRL: {KindCRL}, pdf.EvidenceOCSP: {KindOCSP},
			pdf.EvidenceStatus: {KindSealStatus, KindSealList},
		}[e.Kind]
		for _, k := range kinds {
			if item := NewItem(k, e.Data); !item.reading().empty() {
				out = append(out, kept{item, e.Revision})
				break
			}
		}
	}
	return out
}

// keeping is what is known of a kept piece beside what it says.
type keeping struct {
	revision int
	proven   time.Time // it existed then, by a document time-stamp; zero if none tells
}

// lasts tells whether a kept piece still counts for what was so when it was made: it
// existed while its signer's certificate ran, or is within its own term. Whoever has
// the key of a certificate that ended could make such a piece today.
func (b *book) lasts(r *reading, signerEnd, until, at time.Time) bool {
	k, ok := b.kept[r.sum]
	switch {
	case !ok:
		return false
	case !k.proven.IsZero():
		return !k.proven.After(signerEnd)
	}
	return !at.After(until) && !at.After(signerEnd)
}

// existed is when a piece is proven to have existed, zero for not before now.
func (b *book) existed(r *reading) time.Time {
	if k, ok := b.kept[r.sum]; ok {
		return k.proven
	}
	return time.Time{}
}

// spoiled tells whether an end of a key spoils what it signed at a time: an end before
// that does, and a compromise does too unless what was signed is proven older.
func spoiled(since time.Time, compromise bool, signed, existed time.Time) bool {
	return !since.After(signed) || compromise && (existed.IsZero() || !since.After(existed))
}

// witness is a document time-stamp that counts, as proof for what it covers.
type witness struct {
	by     *trial
	at     time.Time
	region string
}

// older is the earliest moment at which a document time-stamp proves that this stamp
// existed, zero if none does.
func (t *trial) older() time.Time {
	var at time.Time
	for _, w := range t.witnesses {
		if at.IsZero() || w.at.Before(at) {
			at = w.at
		}
	}
	return at
}

// witnessedElsewhere tells whether a time-stamp of another region proves that the stamp
// is older than a distrust (protocol.md 3).
func (t *trial) witnessedElsewhere(region string, since time.Time) bool {
	return slices.ContainsFunc(t.witnesses, func(w witness) bool { return w.region != region && w.at.Before(since) })
}

// attest judges the document time-stamps, the last first: each proves the age of what
// it covers, and with it that the one before was made while its authority was good.
func attest(all []*trial, b *book) {
	var seals []string
	for _, t := range all {
		if t.mark.role == roleSeal && t.mark.plain == nil {
			t.brought.read(&t.mark)
			if s := t.brought.stamp; s != nil {
				seals = append(seals, s.Seal.ID)
			}
		}
	}
	for _, t := range slices.Backward(all) {
		if t.mark.role != roleTimestamp {
			continue
		}
		t.serves = seals
		t.openTimestamp()
		t.weighed = t.make((*trial).weigh)
		if t.weighed.result != Pass {
			continue
		}
		w := witness{t, t.proved, t.tsaFound.Region.Code}
		for _, earlier := range all {
			if earlier.mark.revision < t.mark.revision {
				earlier.witnesses = append(earlier.witnesses, w)
			}
		}
		b.prove(t.mark.revision, t.proved)
	}
}

// prove notes that all that stands up to a revision existed at a time.
func (b *book) prove(revision int, at time.Time) {
	for sum, k := range b.kept {
		if k.revision <= revision && (k.proven.IsZero() || at.Before(k.proven)) {
			b.kept[sum] = keeping{k.revision, at}
		}
	}
}

// openTimestamp reads a document time-stamp and finds its authority.
func (t *trial) openTimestamp() {
	if t.mark.partial || len(t.mark.problems) > 0 {
		t.tokenOutcome = notMade
		return
	}
	if t.w.spend(1) != nil {
		t.tokenOutcome = overWork
		return
	}
	token, err := t.brought.documentStamp(t.mark.der)
	if err != nil {
		t.tokenOutcome = t.strangeToken(err)
		return
	}
	sum, err := t.w.digest(t.mark.hashes, t.mark.digest)
	switch {
	case errors.Is(err, errWork):
		t.tokenOutcome = overWork
	case err != nil || !bytes.Equal(sum[:], token.Imprint):
		t.tokenOutcome = failed(TimestampForged, "it is over something else")
	default:
		t.tokenOutcome = t.trustToken(token)
	}
	t.claimed = t.proved
}

// strangeToken: a token of other algorithms proves nothing here and speaks against
// nothing. What is no CMS, or bears a wrong signature, is broken.
func (t *trial) strangeToken(err error) outcome {
	switch {
	case !looksCMS(t.mark.der):
		return failed(StampMalformed, "something else stands where a time-stamp is announced")
	case errors.Is(err, certs.ErrUnsupported), errors.Is(err, certs.ErrMalformed):
		return unknown(FormatForeign, err)
	}
	return failed(TimestampForged, err)
}

// weigh decides whether a document time-stamp counts: its authority is trusted, and
// stands today or stood when a later time-stamp was made. Of the last one no evidence
// can be in the document yet; where today's cannot be had either, the trust list in
// force is the word of today, as long as the certificate that it names runs.
func (t *trial) weigh() outcome {
	if t.tokenOutcome.result != Pass || !t.proven {
		return t.tokenOutcome
	}
	result := t.tokenOutcome
	t.stood = t.standings(t.tsaFound)
	for i, s := range t.stood {
		t.use(s)
		o := t.authorityStands(s)
		if o.code == StatusUnavailable || o.code == StatusStale {
			if i > 0 || t.listedToday() {
				o = noticed(StatusTodayUnknown, "the trust list names its authority")
			}
		}
		result = worstOutcome(result, o)
	}
	return result
}

// listedToday: the trust list names this very certificate, which has not ended, and
// nothing more is known of it.
func (t *trial) listedToday() bool {
	f := t.tsaFound
	_, distrusted := f.Service.DistrustedSince()
	return !distrusted && f.Service.Certificate.Equal(t.token.Signer) && !t.in.At.After(t.token.Signer.NotAfter)
}

// authorityStands judges one certificate behind a token. RFC 3161 4: tokens made before
// a revocation keep their word only if its reason excludes a compromise, or if they are
// proven to be older than it.
func (t *trial) authorityStands(s standing) outcome {
	result := passed
	switch {
	case s.revoked && spoiled(s.since, s.compromise, t.proved, t.older()):
		result = unknown(TimeNotProven, "the authority's certificate was revoked "+rfc3339(s.since))
	case s.revoked:
		result = noticed(TSARevokedAfter, "revoked "+rfc3339(s.since))
	}
	switch {
	case !s.now && t.outlived():
		result = worstOutcome(result, unknown(TimeNotProven, "the authority's certificate ended, and no later time-stamp proves that this one is older"))
	case !s.revoked && !s.atSealing:
		result = worstOutcome(result, s.missing())
	case !s.now:
		result = worstOutcome(result, s.today())
	}
	return result
}

// outlived: the authority's certificate has ended, and nothing proves that the token was
// made before.
func (t *trial) outlived() bool {
	end := t.token.Signer.NotAfter
	seen := t.older()
	return t.in.At.After(end) && (seen.IsZero() || seen.After(end))
}

// today tells of a certificate of which today nothing can be had, though what it was at
// sealing is proven.
func (s standing) today() outcome {
	if s.atSealing {
		return noticed(StatusTodayUnknown, "as of "+rfc3339(s.asOf))
	}
	return s.missing()
}

func (w sealWord) today() outcome {
	if w.atSealing {
		return noticed(StatusTodayUnknown, "as of "+rfc3339(w.asOf))
	}
	return missing(w.known, w.asOf)
}

// borrow proves the time of a stamp that has no token of its own (level B) by the
// earliest document time-stamp over it.
func (t *trial) borrow() bool {
	at := t.older()
	for _, w := range t.witnesses {
		if w.at.Equal(at) {
			t.token, t.tsaFound, t.proved, t.proven, t.lender = w.by.token, w.by.tsaFound, at, true, w.by
			return true
		}
	}
	return false
}

// timestampTable is what is checked of a document time-stamp.
var timestampTable = []checkRow{
	{"timestamp", true, func(t *trial) outcome { return t.tokenOutcome }},
	{"coverage", true, (*trial).coverage},
	{"laterChanges", true, (*trial).laterChanges},
	{"trustList", true, (*trial).trustList},
	{"tsaStatus", true, func(t *trial) outcome {
		if t.tokenOutcome.result != Pass {
			return notMade
		}
		return t.weighed
	}},
}

// Preserve gives the evidence that a document should keep to be judged by later: for
// each certificate behind it the newest answer about it, else list, with those who
// signed them, and what is said of its seals. What it keeps already that serves is not
// given again, so that fifty renewals do not make it grow beyond all limits.
func (e *Engine) Preserve(d *Document, in Input) []Item {
	p := preserving{have: map[[32]byte]bool{}}
	for _, t := range e.trials(d, in, map[StatusFreshness]bool{}) {
		for _, f := range []certs.Found{t.makerFound, t.signerFound, t.tsaFound} {
			p.chain(t, f)
		}
		if t.token != nil {
			p.certificates(t.token.Certificates...)
		}
		if t.stamp != nil && t.makerErr == nil && t.makerFound.Region != nil {
			p.seal(t)
		}
	}
	return p.items
}

// preserving gathers, each piece once.
type preserving struct {
	items []Item
	have  map[[32]byte]bool
}

func (p *preserving) add(kind Kind, raw []byte) {
	i := NewItem(kind, raw)
	if sum := i.read.sum; !p.have[sum] {
		p.have[sum] = true
		p.items = append(p.items, i)
	}
}

func (p *preserving) certificates(all ...*certs.Certificate) {
	for _, c := range all {
		p.add(KindCertificate, c.Raw)
	}
}

func (p *preserving) chain(t *trial, f certs.Found) {
	steps := t.ladder(f).steps
	p.certificates(steps...)
	known := t.stood // of a time-stamp without what it itself proves, which would go in a circle
	if known == nil {
		known = t.standings(f)
	}
	for i := 0; i+1 < len(steps); i++ {
		if !known[i].kept || known[i].revoked {
			p.status(t, steps[i], steps[i+1], f.Region)
		}
	}
}

func (p *preserving) status(t *trial, c, issuer *certs.Certificate, region *certs.Region) {
	var newest *certs.OCSPResponse
	for _, r := range t.book.answers {
		if _, found := r.ocsp.Find(c, issuer); found && (newest == nil || r.ocsp.ProducedAt.After(newest.ProducedAt)) && t.answers(r, issuer, region) {
			newest = r.ocsp
		}
	}
	if newest != nil {
		p.add(KindOCSP, newest.Raw)
		if by, err := newest.Responder(issuer); err == nil {
			p.certificates(by)
		}
		return
	}
	var list *certs.CRL
	for _, r := range t.book.crls {
		if r.crl.Issuer.Equal(issuer.Subject) && r.crl.Covers(c) && (list == nil || r.crl.ThisUpdate.After(list.ThisUpdate)) && r.crl.CheckSignatureFrom(issuer) == nil {
			list = r.crl
		}
	}
	if list != nil {
		p.add(KindCRL, list.Raw)
	}
}

// seal keeps the newest statement about a seal: the answer about it rather than the
// list of all.
func (p *preserving) seal(t *trial) {
	if w := t.sealWord(); w.kept && len(w.intervals) == 0 {
		return
	}
	name := t.sealName()
	var answer, list *reading
	for _, r := range t.book.statements {
		into := &list
		switch {
		case r.seal != nil && r.seal.Seal == name && r.seal.ID == t.stamp.Seal.ID && r.seal.State != status.SealUnknown:
			into = &answer
		case r.list == nil:
			continue
		}
		if (*into == nil || r.statement.IssuedAt.After((*into).statement.IssuedAt)) && t.speaks(r, t.makerFound.Region, t.stamp.Seal.ID) {
			*into = r
		}
	}
	r, kind := answer, KindSealStatus
	if r == nil {
		r, kind = list, KindSealList
	}
	if r == nil {
		return
	}
	p.add(kind, r.statement.Raw)
	if signer := t.speaker(r, t.makerFound.Region, t.stamp.Seal.ID); signer != nil {
		p.chain(t, certs.Found{Path: []*certs.Certificate{signer}, Region: t.makerFound.Region})
	}
}
