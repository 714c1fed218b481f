package lint

import (
	"encoding/hex"
	"strings"
)

var shard = &Rule{
	ID: "cps_shard", Source: "protocol.md 9; RFC 5280 5.2.5",
	Says: "a part of a revocation list that is named is the one of the serial number: in another it would never be found",
	broken: func(v *view) string {
		e := v.ext(idCRLPoints)
		if e == nil {
			return ""
		}
		rest := strings.TrimSuffix(pointAddress(e.value), ".crl")
		_, named, found := cutLast(rest, "-")
		part, err := hex.DecodeString(named)
		if !found || err != nil || len(part) != 1 { // a full list, whose issuer may have a hyphen in its name
			return ""
		}
		if len(v.serial) == 0 || part[0] != v.serial[0] {
			return named
		}
		return ""
	},
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
