package ofd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// Namespaces of GB/T 33190-2016; the second stands in older files.
var namespaces = []string{"http://www.ofdspec.org/2016", "http://www.ofdspec.org"}

// node is an element of one of the files that a verdict hangs on. Only elements of
// OFD's namespace are kept.
type node struct {
	name   string
	attrs  []xml.Attr
	kids   []*node
	text   string
	pieces int // of text that is not blank
	others int // elements of other namespaces in it
}

// grammar says under which element an element may stand, "" being the root. A name
// that stands elsewhere, or under another namespace, would be found by one reader
// and not by another.
type grammar map[string][]string

// parseXML reads one file strictly: UTF-8, no document type, no entity of its own,
// one root.
func parseXML(b []byte, g grammar) (*node, error) {
	if len(b) > maxXML {
		return nil, tooLarge("an XML file of %d bytes", len(b))
	}
	r := treeReader{d: xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))), g: g}
	for {
		t, err := r.d.Token()
		switch {
		case errors.Is(err, io.EOF):
			if r.root == nil || len(r.path) > 0 {
				return nil, malformed("XML: there is no root element")
			}
			return r.root, nil
		case err != nil:
			return nil, malformed("XML: %v", err)
		}
		if err := r.take(t); err != nil {
			return nil, err
		}
	}
}

type treeReader struct {
	d       *xml.Decoder
	g       grammar
	root    *node
	path    []*node // foreign ones are nil
	space   string  // of the root
	nodes   int
	started bool
}

func (r *treeReader) take(t xml.Token) error {
	first := !r.started
	r.started = true
	switch t := t.(type) {
	case xml.StartElement:
		return r.open(t)
	case xml.EndElement:
		r.path = r.path[:len(r.path)-1]
	case xml.CharData:
		return r.write(t)
	case xml.Directive:
		return ambiguous("XML: a document type, which may change what the file says")
	case xml.ProcInst:
		if t.Target == "xml" && !first {
			return malformed("XML: a second declaration")
		}
	}
	return nil
}

func (r *treeReader) open(t xml.StartElement) error {
	if r.nodes++; r.nodes > maxNodes || len(r.path) >= maxDepth || len(t.Attr) > maxAttributes {
		return tooLarge("XML: too many elements or attributes, or too deep")
	}
	if err := distinct(t.Attr); err != nil {
		return err
	}
	if len(r.path) == 0 {
		if r.root != nil || !slices.Contains(namespaces, t.Name.Space) {
			return malformed("XML: two roots, or one that is not OFD's")
		}
		r.space = t.Name.Space
	}
	parents, known := r.g[t.Name.Local]
	if known && (t.Name.Space != r.space || !slices.Contains(parents, r.parent())) {
		return ambiguous("XML: %s where it does not belong", t.Name.Local)
	}
	if len(r.path) == 0 && !known {
		return malformed("XML: the root is %s", t.Name.Local)
	}
	var n *node
	if t.Name.Space == r.space {
		n = &node{name: t.Name.Local, attrs: t.Attr}
		if r.root == nil {
			r.root = n
		} else if up := r.path[len(r.path)-1]; up != nil {
			up.kids = append(up.kids, n)
		}
	} else if up := r.path[len(r.path)-1]; up != nil { // the root is OFD's
		up.others++
	}
	r.path = append(r.path, n)
	return nil
}

// parent is the name of the element that is open, "?" for a foreign one.
func (r *treeReader) parent() string {
	switch {
	case len(r.path) == 0:
		return ""
	case r.path[len(r.path)-1] == nil:
		return "?"
	}
	return r.path[len(r.path)-1].name
}

// distinct refuses what encoding/xml lets pass: an attribute that stands twice
// (XML 1.0, 3.1), and one of ours under a prefix, which some readers do not look at.
func distinct(attrs []xml.Attr) error {
	for i, a := range attrs {
		if slices.Contains(namespaces, a.Name.Space) {
			return ambiguous("XML: the attribute %s has a prefix", a.Name.Local)
		}
		for _, b := range attrs[:i] {
			if a.Name == b.Name {
				return malformed("XML: the attribute %s stands twice", a.Name.Local)
			}
		}
	}
	return nil
}

func (r *treeReader) write(t xml.CharData) error {
	if len(bytes.TrimSpace(t)) == 0 {
		return nil
	}
	if len(r.path) == 0 {
		return malformed("XML: text outside the root")
	}
	if n := r.path[len(r.path)-1]; n != nil {
		n.pieces++
		if n.pieces == 1 {
			n.text = strings.TrimSpace(string(t))
		}
	}
	return nil
}

// value is the text of an element that holds nothing else. Text that a comment or
// an element interrupts is read whole by some and to the interruption by others.
func (n *node) value() (string, error) {
	if n.pieces > 1 || len(n.kids) > 0 || n.others > 0 {
		return "", ambiguous("XML: the text of %s is interrupted", n.name)
	}
	return n.text, nil
}

// attr gives an attribute, "" where it is not there.
func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// one gives the only child of a name, nil for none.
func (n *node) one(name string) (*node, error) {
	var found *node
	for _, k := range n.kids {
		if k.name != name {
			continue
		}
		if found != nil {
			return nil, ambiguous("XML: %s stands twice in %s", name, n.name)
		}
		found = k
	}
	return found, nil
}

// only gives the value of the only child of a name, "" for none.
func (n *node) only(name string) (string, error) {
	k, err := n.one(name)
	if err != nil || k == nil {
		return "", err
	}
	return k.value()
}

func (n *node) each(name string, f func(*node) error) error {
	for _, k := range n.kids {
		if k.name == name {
			if err := f(k); err != nil {
				return err
			}
		}
	}
	return nil
}
