package lint

import (
	"fmt"
	"time"
)

var life = &Rule{
	ID: "cps_life", Source: "protocol.md 9; RFC 5280 4.1.2.5",
	Says: "it lives no longer than its profile allows, its last second included",
	broken: func(v *view) string {
		if lives := v.notAfter.at.Sub(v.notBefore.at) + time.Second; lives > v.want.Life {
			return fmt.Sprintf("%s instead of %s", lives, v.want.Life)
		}
		return ""
	},
}
