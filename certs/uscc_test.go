package certs

import "testing"

// formats.md 4.5: codes of real organs, the last of them a dummy of a tax
// authority's test invoice.
func TestUSCC(t *testing.T) {
	for code, want := range map[string]bool{
		"11370306MB2867521U": true, "11370000MB2852565A": true, "11320500014150050B": true, "12100000000018032A": true, "11430000006122244L": true,
		"11110000000021135M": true, "11100000000013338W": true, "91350100M000100Y43": true, "11100000MB03271699": true, "91500102563638729E": false,
		"": false, "11370306MB2867521": false, "11370306MB2867521UU": false, "11370306mb2867521U": false, "11370306MB2867521u": false,
		"1137O306MB2867521U": false, " 1370306MB2867521U": false, "11370306MB286752１": false,
	} {
		if got := USCCValid(code); got != want {
			t.Errorf("%s: %t", code, got)
		}
	}
}

// One wrong character is always found, and so are two neighbours exchanged.
func TestUSCCFindsErrors(t *testing.T) {
	const code = "11370306MB2867521U"
	for i := range code {
		for _, c := range []byte(usccAlphabet) {
			wrong := []byte(code)
			if wrong[i] = c; c != code[i] && USCCValid(string(wrong)) {
				t.Errorf("%s is good", wrong)
			}
		}
		if i > 0 && code[i] != code[i-1] {
			wrong := []byte(code)
			if wrong[i], wrong[i-1] = wrong[i-1], wrong[i]; USCCValid(string(wrong)) {
				t.Errorf("%s is good", wrong)
			}
		}
	}
}
