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
		s.hearAnswer(answer, c, p, t.in.At, !made.Before(issuer.NotBefore) && !made.After(issuer.NotAfter))
	}
}

// hearAnswer adds what one answer tells; within means the same as for a list.
func (s *standing) hearAnswer(a certs.OCSPAnswer, c *certs.Certificate, p, at time.Time, within bool) {
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
	s.date(&s.ocsp, a.ThisUpdate, fresh, p)
}

// answers tells whether a response is by the issuer itself, or by a responder that
// it certified and that its region's list names for this.
func (t *trial) answers(r *reading, issuer *certs.Certificate, region *certs.Region) bool {
	by, err := r.ocsp.Responder(issuer)
	if err != nil || !by.Equal(issuer) && !t.delegated(by, issuer, region, r.ocsp.ProducedAt) {
		return false
	}
	sum := by.SM3()
	return t.w.check(keyOf("ocsp", r.sum[:], sum[:]), func() error { return r.ocsp.Verify(by) }) == nil
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
	if since, bad := found.Service.DistrustedSince(); bad && !since.After(t.in.At) {
		return false
	}
	// Lists alone are asked: an answer about the one who answers would go in circles.
	s := t.inLists(by, issuer, time.Time{})
	if s.revoked && (s.compromise || !s.since.After(made)) {
		return false
	}
	return s.now || by.OCSPNoCheck()
}
