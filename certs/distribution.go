package certs

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ReasonFlags are the bits of RFC 5280 4.2.1.13, bit 0 lowest.
type ReasonFlags uint16

// AllReasons is every reason that a list can be for; bit 0 is unused.
const AllReasons ReasonFlags = 0x1fe

// DistributionPoint says where the list that speaks of a certificate is, and
// for which reasons (RFC 5280 4.2.1.13).
type DistributionPoint struct {
	FullName  []GeneralName
	CRLIssuer []GeneralName // empty: the certificate's own issuer
	Reasons   ReasonFlags   // AllReasons if it says none
	relative  []byte        // nameRelativeToCRLIssuer, the content of its SET
}

// IssuingDistributionPoint says which certificates a list speaks of (RFC 5280
// 5.2.5).
type IssuingDistributionPoint struct {
	FullName                         []GeneralName
	OnlyUser, OnlyCA, OnlyAttributes bool
	Indirect                         bool
	OnlySomeReasons                  ReasonFlags // AllReasons if it says none
	relative                         []byte
}

// maxPoints bounds the distribution points of a certificate: each is compared
// with each list at hand.
const maxPoints = 16

// distributionPoints reads CRLDistributionPoints, which freshestCRL is too.
func (d *dialect) distributionPoints(v *cryptobyte.String) ([]DistributionPoint, bool) {
	var list cryptobyte.String
	if !v.ReadASN1(&list, asn1.SEQUENCE) || list.Empty() {
		return nil, false
	}
	var out []DistributionPoint
	for !list.Empty() {
		p, ok := d.distributionPoint(&list)
		if !ok || len(out) == maxPoints {
			return nil, false
		}
		out = append(out, p)
	}
	return out, true
}

func (d *dialect) distributionPoint(list *cryptobyte.String) (p DistributionPoint, ok bool) {
	var seq, reasons, issuer cryptobyte.String
	var hasReasons, hasIssuer bool
	if !list.ReadASN1(&seq, asn1.SEQUENCE) {
		return p, false
	}
	if p.FullName, p.relative, ok = d.pointName(&seq); !ok {
		return p, false
	}
	if !seq.ReadOptionalASN1(&reasons, &hasReasons, asn1.Tag(1).ContextSpecific()) ||
		!seq.ReadOptionalASN1(&issuer, &hasIssuer, asn1.Tag(2).ContextSpecific().Constructed()) || !seq.Empty() {
		return p, false
	}
	p.Reasons = AllReasons
	if hasReasons {
		if p.Reasons, ok = readReasons(reasons); !ok {
			return p, false
		}
	}
	if hasIssuer {
		if p.CRLIssuer, ok = d.generalNames(issuer); !ok {
			return p, false
		}
	}
	// "a DistributionPoint MUST NOT consist of only the reasons field"
	return p, p.FullName != nil || p.relative != nil || hasIssuer
}

// pointName reads an optional [0] DistributionPointName.
func (d *dialect) pointName(s *cryptobyte.String) (full []GeneralName, relative []byte, ok bool) {
	var name, content cryptobyte.String
	var present, isFull, isRelative bool
	if !s.ReadOptionalASN1(&name, &present, asn1.Tag(0).ContextSpecific().Constructed()) {
		return nil, nil, false
	}
	if !present {
		return nil, nil, true
	}
	if !name.ReadOptionalASN1(&content, &isFull, asn1.Tag(0).ContextSpecific().Constructed()) {
		return nil, nil, false
	}
	if isFull {
		full, ok = d.generalNames(content)
		return full, nil, ok && name.Empty()
	}
	if !name.ReadOptionalASN1(&content, &isRelative, asn1.Tag(1).ContextSpecific().Constructed()) || !isRelative || !name.Empty() || content.Empty() {
		return nil, nil, false
	}
	// It is judged by the name it makes behind that of its issuer; alone it must
	// be one too.
	if _, err := (Name{Raw: []byte{0x30, 0}}).relative(content); err != nil {
		return nil, nil, false
	}
	return nil, content, true
}

// readReasons reads the content of a ReasonFlags BIT STRING.
func readReasons(s cryptobyte.String) (ReasonFlags, bool) {
	bits, ok := readNamedBits(s)
	return ReasonFlags(bits) & AllReasons, ok && ReasonFlags(bits)&AllReasons != 0
}

// parseIDP reads an issuingDistributionPoint.
func (d *dialect) parseIDP(v cryptobyte.String) (*IssuingDistributionPoint, bool) {
	var seq, reasons cryptobyte.String
	var hasReasons, ok bool
	p := &IssuingDistributionPoint{OnlySomeReasons: AllReasons}
	if !v.ReadASN1(&seq, asn1.SEQUENCE) || !v.Empty() {
		return nil, false
	}
	if p.FullName, p.relative, ok = d.pointName(&seq); !ok {
		return nil, false
	}
	ok = readFlag(&seq, 1, &p.OnlyUser) && readFlag(&seq, 2, &p.OnlyCA) &&
		seq.ReadOptionalASN1(&reasons, &hasReasons, asn1.Tag(3).ContextSpecific()) &&
		readFlag(&seq, 4, &p.Indirect) && readFlag(&seq, 5, &p.OnlyAttributes) && seq.Empty()
	if ok && hasReasons {
		p.OnlySomeReasons, ok = readReasons(reasons)
	}
	only := 0
	for _, set := range []bool{p.OnlyUser, p.OnlyCA, p.OnlyAttributes} {
		if set {
			only++
		}
	}
	return p, ok && only <= 1 // RFC 5280 5.2.5: at most one of them
}

// readFlag reads an optional BOOLEAN under a context tag.
func readFlag(s *cryptobyte.String, tag asn1.Tag, out *bool) bool {
	var content cryptobyte.String
	var present bool
	if !s.ReadOptionalASN1(&content, &present, tag.ContextSpecific()) {
		return false
	}
	if !present {
		return true
	}
	if len(content) != 1 || content[0] != 0 && content[0] != 0xff {
		return false
	}
	*out = content[0] == 0xff
	return true
}

// pointNames gives the names of a point, a relative one behind the issuer's.
func pointNames(full []GeneralName, relative []byte, issuer Name) []GeneralName {
	if relative == nil {
		return full
	}
	whole, err := issuer.relative(relative)
	if err != nil {
		return nil
	}
	return []GeneralName{{Form: FormDirectory, Value: whole.Raw, Directory: whole}}
}
