package pdf

import "sort"

type entryKind uint8

const (
	entryFree   entryKind = iota
	entryInFile           // off is where "n g obj" stands
	entryInStm            // off is the object stream's number, gen the index in it
)

// entry is what one revision says of one object.
type entry struct {
	off  int64
	num  int32
	gen  int32
	rev  int16
	kind entryKind
}

// section is one cross-reference section with its trailer.
type section struct {
	off, end int64 // "xref" or "n g obj", to the end of the trailer or "endobj"
	stream   bool
	num      int64 // object number of a cross-reference stream
	trailer  value
	size     int64
	prev     int64 // -1: none
	hybrid   int64 // offset of /XRefStm, -1: none
	entries  []entry
}

// table reads the lines of a classic table up to its trailer. The form is
// fixed to the byte by ISO 32000-1 7.5.4; readers repair anything else, each
// in its own way.
func (f *File) table(off int64) (*section, error) {
	s := &section{off: off, hybrid: -1}
	pos := off + int64(len("xref"))
	for {
		b, err := f.src.at(pos, 64)
		if err != nil {
			return nil, err
		}
		p := parser{b: b, base: pos, last: pos+int64(len(b)) == f.src.size}
		if err := p.space(); err != nil {
			return nil, malformed(pos, "the cross-reference table has no end")
		}
		w, err := p.word()
		if err != nil {
			return nil, malformed(pos, "the cross-reference table is broken")
		}
		if w == "trailer" {
			return s, f.tableTrailer(s, p.offset()+int64(len(w)))
		}
		if pos, err = f.subsection(s, &p); err != nil {
			return nil, err
		}
	}
}

func (f *File) subsection(s *section, p *parser) (int64, error) {
	first, err := p.natural()
	if err != nil {
		return 0, malformed(p.offset(), "the cross-reference table is broken")
	}
	count, err := p.natural()
	if err != nil {
		return 0, malformed(p.offset(), "the cross-reference table is broken")
	}
	// One end of line, spaces before it are seen in the field.
	for p.pos < len(p.b) && p.b[p.pos] == ' ' {
		p.pos++
	}
	switch {
	case p.pos+1 < len(p.b) && p.b[p.pos] == '\r' && p.b[p.pos+1] == '\n':
		p.pos += 2
	case p.pos < len(p.b) && (p.b[p.pos] == '\n' || p.b[p.pos] == '\r'):
		p.pos++
	default:
		return 0, p.bad("end of line expected")
	}
	if err := f.takeEntries(p.offset(), first, count); err != nil {
		return 0, err
	}
	pos := p.offset()
	for i := int64(0); i < count; i++ {
		b, err := f.src.at(pos, 20)
		if err != nil {
			return 0, err
		}
		e, ok := tableLine(b, first+i)
		if !ok {
			return 0, malformed(pos, "not an entry of a cross-reference table")
		}
		s.entries = append(s.entries, e)
		pos += 20
	}
	return pos, nil
}

// takeEntries counts what a section claims before anything is allocated.
func (f *File) takeEntries(at, first, count int64) error {
	if count > maxEntries {
		return tooMany("objects", maxEntries)
	}
	if first > maxObjectNum || first+count-1 > maxObjectNum {
		return malformed(at, "objects %d to %d in a cross-reference section", first, first+count-1)
	}
	if f.claimed += count; f.claimed > maxEntries {
		return tooMany("objects", maxEntries)
	}
	return nil
}

func tableLine(b []byte, num int64) (entry, bool) {
	if len(b) < 20 || b[10] != ' ' || b[16] != ' ' {
		return entry{}, false
	}
	off, ok := naturalOf(string(b[:10]))
	gen, ok2 := naturalOf(string(b[11:16]))
	eol := string(b[18:20])
	if !ok || !ok2 || eol != "\r\n" && eol != " \n" && eol != " \r" || gen > 65535 {
		return entry{}, false
	}
	e := entry{num: int32(num), gen: int32(gen), off: off}
	switch b[17] {
	case 'n':
		e.kind = entryInFile
	case 'f':
		e.off = 0
	default:
		return entry{}, false
	}
	return e, true
}

func (f *File) tableTrailer(s *section, pos int64) error {
	v, err := f.valueAt(pos)
	if err != nil {
		return err
	}
	if v.kind != kDict {
		return malformed(pos, "the trailer is no dictionary")
	}
	s.trailer, s.end = v, v.end
	if h := v.get("XRefStm"); h != &null {
		if h.kind != kInt || h.num < 0 {
			return malformed(h.start, "/XRefStm is no offset")
		}
		s.hybrid = h.num
	}
	return s.readTrailer()
}

// readTrailer takes what the chain needs and sorts the entries.
func (s *section) readTrailer() error {
	size := s.trailer.get("Size")
	if size.kind != kInt || size.num < 0 || size.num > maxObjectNum+1 {
		return malformed(s.off, "the trailer has no good /Size")
	}
	s.size, s.prev = size.num, -1
	if p := s.trailer.get("Prev"); p != &null {
		if p.kind != kInt || p.num < 0 {
			return malformed(p.start, "/Prev is no offset")
		}
		s.prev = p.num
	}
	sort.SliceStable(s.entries, func(i, j int) bool { return s.entries[i].num < s.entries[j].num })
	for i := range s.entries {
		e := &s.entries[i]
		if i > 0 && s.entries[i-1].num == e.num {
			return ambiguous(s.off, "object %d twice in one cross-reference section", e.num)
		}
		if int64(e.num) >= s.size {
			return ambiguous(s.off, "object %d is not below /Size %d: some readers skip it", e.num, s.size)
		}
		if e.num == 0 && e.kind != entryFree {
			return malformed(s.off, "object 0 is not free")
		}
	}
	return nil
}
