package lint

import "yinxin/certs"

// Extensions of RFC 5280 4.2 and attributes of X.520.
const (
	idSubjectKeyID      certs.OID = "2.5.29.14"
	idKeyUsage          certs.OID = "2.5.29.15"
	idBasicConstraints  certs.OID = "2.5.29.19"
	idNameConstraints   certs.OID = "2.5.29.30"
	idCRLPoints         certs.OID = "2.5.29.31"
	idPolicies          certs.OID = "2.5.29.32"
	idAuthorityKeyID    certs.OID = "2.5.29.35"
	idPolicyConstraints certs.OID = "2.5.29.36"
	idExtendedKeyUsage  certs.OID = "2.5.29.37"
	idFreshestCRL       certs.OID = "2.5.29.46"
	idAuthorityAccess   certs.OID = "1.3.6.1.5.5.7.1.1"
	idOCSP              certs.OID = "1.3.6.1.5.5.7.48.1"
	idIssuers           certs.OID = "1.3.6.1.5.5.7.48.2"

	idCountry      certs.OID = "2.5.4.6"
	idOrganization certs.OID = "2.5.4.10"
	idCommonName   certs.OID = "2.5.4.3"
)
