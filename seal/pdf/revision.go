package pdf

import (
	"slices"
	"sort"
)

// revision is the file as it stood after one incremental update.
type revision struct {
	tail
	start    int64      // where its bytes begin: the end of the one before
	sections []*section // two in a linearized first revision and in a hybrid one, the one that counts first
	trailer  value
	root     ref
	stream   bool // a cross-reference stream and no table
	size     int64
}

// readChain follows /Prev from the last section to the first.
func (f *File) readChain() error {
	var chain []*section
	seen := make(map[int64]bool)
	for off := f.tail.xref; off >= 0; {
		if seen[off] {
			return malformed(off, "the chain of /Prev runs in a circle")
		}
		seen[off] = true
		if len(chain) > maxRevisions {
			return tooMany("revisions", maxRevisions)
		}
		s, err := f.sectionAt(off)
		if err != nil {
			return err
		}
		if s.trailer.has("Encrypt") {
			return ErrEncrypted
		}
		chain = append(chain, s)
		off = s.prev
	}
	slices.Reverse(chain)
	if len(chain) > 1 && chain[0].off > chain[1].off {
		if err := f.linearized(chain[0], chain[1]); err != nil {
			return err
		}
		chain[1].end = chain[0].end
		return f.buildRevisions(chain[1:], chain[0])
	}
	return f.buildRevisions(chain, nil)
}

func (f *File) sectionAt(off int64) (*section, error) {
	b, err := f.src.at(off, 4)
	if err != nil {
		return nil, err
	}
	if len(b) < 4 {
		return nil, malformed(off, "no cross-reference section")
	}
	if string(b[:4]) == "xref" {
		return f.table(off)
	}
	if !isDigit(b[0]) {
		return nil, malformed(off, "startxref or /Prev does not point at a cross-reference section")
	}
	return f.xrefStream(off)
}

// linearized allows the one case where /Prev points forward: the first-page
// section of a linearized file (ISO 32000-1 annex F).
func (f *File) linearized(main, firstPage *section) error {
	b, err := f.src.at(0, maxTail)
	if err != nil {
		return err
	}
	p := parser{b: b[:min(len(b), maxTail)], last: true}
	if err := p.space(); err != nil {
		return err
	}
	o, err := f.objectAt(p.offset(), -1)
	if err != nil {
		return err
	}
	if !o.has("Linearized") || main.prev >= 0 || firstPage.off > maxTail*4 {
		return ambiguous(firstPage.off, "/Prev points forward in a file that is not linearized")
	}
	return nil
}

func (f *File) buildRevisions(chain []*section, linear *section) error {
	if len(chain) > maxRevisions {
		return tooMany("revisions", maxRevisions)
	}
	var start int64
	for i, s := range chain {
		t, err := f.tailAt(s.end)
		if err != nil {
			return err
		}
		if t.xref != s.off {
			return ambiguous(t.off, "startxref says %d, the section before it is at %d", t.xref, s.off)
		}
		if s.off < start && i > 0 {
			return ambiguous(s.off, "cross-reference sections are not in the order of the file")
		}
		r := revision{tail: t, start: start, sections: []*section{s}, trailer: s.trailer, stream: s.stream, size: s.size}
		if i == 0 && linear != nil {
			r.sections = append(r.sections, linear)
		}
		if s.hybrid >= 0 {
			if err := f.addHybrid(&r, s); err != nil {
				return err
			}
		}
		root := s.trailer.get("Root")
		if root.kind != kRef {
			return malformed(s.off, "the trailer has no /Root")
		}
		r.root = root.ref()
		start = t.end
		f.revs = append(f.revs, r)
	}
	if f.revs[f.last()].off != f.tail.off {
		return ambiguous(f.tail.off, "the last startxref does not belong to the section it points at")
	}
	return nil
}

// addHybrid reads the stream of a hybrid file (7.5.8.4): it speaks only for
// objects that the table leaves free or does not name.
func (f *File) addHybrid(r *revision, s *section) error {
	if s.hybrid >= r.mark {
		return ambiguous(s.off, "/XRefStm points behind its revision")
	}
	h, err := f.xrefStream(s.hybrid)
	if err != nil {
		return err
	}
	if h.trailer.has("Encrypt") {
		return ErrEncrypted
	}
	// Some readers follow it too, and would find sections that others never see.
	if h.prev >= 0 && h.prev != s.prev {
		return ambiguous(s.hybrid, "the stream of a hybrid section has a /Prev of its own")
	}
	inUse := make(map[int32]bool)
	for _, e := range s.entries {
		if e.kind != entryFree {
			inUse[e.num] = true
		}
	}
	hidden := make(map[int32]bool)
	for _, e := range h.entries {
		if e.kind == entryFree {
			continue
		}
		if inUse[e.num] {
			return ambiguous(s.hybrid, "object %d in the table and in the stream of a hybrid section", e.num)
		}
		hidden[e.num] = true
	}
	s.entries = slices.DeleteFunc(s.entries, func(e entry) bool { return hidden[e.num] })
	h.entries = slices.DeleteFunc(h.entries, func(e entry) bool { return e.kind == entryFree })
	r.sections = append(r.sections, h)
	return nil
}

// buildIndex merges the entries of all revisions into one list.
func (f *File) buildIndex() error {
	total := 0
	for _, r := range f.revs {
		for _, s := range r.sections {
			total += len(s.entries)
		}
	}
	f.index = make([]entry, 0, total)
	for i := range f.revs {
		r := &f.revs[i]
		for _, s := range r.sections {
			for _, e := range s.entries {
				if e.kind == entryInFile && e.off >= r.mark {
					return ambiguous(s.off, "object %d stands behind the revision that names it", e.num)
				}
				e.rev = int16(i)
				f.index = append(f.index, e)
			}
			s.entries = nil
		}
	}
	sort.Slice(f.index, func(i, j int) bool {
		a, b := &f.index[i], &f.index[j]
		return a.num < b.num || a.num == b.num && a.rev < b.rev
	})
	for i := 1; i < len(f.index); i++ {
		a, b := &f.index[i-1], &f.index[i]
		if a.num == b.num && a.rev == b.rev {
			return ambiguous(f.revs[a.rev].off, "object %d in both sections of one revision", a.num)
		}
	}
	if n := len(f.index); n > 0 && int64(f.index[n-1].num) >= f.revs[f.last()].size {
		return ambiguous(f.tail.off, "object %d is not below the last /Size", f.index[n-1].num)
	}
	return nil
}

// lookup finds what revision rev, or the nearest before it, says of an object.
func (f *File) lookup(num int64, rev int) (entry, bool) {
	i := sort.Search(len(f.index), func(i int) bool {
		e := &f.index[i]
		return int64(e.num) > num || int64(e.num) == num && int(e.rev) > rev
	})
	if i == 0 || int64(f.index[i-1].num) != num {
		return entry{}, false
	}
	e := f.index[i-1]
	return e, e.kind != entryFree
}
