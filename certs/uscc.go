package certs

import "strings"

// usccAlphabet lacks I, O, S, V and Z (GB 32100-2015 4.2).
const usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

// USCCValid tells whether s is a unified social credit code
// (统一社会信用代码): 18 characters whose last checks the others,
// GB 32100-2015 annex A.
func USCCValid(s string) bool {
	if len(s) != 18 {
		return false
	}
	check, ok := usccCheck(s[:17])
	return ok && s[17] == check
}

func usccCheck(body string) (byte, bool) {
	sum, weight := 0, 1
	for i := range len(body) {
		v := strings.IndexByte(usccAlphabet, body[i])
		if v < 0 {
			return 0, false
		}
		sum += v * weight
		weight = weight * 3 % 31
	}
	return usccAlphabet[(31-sum%31)%31], true
}
