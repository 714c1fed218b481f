package lint

import (
	"strings"

	"yinxin/certs"
)

var sealUnit = &Rule{
	ID: "eseal_seal_unit", Source: "national e-seal PKI in use; formats.md 3",
	Says: "the organization of a seal's certificate is the USCC of its extension and the name of the unit",
	broken: func(v *view) string {
		if !v.want.Seal {
			return ""
		}
		o := v.subject.of(idOrganization)
		if len(o) <= 18 || !certs.USCCValid(o[:18]) || v.cert != nil && !strings.HasPrefix(o, v.cert.USCC) || v.ext(certs.OIDUSCC) == nil {
			return "it is not"
		}
		return ""
	},
}
