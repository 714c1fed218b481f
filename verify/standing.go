package verify

import (
	"slices"
	"time"

	"yinxin/certs"
)

// standing is what CRLs and OCSP answers tell of one certificate.
type standing struct {
	known      bool // one by its issuer speaks of it
	atSealing  bool // one was made at or after P, and is fresh or kept in the document
	kept       bool // the document holds such a one
	now        bool // one is fresh
	revoked    bool
	since      time.Time // R: when it was revoked; of a compromise, since when
	compromise bool      // or a reason that may be one
	// strange: a responder of its issuer does not know it, so that nobody's word
	// makes it good.
	strange   bool
	asOf      time.Time
	crl, ocsp spoken
}

// spoken is how new the word of one kind of evidence is.
type spoken struct {
	asOf  time.Time
	fresh bool
}

// ladder is a chain from a leaf up to a root, as far as certificates are at hand.
// Above the trusted service's certificate the steps only serve to find who speaks
// of revocation: that an issuer is the right one its signature shows.
type ladder struct {
	steps    []*certs.Certificate
	complete bool // it ends in a root, which nobody's CRL speaks of
}

// maxLadder bounds how many issuers are looked for above a leaf.
const maxLadder = 8

func (t *trial) ladder(f certs.Found) ladder {
	l := ladder{steps: slices.Clone(f.Path)}
	if len(l.steps) == 0 {
		return l
	}
	for len(l.steps) < maxLadder {
		last := l.steps[len(l.steps)-1]
		if t.issued(last, last) {
			l.complete = true
			return l
		}
		issuer := t.issuerOf(last, f)
		if issuer == nil {
			return l
		}
		l.steps = append(l.steps, issuer)
	}
	return l
}

// issuerOf looks among the region's services, the token's certificates and the
// evidence for the authority whose signature a certificate bears.
func (t *trial) issuerOf(c *certs.Certificate, f certs.Found) *certs.Certificate {
	var candidates []*certs.Certificate
	if f.Region != nil {
		for i := range f.Region.Services {
			candidates = append(candidates, f.Region.Services[i].Certificate)
		}
	}
	if t.token != nil {
		candidates = append(candidates, t.token.Certificates...)
	}
	candidates = append(candidates, t.book.certs...)
	for _, issuer := range candidates {
		if !issuer.Equal(c) && t.issued(c, issuer) {
			return issuer
		}
	}
	return nil
}

// issued tells whether an authority's signature is on a certificate; one that
// issued itself is a root.
func (t *trial) issued(c, issuer *certs.Certificate) bool {
	if !issuer.IsCA && !issuer.Equal(c) || !c.Issuer.Equal(issuer.Subject) {
		return false
	}
	a, b := c.SM3(), issuer.SM3()
	return t.w.check(keyOf("issued", a[:], b[:]), func() error { return c.CheckSignatureFrom(issuer) }) == nil
}

// standings tells of each step below the root, from the top down: what an
// authority signed after its own end counts for nothing. Where no root was
// reached, nobody speaks of the topmost certificate.
func (t *trial) standings(f certs.Found) []standing {
	l := t.ladder(f)
	n := len(l.steps)
	if l.complete {
		n--
	}
	out := make([]standing, n)
	var issuerEnd time.Time
	for i := n - 1; i >= 0; i-- {
		if i+1 < len(l.steps) {
			out[i] = t.standing(l.steps[i], l.steps[i+1], issuerEnd, f.Region)
		}
		issuerEnd = time.Time{}
		if out[i].revoked {
			issuerEnd = out[i].since
		}
	}
	return out
}

// standing hears lists and answers: what any of them tells of a revocation counts,
// and the newest of them counts for how old the knowledge is.
func (t *trial) standing(c, issuer *certs.Certificate, issuerEnd time.Time, region *certs.Region) standing {
	s := t.inLists(c, issuer, issuerEnd)
	t.hearOCSP(&s, c, issuer, issuerEnd, region)
	if s.strange {
		s.now, s.atSealing = false, false
	}
	return s
}

// inLists is what CRLs tell.
func (t *trial) inLists(c, issuer *certs.Certificate, issuerEnd time.Time) standing {
	var s standing
	var lists []*certs.CRL
	var lasts []bool
	for _, r := range t.book.crls {
		crl := r.crl
		// A shard or a list for some certificates is not asked about others.
		if !crl.Issuer.Equal(issuer.Subject) || crl.Scope(c) == 0 || !issuerEnd.IsZero() && !crl.ThisUpdate.Before(issuerEnd) {
			continue
		}
		sum := issuer.SM3()
		if t.w.check(keyOf("crl", r.sum[:], sum[:]), func() error { return crl.CheckSignatureFrom(issuer) }) == nil {
			lists = append(lists, crl)
			lasts = append(lasts, t.book.lasts(r, issuer.NotAfter, crl.NextUpdate, t.in.At))
		}
	}
	_, p := t.ends()
	for i, crl := range lists {
		w := wordOf(crl, c)
		// A delta's silence counts only over a list that it builds on.
		w.covers = w.covers || slices.ContainsFunc(lists, func(base *certs.CRL) bool { return crl.Extends(base) && base.Covers(c) })
		w.lasts = lasts[i]
		w.within = !crl.ThisUpdate.Before(issuer.NotBefore) && !crl.ThisUpdate.After(issuer.NotAfter)
		s.hear(w, c, p, t.in.At)
	}
	return s
}

// word is what one list tells of a certificate.
type word struct {
	entry       certs.Revoked
	listed      bool
	covers      bool // that it leaves the certificate out tells something
	made, until time.Time
	// within tells that the list was made in its issuer's time. It bears on what
	// the list leaves out, not on what it tells: above a trusted service an
	// issuer's certificate is known by its key alone, and whoever wrote the rest of
	// it must not be able to silence a list that the key signed.
	within bool
	lasts  bool // what it told then counts still (book.lasts)
}

func wordOf(crl *certs.CRL, c *certs.Certificate) word {
	w := word{covers: crl.Covers(c), made: crl.ThisUpdate, until: crl.NextUpdate}
	w.entry, w.listed = crl.FindCertificate(c)
	w.listed = w.listed && w.entry.Reason != certs.ReasonRemoveFromCRL
	return w
}

// hear adds what one list tells. A revocation that any of them tells stays, for a
// certificate never comes back (protocol.md 4): a later list without it would be
// an authority restored from an old backup.
func (s *standing) hear(w word, c *certs.Certificate, p, at time.Time) {
	if w.listed {
		s.end(w.entry)
	} else if !w.within || !w.covers || w.made.After(c.NotAfter) {
		// An expired certificate may be dropped from the list (RFC 5280 3.3):
		// its absence says nothing.
		return
	}
	s.date(&s.crl, w.made, w.within && !at.After(w.until) && at.Sub(w.made) <= MaxAge, w.within && w.lasts, p)
}

// end adds a revocation: the earliest that is told counts.
func (s *standing) end(r certs.Revoked) {
	since, compromise := ended(r)
	if !s.revoked || since.Before(s.since) {
		s.since = since
	}
	s.revoked, s.compromise = true, s.compromise || compromise
}

// date notes when what was heard was known. What lasts, though it is not fresh, tells
// what was so at sealing if it was made at or after that (protocol.md 4).
func (s *standing) date(of *spoken, asOf time.Time, fresh, lasts bool, p time.Time) {
	s.known = true
	if asOf.After(s.asOf) {
		s.asOf = asOf
	}
	if asOf.After(of.asOf) {
		of.asOf = asOf
	}
	if fresh {
		s.now, of.fresh = true, true
	}
	if (fresh || lasts) && madeAfter(asOf, p) {
		s.atSealing, s.kept = true, s.kept || lasts
	}
}

// madeAfter tells whether evidence was made at or after a moment. The times in
// CRLs and OCSP answers are whole seconds (RFC 5280 5.1.2.4, RFC 6960 4.2.2.1), so
// within one the order is not to be known and the same second counts as after.
func madeAfter(made, moment time.Time) bool {
	return !made.Before(moment.Truncate(time.Second))
}

// ended gives R of an entry: where the reason is a compromise, or one that may be
// (RFC 5280 5.3.1 has none be told rather than "unspecified"), its invalidity date
// (protocol.md 4).
func ended(r certs.Revoked) (since time.Time, compromise bool) {
	switch r.Reason {
	case certs.ReasonAffiliationChanged, certs.ReasonSuperseded, certs.ReasonCessationOfOperation:
		return r.At, false
	}
	if !r.InvalidityDate.IsZero() && r.InvalidityDate.Before(r.At) {
		return r.InvalidityDate, true
	}
	return r.At, true
}
