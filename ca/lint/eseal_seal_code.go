package lint

import "strings"

var sealCode = &Rule{
	ID: "eseal_seal_code", Source: "national e-seal PKI in use; GB/T 2260; formats.md 3",
	Says: "the common name of a seal's certificate is 14 digits, the first two those of the province",
	broken: func(v *view) string {
		if !v.want.Seal {
			return ""
		}
		cn := v.subject.of(idCommonName)
		if len(cn) != 14 || strings.Trim(cn, "0123456789") != "" || len(v.want.Region) != 6 || cn[:2] != v.want.Region[:2] {
			return "it is " + cn
		}
		return ""
	},
}
