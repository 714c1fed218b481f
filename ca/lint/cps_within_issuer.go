package lint

var withinIssuer = &Rule{
	ID: "cps_within_issuer", Source: "practice statement (shell model)",
	Says: "it begins and ends within the life of its issuer's certificate",
	broken: func(v *view) string {
		if by := v.want.Issuer; by != nil && (v.notBefore.at.Before(by.NotBefore) || v.notAfter.at.After(by.NotAfter)) {
			return "it does not"
		}
		return ""
	},
}
