package pdf

import "strings"

// canonicalHex wants pairs of digits in one case and nothing between: the hole
// is covered by nothing else, so it may be written in one way only.
func canonicalHex(b []byte) bool {
	lower, upper := false, false
	for _, c := range b {
		switch {
		case isDigit(c):
		case c >= 'a' && c <= 'f':
			lower = true
		case c >= 'A' && c <= 'F':
			upper = true
		default:
			return false
		}
	}
	return len(b)%2 == 0 && !(lower && upper)
}

// takeToken cuts the DER token from its padding.
func (s *found) takeToken(raw string) {
	n := derLength(raw)
	switch {
	case n == 0:
		s.problem("/Contents is not one DER value")
	case strings.Trim(raw[n:], "\x00") != "":
		s.problem("/Contents holds something else than 00 after the token")
	default:
		s.Contents = []byte(raw[:n])
	}
}

// derLength is the length of the SEQUENCE at the start of b, 0 if there is
// none in DER.
func derLength(b string) int {
	if len(b) < 2 || b[0] != 0x30 {
		return 0
	}
	if b[1] < 0x80 {
		n := 2 + int(b[1])
		if n > len(b) {
			return 0
		}
		return n
	}
	k := int(b[1] & 0x7f)
	if k == 0 || k > 3 || len(b) < 2+k || b[2] == 0 {
		return 0
	}
	n := int(bigEndian([]byte(b[2 : 2+k])))
	if n < 0x80 || 2+k+n > len(b) {
		return 0
	}
	return 2 + k + n
}
