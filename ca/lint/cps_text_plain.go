package lint

import (
	"fmt"
	"strings"
	"unicode"
)

var textPlain = &Rule{
	ID: "cps_text_plain", Source: "practice statement; Unicode UTS 39",
	Says: "names hold nothing that shows as another name than it is: no controls, no marks that turn the writing round, no spaces at the ends",
	broken: func(v *view) string {
		for _, rdn := range v.subject.rdns {
			for _, a := range rdn {
				text := string(a.value)
				if strings.TrimSpace(text) != text || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
					return fmt.Sprintf("%s is %q", a.id, text)
				}
			}
		}
		return ""
	},
}
