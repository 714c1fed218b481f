package lint

var basicConstraints = &Rule{
	ID: "rfc5280_basic_constraints", Source: "RFC 5280 4.2.1.9",
	Says: "an authority's basic constraints are critical; nobody else has any",
	broken: func(v *view) string {
		e := v.ext(idBasicConstraints)
		switch {
		case v.want.CA && (e == nil || !e.critical):
			return "they are missing or not critical"
		case !v.want.CA && e != nil:
			return "they are there"
		}
		return ""
	},
}
