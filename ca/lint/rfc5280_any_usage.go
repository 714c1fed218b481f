package lint

import (
	"slices"

	"yinxin/certs"
)

var anyUsage = &Rule{
	ID: "rfc5280_any_usage", Source: "RFC 5280 4.2.1.12",
	Says: "no key is for any purpose at all",
	broken: func(v *view) string {
		if v.cert != nil && slices.Contains(v.cert.EKUs, certs.OIDEKUAny) {
			return "anyExtendedKeyUsage"
		}
		return ""
	},
}
