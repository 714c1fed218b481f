package lint

import (
	"slices"

	"yinxin/certs"
)

var policiesOnce = &Rule{
	ID: "rfc5280_policies_once", Source: "RFC 5280 4.2.1.4",
	Says: "no policy comes twice",
	broken: func(v *view) string {
		var seen []certs.OID
		for _, p := range v.policies() {
			if slices.Contains(seen, p.id) {
				return string(p.id)
			}
			seen = append(seen, p.id)
		}
		return ""
	},
}
