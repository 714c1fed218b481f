package lint

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

var namesPermitted = &Rule{
	ID: "rfc5280_names_permitted", Source: "RFC 5280 4.2.1.10",
	Says: "the subject lies within the names that its issuer may certify",
	broken: func(v *view) string {
		if v.want.Issuer == nil {
			return ""
		}
		for _, e := range v.want.Issuer.Extensions {
			if e.ID == idNameConstraints && !permitted(e, &v.subject) {
				return "it does not"
			}
		}
		return ""
	},
}

// permitted reads constraints of the one kind that we make: permitted subtrees of
// directory names. A subject is within one that it begins with. Anything else
// permits nothing: what is not understood must not be passed over.
func permitted(e certs.Extension, subject *name) bool {
	s := cryptobyte.String(e.Value)
	var seq, trees cryptobyte.String
	if !s.ReadASN1(&seq, asn1.SEQUENCE) || !s.Empty() || !seq.ReadASN1(&trees, asn1.Tag(0).ContextSpecific().Constructed()) || !seq.Empty() {
		return false
	}
	subjectRDNs := content(subject.raw)
	for !trees.Empty() {
		var tree, general cryptobyte.String
		if !trees.ReadASN1(&tree, asn1.SEQUENCE) || !tree.ReadASN1(&general, asn1.Tag(4).ContextSpecific().Constructed()) || !tree.Empty() {
			return false
		}
		if base := content(general); base != nil && bytes.HasPrefix(subjectRDNs, base) {
			return true
		}
	}
	return false
}

// content of one SEQUENCE, nil if it is none.
func content(raw cryptobyte.String) []byte {
	var seq cryptobyte.String
	if !raw.ReadASN1(&seq, asn1.SEQUENCE) || !raw.Empty() {
		return nil
	}
	return seq
}
