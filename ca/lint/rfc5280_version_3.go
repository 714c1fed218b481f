package lint

var version3 = &Rule{
	ID: "rfc5280_version_3", Source: "RFC 5280 4.1.2.1",
	Says: "with extensions the version is 3",
	broken: func(v *view) string {
		if !v.explicitVersion || len(v.version) != 1 || v.version[0] != 2 {
			return "it is another"
		}
		return ""
	},
}
