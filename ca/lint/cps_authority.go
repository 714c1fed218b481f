package lint

var authority = &Rule{
	ID: "cps_authority", Source: "protocol.md 9; RFC 5280 4.2.1.9",
	Says: "it is an authority's, with the profile's path length, or nobody's",
	broken: func(v *view) string {
		if v.cert != nil && (v.cert.IsCA != v.want.CA || v.cert.IsCA && v.cert.MaxPathLen != v.want.PathLen) {
			return "it is not"
		}
		return ""
	},
}
