package ofd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// reach finds what the pages of the package can show. It over-reaches by design:
// any text or attribute of a reached XML file that ends like the path of an entry
// is taken to lead there, whatever element it stands in and whichever folder a
// reader would start from. So templates, resources, annotations, attachments,
// custom tags, fonts and what a vendor added are all found, and what cannot be read
// leads everywhere. The signature layer itself leads nowhere further.
func (p *Package) reach(bodies []body) (map[string]bool, error) {
	if p.reached != nil {
		return p.reached, nil
	}
	layer := map[string]bool{}
	for _, b := range bodies {
		layer[b.signatures] = true
	}
	r := reacher{p: p, seen: map[string]bool{}, byBase: map[string][]string{}, left: maxReached}
	for _, name := range p.Names() {
		base := fold(path.Base(name))
		r.byBase[base] = append(r.byBase[base], name)
	}
	r.mark(rootFile)
	for len(r.queue) > 0 && !r.everywhere {
		name := r.queue[0]
		r.queue = r.queue[1:]
		if layer[name] {
			continue
		}
		if err := r.follow(name); err != nil {
			return nil, err
		}
	}
	if r.everywhere {
		for _, name := range p.Names() {
			r.seen[name] = true
		}
	}
	p.reached = r.seen
	return r.seen, nil
}

type reacher struct {
	p          *Package
	seen       map[string]bool
	byBase     map[string][]string
	queue      []string
	left       int64
	everywhere bool
}

func (r *reacher) mark(name string) {
	if !r.seen[name] {
		r.seen[name] = true
		r.queue = append(r.queue, name)
	}
}

func (r *reacher) follow(name string) error {
	e := r.p.Entry(name)
	if e == nil {
		return nil
	}
	head, err := r.p.head(e)
	if unreadable(err) {
		r.everywhere = true
		return nil
	}
	if err != nil {
		return err
	}
	if looksBinary(head) {
		return nil
	}
	if r.left -= e.Size; r.left < 0 || e.Size > MaxRead {
		r.everywhere = true
		return nil
	}
	text, err := r.p.Read(name)
	if err != nil {
		return err
	}
	r.scan(text)
	return nil
}

// looksBinary tells pictures and fonts, which lead nowhere, from XML in any
// encoding.
func looksBinary(head []byte) bool {
	if !plain(head) {
		return false
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(text) > 0 && text[0] != '<'
}

func (r *reacher) scan(text []byte) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	var held strings.Builder // the text of an element, comments left out
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			r.everywhere = true
			return
		}
		switch t := t.(type) {
		case xml.StartElement:
			held.Reset()
			for _, a := range t.Attr {
				r.lead(a.Value)
			}
		case xml.CharData:
			r.lead(string(t))
			if held.Len() < maxName {
				held.Write(t)
			}
		case xml.EndElement:
			r.lead(held.String())
			held.Reset()
		case xml.Directive:
			r.everywhere = true
			return
		}
	}
}

// lead marks every entry whose path ends as a location does.
func (r *reacher) lead(loc string) {
	loc = strings.TrimSpace(loc)
	if loc == "" || len(loc) > maxName {
		return
	}
	loc = path.Clean("/" + strings.ReplaceAll(loc, `\`, "/"))
	for _, name := range r.byBase[fold(path.Base(loc))] {
		if strings.HasSuffix(fold("/"+name), fold(loc)) {
			r.mark(name)
		}
	}
}
