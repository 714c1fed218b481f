package ofd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
)

// maxElements bounds a page: <a/><a/>..., each of which is looked at.
const maxElements = 4 << 20

// errEnough stops a walk that has seen what it was made for.
var errEnough = errors.New("enough")

// visitor is called at the start and the end of each element and at the text in it.
// path are the local names from the root to the element.
type visitor struct {
	start func(path []string, attr func(name string) string) error
	text  func(path []string, b []byte) error
	end   func(path []string) error
}

// foreign stands in a path for an element of another namespace, which no path of
// the standard's matches.
const foreign = "?"

// walk reads an XML file as a stream: a page can be long, and what is asked of it
// mostly stands at its beginning. It opens no entity and no document type.
func walk(name string, b []byte, v visitor) error {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	var path []string
	for elements := 0; ; {
		t, err := d.Token()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return malformed("%q: %v", name, err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return ambiguous("%q declares a document type", name)
		case xml.StartElement:
			if elements++; elements > maxElements || len(path) >= maxDepth || len(t.Attr) > maxAttributes {
				return tooLarge("%q holds too many elements", name)
			}
			path = append(path, localName(t.Name))
			err = v.start(path, func(name string) string { return attribute(t.Attr, name) })
		case xml.CharData:
			if v.text != nil && len(path) > 0 {
				err = v.text(path, t)
			}
		case xml.EndElement:
			if v.end != nil {
				err = v.end(path)
			}
			path = path[:len(path)-1]
		}
		if err == errEnough {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func localName(n xml.Name) string {
	if !slices.Contains(namespaces, n.Space) {
		return foreign
	}
	return n.Local
}

func attribute(all []xml.Attr, name string) string {
	for _, a := range all {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// at tells whether a path is the one of these names.
func at(path []string, names ...string) bool {
	if len(path) != len(names) {
		return false
	}
	for i, n := range names {
		if path[i] != n {
			return false
		}
	}
	return true
}
