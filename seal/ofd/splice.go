package ofd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
)

// stretch is where an element stands in the text of a file: its start tag from open,
// its content [inner, outer), its end tag from outer.
type stretch struct {
	prefix             string // as written, with its colon
	open, inner, outer int
}

// empty tells an element written as one tag.
func (s stretch) empty(b []byte) bool { return s.inner == s.outer && b[s.inner-2] == '/' }

// locate finds the elements at a path of local names in a file that was read strictly
// before. What is changed in a file of others is changed as text: whatever else it
// holds stays as it was written.
func locate(b []byte, names ...string) ([]stretch, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	var path []string
	var open []stretch
	var found []stretch
	for {
		from := int(d.InputOffset())
		t, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, malformed("XML: %v", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			s := stretch{open: from, inner: int(d.InputOffset())}
			if t.Name.Space != "" {
				s.prefix = t.Name.Space + ":"
			}
			path, open = append(path, t.Name.Local), append(open, s)
		case xml.EndElement:
			if len(open) == 0 {
				return nil, malformed("XML: an end without a beginning")
			}
			s := open[len(open)-1]
			s.outer = from
			if slices.Equal(path, names) {
				found = append(found, s)
			}
			path, open = path[:len(path)-1], open[:len(open)-1]
		}
	}
}

// edit puts text in the place of the bytes [from, to).
type edit struct {
	from, to int
	text     string
}

// append adds text at the end of an element's content, which gets an end tag if it had
// none.
func (s stretch) append(b []byte, name, text string) edit {
	if s.empty(b) {
		return edit{s.inner - 2, s.inner, ">" + text + "</" + s.prefix + name + ">"}
	}
	return edit{s.outer, s.outer, text}
}

// fill replaces the content of an element.
func (s stretch) fill(b []byte, name, text string) edit {
	if s.empty(b) {
		return s.append(b, name, text)
	}
	return edit{s.inner, s.outer, text}
}

// splice carries out edits, which do not overlap.
func splice(b []byte, edits ...edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return a.from - b.from })
	var out []byte
	last := 0
	for _, e := range edits {
		out = append(append(out, b[last:e.from]...), e.text...)
		last = e.to
	}
	return append(out, b[last:]...)
}

// escape writes a value as the text of an element or attribute.
func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a Buffer takes everything
	return b.String()
}
