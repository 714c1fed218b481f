package lint

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var defaultFalse = &Rule{
	ID: "x690_default_false", Source: "X.690 11.5; RFC 5280 4.2, 4.2.1.9",
	Says: "a default is not written: neither critical FALSE nor cA FALSE",
	broken: func(v *view) string {
		for _, e := range v.extensions {
			if e.flagged && !e.critical {
				return string(e.id) + " says that it is not critical"
			}
		}
		if e := v.ext(idBasicConstraints); e != nil {
			s := cryptobyte.String(e.value)
			var seq cryptobyte.String
			var isCA bool
			if s.ReadASN1(&seq, asn1.SEQUENCE) && seq.PeekASN1Tag(asn1.BOOLEAN) && seq.ReadASN1Boolean(&isCA) && !isCA {
				return "cA FALSE is written"
			}
		}
		return ""
	},
}
