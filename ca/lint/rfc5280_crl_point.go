package lint

var crlPoint = &Rule{
	ID: "rfc5280_crl_point", Source: "RFC 5280 4.2.1.13",
	Says: "below a root one distribution point names one list in full, not critical; a root has none",
	broken: func(v *view) string {
		e := v.ext(idCRLPoints)
		switch {
		case v.want.Issuer == nil && e != nil:
			return "a root has one"
		case v.want.Issuer != nil && (e == nil || e.critical || pointAddress(e.value) == ""):
			return "there is none, or another"
		}
		return ""
	},
}
