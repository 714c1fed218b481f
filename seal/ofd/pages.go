package ofd

import (
	"fmt"
	"unicode/utf8"
)

// maxSearch is how much XML one search for a keyword reads: a template of 32 MB under
// each of ten thousand pages would take hours.
const maxSearch = 64 << 20

// Document is the document of a package that is to be sealed: its pages, from 1.
type Document struct {
	p         *Package
	body      *body
	ids       []string          // of the pages, to which a StampAnnot refers
	templates map[string]string // file by ID
	under     map[string][]textObject
	glyphs    int // in under
}

// Document opens the one document of a package. A package of several has no "page 2",
// and each has signatures of its own: which one is meant would have to be guessed.
func (p *Package) Document() (*Document, error) {
	bodies, err := p.readRoot()
	if err != nil {
		return nil, err
	}
	if len(bodies) != 1 {
		return nil, fmt.Errorf("%w: the package holds %d documents; seal each on its own", ErrOptions, len(bodies))
	}
	d := &Document{p: p, body: &bodies[0], templates: map[string]string{}, under: map[string][]textObject{}}
	if len(d.body.pages) == 0 {
		return nil, fmt.Errorf("%w: the document has no pages", ErrOptions)
	}
	d.ids = make([]string, len(d.body.pages))
	for id, i := range d.body.byID {
		d.ids[i] = id
	}
	b, err := p.readUpTo(d.body.root, maxXML)
	if err != nil {
		return nil, err
	}
	return d, walk(d.body.root, b, visitor{start: func(path []string, attr func(string) string) error {
		if !at(path, "Document", "CommonData", "TemplatePage") {
			return nil
		}
		// A template that leads nowhere is shown nowhere; only a page that uses it matters.
		if file, err := p.resolve(attr("BaseLoc"), d.body.root); err == nil {
			d.templates[attr("ID")] = file
		}
		return nil
	}})
}

// PageCount is the number of pages.
func (d *Document) PageCount() int { return len(d.ids) }

// page gives the index of page n, from 1, or from the end if negative.
func (d *Document) page(n int) (int, error) {
	i := n - 1
	if n < 0 {
		i = len(d.ids) + n
	}
	if n == 0 || i < 0 || i >= len(d.ids) {
		return 0, fmt.Errorf("%w: no page %d in a document of %d", ErrOptions, n, len(d.ids))
	}
	return i, nil
}

// head is what stands in a page or template before its content.
type head struct {
	area      box
	templates []string // their IDs, in the order in which they are drawn
}

var pageArea = []string{"Page", "Area", "PhysicalBox"}

// readHead stops at the content, where the Area has passed (GB/T 33190 7.7).
func (d *Document) readHead(file string) (head, []byte, error) {
	var h head
	b, err := d.p.Read(file)
	if err != nil {
		return h, nil, err
	}
	var area []byte
	err = walk(file, b, visitor{
		start: func(path []string, attr func(string) string) error {
			switch {
			case at(path, "Page", "Content"):
				return errEnough
			case at(path, "Page", "Template"):
				if h.templates = append(h.templates, attr("TemplateID")); len(h.templates) > maxTemplates {
					return tooLarge("a page of more than %d templates", maxTemplates)
				}
			}
			return nil
		},
		text: func(path []string, b []byte) error {
			if at(path, pageArea...) {
				area = append(area, b...)
			}
			return nil
		},
	})
	if err == nil && area != nil {
		var ok bool
		if h.area, ok = parseBox(string(area)); !ok {
			err = malformed("%q has the PhysicalBox %.80q", file, area)
		}
	}
	return h, b, err
}

// maxTemplates bounds what one page is drawn upon; the standard knows three layers.
const maxTemplates = 16

// PageSize gives width and height of page n in millimetres: of the PhysicalBox, whose
// top left corner is the origin of what stands on the page; that of the page, else of
// its template, else of the document.
func (d *Document) PageSize(n int) (width, height float64, err error) {
	i, err := d.page(n)
	if err != nil {
		return 0, 0, err
	}
	h, _, err := d.readHead(d.body.pages[i].file)
	if err != nil {
		return 0, 0, err
	}
	area := h.area
	for _, id := range h.templates {
		file, known := d.templates[id]
		if area != (box{}) || !known {
			break
		}
		t, _, err := d.readHead(file)
		if err != nil {
			return 0, 0, err
		}
		area = t.area
	}
	if area == (box{}) {
		area = d.body.base
	}
	if area.w <= 0 || area.h <= 0 {
		return 0, 0, malformed("page %d has no size", n)
	}
	return area.w, area.h, nil
}

// Find tells where a text stands, on page n or for 0 on all, in the order of the
// pages and on each from top to bottom. White space counts for nothing. Text of
// annotations and of composite objects is not looked at.
func (d *Document) Find(text string, n int) ([]Found, error) {
	word := keywordOf(text)
	if len(word) == 0 || !utf8.ValidString(text) {
		return nil, fmt.Errorf("%w: the keyword %q has no characters", ErrOptions, text)
	}
	from, to := 0, len(d.ids)
	if n != 0 {
		i, err := d.page(n)
		if err != nil {
			return nil, err
		}
		from, to = i, i+1
	}
	var all []Found
	left := int64(maxSearch)
	for i := from; i < to; i++ {
		objects, err := d.pageText(d.body.pages[i].file, &left)
		if err != nil {
			return nil, err
		}
		found, err := find(objects, word)
		if err != nil {
			return nil, err
		}
		for _, f := range found {
			f.Page = i + 1
			all = append(all, f)
		}
		if len(all) > maxFound {
			return nil, tooLarge("the keyword stands in more than %d places", maxFound)
		}
	}
	return all, nil
}

// pageText is the text of a page and of its templates.
func (d *Document) pageText(file string, left *int64) ([]textObject, error) {
	h, b, err := d.readHead(file)
	if err != nil {
		return nil, err
	}
	var all []textObject
	for _, id := range h.templates {
		file, known := d.templates[id]
		if !known {
			continue
		}
		under, have := d.under[file]
		if !have {
			b, err := d.p.Read(file)
			if err != nil {
				return nil, err
			}
			if under, err = textOf(file, b, left); err != nil {
				return nil, err
			}
			d.remember(file, under)
		}
		all = append(all, under...)
	}
	own, err := textOf(file, b, left)
	return append(all, own...), err
}

// remember keeps the text of a template, which many pages have, within the bounds of
// one page.
func (d *Document) remember(file string, under []textObject) {
	n := 0
	for _, o := range under {
		n += len(o.glyphs)
	}
	if d.glyphs += n; d.glyphs > maxGlyphs {
		clear(d.under)
		d.glyphs = n
	}
	d.under[file] = under
}

func textOf(file string, b []byte, left *int64) ([]textObject, error) {
	if *left -= int64(len(b)); *left < 0 {
		return nil, tooLarge("more than %d bytes to search; name the page", int64(maxSearch))
	}
	r := textReader{room: maxGlyphs}
	err := walk(file, b, r.visitor())
	return r.out, err
}
