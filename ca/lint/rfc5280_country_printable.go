package lint

import "golang.org/x/crypto/cryptobyte/asn1"

var countryPrintable = &Rule{
	ID: "rfc5280_country_printable", Source: "RFC 5280 A.1 (X520countryName); ISO 3166-1",
	Says: "the country is a PrintableString of two capital letters",
	broken: func(v *view) string {
		for _, rdn := range v.subject.rdns {
			for _, a := range rdn {
				capitals := len(a.value) == 2 && a.value[0] >= 'A' && a.value[0] <= 'Z' && a.value[1] >= 'A' && a.value[1] <= 'Z'
				if a.id == idCountry && (a.tag != asn1.PrintableString || !capitals) {
					return "it is not"
				}
			}
		}
		return ""
	},
}
