package lint

import (
	"slices"

	"yinxin/certs"
)

// mayBeCritical are the extensions that RFC 5280 has a reader process.
var mayBeCritical = []certs.OID{idKeyUsage, idBasicConstraints, idNameConstraints, idPolicyConstraints, idExtendedKeyUsage}

var unknownCritical = &Rule{
	ID: "rfc5280_unknown_critical", Source: "RFC 5280 4.2",
	Says: "critical is only what every reader processes, or must stop at: another would make the certificate useless to some",
	broken: func(v *view) string {
		for _, e := range v.extensions {
			if e.critical && !slices.Contains(mayBeCritical, e.id) {
				return string(e.id)
			}
		}
		return ""
	},
}
