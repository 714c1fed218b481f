package lint

import "github.com/emmansun/gmsm/sm2"

var pointOnCurve = &Rule{
	ID: "gmt0009_point_on_curve", Source: "GM/T 0009-2012 7.1; GM/T 0003.1 6.1",
	Says: "the point is uncompressed, on the curve and not at infinity",
	broken: func(v *view) string {
		if v.key.unused != 0 || len(v.key.point) != 65 || v.key.point[0] != 4 {
			return "it is not 65 octets that begin with 04"
		}
		if v.cert != nil {
			return "" // the reader has been to the curve, which is dear
		}
		if _, err := sm2.NewPublicKey(v.key.point); err != nil {
			return "it is not on the curve"
		}
		return ""
	},
}
