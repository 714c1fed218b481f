package certs

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of policies: each may be a node of the graph of a path, and each
// mapping an edge (policygraph.go).
const (
	maxPolicies   = 32
	maxMappings   = 64
	maxQualifiers = 16
	maxNotice     = 2048 // octets of explicitText: RFC 5280 has 200 characters, the field more
)

// PolicyInfo is one policy of a certificate, with what is said to people.
type PolicyInfo struct {
	ID      OID
	CPS     []string // where the practice statement is
	Notices []string // explicitText of user notices
}

// policyRules are what a certificate says of policies. Numbers are -1 where it
// sets none.
type policyRules struct {
	asserted                                    bool // it has certificatePolicies
	infos                                       []PolicyInfo
	strangeQualifier                            bool
	mappings                                    []policyMapping
	requireExplicit, inhibitMapping, inhibitAny int
}

type policyMapping struct{ issuer, subject OID }

var noRules = policyRules{requireExplicit: -1, inhibitMapping: -1, inhibitAny: -1}

const oidQualifierNotice OID = "1.3.6.1.5.5.7.2.2"

// PolicyInfos gives the policies with their qualifiers.
func (c *Certificate) PolicyInfos() []PolicyInfo { return c.policy.infos }

func (d *dialect) policies(c *Certificate, v *cryptobyte.String) bool {
	var list cryptobyte.String
	if !v.ReadASN1(&list, asn1.SEQUENCE) || list.Empty() {
		return false
	}
	c.policy.asserted = true
	seen := map[OID]bool{}
	for !list.Empty() {
		info, ok := d.policyInfo(c, &list)
		// RFC 5280 4.2.1.4: no policy stands twice.
		if !ok || len(c.Policies) == maxPolicies || seen[info.ID] {
			return false
		}
		seen[info.ID] = true
		c.Policies = append(c.Policies, info.ID)
		c.policy.infos = append(c.policy.infos, info)
	}
	return true
}

func (d *dialect) policyInfo(c *Certificate, list *cryptobyte.String) (p PolicyInfo, ok bool) {
	var info, qualifiers cryptobyte.String
	if !list.ReadASN1(&info, asn1.SEQUENCE) {
		return p, false
	}
	if p.ID, ok = ReadOID(&info); !ok || info.Empty() {
		return p, ok
	}
	if !info.ReadASN1(&qualifiers, asn1.SEQUENCE) || !info.Empty() || qualifiers.Empty() {
		return p, false
	}
	for n := 0; !qualifiers.Empty(); n++ {
		var q cryptobyte.String
		if n == maxQualifiers || !qualifiers.ReadASN1(&q, asn1.SEQUENCE) {
			return p, false
		}
		kind, ok := ReadOID(&q)
		if !ok {
			return p, false
		}
		switch kind {
		case OIDQualifierCPS:
			var uri cryptobyte.String
			if !q.ReadASN1(&uri, asn1.IA5String) || !q.Empty() || len(uri) > maxURL || !isASCII(uri) {
				return p, false
			}
			p.CPS = append(p.CPS, string(uri))
		case oidQualifierNotice:
			text, ok := readNotice(&q)
			if !ok || !q.Empty() {
				return p, false
			}
			p.Notices = append(p.Notices, text)
		default:
			c.policy.strangeQualifier = true
		}
	}
	return p, true
}

// readNotice reads a UserNotice; its noticeRef is passed over.
func readNotice(s *cryptobyte.String) (string, bool) {
	var notice, value cryptobyte.String
	var tag asn1.Tag
	if !s.ReadASN1(&notice, asn1.SEQUENCE) || !notice.SkipOptionalASN1(asn1.SEQUENCE) {
		return "", false
	}
	if notice.Empty() {
		return "", true
	}
	if !notice.ReadAnyASN1(&value, &tag) || !notice.Empty() || len(value) > maxNotice {
		return "", false
	}
	if tag == tagVisibleString {
		return string(value), isASCII(value)
	}
	return directoryString(tag, value)
}

func (d *dialect) policyMappings(c *Certificate, v *cryptobyte.String) bool {
	var list cryptobyte.String
	if !v.ReadASN1(&list, asn1.SEQUENCE) || list.Empty() {
		return false
	}
	for !list.Empty() {
		var pair cryptobyte.String
		if !list.ReadASN1(&pair, asn1.SEQUENCE) || len(c.policy.mappings) == maxMappings {
			return false
		}
		from, ok1 := ReadOID(&pair)
		to, ok2 := ReadOID(&pair)
		if !ok1 || !ok2 || !pair.Empty() {
			return false
		}
		c.policy.mappings = append(c.policy.mappings, policyMapping{from, to})
	}
	return true
}

func (d *dialect) policyConstraints(c *Certificate, v *cryptobyte.String) bool {
	var seq cryptobyte.String
	// RFC 5280 4.2.1.11: not an empty sequence.
	return v.ReadASN1(&seq, asn1.SEQUENCE) && !seq.Empty() &&
		readSkip(&seq, asn1.Tag(0).ContextSpecific(), &c.policy.requireExplicit) &&
		readSkip(&seq, asn1.Tag(1).ContextSpecific(), &c.policy.inhibitMapping) && seq.Empty()
}

func (d *dialect) inhibitAnyPolicy(c *Certificate, v *cryptobyte.String) bool {
	return v.PeekASN1Tag(asn1.INTEGER) && readSkip(v, asn1.INTEGER, &c.policy.inhibitAny)
}

// readSkip reads an optional SkipCerts. More than a path can have is as good as
// what it says.
func readSkip(s *cryptobyte.String, tag asn1.Tag, out *int) bool {
	var content cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&content, &present, tag) {
		return false
	}
	if !present {
		return true
	}
	if len(content) == 0 || content[0] >= 0x80 || len(content) > 1 && content[0] == 0 && content[1] < 0x80 {
		return false
	}
	*out = maxPathDepth + 1
	if len(content) == 1 {
		*out = min(int(content[0]), *out)
	}
	return true
}
