package lint

import "bytes"

// sm2WithSM3 is the AlgorithmIdentifier with its parameters absent.
var sm2WithSM3 = []byte{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 0x01, 0x83, 0x75}

var algorithmSM2 = &Rule{
	ID: "gmt0015_algorithm_sm2", Source: "GM/T 0015; GB/T 33560; protocol.md 9",
	Says: "the signature is SM2 with SM3, its parameters absent",
	broken: func(v *view) string {
		if !bytes.Equal(v.inner, sm2WithSM3) {
			return "it is another, or has parameters"
		}
		return ""
	},
}
