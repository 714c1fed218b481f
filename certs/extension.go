package certs

import (
	"fmt"
	"slices"

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

func (d *dialect) extensions(c *Certificate, seq cryptobyte.String) error {
	// issuerUniqueID and subjectUniqueID: RFC 5280 4.1.2.8 has no one use them,
	// and readers able to pass over them.
	for tag := asn1.Tag(1); tag <= 2; tag++ {
		var present bool
		var id cryptobyte.String
		if !seq.ReadOptionalASN1(&id, &present, tag.ContextSpecific()) || present && !d.foreign && !d.overlook(OversightUniqueID) {
			return malformed("certificate: what follows the public key")
		}
	}
	var list cryptobyte.String
	var present bool
	if !seq.ReadOptionalASN1(&list, &present, asn1.Tag(3).ContextSpecific().Constructed()) || !seq.Empty() {
		return malformed("certificate: what follows the public key")
	}
	if !present {
		return nil
	}
	exts, err := d.extensionList(list)
	if err != nil {
		return err
	}
	c.Extensions = exts
	for _, e := range exts {
		known, err := d.take(c, e)
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
func readExtensions(s cryptobyte.String) ([]Extension, error) { return new(dialect).extensionList(s) }

func (d *dialect) extensionList(s cryptobyte.String) ([]Extension, error) {
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
		if ext.PeekASN1Tag(asn1.BOOLEAN) && !d.boolean(&ext, &e.Critical) {
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
func (d *dialect) take(c *Certificate, e Extension) (known bool, err error) {
	switch e.ID {
	case OIDUSCC:
		c.USCC = readUSCC(e.Value)
		return true, nil
	case OIDOCSPNoCheck:
		return true, nil
	}
	read, known := extensionReaders[e.ID]
	if !known {
		return false, nil
	}
	v := cryptobyte.String(e.Value)
	if ok := read(d, c, &v); ok && v.Empty() {
		c.EKUCritical = c.EKUCritical || e.ID == oidExtExtendedKeyUse && e.Critical
		// A critical policy with a qualifier that is not known must be refused
		// (RFC 5280 4.2.1.4).
		return e.ID != oidExtPolicies || !c.policy.strangeQualifier, nil
	}
	if e.ID == oidExtAltNames && d.overlook(OversightAltNames) {
		c.AltNames, c.namesUnread = nil, true
		return true, nil
	}
	if informs(e.ID) && d.overlook(OversightExtension) {
		return false, nil
	}
	return true, malformed(fmt.Sprintf("extension %s", e.ID))
}

// informs tells of an extension that grants nothing and forbids nothing, so
// that a lenient reader may do without.
func informs(o OID) bool {
	switch o {
	case oidExtSubjectKeyID, oidExtAuthorityKeyID, oidExtAuthorityAccess, oidExtCRLPoints, oidExtFreshest:
		return true
	}
	return false
}

var extensionReaders = map[OID]func(*dialect, *Certificate, *cryptobyte.String) bool{
	oidExtKeyUsage:       (*dialect).keyUsage,
	oidExtBasic:          (*dialect).basicConstraints,
	oidExtExtendedKeyUse: func(_ *dialect, c *Certificate, v *cryptobyte.String) bool { return c.readEKUs(v) },
	oidExtSubjectKeyID: func(_ *dialect, c *Certificate, v *cryptobyte.String) bool {
		return v.ReadASN1Bytes(&c.SubjectKeyID, asn1.OCTET_STRING)
	},
	oidExtAuthorityKeyID:    func(_ *dialect, c *Certificate, v *cryptobyte.String) bool { return c.readAuthorityKeyID(v) },
	oidExtAuthorityAccess:   func(_ *dialect, c *Certificate, v *cryptobyte.String) bool { return c.readAuthorityAccess(v) },
	oidExtAltNames:          (*dialect).altNames,
	oidExtCRLPoints:         (*dialect).crlPoints,
	oidExtFreshest:          (*dialect).freshest,
	oidExtNameConstraints:   (*dialect).nameConstraints,
	oidExtPolicies:          (*dialect).policies,
	oidExtPolicyMappings:    (*dialect).policyMappings,
	oidExtPolicyConstraints: (*dialect).policyConstraints,
	oidExtInhibitAny:        (*dialect).inhibitAnyPolicy,
}

func (d *dialect) keyUsage(c *Certificate, v *cryptobyte.String) (ok bool) {
	saved := *v
	if c.KeyUsage, ok = readKeyUsage(v); ok {
		return true
	}
	// Zeros behind the nine bits, or bits set among the unused: what is named
	// is clear.
	var content cryptobyte.String
	var unused uint8
	if *v = saved; !v.ReadASN1(&content, asn1.BIT_STRING) || !content.ReadUint8(&unused) || unused > 7 || len(content) == 0 || len(content) > 4 {
		return false
	}
	bits := slices.Clone(content[:min(len(content), 2)])
	if len(bits) == len(content) {
		bits[len(bits)-1] &^= 1<<unused - 1
	}
	usage, ok := readNamedBits(append(cryptobyte.String{0}, bits...))
	c.KeyUsage = KeyUsage(usage)
	return ok && usage != 0 && d.overlook(OversightKeyUsage)
}

// readKeyUsage reads the BIT STRING of RFC 5280 4.2.1.3.
func readKeyUsage(v *cryptobyte.String) (KeyUsage, bool) {
	var content cryptobyte.String
	if !v.ReadASN1(&content, asn1.BIT_STRING) {
		return 0, false
	}
	bits, ok := readNamedBits(content)
	return KeyUsage(bits), ok && bits != 0 // at least one bit
}

// readNamedBits reads the content of a BIT STRING of at most nine named bits,
// whose first is the lowest of the result.
func readNamedBits(content cryptobyte.String) (uint16, bool) {
	var unused uint8
	if !content.ReadUint8(&unused) || unused > 7 {
		return 0, false
	}
	bits := content
	if len(bits) == 0 || len(bits) > 2 || bits[len(bits)-1]&(1<<unused-1) != 0 {
		return 0, false
	}
	var out uint16
	for i := range 9 {
		if i/8 < len(bits) && bits[i/8]&(0x80>>(i%8)) != 0 {
			out |= 1 << i
		}
	}
	return out, true
}

func (d *dialect) basicConstraints(c *Certificate, v *cryptobyte.String) bool {
	var seq cryptobyte.String
	if !v.ReadASN1(&seq, asn1.SEQUENCE) {
		return false
	}
	if seq.PeekASN1Tag(asn1.BOOLEAN) && !d.boolean(&seq, &c.IsCA) {
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

func (d *dialect) crlPoints(c *Certificate, v *cryptobyte.String) (ok bool) {
	if c.CRLPoints, ok = d.distributionPoints(v); !ok {
		return false
	}
	for _, p := range c.CRLPoints {
		for _, n := range p.FullName {
			if n.Form != FormURI || len(n.Value) > maxURL {
				continue
			}
			if len(c.CRLURLs) == maxURLs {
				return false
			}
			c.CRLURLs = append(c.CRLURLs, string(n.Value))
		}
	}
	return true
}

func (d *dialect) freshest(c *Certificate, v *cryptobyte.String) (ok bool) {
	c.FreshestCRL, ok = d.distributionPoints(v)
	return ok
}

func (d *dialect) altNames(c *Certificate, v *cryptobyte.String) (ok bool) {
	var list cryptobyte.String
	if !v.ReadASN1(&list, asn1.SEQUENCE) {
		return false
	}
	c.AltNames, ok = d.generalNames(list)
	return ok
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
