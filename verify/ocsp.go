package verify

import (
	"time"

	"yinxin/certs"
)

// hearOCSP adds what OCSP answers tell of a certificate. What an authority's
// responder said after the authority's own end counts for nothing.
func (t *trial) hearOCSP(s *standing, c, issuer *certs.Certificate, issuerEnd time.Time, region *certs.Region) {
	_, p := t.ends()
	for _, r := range t.book.answers {
		made := r.ocsp.ProducedAt
		answer, found := r.ocsp.Find(c, issuer)
		if !found || !issuerEnd.IsZero() && !made.Before(issuerEnd) || !t.answers(r, issuer, region) {
			continue
		}
		lasts := t.book.lasts(r, t.answerer(r, issuer, region).NotAfter, answer.NextUpdate, t.in.At)
		s.hearAnswer(answer, c, p, t.in.At, !made.Before(issuer.NotBefore) && !made.After(issuer.NotAfter), lasts)
	}
}

// hearAnswer adds what one answer tells; within and lasts mean the same as for a list.
func (s *standing) hearAnswer(a certs.OCSPAnswer, c *certs.Certificate, p, at time.Time, within, lasts bool) {
	// Of an ended certificate a responder may have forgotten what it knew, unless it
	// says from when on it has not (RFC 6960 4.4.4).
	forgotten := a.ThisUpdate.After(c.NotAfter) && (a.ArchiveCutoff.IsZero() || a.ArchiveCutoff.After(c.NotAfter))
	switch {
	case a.Status == certs.OCSPRevoked:
		s.end(a.Revoked)
	case !within || forgotten:
		return
	case a.Status != certs.OCSPGood:
		s.strange = true
		return
	}
	// Without nextUpdate newer knowledge can be had at any time (RFC 6960 4.2.2.1),
	// and the age alone counts.
	fresh := within && at.Sub(a.ThisUpdate) <= MaxAge && (a.NextUpdate.IsZero() || !at.After(a.NextUpdate))
	s.date(&s.ocsp, a.ThisUpdate, fresh, within && lasts, p)
}

// answers tells whether a response is by the issuer itself, or by a responder of its
// that stands.
func (t *trial) answers(r *reading, issuer *certs.Certificate, region *certs.Region) bool {
	by := t.answerer(r, issuer, region)
	return by != nil && (by.Equal(issuer) || t.stands(by, issuer, region, r))
}

// answerer is who signed a response: the issuer itself, or a responder that it
// certified and that its region's list names for this; nil if neither did. It is found
// once in a judgement, however many stamps and checks the response bears on.
func (t *trial) answerer(r *reading, issuer *certs.Certificate, region *certs.Region) *certs.Certificate {
	k := answererKey{response: r.sum, issuer: issuer.SM3()}
	if region != nil {
		k.region = region.Code
	}
	if by, known := t.w.answerers[k]; known {
		return by
	}
	refused := t.w.refused
	by := t.findAnswerer(r, issuer, region)
	if t.w.refused == refused {
		t.w.answerers[k] = by
	}
	return by
}

func (t *trial) findAnswerer(r *reading, issuer *certs.Certificate, region *certs.Region) *certs.Certificate {
	by, err := r.ocsp.Responder(issuer)
	if err != nil || !by.Equal(issuer) && !t.delegated(by, issuer, region, r.ocsp.ProducedAt) {
		return nil
	}
	sum := by.SM3()
	if t.w.check(keyOf("ocsp", r.sum[:], sum[:]), func() error { return r.ocsp.Verify(by) }) != nil {
		return nil
	}
	return by
}

// delegated asks of a responder what RFC 6960 4.2.2.2 does and, beyond it, that the
// trust list knows it as one, or the authority above it for its responders.
func (t *trial) delegated(by, issuer *certs.Certificate, region *certs.Region, made time.Time) bool {
	if region == nil || !t.issued(by, issuer) {
		return false
	}
	found, err := t.find(by, certs.ServiceOCSP, []*certs.Certificate{issuer}, made)
	if err != nil || found.Region.Code != region.Code {
		return false
	}
	since, bad := found.Service.DistrustedSince()
	return !bad || since.After(t.in.At)
}

// stands asks whether a responder had been revoked when it answered. What any
// answerer of the issuer's tells of a revocation counts, and whether that one stands
// is not asked: it would go in circles. That it was not revoked only lists tell.
func (t *trial) stands(by, issuer *certs.Certificate, region *certs.Region, answer *reading) bool {
	s := t.inLists(by, issuer, time.Time{})
	for _, r := range t.book.answers {
		if a, found := r.ocsp.Find(by, issuer); found && a.Status == certs.OCSPRevoked && t.answerer(r, issuer, region) != nil {
			s.end(a.Revoked)
		}
	}
	if s.revoked && spoiled(s.since, s.compromise, answer.ocsp.ProducedAt, t.book.existed(answer)) {
		return false
	}
	return s.now || by.OCSPNoCheck()
}
