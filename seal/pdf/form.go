package pdf

import (
	"fmt"
	"strings"
)

// field is one terminal signature field.
type field struct {
	obj     *object
	widgets []*object // its kids, or itself where field and widget are one object
	name    string
	v       *value // what fills it, null if it stands empty
}

// acroForm finds the interactive form of a revision: the object it stands in
// (its own, or the catalog), and its dictionary; a nil value if there is none.
func (f *File) acroForm(rev int) (*object, *value, error) {
	cat, err := f.get(f.revs[rev].root, rev)
	if err != nil {
		return nil, nil, err
	}
	form := cat.get("AcroForm")
	if form.kind == kDict {
		return cat, form, nil
	}
	if form.kind == kRef {
		o, err := f.get(form.ref(), rev)
		if err != nil {
			return nil, nil, err
		}
		if o.kind == kDict && !o.stream {
			return o, &o.value, nil
		}
		form = &o.value
	}
	if form.kind != kNull {
		return nil, nil, malformed(f.revs[rev].off, "/AcroForm is no dictionary")
	}
	return cat, nil, nil
}

// formFields gives the top of the field tree, nil without a form.
func (f *File) formFields(rev int) ([]value, error) {
	_, form, err := f.acroForm(rev)
	if err != nil || form == nil {
		return nil, err
	}
	v, err := f.deref(form.get("Fields"), rev)
	if err != nil {
		return nil, err
	}
	if v.kind != kArray && v.kind != kNull {
		return nil, malformed(f.revs[rev].off, "/Fields is no array")
	}
	return v.list, nil
}

// sigFields walks the field tree of a revision and gives its signature fields.
func (f *File) sigFields(rev int) ([]field, map[int64]bool, error) {
	top, err := f.formFields(rev)
	if err != nil {
		return nil, nil, err
	}
	w := fieldWalk{f: f, rev: rev, seen: make(map[int64]bool, len(top))}
	for i := range top {
		if err := w.node(&top[i], field{v: &null}, "", 0); err != nil {
			return nil, nil, err
		}
	}
	return w.found, w.seen, nil
}

type fieldWalk struct {
	f     *File
	rev   int
	seen  map[int64]bool
	found []field
}

// node visits one field. Kids without /T are widgets of their parent.
func (w *fieldWalk) node(v *value, up field, ft string, depth int) error {
	at := w.f.revs[w.rev].off
	if v.kind != kRef {
		return malformed(at, "a field that is no reference")
	}
	if w.seen[v.num] || depth > maxDepth {
		return ambiguous(at, "the form's fields are no tree: object %d", v.num)
	}
	w.seen[v.num] = true
	if err := w.f.left.takeVisits(1); err != nil {
		return err
	}
	o, err := w.f.get(v.ref(), w.rev)
	if err != nil {
		return err
	}
	if o.kind == kNull {
		return nil // a field deleted, its reference left
	}
	if o.kind != kDict || o.stream {
		return malformed(at, "field %d is no dictionary", v.num)
	}
	fd := field{obj: o, name: up.name, v: up.v}
	if t := o.get("T"); t.kind == kString {
		if len(t.text) > maxFieldName || len(up.name) > maxFieldName {
			return tooMany("bytes in a field's name", maxFieldName)
		}
		fd.name = strings.TrimPrefix(up.name+"."+decodeText(t.text), ".")
	}
	if t := o.get("FT"); t.kind == kName {
		ft = t.text
	}
	if own := o.get("V"); own.kind != kNull {
		fd.v = own
	}
	kids, err := w.f.deref(o.get("Kids"), w.rev)
	if err != nil {
		return err
	}
	if kids.kind == kArray && len(kids.list) > 0 {
		if ft == "Sig" {
			if fd.widgets, err = w.widgets(kids.list); err != nil {
				return err
			}
		}
		if fd.widgets != nil {
			return w.add(fd)
		}
		for i := range kids.list {
			if err := w.node(&kids.list[i], fd, ft, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	if ft != "Sig" {
		return nil
	}
	fd.widgets = []*object{o}
	return w.add(fd)
}

func (w *fieldWalk) add(fd field) error {
	if w.found = append(w.found, fd); len(w.found) > maxSignatures {
		return tooMany("signature fields", maxSignatures)
	}
	return nil
}

// widgets are the kids of a signature field if none of them is a field of its own, with
// a name, a value or kids; else nil.
func (w *fieldWalk) widgets(kids []value) (out []*object, err error) {
	if err := w.f.left.takeVisits(len(kids)); err != nil {
		return nil, err
	}
	mine := make(map[int64]bool, len(kids))
	for i := range kids {
		if kids[i].kind != kRef {
			return nil, nil
		}
		o, err := w.f.get(kids[i].ref(), w.rev)
		if err != nil {
			return nil, err
		}
		if o.kind != kDict || o.stream || w.seen[kids[i].num] || mine[kids[i].num] || o.has("T") || o.has("V") || o.has("FT") || o.has("Kids") {
			return nil, nil
		}
		mine[kids[i].num] = true
		out = append(out, o)
	}
	for n := range mine {
		w.seen[n] = true
	}
	return out, nil
}

// freeName makes the field's name unique among the top fields.
func (f *File) freeName(want string) (string, error) {
	if want == "" {
		want = "Seal"
	}
	if len(want) > 200 || strings.ContainsAny(want, ".\x00") {
		return "", fmt.Errorf("%w: %q is no name for a field", ErrOptions, want)
	}
	top, err := f.formFields(f.last())
	if err != nil {
		return "", err
	}
	taken := make(map[string]bool)
	for i := range top {
		v, err := f.deref(&top[i], f.last())
		if err != nil {
			return "", err
		}
		taken[decodeText(v.get("T").text)] = true
	}
	name := want
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s %d", want, n)
	}
	return name, nil
}
