package pdf

import (
	"errors"
	"strconv"
)

// errMore: the window ends before the object does.
var errMore = errors.New("more bytes needed")

// parser reads values from a window that starts at base. A syntax that readers
// are known to repair in different ways is an error, never a guess.
type parser struct {
	b      []byte
	pos    int
	base   int64
	last   bool // nothing follows the window
	deep   int
	many   int      // values read so far
	names  [][]byte // keys of the dictionaries that skim is in
	length value    // of the object that skim is in
	refs   bool     // "1 0 R" is a reference; not so in content streams
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelim(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isRegular(c byte) bool { return !isSpace(c) && !isDelim(c) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func (p *parser) offset() int64 { return p.base + int64(p.pos) }

func (p *parser) bad(format string, args ...any) error {
	return malformed(p.offset(), format, args...)
}

// short is the error at the end of the window.
func (p *parser) short() error {
	if p.last {
		return p.bad("the file ends inside an object")
	}
	return errMore
}

// space skips white space and comments.
func (p *parser) space() error {
	for p.pos < len(p.b) {
		c := p.b[p.pos]
		switch {
		case isSpace(c):
			p.pos++
		case c == '%':
			for p.pos < len(p.b) && p.b[p.pos] != '\n' && p.b[p.pos] != '\r' {
				p.pos++
			}
		default:
			return nil
		}
	}
	return p.short()
}

// word gives the run of regular characters at pos, without consuming it.
func (p *parser) word() (string, error) {
	i := p.pos
	for i < len(p.b) && isRegular(p.b[i]) {
		i++
	}
	if i == len(p.b) && !p.last {
		return "", errMore
	}
	return string(p.b[p.pos:i]), nil
}

// keyword consumes exactly this word.
func (p *parser) keyword(want string) error {
	if err := p.space(); err != nil {
		return err
	}
	got, err := p.word()
	if err != nil {
		return err
	}
	if got != want {
		return p.bad("%q expected", want)
	}
	p.pos += len(want)
	return nil
}

// natural consumes an unsigned integer without sign.
func (p *parser) natural() (int64, error) {
	if err := p.space(); err != nil {
		return 0, err
	}
	w, err := p.word()
	if err != nil {
		return 0, err
	}
	n, ok := naturalOf(w)
	if !ok {
		return 0, p.bad("a number expected")
	}
	p.pos += len(w)
	return n, nil
}

func naturalOf(w string) (int64, bool) {
	if len(w) == 0 || len(w) > 18 {
		return 0, false
	}
	var n int64
	for i := range len(w) {
		if !isDigit(w[i]) {
			return 0, false
		}
		n = n*10 + int64(w[i]-'0')
	}
	return n, true
}

func (p *parser) number(w string) (value, error) {
	digits, dots := 0, 0
	for i := range len(w) {
		switch c := w[i]; {
		case isDigit(c):
			digits++
		case c == '.':
			dots++
		case (c == '+' || c == '-') && i == 0:
		default:
			return null, p.bad("%.20q is neither a number nor a word of PDF", w)
		}
	}
	if digits == 0 || dots > 1 || len(w) > 64 {
		return null, p.bad("%.20q is not a number", w)
	}
	if dots == 0 {
		n, err := strconv.ParseInt(w, 10, 64)
		if err != nil {
			return null, p.bad("integer out of range")
		}
		return value{kind: kInt, num: n}, nil
	}
	f, err := strconv.ParseFloat(w, 64)
	if err != nil {
		return null, p.bad("number out of range")
	}
	return value{kind: kReal, real: f}, nil
}

func unhex(c byte) (byte, bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
