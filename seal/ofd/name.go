package ofd

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// checkName refuses a name that two systems could take for different places, or
// for one outside the package.
func checkName(name string, utf8Flag bool) error {
	switch {
	case name == "" || len(name) > maxName:
		return malformed("an entry's name has %d bytes", len(name))
	case !utf8.ValidString(name):
		return ambiguous("an entry's name is not UTF-8")
	case !utf8Flag && !isASCII(name):
		// Without the flag (APPNOTE 4.4.4, bit 11) some readers take CP 437, some GBK.
		return ambiguous("the name %q does not say in which characters it is written", name)
	case strings.ContainsAny(name, `\:*?"<>|`) || strings.ContainsFunc(name, unicode.IsControl):
		return ambiguous("the name %q holds a character that some systems cannot have in a name", name)
	}
	segments := strings.Split(strings.TrimSuffix(name, "/"), "/")
	if len(segments) > maxNameDepth {
		return tooLarge("the name %q has more than %d folders", name, maxNameDepth)
	}
	for _, s := range segments {
		// Windows drops a dot or a space at the end of a name.
		if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, " ") {
			return ambiguous("the name %q is absolute, climbs or has an empty part", name)
		}
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// fold gives one form to names that some file systems hold to be the same: those that
// differ in letter case, in how characters are composed (APFS), or in characters that
// are not seen (HFS+).
func fold(name string) string {
	if !isASCII(name) {
		name = norm.NFC.String(name)
	}
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, name)
}

// alias tells a name such as PUBLIC~1.XML, by which Windows finds PublicRes.xml.
func alias(name string) bool {
	for _, s := range strings.Split(name, "/") {
		if i := strings.LastIndexByte(s, '~'); i > 0 && i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
			return true
		}
	}
	return false
}

// places remembers which names are taken, as a file or as a folder.
type places map[string]bool // folded name: is it a file

func (p places) take(name string, dir bool) error {
	path := fold(strings.TrimSuffix(name, "/"))
	if file, taken := p[path]; taken && (file || !dir) {
		return ambiguous("%q stands twice, upper and lower case being one", name)
	}
	p[path] = !dir
	for i := strings.LastIndexByte(path, '/'); i > 0; i = strings.LastIndexByte(path[:i], '/') {
		file, taken := p[path[:i]]
		if file {
			return ambiguous("%q lies in what is a file", name)
		}
		if taken {
			break
		}
		p[path[:i]] = false
	}
	return nil
}
