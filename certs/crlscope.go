package certs

import "bytes"

// Covers tells whether the list speaks of a certificate whole: if it leaves it
// out, the certificate was not revoked when the list was made. A shard covers
// the certificates that name it, a delta none, nor does a list for some
// reasons. Who signed the list is not asked here.
func (c *CRL) Covers(cert *Certificate) bool {
	return c.BaseNumber == nil && c.Scope(cert) == AllReasons
}

// Scope gives the reasons for which the list speaks of a certificate, 0 if it
// does not: RFC 5280 6.3.3 (b) and (d), over every distribution point of the
// certificate. Of a delta it is the scope of the lists that it adds to.
func (c *CRL) Scope(cert *Certificate) ReasonFlags {
	var reasons ReasonFlags
	for _, p := range cert.points() {
		reasons |= c.scopeAt(cert, p)
	}
	return reasons
}

// points are the certificate's distribution points and, last, the one that
// RFC 5280 6.3.3 supposes beside them: whatever its own issuer publishes.
func (c *Certificate) points() []DistributionPoint {
	own := DistributionPoint{FullName: []GeneralName{{Form: FormDirectory, Value: c.RawIssuer, Directory: c.Issuer}}, Reasons: AllReasons}
	return append(c.CRLPoints[:len(c.CRLPoints):len(c.CRLPoints)], own)
}

// scopeAt is RFC 5280 6.3.3 (b) and (d) for one distribution point.
func (c *CRL) scopeAt(cert *Certificate, p DistributionPoint) ReasonFlags {
	idp := c.Point
	if len(p.CRLIssuer) > 0 {
		// (b)(1): another issuer speaks of others' certificates only in a list
		// that says it is indirect.
		if idp == nil || !idp.Indirect || !namesDirectory(p.CRLIssuer, c.Issuer) {
			return 0
		}
	} else if !c.Issuer.Equal(cert.Issuer) {
		return 0
	}
	if idp == nil {
		return p.Reasons
	}
	if idp.OnlyAttributes || idp.OnlyUser && cert.IsCA || idp.OnlyCA && !cert.IsCA {
		return 0
	}
	if !c.namesPoint(cert, p) {
		return 0
	}
	return p.Reasons & idp.OnlySomeReasons
}

// namesPoint is (b)(2)(i): a list with a distribution point's name is for the
// certificates that name it.
func (c *CRL) namesPoint(cert *Certificate, p DistributionPoint) bool {
	names := pointNames(c.Point.FullName, c.Point.relative, c.Issuer)
	if c.Point.FullName == nil && c.Point.relative == nil {
		return true
	}
	base := cert.Issuer
	if len(p.CRLIssuer) == 1 && p.CRLIssuer[0].Form == FormDirectory {
		base = p.CRLIssuer[0].Directory
	}
	theirs := pointNames(p.FullName, p.relative, base)
	if p.FullName == nil && p.relative == nil {
		theirs = p.CRLIssuer
	}
	return anyNameInBoth(names, theirs)
}

func namesDirectory(list []GeneralName, n Name) bool {
	for _, g := range list {
		if g.Form == FormDirectory && g.Directory.Equal(n) {
			return true
		}
	}
	return false
}

// Extends tells whether the list is a delta that may be laid over a base:
// RFC 5280 5.2.4 and 6.3.3 (c). Both must be by one key, which their
// signatures show.
func (c *CRL) Extends(base *CRL) bool {
	return c.BaseNumber != nil && base.BaseNumber == nil &&
		c.Issuer.Equal(base.Issuer) && bytes.Equal(c.AuthorityKeyID, base.AuthorityKeyID) &&
		bytes.Equal(c.rawPoint, base.rawPoint) &&
		base.Number.Cmp(c.BaseNumber) >= 0 && base.Number.Cmp(c.Number) < 0
}
