package lint

import (
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte/asn1"
)

var textUTF8 = &Rule{
	ID: "rfc5280_text_utf8", Source: "RFC 5280 4.1.2.4; protocol.md 9",
	Says: "names but the country are UTF8Strings that are UTF-8: Chinese in other types is read otherwise by others",
	broken: func(v *view) string {
		for _, rdn := range v.subject.rdns {
			for _, a := range rdn {
				if a.id != idCountry && (a.tag != asn1.UTF8String || !utf8.Valid(a.value)) {
					return string(a.id) + " is not"
				}
			}
		}
		return ""
	},
}
