package pdf

import (
	"fmt"
	"slices"
)

// judgeLater classifies each revision after a signature, and tells each
// signature what came after it.
func (f *File) judgeLater() error {
	if len(f.found) == 0 {
		return nil
	}
	first := f.found[0].rev
	byRev := f.changedBy()
	later := make([]*Later, len(f.revs))
	for r := first + 1; r < len(f.revs); r++ {
		l, err := f.classify(r, byRev[r])
		if err != nil {
			return err
		}
		later[r] = l
	}
	for i := range f.found {
		s := &f.found[i]
		for _, l := range later[s.rev+1:] {
			s.Later = append(s.Later, *l)
			s.ContentAdded = s.ContentAdded || l.Kind == ChangeContent
			for _, w := range l.What {
				if len(s.LaterChanges) < maxListed {
					s.LaterChanges = append(s.LaterChanges, fmt.Sprintf("revision %d: %s", l.Revision, w))
				}
			}
		}
		end := f.revs[f.last()].end
		if s.rev == f.last() && s.CoversRevision {
			end = s.end
		}
		if f.size > end {
			s.ContentAdded = true
			s.LaterChanges = append(s.LaterChanges, fmt.Sprintf("%d bytes follow the last revision", f.size-end))
		}
	}
	return f.permissions()
}

// diff compares one revision with the one before it. Everything that is not
// proved to belong to the one new signature counts as content.
type diff struct {
	f       *File
	rev     int
	sig     *found
	allowed map[int64]bool // objects whose change was judged by itself
	own     map[int64]bool // new objects that belong to the signature
	what    []string       // what else changed
}

func (d *diff) content(format string, args ...any) {
	if len(d.what) < maxListed {
		d.what = append(d.what, fmt.Sprintf(format, args...))
	}
}

func (f *File) classify(r int, entries []int32) (*Later, error) {
	l := &Later{Revision: r, Kind: ChangeContent, Signature: -1}
	d := &diff{f: f, rev: r, allowed: make(map[int64]bool), own: make(map[int64]bool)}
	for i := range f.found {
		if f.found[i].rev != r {
			continue
		}
		if d.sig != nil {
			d.content("more than one signature in one revision")
		}
		l.Signature, d.sig = i, &f.found[i]
	}
	steps := []func() error{d.trailer, d.signature, d.form, d.pages, d.tags}
	if d.sig == nil {
		steps = []func() error{d.trailer, d.evidence}
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	if d.sig == nil && len(d.own) == 0 {
		d.content("changes without a signature")
	}
	if err := d.objects(entries); err != nil {
		return nil, err
	}
	if err := d.bytes(entries); err != nil {
		return nil, err
	}
	switch {
	case len(d.what) > 0:
		l.What = d.what
	case d.sig == nil:
		l.Kind, l.What = ChangeEvidence, []string{"evidence was added"}
	case d.sig.DocTimeStamp:
		l.Kind, l.What = ChangeSignature, []string{"a time-stamp over the document: " + d.sig.FieldName}
	default:
		l.Kind, l.What = ChangeSignature, []string{"a further signature: " + d.sig.FieldName}
	}
	return l, nil
}

// trailer: the same catalog and the same information.
func (d *diff) trailer() error {
	a, b := &d.f.revs[d.rev-1], &d.f.revs[d.rev]
	if a.root != b.root {
		d.content("another catalog")
	}
	if !equal(a.trailer.get("Info"), b.trailer.get("Info")) {
		d.content("another document information")
	}
	return nil
}

// signature: a new field, or one that stood empty, and the objects that it
// alone brings.
func (d *diff) signature() error {
	s := d.sig
	if s.dict == nil || s.dict.where.num == 0 {
		d.content("a signature that is none")
		return nil
	}
	d.own[int64(s.dict.where.num)] = true
	if err := d.field(); err != nil {
		return err
	}
	if err := d.newName(); err != nil {
		return err
	}
	for _, w := range s.widgets {
		if w != s.field {
			if err := d.kid(w); err != nil {
				return err
			}
		}
		if s.DocTimeStamp && d.shown(w) {
			d.content("time-stamp %s shows something", s.FieldName)
		}
		ap := w.get("AP")
		if ap.kind != kNull && (ap.kind != kDict || len(ap.keys) != 1 || ap.keys[0] != "N") {
			d.content("signature field %s has more than one appearance", s.FieldName)
		}
		if err := d.reach(ap, 0); err != nil {
			return err
		}
	}
	return nil
}

// shown: anyone can have anything time-stamped, so what a time-stamp shows would be
// content of anyone's. ISO 32000-1 12.7.4.5: a field that is not to be seen has a
// rectangle without width and height.
func (d *diff) shown(widget *object) bool {
	v := widget.get("Rect")
	if v == &null {
		return false
	}
	r, err := d.f.rect(v, d.rev)
	return err != nil || r[2] != r[0] || r[3] != r[1]
}

// newName: two fields of one name are one field to some readers.
func (d *diff) newName() error {
	if !d.own[d.sig.field.ref.num] {
		return nil
	}
	old, _, err := d.f.sigFields(d.rev - 1)
	if err != nil {
		return err
	}
	for _, fd := range old {
		if fd.name == d.sig.FieldName {
			d.content("a second field has the name %s", fd.name)
		}
	}
	return nil
}

// reach marks the new objects that an appearance is made of.
func (d *diff) reach(v *value, depth int) error {
	if depth > maxDepth {
		d.content("an appearance nested too deep")
		return nil
	}
	if v.kind == kRef {
		if _, had := d.f.lookup(v.num, d.rev-1); had || d.own[v.num] {
			return nil
		}
		o, err := d.f.get(v.ref(), d.rev)
		if err != nil {
			return err
		}
		d.own[v.num] = true
		v = &o.value
	}
	for i := range v.list {
		if err := d.reach(&v.list[i], depth+1); err != nil {
			return err
		}
	}
	return nil
}

// sameBut tells whether two dictionaries are the same but for some keys.
func sameBut(a, b *value, but ...string) bool {
	if a.kind != kDict || b.kind != kDict {
		return false
	}
	inA, inB := a.finder(), b.finder()
	for i, k := range a.keys {
		if v := inB(k); !slices.Contains(but, k) && (v == &null || !equal(&a.list[i], v)) {
			return false
		}
	}
	for _, k := range b.keys {
		if !slices.Contains(but, k) && inA(k) == &null {
			return false
		}
	}
	return true
}

// form: the catalog but for /AcroForm, the form but for one more field.
func (d *diff) form() error {
	f := d.f
	was, is, err := d.catalogs()
	if err != nil {
		return err
	}
	d.allowed[is.ref.num] = true
	but := []string{"AcroForm"}
	if d.sig.DocTimeStamp { // it often comes with the evidence that it is to keep
		but = append(but, "DSS", "Extensions")
		if err := d.security(was, is); err != nil {
			return err
		}
	}
	if !sameBut(&was.value, &is.value, but...) {
		d.content("the catalog was changed")
	}
	_, old, err := f.acroForm(d.rev - 1)
	if err != nil {
		return err
	}
	holder, now, err := f.acroForm(d.rev)
	if err != nil {
		return err
	}
	if now == nil {
		d.content("the form was removed")
		return nil
	}
	if old == nil {
		old = &value{kind: kDict}
	}
	switch v := was.get("AcroForm"); {
	case v.kind == kRef && !is.get("AcroForm").isRef(v.ref()):
		d.content("another form")
	case v.kind != kRef && holder != is: // an object that was there may be what a page shows
		d.brings(is.get("AcroForm"))
	}
	d.allowed[holder.ref.num] = true
	if !sameBut(old, now, "Fields", "SigFlags") {
		d.content("the form was changed")
	}
	if a, b := old.get("SigFlags"), now.get("SigFlags"); b.kind != kNull && b.kind != kInt || a.kind == kInt && a.num&^b.num != 0 {
		d.content("the form's /SigFlags were changed")
	}
	return d.more(old.get("Fields"), now.get("Fields"), []ref{d.sig.field.ref}, "the form's fields")
}

// more wants the same list, with what is new at its end, or in it already.
func (d *diff) more(old, now *value, new []ref, name string) error {
	a, err := d.f.deref(old, d.rev-1)
	if err != nil {
		return err
	}
	b, err := d.f.deref(now, d.rev)
	if err != nil {
		return err
	}
	if now.kind == kRef {
		if _, had := d.f.lookup(now.num, d.rev-1); !had {
			d.own[now.num] = true
		} else if old.isRef(now.ref()) {
			d.allowed[now.num] = true
		}
	}
	if contains(a.list, new[0]) && equal(a, b) {
		return nil
	}
	if !grew(a, b, new) {
		d.content("%s are not the old ones and the signature's", name)
	}
	return nil
}

func grew(a, b *value, new []ref) bool {
	n := len(a.list)
	if a.kind != kArray && a.kind != kNull || b.kind != kArray || len(b.list) != n+len(new) {
		return false
	}
	for i := range n {
		if !equal(&a.list[i], &b.list[i]) {
			return false
		}
	}
	for i, r := range new {
		if !b.list[n+i].isRef(r) || contains(a.list, r) {
			return false
		}
	}
	return true
}
