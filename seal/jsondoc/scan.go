package jsondoc

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// scanner reads a document once and writes its canonical form as it goes. It is
// strict where gowebpki/jcs is not, and sorts members in n log n where that
// library's linked list would take minutes over a 10 MB object.
type scanner struct {
	doc   []byte
	pos   int
	depth int
	out   []byte // canonical form so far
	keys  []byte // names of the members of the objects that are open, unescaped
	open  []member
	spare []byte // where an object's members are put in order
}

// member is one of an object that is still open: where its name lies in keys,
// and where `"name":value` lies in out.
type member struct {
	key, keyEnd, text, textEnd int
	at                         int // of the name in doc
}

func (s *scanner) fail(at int, format string, args ...any) error {
	return &SyntaxError{Offset: at, Reason: fmt.Sprintf(format, args...)}
}

func parse(doc []byte) (*Document, error) {
	s := &scanner{doc: doc, out: make([]byte, 0, len(doc))}
	if bytes.HasPrefix(doc, []byte("\xef\xbb\xbf")) {
		return nil, s.fail(0, "it begins with a byte-order mark")
	}
	if !utf8.Valid(doc) {
		return nil, s.fail(firstInvalid(doc), "invalid UTF-8")
	}
	if at := bytes.Index(doc[:min(len(doc), pdfHeaderWithin)], []byte("%PDF-")); at >= 0 {
		return nil, s.fail(at, "a reader of PDF would take it for one")
	}
	s.space()
	if s.pos == len(doc) || doc[s.pos] != '{' {
		return nil, s.fail(s.pos, "the root is not an object")
	}
	d := &Document{raw: doc}
	if err := s.root(d); err != nil {
		return nil, err
	}
	s.space()
	if s.pos != len(doc) {
		return nil, s.fail(s.pos, "something follows the root object")
	}
	return d, nil
}

// pdfHeaderWithin is how far into a file readers of PDF look for its header (ISO
// 32000-1, annex H.3.4.1).
const pdfHeaderWithin = 1024

func firstInvalid(doc []byte) int {
	at := 0
	for at < len(doc) {
		r, n := utf8.DecodeRune(doc[at:])
		if r == utf8.RuneError && n <= 1 {
			return at
		}
		at += n
	}
	return at
}

func (s *scanner) space() {
	for s.pos < len(s.doc) {
		switch s.doc[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// expect skips white space and takes one of the two octets named.
func (s *scanner) expect(a, b byte, what string) (byte, error) {
	s.space()
	if s.pos == len(s.doc) {
		return 0, s.fail(s.pos, "it ends where %s should stand", what)
	}
	c := s.doc[s.pos]
	if c != a && c != b {
		return 0, s.fail(s.pos, "%s should stand here", what)
	}
	s.pos++
	return c, nil
}

func (s *scanner) value() error {
	if s.pos == len(s.doc) {
		return s.fail(s.pos, "it ends where a value should stand")
	}
	switch c := s.doc[s.pos]; {
	case c == '"':
		return s.text()
	case c == '{':
		return s.object()
	case c == '[':
		return s.array()
	case c == '-' || c >= '0' && c <= '9':
		return s.number()
	}
	for _, word := range [...]string{"true", "false", "null"} {
		if bytes.HasPrefix(s.doc[s.pos:], []byte(word)) {
			s.out = append(s.out, word...)
			s.pos += len(word)
			return nil
		}
	}
	return s.fail(s.pos, "no value begins like this")
}

func (s *scanner) descend() error {
	if s.depth++; s.depth > MaxDepth {
		return s.fail(s.pos, "over %d arrays and objects in one another", MaxDepth)
	}
	s.pos++
	s.space()
	return nil
}

func (s *scanner) array() error {
	if err := s.descend(); err != nil {
		return err
	}
	s.out = append(s.out, '[')
	if s.pos < len(s.doc) && s.doc[s.pos] == ']' {
		s.pos++
	} else {
		for {
			s.space()
			if err := s.value(); err != nil {
				return err
			}
			c, err := s.expect(',', ']', "a comma or a closing bracket")
			if err != nil {
				return err
			}
			if c == ']' {
				break
			}
			s.out = append(s.out, ',')
		}
	}
	s.out = append(s.out, ']')
	s.depth--
	return nil
}

func (s *scanner) object() error {
	first, keys := len(s.open), len(s.keys)
	s.out = append(s.out, '{')
	start := len(s.out)
	if err := s.members(nil); err != nil {
		return err
	}
	if err := s.order(s.open[first:], start); err != nil {
		return err
	}
	s.out = append(s.out, '}')
	s.open, s.keys = s.open[:first], s.keys[:keys]
	return nil
}

// root reads the root object, whose `_seals` goes into d and not into out.
func (s *scanner) root(d *Document) error {
	if err := s.members(d); err != nil {
		return err
	}
	if d.stamps == nil {
		d.insert = s.pos - 1
	}
	if err := s.order(s.open, 0); err != nil {
		return err
	}
	d.before = s.out
	for _, m := range s.open {
		if compareUTF16(s.keys[m.key:m.keyEnd], []byte(Member)) > 0 {
			d.before, d.after = s.out[:max(m.text-1, 0)], s.out[m.text:]
			break
		}
	}
	return nil
}

// members reads from the opening brace to the closing one, pushing a member
// each; d is nil but for the root.
func (s *scanner) members(d *Document) error {
	if err := s.descend(); err != nil {
		return err
	}
	s.depth--
	if s.pos < len(s.doc) && s.doc[s.pos] == '}' {
		s.pos++
		return nil
	}
	s.depth++
	first := len(s.open)
	for {
		if _, err := s.expect('"', '"', "a member's name"); err != nil {
			return err
		}
		s.pos--
		m := member{at: s.pos, key: len(s.keys), text: len(s.out)}
		if len(s.open) > first {
			s.out = append(s.out, ',')
			m.text++
		}
		if err := s.name(&m); err != nil {
			return err
		}
		if _, err := s.expect(':', ':', "a colon"); err != nil {
			return err
		}
		s.space()
		if d != nil && string(s.keys[m.key:m.keyEnd]) == Member {
			s.keys = s.keys[:m.key]
			s.out = s.out[:m.text]
			if len(s.open) > first {
				s.out = s.out[:m.text-1]
			}
			if err := s.seals(d, m.at); err != nil {
				return err
			}
		} else {
			if err := s.value(); err != nil {
				return err
			}
			m.textEnd = len(s.out)
			s.open = append(s.open, m)
		}
		c, err := s.expect(',', '}', "a comma or a closing brace")
		if err != nil {
			return err
		}
		if c == '}' {
			s.depth--
			return nil
		}
	}
}
