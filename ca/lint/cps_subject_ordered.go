package lint

var subjectOrdered = &Rule{
	ID: "cps_subject_ordered", Source: "practice statement",
	Says: "the subject is the one that was ordered, from the register of agencies",
	broken: func(v *view) string {
		if v.subject.of(idOrganization) != v.want.Organization || v.subject.of(idCommonName) != v.want.CN {
			return "it is another"
		}
		return ""
	},
}
