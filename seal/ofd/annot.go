package ofd

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
)

// Annot is one place where the seal is shown: a StampAnnot (GB/T 33190 18.2.4).
// Millimetres from the top left of the page.
type Annot struct {
	ID         string
	Page       int // 1-based; 0 if there is no such page
	X, Y, W, H float64
	Clip       *Clip // nil: all of it
	bad        bool  // Boundary or Clip cannot be read
	paper      box
}

// Clip is the part of the seal that is shown, from the Boundary's top left.
type Clip struct{ X, Y, W, H float64 }

func (p *Package) readAnnots(s *Stamp, b *body, info *node) error {
	return info.each("StampAnnot", func(n *node) error {
		a := Annot{ID: n.attr("ID")}
		bounds, ok := parseBox(n.attr("Boundary"))
		a.X, a.Y, a.W, a.H, a.bad = bounds.x, bounds.y, bounds.w, bounds.h, !ok
		if text := n.attr("Clip"); text != "" {
			c, ok := parseBox(text)
			a.Clip, a.bad = &Clip{c.x, c.y, c.w, c.h}, a.bad || !ok
		}
		if i, ok := b.byID[n.attr("PageRef")]; ok {
			var err error
			a.Page = i + 1
			if a.paper, err = p.paper(b, i); err != nil {
				return err
			}
		}
		if s.Annots = append(s.Annots, a); len(s.Annots) > maxAnnots {
			return tooLarge("a seal in more than %d places", maxAnnots)
		}
		return nil
	})
}

// paper is the physical box of a page: its own, else that of its template, else its
// document's (GB/T 33190 7.7).
func (p *Package) paper(b *body, i int) (box, error) {
	file := b.pages[i].file
	if known, ok := p.papers[file]; ok {
		return known, nil
	}
	text, err := p.Read(file)
	if err != nil {
		return box{}, err
	}
	found := b.base
	// Few pages have an area of their own, and most of a page is its content.
	if bytes.Contains(text, []byte("PhysicalBox")) || bytes.Contains(text, []byte("TemplateID")) || !plain(text) {
		own, templates, err := ownPaper(text)
		if err != nil {
			return box{}, err
		}
		if own == nil {
			own, err = p.templatePaper(b, templates)
		}
		if err != nil {
			return box{}, err
		}
		if own != nil {
			found = *own
		}
	}
	p.papers[file] = found
	return found, nil
}

// plain tells UTF-8 from the encodings in which a name would not be found.
func plain(text []byte) bool {
	return !bytes.HasPrefix(text, []byte{0xff, 0xfe}) && !bytes.HasPrefix(text, []byte{0xfe, 0xff})
}

// templatePaper is that of the first template of a page that has one.
func (p *Package) templatePaper(b *body, ids []string) (*box, error) {
	for _, id := range ids {
		file, known := b.templates[id]
		if !known {
			continue
		}
		key := "/" + file // as a page, if it is one too, it may have other papers
		found, read := p.papers[key]
		if !read {
			text, err := p.Read(file)
			if err != nil {
				return nil, err
			}
			own, _, err := ownPaper(text)
			if err != nil {
				return nil, err
			}
			if own != nil {
				found = *own
			}
			p.papers[key] = found
		}
		if found != (box{}) {
			return &found, nil
		}
	}
	return nil, nil
}

// ownPaper reads Page/Area/PhysicalBox, nil where the page has none, and the IDs of
// the page's templates as far as they stand before it.
func ownPaper(text []byte) (*box, []string, error) {
	var templates []string
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	want := []string{"Page", "Area", "PhysicalBox"}
	for depth := 0; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, templates, nil
		}
		if err != nil {
			return nil, nil, malformed("a page: %v", err)
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 1 && t.Name.Local == "Template" && slices.Contains(namespaces, t.Name.Space) {
				if templates = append(templates, attribute(t.Attr, "TemplateID")); len(templates) > maxTemplates {
					return nil, nil, tooLarge("a page of more than %d templates", maxTemplates)
				}
			}
			if depth >= len(want) || t.Name.Local != want[depth] || !slices.Contains(namespaces, t.Name.Space) {
				if err := d.Skip(); err != nil {
					return nil, nil, malformed("a page: %v", err)
				}
				continue
			}
			depth++
		case xml.CharData:
			if depth == len(want) {
				b, ok := parseBox(string(t))
				if !ok {
					return nil, nil, malformed("the size of a page")
				}
				return &b, templates, nil
			}
		case xml.EndElement:
			depth--
		}
	}
}
