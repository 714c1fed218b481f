package pdf

import "math"

// readPages walks the page tree of the last revision. A tree that is no tree,
// or whose counts and parents lie, shows different pages in different readers:
// some go by /Count, some by /Kids, and inheritance is looked up by /Parent.
func (f *File) readPages() error {
	root, err := f.get(f.revs[f.last()].root, f.last())
	if err != nil {
		return err
	}
	if root.kind != kDict || !root.get("Type").isName("Catalog") {
		return malformed(f.tail.off, "/Root is no catalog")
	}
	pages := root.get("Pages")
	if pages.kind != kRef {
		return malformed(f.tail.off, "the catalog has no /Pages")
	}
	w := pageWalk{f: f, seen: make(map[ref]bool)}
	if _, err := w.node(pages.ref(), ref{}, 0); err != nil {
		return err
	}
	if len(w.pages) == 0 {
		return malformed(f.tail.off, "the document has no page")
	}
	f.pages = w.pages
	return nil
}

type pageWalk struct {
	f     *File
	seen  map[ref]bool
	pages []ref
}

func (w *pageWalk) node(r, parent ref, depth int) (int64, error) {
	if w.seen[r] || depth > maxDepth {
		return 0, malformed(w.f.tail.off, "the page tree is no tree: object %d", r.num)
	}
	w.seen[r] = true
	o, err := w.f.get(r, w.f.last())
	if err != nil {
		return 0, err
	}
	if o.kind != kDict || o.stream {
		return 0, malformed(w.f.tail.off, "object %d is no page and no page tree node", r.num)
	}
	if depth > 0 && !o.get("Parent").isRef(parent) {
		return 0, ambiguous(w.f.tail.off, "the /Parent of page tree node %d is another node", r.num)
	}
	kids, typ := o.get("Kids"), o.get("Type")
	switch {
	case typ.isName("Page") && kids == &null:
		if w.pages = append(w.pages, r); len(w.pages) > maxPages {
			return 0, tooMany("pages", maxPages)
		}
		return 1, nil
	case !typ.isName("Pages"):
		return 0, malformed(w.f.tail.off, "object %d is no page and no page tree node", r.num)
	}
	if kids, err = w.f.deref(kids, w.f.last()); err != nil {
		return 0, err
	}
	if kids.kind != kArray {
		return 0, malformed(w.f.tail.off, "page tree node %d has no /Kids", r.num)
	}
	var n int64
	for i := range kids.list {
		if kids.list[i].kind != kRef {
			return 0, malformed(w.f.tail.off, "page tree node %d has a kid that is no reference", r.num)
		}
		m, err := w.node(kids.list[i].ref(), r, depth+1)
		if err != nil {
			return 0, err
		}
		n += m
	}
	count, err := w.f.deref(o.get("Count"), w.f.last())
	if err != nil {
		return 0, err
	}
	if count.kind != kInt || count.num != n {
		return 0, ambiguous(w.f.tail.off, "page tree node %d counts %d pages and has %d", r.num, count.num, n)
	}
	return n, nil
}

// geometry is how a page is shown.
type geometry struct {
	llx, lly, urx, ury float64 // CropBox within MediaBox
	rotate             int     // clockwise
	unit               float64 // points per user space unit
}

// inherited looks a page attribute up through its parents.
func (f *File) inherited(page *object, key string, rev int) (*value, error) {
	v := &page.value
	for range maxDepth {
		if v.has(key) {
			return f.deref(v.get(key), rev)
		}
		parent := v.get("Parent")
		if parent.kind != kRef {
			return &null, nil
		}
		var err error
		if v, err = f.deref(parent, rev); err != nil {
			return nil, err
		}
	}
	return &null, nil
}

func (f *File) geometry(page *object, rev int) (geometry, error) {
	g := geometry{unit: 1}
	media, err := f.box(page, "MediaBox", rev)
	if err != nil {
		return g, err
	}
	if media == nil {
		return g, malformed(page.objStart, "page without /MediaBox")
	}
	crop, err := f.box(page, "CropBox", rev)
	if err != nil {
		return g, err
	}
	if crop == nil {
		crop = media
	}
	g.llx, g.lly = max(crop[0], media[0]), max(crop[1], media[1])
	g.urx, g.ury = min(crop[2], media[2]), min(crop[3], media[3])
	if g.urx-g.llx <= 0 || g.ury-g.lly <= 0 {
		return g, malformed(page.objStart, "page without an area")
	}
	rot, err := f.inherited(page, "Rotate", rev)
	if err != nil {
		return g, err
	}
	if rot.kind != kNull {
		n, ok := rot.number()
		if !ok || math.Mod(n, 90) != 0 || math.Abs(n) > 1e6 {
			return g, malformed(page.objStart, "page turned by something else than right angles")
		}
		g.rotate = ((int(n) % 360) + 360) % 360
	}
	unit, err := f.deref(page.get("UserUnit"), rev) // not inheritable, ISO 32000-1 table 30
	if err != nil {
		return g, err
	}
	if unit.kind != kNull {
		u, ok := unit.number()
		if !ok || !(u > 0.001 && u < 1e6) {
			return g, malformed(page.objStart, "bad /UserUnit")
		}
		g.unit = u
	}
	return g, nil
}

func (f *File) box(page *object, key string, rev int) (*[4]float64, error) {
	v, err := f.inherited(page, key, rev)
	if err != nil || v.kind == kNull {
		return nil, err
	}
	return f.rect(v, rev)
}

// rect reads four numbers and puts the smaller first.
func (f *File) rect(v *value, rev int) (*[4]float64, error) {
	if v.kind != kArray || len(v.list) != 4 {
		return nil, malformed(v.start, "not a rectangle")
	}
	var b [4]float64
	for i := range v.list {
		x, err := f.deref(&v.list[i], rev)
		if err != nil {
			return nil, err
		}
		n, ok := x.number()
		if !ok || math.Abs(n) > 1e7 {
			return nil, malformed(v.start, "not a rectangle")
		}
		b[i] = n
	}
	return &[4]float64{min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])}, nil
}
