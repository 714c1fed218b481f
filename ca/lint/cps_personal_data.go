package lint

import (
	"strings"

	"yinxin/certs"
)

// identity is the arc of the identity extensions; only that of the organization's
// code is ours to give.
const identity certs.OID = "1.2.156.10260.4.1."

var personalData = &Rule{
	ID: "cps_personal_data", Source: "practice statement; GM/T 0015; design.md (never 6)",
	Says: "no resident's number, passport, insurance or tax number stands in a certificate, which anyone may read for ever",
	broken: func(v *view) string {
		for _, e := range v.extensions {
			if strings.HasPrefix(string(e.id), string(identity)) && e.id != certs.OIDUSCC {
				return string(e.id)
			}
		}
		return ""
	},
}
