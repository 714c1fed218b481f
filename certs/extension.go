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
