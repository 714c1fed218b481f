package lint

import "fmt"

// maxSize of a certificate: ours take 700 to 1,100 octets, and every stamp and
// every bundle carries several.
const maxSize = 4 << 10

var size = &Rule{
	ID: "cps_size", Source: "practice statement",
	Says: "it takes at most 4,096 octets, since every stamp carries it",
	broken: func(v *view) string {
		if len(v.der) > maxSize {
			return fmt.Sprintf("it takes %d", len(v.der))
		}
		return ""
	},
}
