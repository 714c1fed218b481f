package lint

import (
	"slices"

	"yinxin/certs"
)

var attributeOnce = &Rule{
	ID: "rfc5280_attribute_once", Source: "X.501 9.3; RFC 5280 4.1.2.4",
	Says: "a part of the subject is one attribute, and no attribute comes twice: readers would differ on which counts",
	broken: func(v *view) string {
		seen := make([]certs.OID, 0, 4)
		for _, rdn := range v.subject.rdns {
			if len(rdn) > 1 {
				return "a part has several attributes"
			}
			for _, a := range rdn {
				if slices.Contains(seen, a.id) {
					return string(a.id) + " comes twice"
				}
				seen = append(seen, a.id)
			}
		}
		return ""
	},
}
