package pdf

import (
	"bytes"
	"sort"
)

// pages: those that show the new signature, but for their annotations, which are the
// old ones and the new.
func (d *diff) pages() error {
	on := make(map[ref][]ref)
	var order []ref
	for _, w := range d.sig.widgets {
		p := w.get("P")
		if p.kind != kRef {
			continue // then no page may change for it
		}
		if on[p.ref()] == nil {
			order = append(order, p.ref())
		}
		on[p.ref()] = append(on[p.ref()], w.ref)
	}
	lists := make(map[int64]bool)
	for _, p := range order {
		if err := d.page(p, on[p], lists); err != nil {
			return err
		}
	}
	return nil
}

// page is one of them; lists are the arrays of annotations seen so far.
func (d *diff) page(p ref, widgets []ref, lists map[int64]bool) error {
	f, s := d.f, d.sig
	was, err := f.get(p, d.rev-1)
	if err != nil {
		return err
	}
	is, err := f.get(p, d.rev)
	if err != nil {
		return err
	}
	if !was.get("Type").isName("Page") || !is.get("Type").isName("Page") {
		d.content("signature field %s is on no page", s.FieldName)
		return nil
	}
	d.allowed[p.num] = true
	if !sameBut(&was.value, &is.value, "Annots", "Tabs") || !tabsAlone(was, is) {
		d.content("page object %d was changed", p.num)
	}
	old, now := was.get("Annots"), is.get("Annots")
	if now.kind == kRef {
		if lists[now.num] { // the widget of one would be shown on the other
			d.content("two pages share one list of annotations, object %d", now.num)
		}
		lists[now.num] = true
	}
	if was == is && old.kind != kRef {
		return nil // a signature that no page shows
	}
	if a, b, err := d.both(old, now); err != nil || equal(a, b) {
		return err
	}
	return d.more(old, now, widgets, "the page's annotations")
}

func (d *diff) both(old, now *value) (a, b *value, err error) {
	if a, err = d.f.deref(old, d.rev-1); err == nil {
		b, err = d.f.deref(now, d.rev)
	}
	return a, b, err
}

// objects judges every entry of the revision.
func (d *diff) objects(entries []int32) error {
	f := d.f
	for _, i := range entries {
		e := f.index[i]
		num := int64(e.num)
		old, had := f.lookup(num, d.rev-1)
		switch {
		case e.kind == entryFree && had:
			d.content("object %d was removed", num)
			continue
		case e.kind == entryFree || d.allowed[num]:
			continue
		case had:
			same, err := f.sameObject(old, e)
			if err != nil {
				return err
			}
			if !same {
				d.content("object %d was changed", num)
			}
			continue
		}
		if err := d.added(e); err != nil {
			return err
		}
	}
	return nil
}

// added: a new object is the signature's, or carries cross references. One
// that an older revision already pointed at would fill a gap left on purpose.
func (d *diff) added(e entry) error {
	f, num := d.f, int64(e.num)
	if err := f.findDangling(); err != nil {
		return err
	}
	if r, ok := f.dangle[e.num]; ok && int(r) < d.rev {
		d.content("object %d was added where revision %d left a gap", num, r)
		return nil
	}
	if d.own[num] {
		return nil
	}
	o, err := f.entryObject(e)
	if err != nil {
		return err
	}
	if o.stream && (o.get("Type").isName("XRef") || o.get("Type").isName("ObjStm")) {
		return nil
	}
	d.content("object %d was added", num)
	return nil
}

// sameObject compares two versions of an object, a stream's data included.
func (f *File) sameObject(a, b entry) (bool, error) {
	if a.kind == b.kind && a.off == b.off && a.gen == b.gen {
		return true, nil
	}
	x, err := f.entryObject(a)
	if err != nil {
		return false, err
	}
	y, err := f.entryObject(b)
	if err != nil {
		return false, err
	}
	if x.stream != y.stream || !equal(&x.value, &y.value) {
		return false, nil
	}
	if !x.stream {
		return true, nil
	}
	if x.dataLen != y.dataLen {
		return false, nil
	}
	if err := f.left.takeHash(2 * x.dataLen); err != nil {
		return false, err
	}
	bufX, bufY := make([]byte, 16<<10), make([]byte, 16<<10)
	for pos := int64(0); pos < x.dataLen; {
		n := min(int64(len(bufX)), x.dataLen-pos)
		if err := readFull(f.src.r, bufX[:n], x.dataOff+pos); err != nil {
			return false, err
		}
		if err := readFull(f.src.r, bufY[:n], y.dataOff+pos); err != nil {
			return false, err
		}
		if !bytes.Equal(bufX[:n], bufY[:n]) {
			return false, nil
		}
		pos += n
	}
	return true, nil
}

// bytes wants the revision to be made of its objects and its cross-reference
// section, white space between: nothing that a repairing reader could find.
func (d *diff) bytes(entries []int32) error {
	f, r := d.f, &d.f.revs[d.rev]
	var offs []entry
	for _, i := range entries {
		if e := f.index[i]; e.kind == entryInFile && e.off >= r.start {
			offs = append(offs, e)
		}
	}
	sort.Slice(offs, func(i, j int) bool { return offs[i].off < offs[j].off })
	pos := r.start
	for _, e := range offs {
		if err := d.blank(pos, e.off); err != nil {
			return err
		}
		o, err := f.entryObject(e)
		if err != nil {
			return err
		}
		pos = o.objEnd
	}
	if s := r.sections[0]; s.off >= pos {
		if err := d.blank(pos, s.off); err != nil {
			return err
		}
	} else if s.end != pos {
		d.content("bytes of the revision overlap its cross-reference section")
	}
	return nil
}

func (d *diff) blank(from, to int64) error {
	if to < from {
		d.content("objects of the revision overlap at byte %d", to)
		return nil
	}
	for from < to {
		b, err := d.f.src.at(from, int(min(to-from, windowSize/2)))
		if err != nil {
			return err
		}
		b = b[:min(int64(len(b)), to-from)]
		for _, c := range b {
			if !isSpace(c) {
				d.content("bytes of the revision at %d belong to no object", from)
				return nil
			}
		}
		from += int64(len(b))
	}
	return nil
}
