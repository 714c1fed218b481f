package lint

var keyUsageCritical = &Rule{
	ID: "rfc5280_key_usage_critical", Source: "RFC 5280 4.2.1.3; GM/T 0015",
	Says: "the key usage is there and critical",
	broken: func(v *view) string {
		if e := v.ext(idKeyUsage); e == nil || !e.critical {
			return "it is not"
		}
		return ""
	},
}
