package certs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

const (
	oidCountry      OID = "2.5.4.6"
	oidOrganization OID = "2.5.4.10"
	oidUnit         OID = "2.5.4.11"
	oidCommonName   OID = "2.5.4.3"
)

// maxNameParts bounds the attributes of a name: real ones have five.
const maxNameParts = 32

// Name is a distinguished name, compared by Equal when certificates are chained.
// Raw is its DER.
type Name struct {
	Raw                                                   []byte
	Country, Organization, OrganizationalUnit, CommonName string
	parts                                                 []namePart
}

type namePart struct {
	oid    OID
	value  string
	rdn    int    // which RelativeDistinguishedName it stands in
	opaque []byte // its DER, where that alone may be compared: it is no text, or not one that was read for sure
}

var shortNames = map[OID]string{
	oidCountry: "C", oidOrganization: "O", oidUnit: "OU", oidCommonName: "CN",
	"2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.5": "SERIALNUMBER", "1.2.840.113549.1.9.1": "emailAddress",
}

// String is for people: C=CN, O=..., CN=... in the order of the certificate.
// What in a value would look like a further attribute, or turn the line round,
// is escaped (RFC 4514 2.4): names are any authority's to choose.
func (n Name) String() string {
	var b strings.Builder
	for i, p := range n.parts {
		if i > 0 {
			b.WriteString(", ")
		}
		if short, ok := shortNames[p.oid]; ok {
			b.WriteString(short)
		} else {
			b.WriteString(string(p.oid))
		}
		b.WriteByte('=')
		for _, r := range p.value {
			switch {
			case strings.ContainsRune(`,+"\<>;=`, r):
				b.WriteByte('\\')
				b.WriteRune(r)
			case unicode.IsPrint(r):
				b.WriteRune(r)
			default:
				for _, octet := range utf8.AppendRune(nil, r) {
					fmt.Fprintf(&b, `\%02X`, octet)
				}
			}
		}
	}
	return b.String()
}

// ParseName reads the DER of one distinguished name.
func ParseName(der []byte) (Name, error) { return new(dialect).name(bytes.Clone(der)) }

func (d *dialect) name(raw []byte) (Name, error) {
	n := Name{Raw: raw}
	in := cryptobyte.String(raw)
	var rdns cryptobyte.String
	if !in.ReadASN1(&rdns, asn1.SEQUENCE) || !in.Empty() {
		return n, malformed("name")
	}
	for rdn := 0; !rdns.Empty(); rdn++ {
		var set cryptobyte.String
		if !rdns.ReadASN1(&set, asn1.SET) {
			return n, malformed("name")
		}
		if set.Empty() {
			if !d.overlook(OversightEmptyRDN) {
				return n, malformed("name")
			}
			rdn-- // an RDN of nothing counts for nothing
		}
		for !set.Empty() {
			part, err := d.namePart(&set)
			if err != nil {
				return n, err
			}
			part.rdn = rdn
			if n.parts = append(n.parts, part); len(n.parts) > maxNameParts {
				return n, malformed("name: too many attributes")
			}
			n.set(part.oid, part.value)
		}
	}
	return n, nil
}

func (d *dialect) namePart(set *cryptobyte.String) (namePart, error) {
	var pair, value, element cryptobyte.String
	var tag asn1.Tag
	if !set.ReadASN1(&pair, asn1.SEQUENCE) {
		return namePart{}, malformed("name attribute")
	}
	oid, ok := ReadOID(&pair)
	element = pair
	if !ok || !pair.ReadAnyASN1(&value, &tag) || !pair.Empty() {
		return namePart{}, malformed("name attribute")
	}
	if text, ok := directoryString(tag, value); ok {
		return namePart{oid: oid, value: text}, nil
	}
	if text, opaque, ok := d.strangeText(tag, value); ok {
		p := namePart{oid: oid, value: text}
		if opaque {
			p.opaque = element
		}
		return p, nil
	}
	return namePart{}, malformed("text in a name")
}

func (n *Name) set(oid OID, text string) {
	switch oid {
	case oidCountry:
		n.Country = text
	case oidOrganization:
		n.Organization = text
	case oidUnit:
		n.OrganizationalUnit = text
	case oidCommonName:
		n.CommonName = text
	}
}

const (
	tagNumericString   asn1.Tag = 18
	tagTeletexString   asn1.Tag = 20
	tagUniversalString asn1.Tag = 28
	tagVisibleString   asn1.Tag = 26
	tagBMPString       asn1.Tag = 30
)

// directoryString reads X.520 DirectoryString strictly: Chinese text belongs
// in UTF8String or BMPString.
func directoryString(tag asn1.Tag, value []byte) (string, bool) {
	switch tag {
	case asn1.UTF8String:
		return string(value), utf8.Valid(value) && !bytes.ContainsRune(value, 0)
	case asn1.PrintableString, asn1.IA5String, tagNumericString, tagTeletexString:
		for _, b := range value {
			if b == 0 || b >= 0x80 {
				return "", false
			}
		}
		return string(value), true
	case tagBMPString:
		if len(value)%2 != 0 {
			return "", false
		}
		units := make([]uint16, 0, len(value)/2)
		for i := 0; i < len(value); i += 2 {
			units = append(units, uint16(value[i])<<8|uint16(value[i+1]))
		}
		// A lone surrogate has no character: all of them decode to one, and names
		// that differ in them would be equal.
		text := string(utf16.Decode(units))
		return text, !slices.Contains(units, 0) && !strings.ContainsRune(text, utf8.RuneError)
	}
	return "", false
}
