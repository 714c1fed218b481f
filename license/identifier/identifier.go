// Package identifier makes and reads the identifier of an electronic licence
// (电子证照标识, GB/T 36904-2018): root, type, issuer, serial, version and a check
// character, joined by dots.
//
// New makes one with its check character; Parse reads one and tells whether that
// character follows the standard or a variant that a region uses.
package identifier

import (
	"errors"
	"fmt"
	"strings"
)

// Root is the object identifier under which all of them stand.
const Root = "1.2.156.3005.2"

// Lengths of the parts. Serials and issuers of the field vary; the bounds keep a
// megabyte from being summed.
const (
	typeLength    = 21 // USCC of the defining organ and a sequence of three
	maxIssuer     = 18 // a USCC, or an older and shorter code
	maxSerial     = 64
	versionLength = 3
)

// ErrMalformed is anything that is not an identifier, a wrong check character
// included.
var ErrMalformed = errors.New("not an identifier of GB/T 36904")

// Conformance tells by which routine the check character is right.
type Conformance int

const (
	// Standard is GB/T 17710 MOD 37,36, as GB/T 36904 has it.
	Standard Conformance = iota
	// RegionalVariant is the routine in use in Shandong, which numbers letters
	// from 11.
	RegionalVariant
)

// Identifier is one, taken apart.
type Identifier struct {
	Type    string // 证照类型代码
	Issuer  string // 证照颁发机构代码
	Serial  string // 流水号
	Version string // 版本号, from 001
	Check   string // 校验位
}

// New computes the check character.
func New(typ, issuer, serial, version string) (Identifier, error) {
	i := Identifier{Type: typ, Issuer: issuer, Serial: serial, Version: version}
	if err := i.parts(); err != nil {
		return Identifier{}, err
	}
	i.Check = string(checkCharacter(i.body()))
	return i, nil
}

// Parse reads a whole identifier, root included.
func Parse(s string) (Identifier, Conformance, error) {
	short, ok := strings.CutPrefix(s, Root+".")
	if !ok {
		return Identifier{}, 0, fmt.Errorf("%w: it does not begin with %s", ErrMalformed, Root)
	}
	return ParseShort(short)
}

// ParseShort reads one without its root.
func ParseShort(s string) (Identifier, Conformance, error) {
	const longest = typeLength + maxIssuer + maxSerial + versionLength + 1 + 4
	if len(s) > longest {
		return Identifier{}, 0, fmt.Errorf("%w: it is too long", ErrMalformed)
	}
	p := strings.Split(s, ".")
	if len(p) != 5 {
		return Identifier{}, 0, fmt.Errorf("%w: it has %d parts, not 5", ErrMalformed, len(p))
	}
	i := Identifier{p[0], p[1], p[2], p[3], p[4]}
	if err := i.parts(); err != nil {
		return Identifier{}, 0, err
	}
	switch i.Check {
	case string(checkCharacter(i.body())):
		return i, Standard, nil
	case string(variantCharacter(i.body())):
		return i, RegionalVariant, nil
	}
	return Identifier{}, 0, fmt.Errorf("%w: its check character is wrong", ErrMalformed)
}

// String is the whole identifier.
func (i Identifier) String() string { return Root + "." + i.Short() }

// Short is the identifier without its root.
func (i Identifier) Short() string {
	return strings.Join([]string{i.Type, i.Issuer, i.Serial, i.Version, i.Check}, ".")
}

func (i Identifier) body() string { return i.Type + i.Issuer + i.Serial + i.Version }

func (i Identifier) parts() error {
	switch {
	case len(i.Type) != typeLength || !alphanumeric(i.Type):
		return fmt.Errorf("%w: the type is %d characters, not %d of 0-9 and A-Z", ErrMalformed, len(i.Type), typeLength)
	case len(i.Issuer) == 0 || len(i.Issuer) > maxIssuer || !alphanumeric(i.Issuer):
		return fmt.Errorf("%w: the issuer", ErrMalformed)
	case len(i.Serial) == 0 || len(i.Serial) > maxSerial || !alphanumeric(i.Serial):
		return fmt.Errorf("%w: the serial", ErrMalformed)
	case len(i.Version) != versionLength || strings.Trim(i.Version, "0123456789") != "" || i.Version == "000":
		return fmt.Errorf("%w: the version is no number from 001", ErrMalformed)
	}
	return nil
}

// Alphabet is what the parts are made of, in the order of their values.
const Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

func alphanumeric(s string) bool { return strings.Trim(s, Alphabet) == "" }

// checkCharacter is GB/T 17710-2008 (ISO 7064) MOD 37,36 over the parts without
// dots and root.
func checkCharacter(s string) byte {
	p := 36
	for k := 0; k < len(s); k++ {
		if p = (p + strings.IndexByte(Alphabet, s[k])) % 36; p == 0 {
			p = 36
		}
		p = p * 2 % 37
	}
	return Alphabet[(37-p)%36]
}

// variantCharacter is the routine behind identifiers that Shandong has printed
// (formats.md 4.1). It is read only, never written.
func variantCharacter(s string) byte {
	p := 36
	for k := 0; k < len(s); k++ {
		a := strings.IndexByte(Alphabet, s[k])
		if a >= 10 {
			a++
		}
		r := p + a
		if a > 10 && r > 37 {
			r %= 37
		} else if a < 10 && r > 36 {
			r %= 36
		}
		if r %= 36; r == 0 {
			r = 36
		}
		p = r * 2 % 37
	}
	if p == 0 {
		return Alphabet[0]
	}
	return Alphabet[36-p]
}
