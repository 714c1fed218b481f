package lint

import (
	"bytes"
	"slices"

	"yinxin/certs"
)

var noCheckOCSP = &Rule{
	ID: "rfc6960_nocheck_ocsp", Source: "RFC 6960 4.2.2.2.1",
	Says: "ocsp-nocheck is NULL, not critical, and only beside OCSPSigning: it frees a certificate from being asked about",
	broken: func(v *view) string {
		e := v.ext(certs.OIDOCSPNoCheck)
		if e == nil {
			return ""
		}
		if e.critical || !bytes.Equal(e.value, []byte{5, 0}) || v.cert != nil && !slices.Contains(v.cert.EKUs, certs.OIDEKUOCSPSigning) {
			return "it is not"
		}
		return ""
	},
}
