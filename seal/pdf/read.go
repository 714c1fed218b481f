package pdf

import (
	"fmt"
	"sort"
)

func tooMany(what string, n int) error {
	return fmt.Errorf("%w: more than %d %s", ErrTooLarge, n, what)
}

// valueAt reads one direct value, a trailer for one.
func (f *File) valueAt(off int64) (value, error) {
	var v value
	err := f.growing(off, func(p *parser) (err error) {
		v, err = p.value()
		return err
	})
	return v, err
}

// growing parses in a window that grows until what is parsed fits.
func (f *File) growing(off int64, parse func(*parser) error) error {
	for n := 1024; ; n *= 4 {
		b, err := f.src.at(off, n)
		if err != nil {
			return err
		}
		p := parser{b: b, base: off, last: off+int64(len(b)) == f.size, refs: true}
		if err = parse(&p); err != errMore {
			return err
		}
		if n > maxObject {
			return fmt.Errorf("%w: at byte %d: an object beyond %d bytes", ErrTooLarge, off, maxObject)
		}
	}
}

// objectAt reads "n g obj ... endobj". A stream's data is not read, but its
// /Length must lead to "endstream": readers that find another end by searching
// would show something else. With rev -1 the /Length must be direct.
func (f *File) objectAt(off int64, rev int) (*object, error) {
	if err := f.left.takeObject(); err != nil {
		return nil, err
	}
	o := &object{objStart: off}
	err := f.growing(off, func(p *parser) error {
		e := p.indirect(o)
		o.weight = weight(p)
		return e
	})
	if err == nil {
		err = f.left.takeParse(o.end - off)
	}
	if err != nil || !o.stream {
		return o, err
	}
	return o, f.measure(o, rev)
}

// measure finds how long a stream's data is.
func (f *File) measure(o *object, rev int) error {
	off, length := o.objStart, o.get("Length")
	if length.kind == kRef && rev >= 0 {
		e, ok := f.lookup(length.num, rev)
		if !ok || e.kind == entryInFile && e.off == off {
			return malformed(off, "a stream's /Length is not to be found")
		}
		if f.lengths == maxLengths {
			return malformed(off, "a stream's /Length leads in a circle")
		}
		f.lengths++
		l, err := f.get(length.ref(), rev)
		f.lengths--
		if err != nil {
			return err
		}
		length = &l.value
	}
	if length.kind != kInt || length.num < 0 || length.num > f.size-o.dataOff {
		return malformed(off, "a stream without a good /Length")
	}
	o.dataLen = length.num
	b, err := f.src.at(o.dataOff+o.dataLen, 64)
	if err != nil {
		return err
	}
	p := parser{b: b, base: o.dataOff + o.dataLen, last: true}
	for p.pos < len(p.b) && isSpace(p.b[p.pos]) {
		p.pos++
	}
	// Not even a comment between: a reader that searches for the end takes it
	// for data.
	if at(p.b, p.pos) == '%' {
		return ambiguous(p.offset(), "\"endstream\" is not where /Length leads")
	}
	if err = p.keyword("endstream"); err == nil {
		err = p.keyword("endobj")
	}
	o.objEnd = p.offset()
	return err
}

// weight is what the values just read take in memory: a value is 112 bytes.
func weight(p *parser) int64 { return 256 + 128*int64(p.many) + int64(p.pos) }

func (p *parser) indirect(o *object) error {
	start := p.pos
	if p.pos >= len(p.b) || !isDigit(p.b[p.pos]) {
		return p.bad("an object expected")
	}
	num, err := p.natural()
	if err == nil {
		o.ref.num = num
		o.ref.gen, err = p.natural()
	}
	if err == nil {
		err = p.keyword("obj")
	}
	if err == nil {
		o.value, err = p.value()
	}
	if err == nil {
		err = p.space()
	}
	if err != nil {
		return err
	}
	w, err := p.word()
	if err != nil {
		return err
	}
	p.pos += len(w)
	o.objEnd = p.base + int64(p.pos)
	o.objStart = p.base + int64(start)
	switch {
	case w == "endobj" && o.kind != kRef:
		return nil
	case w != "stream" || o.kind != kDict:
		return p.bad("\"endobj\" expected")
	}
	if err := p.dataStart(); err != nil {
		return err
	}
	o.stream, o.dataOff = true, p.offset()
	return nil
}

// dataStart goes over the end of line behind "stream".
func (p *parser) dataStart() error {
	if p.pos+2 > len(p.b) {
		return p.short()
	}
	switch {
	case p.b[p.pos] == '\n':
		p.pos++
	case p.b[p.pos] == '\r' && p.b[p.pos+1] == '\n':
		p.pos += 2
	default: // a lone CR is the trap of 7.3.8.1: some readers take it for data
		return ambiguous(p.offset(), "\"stream\" is not followed by LF or CR LF")
	}
	return nil
}

// get reads an object as revision rev has it; a free or unknown one is null.
func (f *File) get(r ref, rev int) (*object, error) {
	e, ok := f.lookup(r.num, rev)
	if !ok {
		return &object{ref: r}, nil
	}
	if e.kind == entryInFile && int64(e.gen) != r.gen || e.kind == entryInStm && r.gen != 0 {
		return nil, ambiguous(f.revs[rev].off, "reference %d %d R to an object of another generation", r.num, r.gen)
	}
	return f.entryObject(e)
}

func (f *File) entryObject(e entry) (*object, error) {
	if o := f.cache.get(e); o != nil {
		return o, nil
	}
	var o *object
	var err error
	if e.kind == entryInStm {
		o, err = f.stmObject(e)
	} else if o, err = f.objectAt(e.off, int(e.rev)); err == nil && o.objEnd > f.revs[e.rev].mark {
		err = ambiguous(e.off, "object %d ends behind its revision", e.num)
	}
	if err != nil {
		return nil, err
	}
	o.where = e
	f.cache.put(e, o)
	return o, nil
}

// deref follows v if it is a reference.
func (f *File) deref(v *value, rev int) (*value, error) {
	if v.kind != kRef {
		return v, nil
	}
	o, err := f.get(v.ref(), rev)
	if err != nil {
		return nil, err
	}
	return &o.value, nil
}

// checkStarts makes sure that every object stands where its entry says and can
// be read in one way only, also those that are never read here: a reader that
// finds one wrong entry rebuilds the whole table by searching, and a key that
// stands twice, or a stream that does not end where it should, gives one reader
// another page than the next.
func (f *File) checkStarts() error {
	order := make([]int32, 0, len(f.index))
	for i := range f.index {
		if f.index[i].kind == entryInFile {
			order = append(order, int32(i))
		}
	}
	sort.Slice(order, func(i, j int) bool { return f.index[order[i]].off < f.index[order[j]].off })
	for _, i := range order {
		e := f.index[i]
		if b, err := f.src.at(e.off, 1); err != nil {
			return err
		} else if !isDigit(at(b, 0)) {
			return malformed(e.off, "object %d does not stand here", e.num)
		}
		if err := f.skimObject(e); err != nil {
			return err
		}
	}
	return nil
}

func at(b []byte, i int) byte {
	if i < len(b) {
		return b[i]
	}
	return 0
}
