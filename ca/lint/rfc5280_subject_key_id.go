package lint

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var subjectKeyID = &Rule{
	ID: "rfc5280_subject_key_id", Source: "RFC 5280 4.2.1.2",
	Says: "the key identifier is there and not critical",
	broken: func(v *view) string {
		e := v.ext(idSubjectKeyID)
		if e == nil {
			return "it is missing"
		}
		s := cryptobyte.String(e.value)
		if e.critical || !s.SkipASN1(asn1.OCTET_STRING) || !s.Empty() {
			return "it is critical, or no OCTET STRING"
		}
		return ""
	},
}
