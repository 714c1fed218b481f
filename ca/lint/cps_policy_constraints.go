package lint

import "bytes"

var policyConstraints = &Rule{
	ID: "cps_policy_constraints", Source: "protocol.md 9; RFC 5280 4.2.1.11",
	Says: "an explicit policy is required of all below exactly where the profile says so",
	broken: func(v *view) string {
		e := v.ext(idPolicyConstraints)
		if (e != nil) != v.want.RequirePolicy || e != nil && !bytes.Equal(e.value, []byte{0x30, 3, 0x80, 1, 0}) {
			return "it is not"
		}
		return ""
	},
}
