package lint

import "bytes"

var issuerName = &Rule{
	ID: "rfc5280_issuer_name", Source: "RFC 5280 4.1.2.4, 6.1.3 (a)(4)",
	Says: "the issuer is the subject of the issuer's certificate, octet for octet, or the subject itself at a root",
	broken: func(v *view) string {
		want := v.subject.raw
		if v.want.Issuer != nil {
			want = v.want.Issuer.RawSubject
		}
		if !bytes.Equal(v.issuer.raw, want) {
			return "it is another name"
		}
		return ""
	},
}
