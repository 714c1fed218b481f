package ofd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"path"
	"strings"
)

// reach finds what the pages of the package can show. It over-reaches by design:
// any text or attribute of a reached XML file that ends like the path of an entry
// is taken to lead there, whatever element it stands in and whichever folder a
// reader would start from. So templates, resources, annotations, attachments,
// custom tags, fonts and what a vendor added are all found, and what cannot be read
// leads everywhere. The signature layer itself leads nowhere further.
func (p *Package) reach(l signatureLayer) (map[string]bool, error) {
	if p.reached != nil {
		return p.reached, nil
	}
	r := reacher{p: p, seen: map[string]bool{}, byBase: map[string][]string{}, left: maxReached}
	for _, name := range p.names() {
		base := fold(path.Base(name))
		r.byBase[base] = append(r.byBase[base], name)
	}
	r.mark(rootFile)
	for len(r.queue) > 0 && !r.everywhere {
		name := r.queue[0]
		r.queue = r.queue[1:]
		if l.lists[name] {
			continue
		}
		if err := r.follow(name); err != nil {
			return nil, err
		}
	}
	if r.everywhere {
		for _, name := range p.names() {
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
	r.scan(name, text)
	return nil
}

// looksBinary tells pictures and fonts, which lead nowhere, from XML in any
// encoding that a reader finds by itself (XML 1.0, appendix F).
func looksBinary(head []byte) bool {
	for _, mark := range encodings {
		if bytes.HasPrefix(head, mark) {
			return false
		}
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	return len(text) > 0 && text[0] != '<'
}

// encodings begin XML in UTF-16 and UTF-32 with a byte-order mark or without, and in
// EBCDIC.
var encodings = [][]byte{
	{0xff, 0xfe}, {0xfe, 0xff}, {0, '<'}, {0, 0, 0, '<'}, {0, 0, 0xfe, 0xff}, {0x4c, 0x6f, 0xa7, 0x94},
}

// element is one that is open. Readers take for its text what stands in it up to an
// interruption, all that stands in it directly, or all that stands below it.
type element struct {
	own      []byte // directly in it
	pieces   int
	parent   bool // of elements
	from     int  // where what stands below it begins
	unlisted bool // OFD.xml's Signatures: the list is judged apart
}

// maxTail is how much of the end of an element's text is looked at where elements
// stand in it: what a name of maxName needs, and some folders.
const maxTail = 4 * maxName

func (r *reacher) scan(name string, text []byte) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	var open []element
	var below []byte // the text of the file
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil || len(open) > maxDepth || r.left < 0 {
			r.everywhere = true
			return
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(open) > 0 {
				open[len(open)-1].parent = true
			}
			open = append(open, element{from: len(below), unlisted: name == rootFile && t.Name.Local == "Signatures"})
			for _, a := range t.Attr {
				r.lead(a.Value)
			}
		case xml.CharData:
			if n := len(open); n > 0 && !open[n-1].unlisted {
				r.lead(string(t))
				open[n-1].own, open[n-1].pieces = append(open[n-1].own, t...), open[n-1].pieces+1
				below = append(below, t...)
			}
		case xml.EndElement:
			r.close(&open[len(open)-1], below)
			open = open[:len(open)-1]
		case xml.Directive:
			r.everywhere = true
			return
		case xml.ProcInst:
			r.everywhere = r.everywhere || t.Target != "xml" // a style sheet makes another file of it
		}
	}
}

func (r *reacher) close(e *element, below []byte) {
	if e.pieces > 1 {
		r.lead(string(e.own))
	}
	if !e.parent {
		return
	}
	tail := below[e.from:]
	if len(tail) > maxTail { // then by its name alone
		r.left -= maxTail
		r.lead(path.Base(path.Clean("/" + string(tail[len(tail)-maxTail:]))))
		return
	}
	r.left -= int64(len(tail))
	r.lead(string(tail))
}

// lead marks every entry whose path ends as a location does.
func (r *reacher) lead(loc string) {
	loc = strings.TrimSpace(loc)
	if loc == "" {
		return
	}
	if plain, err := url.PathUnescape(loc); err == nil && plain != loc {
		r.lead(plain) // some take a location for a URI
	}
	loc = path.Clean("/" + strings.ReplaceAll(loc, `\`, "/"))
	for _, name := range r.byBase[fold(path.Base(loc))] {
		if strings.HasSuffix(fold("/"+name), fold(loc)) {
			r.mark(name)
		}
	}
}
