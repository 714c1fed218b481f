package jsondoc

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
)

// order sorts the members of one object, whose text begins at start in out, and
// refuses a name that stands twice. It leaves their offsets as they then are.
func (s *scanner) order(members []member, start int) error {
	compare := func(a, b member) int {
		return compareUTF16(s.keys[a.key:a.keyEnd], s.keys[b.key:b.keyEnd])
	}
	sorted := slices.IsSortedFunc(members, compare)
	if !sorted {
		slices.SortStableFunc(members, compare)
	}
	for i := 1; i < len(members); i++ {
		if compare(members[i-1], members[i]) == 0 {
			return s.fail(members[i].at, "a member's name stands twice in one object")
		}
	}
	if sorted {
		return nil
	}
	s.spare = s.spare[:0]
	for i := range members {
		if i > 0 {
			s.spare = append(s.spare, ',')
		}
		m := &members[i]
		at := start + len(s.spare)
		s.spare = append(s.spare, s.out[m.text:m.textEnd]...)
		m.text, m.textEnd = at, start+len(s.spare)
	}
	copy(s.out[start:], s.spare)
	return nil
}

// seals reads the value of the root's `_seals`.
func (s *scanner) seals(d *Document, at int) error {
	if d.stamps != nil {
		return s.fail(at, "%s stands twice", Member)
	}
	if _, err := s.expect('[', '[', Member+" is not an array: an opening bracket"); err != nil {
		return err
	}
	for {
		s.space()
		entry := s.pos
		if s.pos == len(s.doc) || s.doc[s.pos] != '"' {
			return s.fail(s.pos, "an entry of %s is missing or not a string", Member)
		}
		if len(d.stamps) == MaxStamps {
			return fmt.Errorf("%w: over %d stamps", ErrTooLarge, MaxStamps)
		}
		mark := len(s.keys)
		if err := s.unescape(); err != nil {
			return err
		}
		der, err := base64.StdEncoding.AppendDecode(nil, s.keys[mark:])
		// Go's decoder skips line breaks, and stray bits in the last character
		// unless told not to: only what encodes to the same text is canonical.
		text := base64.StdEncoding.AppendEncode(nil, der)
		if err != nil || len(der) == 0 || !bytes.Equal(text, s.keys[mark:]) {
			return s.fail(entry, "an entry of %s is not canonical base64", Member)
		}
		s.keys = s.keys[:mark]
		d.stamps, d.encoded = append(d.stamps, der), append(d.encoded, text)
		c, err := s.expect(',', ']', "a comma or a closing bracket")
		if err != nil {
			return err
		}
		if c == ']' {
			d.insert = s.pos - 1
			return nil
		}
	}
}
