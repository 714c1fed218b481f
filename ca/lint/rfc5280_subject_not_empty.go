package lint

var subjectNotEmpty = &Rule{
	ID: "rfc5280_subject_not_empty", Source: "RFC 5280 4.1.2.4, 4.1.2.6",
	Says: "issuer and subject have attributes, and none is empty",
	broken: func(v *view) string {
		for _, n := range []name{v.issuer, v.subject} {
			if len(n.rdns) == 0 {
				return "a name of nothing"
			}
			for _, rdn := range n.rdns {
				if len(rdn) == 0 {
					return "a part of a name is empty"
				}
				for _, a := range rdn {
					if len(a.value) == 0 {
						return string(a.id) + " is empty"
					}
				}
			}
		}
		return ""
	},
}
