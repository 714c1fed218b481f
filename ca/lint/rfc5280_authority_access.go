package lint

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

var authorityAccess = &Rule{
	ID: "rfc5280_authority_access", Source: "RFC 5280 4.2.2.1; RFC 6960 3.1",
	Says: "below a root the addresses of the OCSP responder and of the issuer's certificate are there, once each, not critical",
	broken: func(v *view) string {
		e := v.ext(idAuthorityAccess)
		if v.want.Issuer == nil {
			if e != nil {
				return "a root has some"
			}
			return ""
		}
		if e == nil || e.critical {
			return "they are missing, or critical"
		}
		if ocsp, issuers := accessAddresses(e.value); ocsp == "" || issuers == "" {
			return "one is missing, twice there, or no address"
		}
		return ""
	},
}

// accessAddresses reads the one OCSP and the one issuer's address; both are empty
// if there is anything else.
func accessAddresses(value []byte) (ocsp, issuers string) {
	s := cryptobyte.String(value)
	var list cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() {
		return "", ""
	}
	for !list.Empty() {
		var access, uri cryptobyte.String
		if !list.ReadASN1(&access, asn1.SEQUENCE) {
			return "", ""
		}
		method, ok := certs.ReadOID(&access)
		if !ok || !access.ReadASN1(&uri, asn1.Tag(6).ContextSpecific()) || !access.Empty() {
			return "", ""
		}
		switch {
		case method == idOCSP && ocsp == "":
			ocsp = string(uri)
		case method == idIssuers && issuers == "":
			issuers = string(uri)
		default:
			return "", ""
		}
	}
	return ocsp, issuers
}
