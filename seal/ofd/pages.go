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
	p      *Package
	body   *body
	ids    []string                // of the pages, to which a StampAnnot refers
	under  map[string][]textObject // of templates
	glyphs int                     // in under
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
	d := &Document{p: p, body: &bodies[0], under: map[string][]textObject{}}
	if len(d.body.pages) == 0 {
		return nil, fmt.Errorf("%w: the document has no pages", ErrOptions)
	}
	d.ids = make([]string, len(d.body.pages))
	for id, i := range d.body.byID {
		d.ids[i] = id
	}
	return d, nil
}

// PageCount is the number of pages.
func (d *Document) PageCount() int { return len(d.ids) }

// page gives the index of page n, from 1, or from the end if negative.
func (d *Document) page(n int) (int, error) {
	i := n - 1
	if n < 0 {
		i = len(d.ids) + n
	}
	if n == 0 {
		return 0, fmt.Errorf("%w: pages count from 1, or from the end: -1 is the last", ErrOptions)
	}
	if i < 0 || i >= len(d.ids) {
		return 0, fmt.Errorf("%w: no page %d in a document of %d", ErrOptions, n, len(d.ids))
	}
	return i, nil
}

// upon gives the IDs of the templates that a page is drawn upon; they stand before its
// content (GB/T 33190 7.7).
func upon(file string, page []byte) (ids []string, err error) {
	return ids, walk(file, page, visitor{start: func(path []string, attr func(string) string) error {
		switch {
		case at(path, "Page", "Content"):
			return errEnough
		case at(path, "Page", "Template"):
			if ids = append(ids, attr("TemplateID")); len(ids) > maxTemplates {
				return tooLarge("a page of more than %d templates", maxTemplates)
			}
		}
		return nil
	}})
}

// maxTemplates bounds what one page is drawn upon; the standard knows three layers.
const maxTemplates = 16

// PageSize gives width and height of page n in millimetres: of the PhysicalBox, whose
// top left corner is the origin of what stands on the page.
func (d *Document) PageSize(n int) (width, height float64, err error) {
	i, err := d.page(n)
	if err != nil {
		return 0, 0, err
	}
	area, err := d.p.paper(d.body, i)
	if err == nil && (area.w <= 0 || area.h <= 0) {
		err = malformed("page %d has no size", n)
	}
	return area.w, area.h, err
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
	b, err := d.p.Read(file)
	if err != nil {
		return nil, err
	}
	ids, err := upon(file, b)
	if err != nil {
		return nil, err
	}
	var all []textObject
	for _, id := range ids {
		file, known := d.body.templates[id]
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
