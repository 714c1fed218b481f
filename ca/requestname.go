package ca

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// RequestSubject gives the subject that a request names, whose signature is not
// checked: Issue does that. Nothing is granted by it but the common name, for which
// EST (RFC 7030) has no other place; the organisation is the register's.
func RequestSubject(csr []byte) (certs.Name, error) {
	der, err := requestDER(csr)
	if err != nil {
		return certs.Name{}, err
	}
	in := cryptobyte.String(der)
	var outer, info, subject cryptobyte.String
	var version int
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1Integer(&version) ||
		!info.ReadASN1Element(&subject, asn1.SEQUENCE) {
		return certs.Name{}, badRequest("it is no PKCS#10 request")
	}
	name, err := certs.ParseName(subject)
	if err != nil {
		return certs.Name{}, badRequest("its subject cannot be read")
	}
	return name, nil
}
