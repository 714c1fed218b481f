package lint

var validityOrder = &Rule{
	ID: "rfc5280_validity_order", Source: "RFC 5280 4.1.2.5",
	Says: "it begins before it ends",
	broken: func(v *view) string {
		if !v.notBefore.at.Before(v.notAfter.at) {
			return "it ends at " + v.notAfter.text
		}
		return ""
	},
}
