package lint

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var authorityKeyID = &Rule{
	ID: "rfc5280_authority_key_id", Source: "RFC 5280 4.2.1.1",
	Says: "the authority's key identifier is that of its certificate, alone and not critical; only an authority that signs for itself has none",
	broken: func(v *view) string {
		e := v.ext(idAuthorityKeyID)
		if v.want.Issuer == nil && v.want.CA {
			if e != nil {
				return "a root has one"
			}
			return ""
		}
		if e == nil {
			return "it is missing"
		}
		var want []byte
		if v.want.Issuer != nil {
			want = v.want.Issuer.SubjectKeyID
		} else if v.cert != nil {
			want = v.cert.SubjectKeyID
		}
		s := cryptobyte.String(e.value)
		var seq, id cryptobyte.String
		if e.critical || !s.ReadASN1(&seq, asn1.SEQUENCE) || !s.Empty() || !seq.ReadASN1(&id, asn1.Tag(0).ContextSpecific()) || !seq.Empty() || !bytes.Equal(id, want) {
			return "it is critical, another's, or more than the identifier"
		}
		return ""
	},
}
