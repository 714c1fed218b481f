package lint

import "yinxin/certs"

var agencyCode = &Rule{
	ID: "cps_agency", Source: "protocol.md 9; GM/T 0015",
	Says: "the USCC is that of the agency that ordered it, and there is none where none did",
	broken: func(v *view) string {
		if v.cert != nil && (v.cert.USCC != v.want.Agency || (v.ext(certs.OIDUSCC) != nil) != (v.want.Agency != "")) {
			return "it is another"
		}
		return ""
	},
}
