package lint

import "yinxin/certs"

var constraintsCA = &Rule{
	ID: "rfc5280_constraints_ca", Source: "RFC 5280 4.2.1.10, 4.2.1.11",
	Says: "name and policy constraints stand in an authority's certificate alone, critical and not empty",
	broken: func(v *view) string {
		for _, id := range []certs.OID{idNameConstraints, idPolicyConstraints} {
			if e := v.ext(id); e != nil && (!v.want.CA || !e.critical || len(e.value) <= 2) {
				return string(id)
			}
		}
		return ""
	},
}
