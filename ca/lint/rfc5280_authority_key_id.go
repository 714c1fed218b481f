package lint

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var authorityKeyID = &Rule{
	ID: "rfc5280_authority_key_id", Source: "RFC 5280 4.2.1.1",
	Says: "below a root the authority's key identifier is its certificate's own, alone and not critical",
	broken: func(v *view) string {
		e := v.ext(idAuthorityKeyID)
		if v.want.Issuer == nil {
			if e != nil {
				return "a root has one"
			}
			return ""
		}
		if e == nil {
			return "it is missing"
		}
		s := cryptobyte.String(e.value)
		var seq, id cryptobyte.String
		if e.critical || !s.ReadASN1(&seq, asn1.SEQUENCE) || !s.Empty() || !seq.ReadASN1(&id, asn1.Tag(0).ContextSpecific()) || !seq.Empty() || !bytes.Equal(id, v.want.Issuer.SubjectKeyID) {
			return "it is critical, another's, or more than the identifier"
		}
		return ""
	},
}
