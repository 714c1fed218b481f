package lint

import "yinxin/certs"

var addresses = &Rule{
	ID: "cps_addresses", Source: "protocol.md 9",
	Says: "every address is the one at which the house answers for this issuer",
	broken: func(v *view) string {
		point := func(id certs.OID) string {
			if e := v.ext(id); e != nil {
				return pointAddress(e.value)
			}
			return ""
		}
		var ocsp, issuers string
		if e := v.ext(idAuthorityAccess); e != nil {
			ocsp, issuers = accessAddresses(e.value)
		}
		if point(idCRLPoints) != v.want.CRL || point(idFreshestCRL) != v.want.FreshestCRL || ocsp != v.want.OCSP || issuers != v.want.IssuerURL {
			return "one is another"
		}
		return ""
	},
}
