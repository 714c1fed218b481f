package lint

// Rule is one thing that a certificate must be. Its file bears its name.
type Rule struct {
	ID     string // authority_subject
	Source string // clause and standard
	Says   string
	broken func(v *view) string // how, or "" for a certificate that keeps it
}

// rules in the order in which docs/lint.md prints them. Structure is not among
// them: without it there is nothing to ask.
var rules = []*Rule{
	canonical, defaultFalse, namedBits,
	version3, serialPositive, serialOctets, algorithmsEqual, timeEncoding, validityOrder, issuerName, subjectNotEmpty, attributeOnce,
	countryPrintable, textUTF8, uniqueIDs, extensionOnce, unknownCritical, subjectKeyID, authorityKeyID, keyUsageCritical,
	certSignCA, basicConstraints, pathLength, anyUsage, policiesOnce, policyQualifiers, constraintsCA, namesPermitted, crlPoint, freshestCRL, authorityAccess, addressScheme,
	timeStampingAlone, noCheckOCSP,
	algorithmSM2, curveSM2, pointOnCurve, pointTrivial, uscc,
	sealCode, sealUnit,
	readable, serialRandom, life, withinIssuer, usage, extendedUsage, authority, nameConstraints, policyConstraints, subjectOrder, subjectOrdered, textPlain, keyOrdered, keyIDSM3, policies,
	addresses, shard, agencyCode, personalData, size,
}

// Rules lists the rules, structure first.
func Rules() []*Rule { return append([]*Rule{structure}, rules...) }
