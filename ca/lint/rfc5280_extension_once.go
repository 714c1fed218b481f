package lint

import (
	"slices"

	"yinxin/certs"
)

var extensionOnce = &Rule{
	ID: "rfc5280_extension_once", Source: "RFC 5280 4.2",
	Says: "no extension comes twice",
	broken: func(v *view) string {
		seen := make([]certs.OID, 0, 16)
		for _, e := range v.extensions {
			if slices.Contains(seen, e.id) {
				return string(e.id)
			}
			seen = append(seen, e.id)
		}
		return ""
	},
}
