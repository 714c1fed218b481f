package lint

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var pathLength = &Rule{
	ID: "rfc5280_path_length", Source: "RFC 5280 4.2.1.9",
	Says: "a path length stands behind cA TRUE and is not negative",
	broken: func(v *view) string {
		e := v.ext(idBasicConstraints)
		if e == nil {
			return ""
		}
		s := cryptobyte.String(e.value)
		var seq cryptobyte.String
		var isCA bool
		n := 0
		if !s.ReadASN1(&seq, asn1.SEQUENCE) || seq.PeekASN1Tag(asn1.BOOLEAN) && !seq.ReadASN1Boolean(&isCA) ||
			!seq.Empty() && (!isCA || !seq.ReadASN1Integer(&n)) || n < 0 || !seq.Empty() {
			return "it does not"
		}
		return ""
	},
}
