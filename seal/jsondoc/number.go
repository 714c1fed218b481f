package jsondoc

import (
	"bytes"
	"strconv"
)

const (
	// maxDigits is the most significant digits that the shortest form of a
	// double ever has (RFC 8785 3.2.2.3, ECMAScript Number::toString). A number
	// with more cannot equal its canonical form, so it is refused before any
	// arithmetic: a million digits cost one pass.
	maxDigits = 17
	// maxExponent is beyond what the zeros of a document of MaxSize can make up
	// for, so a number with a greater one is no double; it keeps 1e999999999 and
	// its like from being computed with.
	maxExponent = 2 * MaxSize
)

// decimal is a number's exact value: 0.digits × 10^exponent, digits without
// zeros at either end; none of them is zero.
type decimal struct {
	digits   []byte
	exponent int
}

// number reads a number, refuses one whose value its canonical form changes,
// and writes that form.
func (s *scanner) number() error {
	at := s.pos
	token, integer := s.numberToken()
	if token == nil {
		return s.fail(at, "not a number as JSON writes them")
	}
	if integer && len(token) <= 15 && string(token) != "-0" {
		s.out = append(s.out, token...)
		return nil
	}
	var room [2*maxDigits + 8]byte
	value, ok := exact(token, room[:0])
	if !ok {
		return s.fail(at, "a number that a double cannot hold exactly as written")
	}
	if len(value.digits) == 0 {
		s.out = append(s.out, '0')
		return nil
	}
	mark := len(s.out)
	if s.canonicalNumber(value, token[0] == '-') {
		var room2 [2*maxDigits + 8]byte
		if back, ok := exact(s.out[mark:], room2[:0]); ok &&
			back.exponent == value.exponent && bytes.Equal(back.digits, value.digits) {
			return nil
		}
	}
	return s.fail(at, "a number that a double cannot hold exactly as written")
}

// numberToken takes a token of RFC 8259 section 6's grammar, and tells whether
// it is an integer without exponent.
func (s *scanner) numberToken() (token []byte, integer bool) {
	doc, i := s.doc, s.pos
	digits := func() bool {
		from := i
		for i < len(doc) && doc[i] >= '0' && doc[i] <= '9' {
			i++
		}
		return i > from
	}
	if doc[i] == '-' {
		i++
	}
	first := i
	if !digits() || doc[first] == '0' && i > first+1 {
		return nil, false
	}
	integer = true
	if i < len(doc) && doc[i] == '.' {
		i++
		integer = false
		if !digits() {
			return nil, false
		}
	}
	if i < len(doc) && (doc[i] == 'e' || doc[i] == 'E') {
		i++
		integer = false
		if i < len(doc) && (doc[i] == '+' || doc[i] == '-') {
			i++
		}
		if !digits() {
			return nil, false
		}
	}
	token = doc[s.pos:i]
	s.pos = i
	return token, integer
}

// exact gives a token's value, its sign aside; false if that has too many
// digits or too great an exponent to be any double's canonical form.
func exact(token, room []byte) (decimal, bool) {
	mantissa := bytes.TrimPrefix(token, []byte("-"))
	var power []byte
	if e := bytes.IndexAny(mantissa, "eE"); e >= 0 {
		mantissa, power = mantissa[:e], mantissa[e+1:]
	}
	whole, fraction := mantissa, []byte(nil)
	if point := bytes.IndexByte(mantissa, '.'); point >= 0 {
		whole, fraction = mantissa[:point], mantissa[point+1:]
	}
	fraction = bytes.TrimRight(fraction, "0")
	whole = bytes.TrimLeft(whole, "0")
	exponent := len(whole)
	if exponent == 0 {
		kept := bytes.TrimLeft(fraction, "0")
		exponent = len(kept) - len(fraction)
		fraction = kept
	}
	if len(fraction) == 0 {
		whole = bytes.TrimRight(whole, "0")
	}
	if len(whole)+len(fraction) == 0 {
		return decimal{}, true
	}
	shift, ok := smallInt(power)
	if !ok || len(whole)+len(fraction) > maxDigits {
		return decimal{}, false
	}
	return decimal{append(append(room, whole...), fraction...), exponent + shift}, true
}

// smallInt reads an exponent; false if it is beyond maxExponent.
func smallInt(power []byte) (int, bool) {
	negative := bytes.HasPrefix(power, []byte("-"))
	power = bytes.TrimLeft(bytes.TrimLeft(power, "+-"), "0")
	n := 0
	for _, c := range power {
		if n = 10*n + int(c-'0'); n > maxExponent {
			return 0, false
		}
	}
	if negative {
		n = -n
	}
	return n, true
}

// canonicalNumber writes the double nearest to a value that is not zero, as
// ECMAScript writes it; false if no finite double but zero is.
func (s *scanner) canonicalNumber(value decimal, negative bool) bool {
	text := append([]byte("."), value.digits...)
	text = append(text, 'e')
	text = strconv.AppendInt(text, int64(value.exponent), 10)
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f == 0 {
		return false
	}
	if negative {
		s.out = append(s.out, '-')
	}
	if f >= 1e-6 && f < 1e21 {
		s.out = strconv.AppendFloat(s.out, f, 'f', -1, 64)
		return true
	}
	mark := len(s.out)
	s.out = strconv.AppendFloat(s.out, f, 'e', -1, 64)
	// Go pads an exponent to two digits, ECMAScript does not.
	e := mark + bytes.IndexByte(s.out[mark:], 'e') + 2
	if s.out[e] == '0' {
		s.out = append(s.out[:e], s.out[e+1:]...)
	}
	return true
}
