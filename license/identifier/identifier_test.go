package identifier

import (
	"errors"
	"strings"
	"testing"
)

// Identifiers printed on licences of the field (formats.md 4.1).
func TestOfTheField(t *testing.T) {
	for s, want := range map[string]Conformance{
		"1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U":                      Standard,
		"1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F":                          Standard,
		"1.2.156.3005.2.11100000MB03271699022.340100.000000016.001.9":                                    Standard,
		"1.2.156.3005.2.11100000000013338W011.11110000000021135M.20230329701.003.Y":                      Standard,
		"1.2.156.3005.2.11100000MB03271699022.11370000MB2852565A.301213AF0610489FBEC46E8AB9C5C25F.001.T": RegionalVariant,
		"1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M": RegionalVariant,
	} {
		i, c, err := Parse(s)
		if err != nil || c != want || i.String() != s {
			t.Errorf("%s: %v %v", s, c, err)
		}
	}
	if c := checkCharacter("11100000000013338W00211320482014138860P201807250201001"); c != 'M' {
		t.Errorf("%c", c)
	}
}

// Any one character changed, and any two neighbours changed places, must be told
// by the standard's check character unless a variant happens to fit.
func TestSlipsOfTheFinger(t *testing.T) {
	i, err := New("11520000MB1A00001X001", "11520000MB1A00001X", "A1B2C3D4E5F6G7H8J9K0", "001")
	if err != nil {
		t.Fatal(err)
	}
	s := i.Short()
	for k := range s {
		if s[k] == '.' {
			continue
		}
		for _, c := range Alphabet {
			if byte(c) == s[k] {
				continue
			}
			if _, conformance, err := ParseShort(s[:k] + string(c) + s[k+1:]); err == nil && conformance == Standard {
				t.Fatalf("%q at %d was not told", c, k)
			}
		}
	}
}

func TestNotOne(t *testing.T) {
	good := "1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F"
	for _, s := range []string{
		"", Root, Root + ".", strings.ToLower(good), good + ".", good[:len(good)-1], good[:len(good)-1] + "G", " " + good,
		strings.Replace(good, ".001.", ".000.", 1), strings.Replace(good, ".001.", ".1.", 1), "1.2.156.3005.3" + good[len(Root):],
		Root + "." + strings.Repeat("1", 1<<20),
	} {
		if _, _, err := Parse(s); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.80q: %v", s, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1.2.156.3005.2.11100000000013338W032.11220000013544541J.2430599.001.F")
	f.Add("1.2.156.3005.2.11100000000013661B006.113700000045046442.209FA4E88F9E4C878F3E9BED2CE7EA49.001.M")
	f.Fuzz(func(t *testing.T, s string) {
		i, c, err := Parse(s)
		if err != nil {
			return
		}
		if i.String() != s {
			t.Fatalf("%q is read as %q", s, i.String())
		}
		if made, err := New(i.Type, i.Issuer, i.Serial, i.Version); err != nil || c == Standard && made != i {
			t.Fatalf("%q: %v %v", s, made, err)
		}
	})
}
