package lint

import "yinxin/certs"

var curveSM2 = &Rule{
	ID: "gmt0009_curve_sm2", Source: "GM/T 0009-2012 7.1; RFC 5480 2.1.1",
	Says: "the key is an id-ecPublicKey on the curve of SM2, named by its OID",
	broken: func(v *view) string {
		if v.key.kind != certs.OIDECPublicKey || v.key.curve != certs.OIDSM2Curve || v.key.more {
			return "it is another"
		}
		return ""
	},
}
