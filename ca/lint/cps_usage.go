package lint

import "fmt"

var usage = &Rule{
	ID: "cps_usage", Source: "protocol.md 9; RFC 5280 4.2.1.3",
	Says: "the key usage is exactly the profile's",
	broken: func(v *view) string {
		if v.cert != nil && v.cert.KeyUsage != v.want.KeyUsage {
			return fmt.Sprintf("%07b instead of %07b, bit 0 last", v.cert.KeyUsage, v.want.KeyUsage)
		}
		return ""
	},
}
