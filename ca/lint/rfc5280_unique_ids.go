package lint

var uniqueIDs = &Rule{
	ID: "rfc5280_unique_ids", Source: "RFC 5280 4.1.2.8",
	Says: "there are no unique identifiers: names are not used again",
	broken: func(v *view) string {
		if v.unique {
			return "there is one"
		}
		return ""
	},
}
