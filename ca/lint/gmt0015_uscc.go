package lint

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

var uscc = &Rule{
	ID: "gmt0015_uscc", Source: "GM/T 0015; GB 32100-2015 annex A; protocol.md 9",
	Says: "the unified social credit code is a PrintableString whose check character fits",
	broken: func(v *view) string {
		e := v.ext(certs.OIDUSCC)
		if e == nil {
			return ""
		}
		s := cryptobyte.String(e.value)
		var text cryptobyte.String
		if !s.ReadASN1(&text, asn1.PrintableString) || !s.Empty() || !certs.USCCValid(string(text)) {
			return "it is not"
		}
		return ""
	},
}
