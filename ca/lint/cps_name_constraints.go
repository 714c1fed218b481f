package lint

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var nameConstraints = &Rule{
	ID: "cps_name_constraints", Source: "protocol.md 9; RFC 5280 4.2.1.10",
	Says: "the name constraints are exactly the profile's",
	broken: func(v *view) string {
		e := v.ext(idNameConstraints)
		if e == nil && len(v.want.Permitted) == 0 {
			return ""
		}
		if e == nil {
			return "they are missing"
		}
		s := cryptobyte.String(e.value)
		var seq, trees cryptobyte.String
		if !s.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&trees, asn1.Tag(0).ContextSpecific().Constructed()) || !seq.Empty() {
			return "they are more than permitted subtrees"
		}
		for _, want := range v.want.Permitted {
			var tree, general cryptobyte.String
			if !trees.ReadASN1(&tree, asn1.SEQUENCE) || !tree.ReadASN1(&general, asn1.Tag(4).ContextSpecific().Constructed()) || !tree.Empty() || !bytes.Equal(general, want) {
				return "they are others"
			}
		}
		if !trees.Empty() {
			return "they are more"
		}
		return ""
	},
}
