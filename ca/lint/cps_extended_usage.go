package lint

var extendedUsage = &Rule{
	ID: "cps_extended_usage", Source: "protocol.md 9; RFC 5280 4.2.1.12",
	Says: "the extended key usage and ocsp-nocheck are exactly the profile's",
	broken: func(v *view) string {
		if v.cert == nil {
			return ""
		}
		has, want := v.cert.EKUs, v.want.EKU
		none := want == "" && len(has) == 0
		if !none && (len(has) != 1 || has[0] != want) || v.cert.EKUCritical != v.want.EKUCritical || v.want.OCSPNoCheck != (v.ext("1.3.6.1.5.5.7.48.1.5") != nil) {
			return "it is another"
		}
		return ""
	},
}
