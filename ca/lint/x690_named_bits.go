package lint

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var namedBits = &Rule{
	ID: "x690_named_bits", Source: "X.690 11.2.2; RFC 5280 4.2.1.3",
	Says: "the bits of the key usage end with the last one that is set",
	broken: func(v *view) string {
		e := v.ext(idKeyUsage)
		if e == nil {
			return ""
		}
		s := cryptobyte.String(e.value)
		var bits cryptobyte.String
		var unused uint8
		if !s.ReadASN1(&bits, asn1.BIT_STRING) || !bits.ReadUint8(&unused) || unused > 7 || len(bits) == 0 || bits[len(bits)-1]>>unused&1 == 0 {
			return "it ends with a bit that is not set"
		}
		return ""
	},
}
