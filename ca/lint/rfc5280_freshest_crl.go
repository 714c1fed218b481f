package lint

import "strings"

var freshestCRL = &Rule{
	ID: "rfc5280_freshest_crl", Source: "RFC 5280 4.2.1.15, 6.3.3 (c)",
	Says: "a delta list is named beside a full list alone, since it has the scope of its base, and is not critical",
	broken: func(v *view) string {
		e := v.ext(idFreshestCRL)
		if e == nil {
			return ""
		}
		base := v.ext(idCRLPoints)
		if e.critical || base == nil {
			return "it is critical, or there is no list below it"
		}
		full, delta := pointAddress(base.value), pointAddress(e.value)
		if !strings.HasSuffix(full, ".crl") || delta != strings.TrimSuffix(full, ".crl")+"-delta.crl" {
			return "it is not that of the list"
		}
		return ""
	},
}
