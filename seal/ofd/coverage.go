package ofd

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
)

// signatureLayer is the signature layer of a package: which signatures a file belongs to, and
// the lists of them.
type signatureLayer struct {
	owners map[string][]int
	lists  map[string]bool
	open   map[string]bool // lists that hold more than signatures
}

func signatureLayerOf(bodies []body, all []*Stamp) signatureLayer {
	l := signatureLayer{owners: map[string][]int{}, lists: map[string]bool{}, open: map[string]bool{}}
	for i := range bodies {
		l.lists[bodies[i].signatures] = true
		if bodies[i].more {
			l.open[bodies[i].signatures] = true
		}
	}
	for k, s := range all {
		for _, f := range s.dir.files() {
			if f != "" {
				l.owners[f] = append(l.owners[f], k)
			}
		}
	}
	return l
}

// judge finds what each stamp leaves out, and what came after it (protocol.md 2, OFD).
func (p *Package) judge(bodies []body, all []*Stamp) error {
	l := signatureLayerOf(bodies, all)
	removed, err := p.unlisted(l)
	if err != nil {
		return err
	}
	for i, s := range all {
		if len(s.named) == 0 {
			continue // it could not be read
		}
		s.Whole = s.named[s.dir.list]
		later := make([]bool, len(all))
		for k, other := range all {
			if later[k] = k != i && s.follows(i, other, k); later[k] {
				s.Later = append(s.Later, k)
			}
		}
		for _, f := range removed {
			if s.named[f] {
				tell(&s.Removed, f)
			}
		}
		s.checkRelative(all[:i])
		if err := p.cover(s, i, bodies, l, later); err != nil {
			return err
		}
	}
	return nil
}

// follows tells whether another signature came after this one: it stands further
// down the list, or in another document's, and this one does not name it.
func (s *Stamp) follows(i int, other *Stamp, k int) bool {
	names := s.named[other.dir.file] || s.named[other.dir.value]
	if other.dir.body != s.dir.body {
		return !names
	}
	if k > i && names && len(s.Problems) == 0 {
		s.Problems = append(s.Problems, "it names a signature that stands behind it in the list")
	}
	return k > i
}

// checkRelative: the signature that OFD 2.0's Relative names must stand before it.
func (s *Stamp) checkRelative(before []*Stamp) {
	if s.wantsAfter == "" {
		return
	}
	if !slices.ContainsFunc(before, func(b *Stamp) bool {
		return b.ID == s.wantsAfter && b.dir.body == s.dir.body && s.named[b.dir.file]
	}) {
		s.Problems = append(s.Problems, fmt.Sprintf("the signature %.40q that it follows is not there, or it does not name it", s.wantsAfter))
	}
}

// cover sorts the files that a stamp does not name: its own and the lists need no
// naming; another signature may be added, but not in the place of a picture that was
// missing.
func (p *Package) cover(s *Stamp, self int, bodies []body, l signatureLayer, later []bool) error {
	var reached map[string]bool
	for _, name := range p.names() {
		owners := l.owners[name]
		switch {
		case s.named[name] || l.lists[name] && !l.open[name] || name == s.dir.file || name == s.dir.value:
			continue
		case name == rootFile:
			list := &s.Uncovered
			if p.leadsAlone(s, bodies) {
				list = &s.Unnamed
			}
			tell(list, name)
			continue
		}
		if reached == nil {
			var err error
			if reached, err = p.reach(l); err != nil {
				return err
			}
		}
		switch {
		case reached[name] || alias(name):
			tell(&s.Uncovered, name)
		case slices.ContainsFunc(owners, func(k int) bool { return k != self && !later[k] }):
			tell(&s.Unnamed, name)
		case l.lists[name]:
		case !slices.ContainsFunc(owners, func(k int) bool { return later[k] }):
			tell(&s.Idle, name)
		}
	}
	return nil
}

// leadsAlone tells whether OFD.xml could lead, when a stamp was made that does not name
// it, to no other document or version than today.
func (p *Package) leadsAlone(s *Stamp, bodies []body) bool {
	if len(bodies) != 1 || bodies[0].versions || !s.named[bodies[0].root] {
		return false
	}
	return !slices.ContainsFunc(p.documents(), func(d string) bool { return s.named[d] && d != bodies[0].root && d != s.dir.file })
}

// documents are the files that are a Document, or may be one. A stamp that names two was
// made when OFD.xml led to both, or to the other.
func (p *Package) documents() []string {
	if p.documentsRead {
		return p.docs
	}
	p.documentsRead = true
	for _, name := range p.names() {
		head, err := p.headOf(p.Entry(name), rootLength)
		if err == nil && looksBinary(head) {
			continue
		}
		if first := firstElement(head); err != nil || first == "" || first == "Document" {
			p.docs = append(p.docs, name)
		}
	}
	return p.docs
}

// firstElement is the local name of the root, "" if it does not begin in the head.
func firstElement(head []byte) string {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))))
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		if e, ok := t.(xml.StartElement); ok {
			return e.Name.Local
		}
	}
}

// tell adds a name to a list for people, up to as many as are of use.
func tell(list *[]string, name string) {
	if len(*list) < maxTold {
		*list = append(*list, name)
	}
}

// unlisted finds signatures that no list names: whoever takes a stamp off a package
// in which more may be added leaves its files, since a later one names them.
func (p *Package) unlisted(l signatureLayer) ([]string, error) {
	var found []string
	for _, name := range p.names() {
		e := p.Entry(name)
		if l.owners[name] != nil || l.lists[name] || !mayBeSignature(name) || e.Size > maxXML {
			continue
		}
		if head, err := p.head(e); err != nil || !bytes.Contains(head, []byte("Signature")) {
			continue // pages may lie in a folder of such a name
		}
		root, err := p.xml(name, signatureGrammar)
		switch {
		case unreadable(err):
		case err != nil:
			return nil, err
		case root.name == "Signature":
			found = append(found, name)
		}
	}
	return found, nil
}
