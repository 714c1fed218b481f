package lint

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var canonical = &Rule{
	ID: "x690_canonical", Source: "X.690 10, 11; RFC 5280 4.1",
	Says: "every value is in DER: encoded again, also inside extensions, it would be the same octets",
	broken: func(v *view) string {
		if how := der(v.der, 0); how != "" {
			return how
		}
		for _, e := range v.extensions {
			if how := der(e.value, 0); how != "" {
				return string(e.id) + ": " + how
			}
		}
		return ""
	},
}

// maxDepth of nested values: a certificate has eight levels.
const maxDepth = 16

// der walks whole values. Lengths are held to their shortest form by the reader.
func der(s cryptobyte.String, depth int) string {
	for !s.Empty() {
		var element, content cryptobyte.String
		var tag asn1.Tag
		if depth > maxDepth || !s.ReadAnyASN1Element(&element, &tag) {
			return "a length or tag is not in its one form"
		}
		element.ReadAnyASN1(&content, &tag)
		if how := derValue(tag, content, depth); how != "" {
			return how
		}
	}
	return ""
}

func derValue(tag asn1.Tag, content cryptobyte.String, depth int) string {
	switch tag {
	case asn1.BOOLEAN:
		if len(content) != 1 || content[0] != 0 && content[0] != 0xff {
			return "a BOOLEAN is neither 00 nor FF"
		}
	case asn1.INTEGER, asn1.ENUM:
		if len(content) == 0 || len(content) > 1 && (content[0] == 0 && content[1] < 0x80 || content[0] == 0xff && content[1] >= 0x80) {
			return "an INTEGER has an octet that says nothing"
		}
	case asn1.BIT_STRING:
		if len(content) == 0 || content[0] > 7 || len(content) == 1 && content[0] != 0 || content[len(content)-1]&(1<<content[0]-1) != 0 {
			return "a BIT STRING has unused bits that are set"
		}
	case asn1.NULL:
		if len(content) != 0 {
			return "a NULL holds something"
		}
	case asn1.SET:
		if how := derSet(content); how != "" {
			return how
		}
	}
	if tag&0x20 != 0 { // constructed
		return der(content, depth+1)
	}
	return ""
}

// derSet: X.690 11.6 puts the elements of a SET OF in the order of their octets.
func derSet(s cryptobyte.String) string {
	var before cryptobyte.String
	for !s.Empty() {
		var element cryptobyte.String
		var tag asn1.Tag
		if !s.ReadAnyASN1Element(&element, &tag) {
			return "a length or tag is not in its one form"
		}
		if before != nil && bytes.Compare(before, element) > 0 {
			return "a SET OF is not in order"
		}
		before = element
	}
	return ""
}
