package pdf

import "fmt"

// found is a signature with what is needed to judge it further.
type found struct {
	Signature
	rev     int
	dict    *object // the signature dictionary
	field   *object
	widget  *object // the first of them: the field itself where it is merged
	spots   []spotShown
	widgets []*object // as its revision has them
	end     int64     // of the second range
}

// Stamps finds every signature of every revision, in order of revision: also
// one that a later revision took out of the form. The digests are computed in
// one pass over the file.
func (f *File) Stamps() ([]Signature, error) {
	if !f.judged {
		f.judged = true
		f.judgeE = f.judge()
	}
	if f.judgeE != nil {
		return nil, f.judgeE
	}
	out := make([]Signature, len(f.found))
	for i := range f.found {
		out[i] = f.found[i].Signature
	}
	return out, nil
}

func (f *File) judge() error {
	if err := f.collect(); err != nil {
		return err
	}
	for i := range f.found {
		if err := f.inspect(&f.found[i]); err != nil {
			return err
		}
	}
	if err := f.hashAll(); err != nil {
		return err
	}
	return f.judgeLater()
}

// collect walks the form of each revision that touched it.
func (f *File) collect() error {
	seen := make(map[cacheKey]bool)
	var touched map[int64]bool
	changed := f.changedBy()
	for r := range f.revs {
		if r > 0 && !f.touches(changed[r], touched, r) {
			continue
		}
		fields, nodes, err := f.sigFields(r)
		if err != nil {
			return err
		}
		touched = f.formObjects(r, nodes)
		for _, fd := range fields {
			if fd.v.kind == kNull {
				continue
			}
			if err := f.note(fd, r, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// changedBy lists, for each revision, the index positions of its entries.
func (f *File) changedBy() [][]int32 {
	by := make([][]int32, len(f.revs))
	for i := range f.index {
		r := f.index[i].rev
		if r > 0 { // all of revision 0 is new
			by[r] = append(by[r], int32(i))
		}
	}
	return by
}

func (f *File) touches(entries []int32, nums map[int64]bool, r int) bool {
	if f.revs[r].root != f.revs[r-1].root {
		return true
	}
	for _, i := range entries {
		if nums[int64(f.index[i].num)] {
			return true
		}
	}
	return false
}

// formObjects are the objects on which the list of signatures depends.
func (f *File) formObjects(r int, fields map[int64]bool) map[int64]bool {
	nums := fields
	if nums == nil {
		nums = make(map[int64]bool)
	}
	nums[f.revs[r].root.num] = true
	if holder, form, err := f.acroForm(r); err == nil && form != nil {
		nums[holder.ref.num] = true
		if v := form.get("Fields"); v.kind == kRef {
			nums[v.num] = true
		}
	}
	for n := range fields {
		e, ok := f.lookup(n, r)
		if !ok {
			continue
		}
		if o, err := f.entryObject(e); err == nil {
			for _, key := range []string{"V", "Kids"} {
				if v := o.get(key); v.kind == kRef {
					nums[v.num] = true
				}
			}
		}
	}
	return nums
}

// note adds a signature once, at the revision whose form shows it first.
func (f *File) note(fd field, r int, seen map[cacheKey]bool) error {
	fo := found{rev: r, field: fd.obj, widget: fd.widgets[0], widgets: fd.widgets}
	fo.FieldName, fo.Revision = fd.name, r
	if fd.v.kind == kRef {
		o, err := f.get(fd.v.ref(), r)
		if err != nil {
			return err
		}
		fo.dict = o
	}
	key := cacheKey{int32(fd.obj.ref.num), -1 - fd.obj.where.rev}
	if fo.dict != nil && fo.dict.kind == kDict {
		key = cacheKey{fo.dict.where.num, fo.dict.where.rev}
	}
	if seen[key] {
		return nil
	}
	seen[key] = true
	if f.found = append(f.found, fo); len(f.found) > maxSignatures {
		return tooMany("signatures", maxSignatures)
	}
	return nil
}

func (s *found) problem(format string, args ...any) {
	s.Problems = append(s.Problems, fmt.Sprintf(format, args...))
}

// inspect checks the form of one signature against the file's bytes. Only
// errors of reading are errors; what is wrong with the signature is a problem.
func (f *File) inspect(s *found) error {
	if err := f.locate(s); err != nil {
		return err
	}
	d := s.dict
	if d == nil || d.kind != kDict || d.stream {
		s.problem("the field's /V is no reference to a signature dictionary")
		return nil
	}
	s.Filter, s.SubFilter = d.get("Filter").text, d.get("SubFilter").text
	s.M = d.get("M").text
	s.DocTimeStamp = d.get("Type").isName("DocTimeStamp")
	if t := d.get("Type"); t != &null && !t.isName("Sig") && !s.DocTimeStamp {
		s.problem("the signature dictionary is of another /Type")
	}
	c := d.get("Contents")
	if d.where.kind != entryInFile || d.raw != nil {
		s.problem("the signature dictionary is in an object stream")
		return nil
	}
	if c.kind != kString || !c.hex {
		s.problem("/Contents is no direct hexadecimal string")
		return nil
	}
	s.takeToken(c.text)
	raw, err := f.src.copyOf(c.start, c.end)
	if err != nil {
		return err
	}
	if !canonicalHex(raw[1 : len(raw)-1]) {
		s.problem("/Contents is not written in plain hexadecimal digits")
	}
	if int(d.where.rev) != s.rev {
		s.problem("the signature dictionary stood in revision %d, the form shows it since revision %d", d.where.rev, s.rev)
	}
	f.checkRange(s, d, c)
	return nil
}

// checkRange wants: from 0, one hole that is exactly this object's /Contents
// token, to the end of the revision in which the object stands.
func (f *File) checkRange(s *found, d *object, c *value) {
	v := d.get("ByteRange")
	if v.kind != kArray || len(v.list) != 4 {
		s.problem("/ByteRange is not four numbers")
		return
	}
	for i := range v.list {
		if v.list[i].kind != kInt || v.list[i].num < 0 || v.list[i].num > f.size {
			s.problem("/ByteRange holds something else than offsets in the file")
			return
		}
		s.ByteRange[i] = v.list[i].num
	}
	first, from, to, rest := s.ByteRange[0], s.ByteRange[1], s.ByteRange[2], s.ByteRange[3]
	s.end = to + rest
	r := &f.revs[s.rev]
	switch {
	case first != 0:
		s.problem("the ranges do not begin at 0")
	case from != c.start || to != c.end:
		s.problem("the hole between the ranges is not exactly the /Contents of this signature")
	case s.end < r.mark || s.end > r.end:
		s.problem("the ranges do not end with the revision of the signature")
	case d.objStart < r.start:
		s.problem("the signature dictionary stands in the bytes of an earlier revision")
	default:
		s.CoversRevision = len(s.Problems) == 0
		s.CoversFile = s.CoversRevision && s.end == f.size
	}
}
