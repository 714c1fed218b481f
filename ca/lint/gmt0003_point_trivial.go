package lint

import (
	"bytes"

	"github.com/emmansun/gmsm/sm2"
)

// generatorX is the abscissa of the curve's base point (GM/T 0003.5 2).
var generatorX = sm2.P256().Params().Gx.FillBytes(make([]byte, 32))

var pointTrivial = &Rule{
	ID: "gmt0003_point_trivial", Source: "GM/T 0003.1 6.1; GM/T 0003.5 2",
	Says: "the key is not the curve's base point or its negative, whose private key anyone can guess",
	broken: func(v *view) string {
		if len(v.key.point) == 65 && bytes.Equal(v.key.point[1:33], generatorX) {
			return "it is"
		}
		return ""
	},
}
