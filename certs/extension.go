package certs

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of a certificate's lists: each element costs work at every check.
const (
	maxExtensions = 64
	maxEKUs       = 32
	maxURLs       = 16
	maxURL        = 2048
)

func (c *Certificate) parseExtensions(seq cryptobyte.String) error {
	// issuerUniqueID and subjectUniqueID: RFC 5280 4.1.2.8 has no one use them.
	var list cryptobyte.String
	var present bool
	if !seq.ReadOptionalASN1(&list, &present, asn1.Tag(3).ContextSpecific().Constructed()) || !seq.Empty() {
		return malformed("certificate: what follows the public key")
	}
	if !present {
		return nil
	}
	exts, err := readExtensions(list)
	if err != nil {
		return err
	}
	c.Extensions = exts
	for _, e := range exts {
		known, err := c.take(e)
		if err != nil {
			return err
		}
		if !known && e.Critical {
			c.unhandled = append(c.unhandled, e.ID)
		}
	}
	return nil
}

// readExtensions reads the SEQUENCE OF Extension in s and nothing after it.
func readExtensions(s cryptobyte.String) ([]Extension, error) {
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() {
		return nil, malformed("extensions")
	}
	var out []Extension
	seen := map[OID]bool{}
	for !list.Empty() {
		var ext, value cryptobyte.String
		var e Extension
		var ok bool
		if !list.ReadASN1(&ext, asn1.SEQUENCE) {
			return nil, malformed("extension")
		}
		if e.ID, ok = ReadOID(&ext); !ok {
			return nil, malformed("extension")
		}
		// An explicit FALSE is not DER but common in the field.
		if ext.PeekASN1Tag(asn1.BOOLEAN) && !ext.ReadASN1Boolean(&e.Critical) {
			return nil, malformed("extension")
		}
		if !ext.ReadASN1(&value, asn1.OCTET_STRING) || !ext.Empty() {
			return nil, malformed("extension")
		}
		e.Value = value
		if seen[e.ID] {
			return nil, malformed(fmt.Sprintf("extension %s stands twice", e.ID))
		}
		seen[e.ID] = true
		if out = append(out, e); len(out) > maxExtensions {
			return nil, malformed("extensions: too many")
		}
	}
	return out, nil
}

// take reads one extension; known is false for those it leaves alone.
func (c *Certificate) take(e Extension) (known bool, err error) {
	v := cryptobyte.String(e.Value)
	ok := true
	switch e.ID {
	case oidExtKeyUsage:
		c.KeyUsage, ok = readKeyUsage(&v)
	case oidExtBasic:
		ok = c.readBasicConstraints(&v)
	case oidExtExtendedKeyUse:
		c.EKUCritical = e.Critical
		ok = c.readEKUs(&v)
	case oidExtSubjectKeyID:
		ok = v.ReadASN1Bytes(&c.SubjectKeyID, asn1.OCTET_STRING)
	case oidExtAuthorityKeyID:
		ok = c.readAuthorityKeyID(&v)
	case oidExtCRLPoints:
		ok = c.readCRLPoints(&v)
	case oidExtAuthorityAccess:
		ok = c.readAuthorityAccess(&v)
	case oidExtPolicies:
		// Read to be shown. Critical policies need the processing of RFC 5280
		// 6.1, which BuildPath does not do: they stay unhandled.
		ok = c.readPolicies(&v)
		if ok && v.Empty() {
			return !e.Critical, nil
		}
	case OIDUSCC:
		c.USCC = readUSCC(e.Value)
		return true, nil
	case OIDOCSPNoCheck:
		return true, nil
	default:
		return false, nil
	}
	if !ok || !v.Empty() {
		return true, malformed(fmt.Sprintf("extension %s", e.ID))
	}
	return true, nil
}

func readKeyUsage(v *cryptobyte.String) (KeyUsage, bool) {
	var bits []byte
	var unused uint8
	var content cryptobyte.String
	if !v.ReadASN1(&content, asn1.BIT_STRING) || !content.ReadUint8(&unused) || unused > 7 {
		return 0, false
	}
	bits = content
	if len(bits) == 0 || len(bits) > 2 || bits[len(bits)-1]&(1<<unused-1) != 0 {
		return 0, false
	}
	var usage KeyUsage
	for i := range 9 {
		if i/8 < len(bits) && bits[i/8]&(0x80>>(i%8)) != 0 {
			usage |= 1 << i
		}
	}
	return usage, usage != 0 // RFC 5280 4.2.1.3: at least one bit
}

func (c *Certificate) readBasicConstraints(v *cryptobyte.String) bool {
	var seq cryptobyte.String
	if !v.ReadASN1(&seq, asn1.SEQUENCE) {
		return false
	}
	if seq.PeekASN1Tag(asn1.BOOLEAN) && !seq.ReadASN1Boolean(&c.IsCA) {
		return false
	}
	if seq.PeekASN1Tag(asn1.INTEGER) {
		if !seq.ReadASN1Integer(&c.MaxPathLen) || c.MaxPathLen < 0 {
			return false
		}
	}
	return seq.Empty()
}

func (c *Certificate) readEKUs(v *cryptobyte.String) bool {
	var seq cryptobyte.String
	if !v.ReadASN1(&seq, asn1.SEQUENCE) || seq.Empty() {
		return false
	}
	for !seq.Empty() {
		o, ok := ReadOID(&seq)
		if !ok || len(c.EKUs) == maxEKUs {
			return false
		}
		c.EKUs = append(c.EKUs, o)
	}
	return true
}

func (c *Certificate) readAuthorityKeyID(v *cryptobyte.String) bool {
	var seq, id cryptobyte.String
	var present bool
	if !v.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadOptionalASN1(&id, &present, asn1.Tag(0).ContextSpecific()) {
		return false
	}
	// authorityCertIssuer and its serial may follow; nothing here needs them.
	c.AuthorityKeyID = id
	return true
}

const tagURI = asn1.Tag(6)

func readURI(s *cryptobyte.String) (string, bool, bool) {
	var content cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&content, &tag) {
		return "", false, false
	}
	return string(content), tag == tagURI.ContextSpecific() && len(content) <= maxURL, true
}

func (c *Certificate) readCRLPoints(v *cryptobyte.String) bool {
	var points cryptobyte.String
	if !v.ReadASN1(&points, asn1.SEQUENCE) {
		return false
	}
	for !points.Empty() {
		var point, name, full cryptobyte.String
		var hasName, hasFull bool
		if !points.ReadASN1(&point, asn1.SEQUENCE) || !point.ReadOptionalASN1(&name, &hasName, asn1.Tag(0).ContextSpecific().Constructed()) {
			return false
		}
		if !hasName {
			continue
		}
		if !name.ReadOptionalASN1(&full, &hasFull, asn1.Tag(0).ContextSpecific().Constructed()) {
			return false
		}
		for hasFull && !full.Empty() {
			uri, is, ok := readURI(&full)
			if !ok || len(c.CRLURLs) == maxURLs {
				return false
			}
			if is {
				c.CRLURLs = append(c.CRLURLs, uri)
			}
		}
	}
	return true
}

func (c *Certificate) readAuthorityAccess(v *cryptobyte.String) bool {
	var list cryptobyte.String
	if !v.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var access cryptobyte.String
		if !list.ReadASN1(&access, asn1.SEQUENCE) {
			return false
		}
		method, ok := ReadOID(&access)
		if !ok {
			return false
		}
		uri, is, ok := readURI(&access)
		if !ok || !access.Empty() || len(c.OCSPURLs)+len(c.IssuerURLs) == maxURLs {
			return false
		}
		switch {
		case is && method == oidAIAOCSP:
			c.OCSPURLs = append(c.OCSPURLs, uri)
		case is && method == oidAIAIssuers:
			c.IssuerURLs = append(c.IssuerURLs, uri)
		}
	}
	return true
}

func (c *Certificate) readPolicies(v *cryptobyte.String) bool {
	var list cryptobyte.String
	if !v.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	for !list.Empty() {
		var info cryptobyte.String
		if !list.ReadASN1(&info, asn1.SEQUENCE) || len(c.Policies) == maxEKUs {
			return false
		}
		o, ok := ReadOID(&info)
		if !ok {
			return false
		}
		c.Policies = append(c.Policies, o)
	}
	return true
}

// readUSCC takes the code as PrintableString, which is what we write, or as
// bare text, which the field has too. It is shown, never relied upon.
func readUSCC(value []byte) string {
	v := cryptobyte.String(value)
	var text []byte
	if v.ReadASN1Bytes(&text, asn1.PrintableString) && v.Empty() {
		return string(text)
	}
	if USCCValid(string(value)) {
		return string(value)
	}
	return ""
}
