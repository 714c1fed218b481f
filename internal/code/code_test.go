package code_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"yinxin/internal/code"
)

// fixed is the worked example of docs/protocol.md 6.
var fixed = []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

const fixedCode = "000G40R40M30E209185GR38E1W"

func TestWorkedExample(t *testing.T) {
	got, err := code.New(bytes.NewReader(fixed))
	if err != nil || got[:25] != fixedCode[:25] {
		t.Fatalf("New = %q, %v; want %q", got, err, fixedCode)
	}
	if got != fixedCode {
		t.Fatalf("check bits: %q, want %q", got, fixedCode)
	}
	if g := code.Group(got); g != "000G4-0R40M-30E20-9185G-R38E1W" {
		t.Fatalf("Group = %q", g)
	}
}

func TestParseForgivesWhatPeopleWrite(t *testing.T) {
	for _, s := range []string{
		fixedCode, strings.ToLower(fixedCode), code.Group(fixedCode),
		"OOog4 or4Om 3Oe2O 9i85g r38eLw", "-" + fixedCode + " ",
	} {
		if got, err := code.Parse(s); err != nil || got != fixedCode {
			t.Errorf("Parse(%q) = %q, %v", s, got, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, s := range []string{
		"", "0", fixedCode[:25], fixedCode + "0", strings.Replace(fixedCode, "G", "U", 1),
		strings.Replace(fixedCode, "4", "é", 1), fixedCode[:25] + "X", strings.Repeat(" ", 60) + fixedCode,
		fixedCode[:10] + "\n" + fixedCode[10:],
	} {
		if got, err := code.Parse(s); !errors.Is(err, code.ErrMalformed) {
			t.Errorf("Parse(%q) = %q, %v", s, got, err)
		}
	}
}

func TestSlipsAreMostlyTold(t *testing.T) {
	told, all := 0, 0
	for range 50 {
		c, err := code.New(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for i := range code.Length {
			all++
			other := byte('0')
			if c[i] == other {
				other = '7'
			}
			if _, err := code.Parse(c[:i] + string(other) + c[i+1:]); err != nil {
				told++
			}
		}
	}
	if told*100 < all*65 { // three of four in the mean
		t.Errorf("only %d of %d slips were told", told, all)
	}
}

func TestNewNeedsItsRandom(t *testing.T) {
	if c, err := code.New(bytes.NewReader(fixed[:15])); err == nil {
		t.Errorf("a short random source gave %q", c)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{fixedCode, code.Group(fixedCode), "oil", "", strings.Repeat("-", 70)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := code.Parse(s)
		if err != nil {
			return
		}
		if again, err := code.Parse(code.Group(c)); err != nil || again != c || len(c) != code.Length {
			t.Fatalf("%q gave %q, which gave %q, %v", s, c, again, err)
		}
	})
}
