package lint

import "yinxin/certs"

var subjectOrder = &Rule{
	ID: "cps_subject_order", Source: "protocol.md 9; GM/T 0015",
	Says: "the subject is C=CN, O and CN in this order, and nothing else",
	broken: func(v *view) string {
		order := []certs.OID{idCountry, idOrganization, idCommonName}
		if len(v.subject.rdns) != len(order) {
			return "it has more or fewer parts"
		}
		for i, rdn := range v.subject.rdns {
			if len(rdn) == 0 || rdn[0].id != order[i] {
				return "a part is another"
			}
		}
		if v.subject.of(idCountry) != "CN" {
			return "another country"
		}
		return ""
	},
}
