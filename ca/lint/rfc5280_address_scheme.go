package lint

import (
	"net/url"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

var addressScheme = &Rule{
	ID: "rfc5280_address_scheme", Source: "RFC 5280 4.2.1.6, 4.2.1.13, 4.2.2.1; RFC 3986",
	Says: "addresses are absolute, of http or https, without user, query and fragment",
	broken: func(v *view) string {
		var all []string
		for _, e := range v.extensions {
			switch e.id {
			case idCRLPoints, idFreshestCRL:
				all = append(all, pointAddress(e.value))
			case idAuthorityAccess:
				ocsp, issuers := accessAddresses(e.value)
				all = append(all, ocsp, issuers)
			}
		}
		for _, a := range all {
			u, err := url.Parse(a)
			if a != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
				return a
			}
		}
		return ""
	},
}

// pointAddress reads a distribution point that names one list by one address in
// full; "" for anything else.
func pointAddress(value []byte) string {
	s := cryptobyte.String(value)
	wrapped := asn1.Tag(0).ContextSpecific().Constructed()
	var list, point, name, full, uri cryptobyte.String
	if !s.ReadASN1(&list, asn1.SEQUENCE) || !s.Empty() || !list.ReadASN1(&point, asn1.SEQUENCE) || !list.Empty() || !point.ReadASN1(&name, wrapped) || !point.Empty() ||
		!name.ReadASN1(&full, wrapped) || !name.Empty() || !full.ReadASN1(&uri, asn1.Tag(6).ContextSpecific()) || !full.Empty() {
		return ""
	}
	return string(uri)
}
