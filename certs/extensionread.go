package certs

import (
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// readExtensions reads the SEQUENCE OF Extension in s and nothing after it.
func readExtensions(s cryptobyte.String) ([]Extension, error) { return new(dialect).extensionList(s) }

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
