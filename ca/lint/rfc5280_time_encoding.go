package lint

import "golang.org/x/crypto/cryptobyte/asn1"

var timeEncoding = &Rule{
	ID: "rfc5280_time_encoding", Source: "RFC 5280 4.1.2.5",
	Says: "times are UTCTime through 2049 and GeneralizedTime from 2050 on, with seconds, without fractions, in Z",
	broken: func(v *view) string {
		for _, m := range []moment{v.notBefore, v.notAfter} {
			if m.at.IsZero() || (m.at.Year() < 2050) != (m.tag == asn1.UTCTime) {
				return "not so " + m.text
			}
		}
		return ""
	},
}
