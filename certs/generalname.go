package certs

import (
	"bytes"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// NameForm is the form of a GeneralName: its tag in RFC 5280 4.2.1.6.
type NameForm uint8

const (
	FormOther        NameForm = 0
	FormEmail        NameForm = 1
	FormDNS          NameForm = 2
	FormX400         NameForm = 3
	FormDirectory    NameForm = 4
	FormEDI          NameForm = 5
	FormURI          NameForm = 6
	FormIP           NameForm = 7
	FormRegisteredID NameForm = 8
)

// GeneralName is one name. Value is the content without its tag: the text of
// an address, the octets of an IP, the DER of a directory name.
type GeneralName struct {
	Form      NameForm
	Value     []byte
	Directory Name // of FormDirectory
}

// maxGeneralNames bounds a list of names: each costs a comparison with each
// constraint above it.
const maxGeneralNames = 256

func (d *dialect) generalName(s *cryptobyte.String) (GeneralName, bool) {
	var content cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&content, &tag) {
		return GeneralName{}, false
	}
	form := NameForm(tag & 0x1f)
	g := GeneralName{Form: form, Value: content}
	constructed := form == FormOther || form == FormX400 || form == FormDirectory || form == FormEDI
	want := asn1.Tag(form).ContextSpecific()
	if constructed {
		want = want.Constructed()
	}
	if tag != want || form > FormRegisteredID {
		return g, false
	}
	switch form {
	case FormEmail, FormDNS, FormURI:
		return g, isASCII(content) || d.overlook(OversightText)
	case FormDirectory:
		var err error
		g.Directory, err = d.name(content)
		return g, err == nil
	case FormIP:
		// A constraint's address has a mask behind it (RFC 5280 4.2.1.10).
		return g, len(content) == 4 || len(content) == 8 || len(content) == 16 || len(content) == 32
	}
	return g, true
}

// generalNames reads the content of a GeneralNames, which has at least one.
func (d *dialect) generalNames(s cryptobyte.String) ([]GeneralName, bool) {
	var out []GeneralName
	for !s.Empty() {
		g, ok := d.generalName(&s)
		if !ok || len(out) == maxGeneralNames {
			return nil, false
		}
		out = append(out, g)
	}
	return out, len(out) > 0
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c == 0 || c >= 0x80 {
			return false
		}
	}
	return true
}

// same compares two names of one form (RFC 5280 7.1 to 7.5).
func (g GeneralName) same(o GeneralName) bool {
	if g.Form != o.Form {
		return false
	}
	switch g.Form {
	case FormDirectory:
		return g.Directory.Equal(o.Directory)
	case FormURI:
		return bytes.Equal(g.Value, o.Value) || plainURI(string(g.Value)) == plainURI(string(o.Value))
	case FormDNS:
		return strings.EqualFold(string(g.Value), string(o.Value))
	}
	return bytes.Equal(g.Value, o.Value)
}

// plainURI has scheme and host in lower case, which RFC 5280 7.4 compares so;
// the rest stands as it is.
func plainURI(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	host, path := rest[:end], rest[end:]
	if path == "" {
		path = "/"
	}
	return strings.ToLower(scheme) + "://" + strings.ToLower(host) + path
}

// anyNameInBoth is the rule of RFC 5280 6.3.3 (b)(2)(i).
func anyNameInBoth(a, b []GeneralName) bool {
	for _, x := range a {
		for _, y := range b {
			if x.same(y) {
				return true
			}
		}
	}
	return false
}
