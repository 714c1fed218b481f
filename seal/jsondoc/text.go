package jsondoc

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// plain tells the octets that a string holds as they are, in any JSON and in
// its canonical form alike.
func plain(c byte) bool { return c >= 0x20 && c != '"' && c != '\\' }

// name reads a member's name: unescaped into keys, canonical and with its colon
// into out.
func (s *scanner) name(m *member) error {
	if err := s.unescape(); err != nil {
		return err
	}
	m.keyEnd = len(s.keys)
	s.quote(s.keys[m.key:])
	s.out = append(s.out, ':')
	return nil
}

// text reads a string value into out. One without a backslash is canonical as
// it stands.
func (s *scanner) text() error {
	i := s.pos + 1
	for i < len(s.doc) && plain(s.doc[i]) {
		i++
	}
	if i < len(s.doc) && s.doc[i] == '"' {
		s.out = append(s.out, s.doc[s.pos:i+1]...)
		s.pos = i + 1
		return nil
	}
	mark := len(s.keys)
	if err := s.unescape(); err != nil {
		return err
	}
	s.quote(s.keys[mark:])
	s.keys = s.keys[:mark]
	return nil
}

// unescape reads the string at pos and appends what it means to keys.
func (s *scanner) unescape() error {
	begin := s.pos
	s.pos++
	for s.pos < len(s.doc) {
		i := s.pos
		for i < len(s.doc) && plain(s.doc[i]) {
			i++
		}
		s.keys = append(s.keys, s.doc[s.pos:i]...)
		s.pos = i
		if i == len(s.doc) {
			break
		}
		switch s.doc[i] {
		case '"':
			s.pos++
			return nil
		case '\\':
			if err := s.escape(); err != nil {
				return err
			}
		default:
			return s.fail(i, "a control character in a string")
		}
	}
	return s.fail(begin, "a string without an end")
}

const (
	escapeLetters = `"\/bfnrt`
	escapeOctets  = "\"\\/\b\f\n\r\t"
)

// escape reads one escape sequence at pos into keys.
func (s *scanner) escape() error {
	at := s.pos
	if at+1 == len(s.doc) {
		return s.fail(at, "a string without an end")
	}
	c := s.doc[at+1]
	if c != 'u' {
		i := bytes.IndexByte([]byte(escapeLetters), c)
		if i < 0 {
			return s.fail(at, "an unknown escape in a string")
		}
		s.keys = append(s.keys, escapeOctets[i])
		s.pos += 2
		return nil
	}
	r, ok := s.hex4(at)
	if !ok {
		return s.fail(at, "an escape without four hexadecimal digits")
	}
	s.pos += 6
	if utf16.IsSurrogate(r) {
		low, ok := s.hex4(s.pos)
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return s.fail(at, "a lone surrogate")
		}
		s.pos += 6
	}
	s.keys = utf8.AppendRune(s.keys, r)
	return nil
}

// hex4 reads \uXXXX at an offset.
func (s *scanner) hex4(at int) (rune, bool) {
	if at+6 > len(s.doc) || s.doc[at] != '\\' || s.doc[at+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s.doc[at+2 : at+6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// quote writes a string as RFC 8785 3.2.2.2 has it.
func (s *scanner) quote(text []byte) {
	const hex = "0123456789abcdef"
	s.out = append(s.out, '"')
	for len(text) > 0 {
		i := 0
		for i < len(text) && plain(text[i]) {
			i++
		}
		s.out = append(s.out, text[:i]...)
		if i == len(text) {
			break
		}
		c := text[i]
		if k := bytes.IndexByte([]byte(escapeOctets), c); k >= 0 {
			s.out = append(s.out, '\\', escapeLetters[k])
		} else {
			s.out = append(s.out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		text = text[i+1:]
	}
	s.out = append(s.out, '"')
}

// compareUTF16 orders two UTF-8 strings by their UTF-16 code units (RFC 8785
// 3.2.3). That is the order of their octets, save that a surrogate pair (lead
// octet F0 and up) sorts before U+E000 to U+FFFF (lead octets EE and EF).
func compareUTF16(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xee && y >= 0xee && (x >= 0xf0) != (y >= 0xf0) {
			x, y = y, x
		}
		if x < y {
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}
