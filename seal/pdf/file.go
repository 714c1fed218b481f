package pdf

import (
	"bytes"
	"fmt"
	"io"
	"math"
)

// File is one PDF file with all its revisions. It is not safe for concurrent
// use: it holds one window and one work budget.
type File struct {
	src     source
	size    int64
	left    budget
	claimed int64 // entries that the sections say they have
	tail    tail  // the last "startxref"
	revs    []revision
	index   []entry // by object number, then revision
	cache   cache
	stms    []*objStm
	names   [][]byte // room for skim
	lengths int      // streams whose /Length is being looked up
	pages   []ref    // of the last revision
	found   []found
	judged  bool
	judgeE  error
	dangle  map[int32]int16 // object number to the first revision that points at it in vain
	annots  map[int64]int   // widgets without /P to their page
	pageOf  map[ref]int     // pages to their index

	store     []Evidence
	storeRead bool
}

// Open reads the structure of the file: every cross-reference section, where
// every object starts, the page tree. Content is not read.
func Open(r io.ReaderAt, size int64) (*File, error) {
	if size < 0 || size > math.MaxInt64/8 {
		return nil, fmt.Errorf("%w: size %d", ErrTooLarge, size)
	}
	f := &File{src: source{r: r, size: size}, size: size, left: newBudget(size)}
	for _, step := range []func() error{f.header, f.findTail, f.readChain, f.buildIndex, f.checkStarts, f.checkStms, f.readPages} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// PageCount is the number of pages of the last revision.
func (f *File) PageCount() int { return len(f.pages) }

func (f *File) last() int { return len(f.revs) - 1 }

// HeaderWithin is how far into a file readers look for the header of a PDF (ISO
// 32000-1, annex H.3.4.1).
const HeaderWithin = 1024

// Looks tells whether readers may take a file for a PDF, by its first HeaderWithin
// octets; whether it is one is for Open to say.
func Looks(head []byte) bool {
	return bytes.Contains(head[:min(len(head), HeaderWithin)], []byte("%PDF-"))
}

// header wants "%PDF-1.n" or "%PDF-2.n" in the first byte: readers that look
// for it later count all offsets from there, others do not.
func (f *File) header() error {
	b, err := f.src.at(0, 9)
	if err != nil {
		return err
	}
	if len(b) < 9 || string(b[:5]) != "%PDF-" {
		return malformed(0, "the file does not begin with %%PDF-")
	}
	if b[5] != '1' && b[5] != '2' || b[6] != '.' || !isDigit(b[7]) || !isSpace(b[8]) {
		return malformed(5, "no known version of PDF")
	}
	return nil
}

// tail is "startxref", its number and "%%EOF".
type tail struct {
	off  int64 // of "startxref"
	xref int64
	mark int64 // after "%%EOF"
	end  int64 // after its end of line, if it has one
}

func (f *File) tailAt(pos int64) (tail, error) {
	b, err := f.src.at(pos, 2*maxTail)
	if err != nil {
		return tail{}, err
	}
	p := parser{b: b[:min(len(b), 2*maxTail)], base: pos, last: true}
	for p.pos < len(p.b) && isSpace(p.b[p.pos]) {
		p.pos++
	}
	t := tail{off: p.offset()}
	if err := p.keyword("startxref"); err != nil {
		return t, err
	}
	if t.xref, err = p.natural(); err != nil {
		return t, err
	}
	for p.pos < len(p.b) && isSpace(p.b[p.pos]) {
		p.pos++
	}
	rest := p.b[p.pos:]
	if !bytes.HasPrefix(rest, []byte("%%EOF")) {
		return t, p.bad("%%%%EOF expected")
	}
	t.mark = p.offset() + 5
	rest = rest[5:]
	t.end = t.mark
	switch {
	case bytes.HasPrefix(rest, []byte("\r\n")):
		t.end += 2
	case len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r'):
		t.end++
	}
	return t, nil
}

// findTail finds the last "startxref" where every reader finds it. What
// follows %%EOF is white space; a remainder of an old file is let pass when it
// is short and holds no word that a reader could take for structure. (In a
// sealed file even white space there is reported: it is not covered.)
func (f *File) findTail() error {
	from := max(0, f.size-maxTail)
	b, err := f.src.at(from, maxTail)
	if err != nil {
		return err
	}
	i := bytes.LastIndex(b, []byte("startxref"))
	if i < 0 {
		return malformed(from, "no startxref in the last %d bytes", maxTail)
	}
	if f.tail, err = f.tailAt(from + int64(i)); err != nil {
		return err
	}
	rest, err := f.src.copyOf(f.tail.mark, f.size)
	if err != nil {
		return err
	}
	if len(rest) > 0 && !isSpace(rest[0]) {
		return ambiguous(f.tail.mark, "something follows %%%%EOF on its line")
	}
	for _, w := range []string{"%%EOF", "xref", "trailer", "obj", "%PDF", "stream"} {
		if bytes.Contains(rest, []byte(w)) {
			return ambiguous(f.tail.mark, "%q follows the last %%%%EOF", w)
		}
	}
	return nil
}
