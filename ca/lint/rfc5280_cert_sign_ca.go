package lint

import "yinxin/certs"

var certSignCA = &Rule{
	ID: "rfc5280_cert_sign_ca", Source: "RFC 5280 4.2.1.3, 4.2.1.9",
	Says: "who may sign certificates is an authority, and who may not is none",
	broken: func(v *view) string {
		if v.cert != nil && v.cert.IsCA != (v.cert.KeyUsage&certs.KeyUsageCertSign != 0) {
			return "keyCertSign and cA do not agree"
		}
		return ""
	},
}
