package lint

import (
	"bytes"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var keyIDSM3 = &Rule{
	ID: "cps_key_id_sm3", Source: "protocol.md 9; RFC 5280 4.2.1.2 (1)",
	Says: "the key identifier is the first 20 octets of SM3 over the point",
	broken: func(v *view) string {
		e := v.ext(idSubjectKeyID)
		if e == nil {
			return ""
		}
		s := cryptobyte.String(e.value)
		var id cryptobyte.String
		sum := sm3.Sum(v.key.point)
		if !s.ReadASN1(&id, asn1.OCTET_STRING) || !bytes.Equal(id, sum[:20]) {
			return "it is another"
		}
		return ""
	},
}
