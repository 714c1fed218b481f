package lint

import "bytes"

var algorithmsEqual = &Rule{
	ID: "rfc5280_algorithms_equal", Source: "RFC 5280 4.1.1.2",
	Says: "the algorithm inside is the one beside the signature, octet for octet",
	broken: func(v *view) string {
		if !bytes.Equal(v.inner, v.outer) {
			return "they differ"
		}
		return ""
	},
}
