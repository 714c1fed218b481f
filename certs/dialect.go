package certs

import (
	"slices"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// dialect is how strictly a reader reads. The zero value is the strict reader
// of SM2 certificates, by which seals are judged.
type dialect struct {
	// foreign: RSA, DSA and ECDSA too, and what RFC 5280 asks of readers though
	// no authority may write it: odd serial numbers (4.1.2.2), unique
	// identifiers (4.1.2.8), names that are no text (4.1.2.4).
	foreign bool
	// lenient: the slips of the field are passed over, and noted in seen.
	lenient bool
	seen    []Oversight
}

// Oversight is a slip that the lenient reader passed over. The names are
// stable: reports show them.
type Oversight string

const (
	OversightText       Oversight = "text-not-of-its-type"    // Chinese in a PrintableString or IA5String, and the like
	OversightNotText    Oversight = "name-attribute-not-text" // an attribute that is no string
	OversightEmptyRDN   Oversight = "empty-rdn"               // a SET of no attributes in a name
	OversightSerial     Oversight = "serial-number"           // zero, negative or over 20 octets
	OversightVersion    Oversight = "version"                 // not version 3
	OversightUniqueID   Oversight = "unique-identifier"       // issuerUniqueID or subjectUniqueID
	OversightParameters Oversight = "algorithm-parameters"    // absent in one place and NULL in the other
	OversightAltNames   Oversight = "alternative-names"       // empty, or not readable
	OversightExtension  Oversight = "extension-unreadable"    // one that only informs
	OversightKeyUsage   Oversight = "key-usage-encoding"      // a BIT STRING that is not DER
	OversightBoolean    Oversight = "boolean-encoding"        // a BOOLEAN that is not DER
	OversightTime       Oversight = "time-encoding"           // an offset, a fraction or no seconds
	OversightLength     Oversight = "length-not-minimal"      // BER where DER is wanted
)

// overlook tells whether a slip may be passed over, and notes that it was.
func (d *dialect) overlook(o Oversight) bool {
	if d.lenient && !slices.Contains(d.seen, o) {
		d.seen = append(d.seen, o)
	}
	return d.lenient
}

// strangeText reads a name's attribute that directoryString does not. What is
// not known for sure is opaque: its octets alone may be compared.
func (d *dialect) strangeText(tag asn1.Tag, value []byte) (text string, opaque, ok bool) {
	if text, ok = tolerantText(tag, value); ok {
		if d.overlook(OversightText) {
			return text, !utf8.Valid(value) || tag == tagUniversalString, true
		}
		// Latin letters in a TeletexString are common abroad.
		return text, true, d.foreign
	}
	if d.foreign || d.overlook(OversightNotText) {
		return hexText(tag, value), true, true
	}
	return "", false, false
}

// tolerantText takes a string type at its octets: UTF-8 if they are, else
// Latin-1, which is what a TeletexString holds in practice.
func tolerantText(tag asn1.Tag, value []byte) (string, bool) {
	switch tag {
	case asn1.UTF8String, asn1.PrintableString, asn1.IA5String, tagNumericString, tagTeletexString, tagVisibleString:
		if utf8.Valid(value) {
			return string(value), true
		}
		runes := make([]rune, len(value))
		for i, b := range value {
			runes[i] = rune(b)
		}
		return string(runes), true
	case tagUniversalString:
		var out []rune
		for i := 0; i+4 <= len(value); i += 4 {
			if value[i] != 0 || value[i+1] > 0x10 {
				return "", false
			}
			out = append(out, rune(value[i+1])<<16|rune(value[i+2])<<8|rune(value[i+3]))
		}
		return string(out), len(value)%4 == 0
	}
	return "", false
}

// hexText is the form of RFC 4514 2.4 for a value that is no string.
func hexText(tag asn1.Tag, value []byte) string {
	const digits = "0123456789ABCDEF"
	out := []byte{'#', digits[tag>>4], digits[tag&15]}
	for _, b := range value[:min(len(value), maxOID)] {
		out = append(out, digits[b>>4], digits[b&15])
	}
	return string(out)
}

// boolean reads a BOOLEAN, which DER has as 00 or FF.
func (d *dialect) boolean(s *cryptobyte.String, out *bool) bool {
	if saved := *s; s.ReadASN1Boolean(out) {
		return true
	} else {
		*s = saved
	}
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.BOOLEAN) || len(content) != 1 || !d.overlook(OversightBoolean) {
		return false
	}
	*out = content[0] != 0
	return true
}
