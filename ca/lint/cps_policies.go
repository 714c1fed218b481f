package lint

var policies = &Rule{
	ID: "cps_policies", Source: "protocol.md 9; RFC 5280 4.2.1.4",
	Says: "the policies are exactly the profile's, each with the address of our practice statement",
	broken: func(v *view) string {
		has := v.policies()
		if len(has) != len(v.want.Policies) {
			return "they are more or fewer"
		}
		for i, p := range has {
			if p.id != v.want.Policies[i] || p.cps != v.want.CPS {
				return string(p.id) + " " + p.cps
			}
		}
		return ""
	},
}
