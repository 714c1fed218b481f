package ofd

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"slices"

	"github.com/emmansun/gmsm/sm3"
)

// Package is an opened OFD package.
type Package struct {
	r        io.ReaderAt
	size     int64
	entries  []*Entry // in the order of their bytes
	byName   map[string]*Entry
	files    []string // their names, without folders
	central  int64    // where the central directory begins
	left     budget
	unpacker unpacker
	sums     map[sumOf][]byte
	papers   map[string]box // of pages, by file
	reached  map[string]bool
	docs     []string

	documentsRead bool
}

// Open reads the archive's directory and holds every entry's two headers against
// each other. The entries' bytes are not read yet.
func Open(r io.ReaderAt, size int64) (*Package, error) {
	d, err := findDirectory(r, size)
	if err != nil {
		return nil, err
	}
	b, err := readAt(r, d.off, int(d.size))
	if err != nil {
		return nil, err
	}
	p := &Package{r: r, size: size, central: d.off, left: newBudget(), byName: map[string]*Entry{}, sums: map[sumOf][]byte{},
		papers: map[string]box{}}
	if err := p.readDirectory(b, d.entries); err != nil {
		return nil, err
	}
	if err := p.checkLayout(); err != nil {
		return nil, err
	}
	return p, p.askTwice()
}

func (p *Package) readDirectory(b []byte, count int64) error {
	taken := places{}
	var unpacked int64
	for range count {
		e, rest, err := parseCentral(b)
		if err != nil {
			return err
		}
		b = rest
		if err := taken.take(e.Name, e.IsDir()); err != nil {
			return err
		}
		if unpacked += e.Size; unpacked > MaxUnpacked {
			return tooLarge("more than %d bytes unpacked", int64(MaxUnpacked))
		}
		p.entries = append(p.entries, e)
		p.byName[e.Name] = e
	}
	if len(b) != 0 {
		return ambiguous("the directory holds more than its %d entries", count)
	}
	return nil
}

// checkLayout: the entries lie side by side from the first byte of the file to the
// directory, so that whoever reads from the front sees the same archive.
func (p *Package) checkLayout() error {
	slices.SortStableFunc(p.entries, func(a, b *Entry) int { return int(min(max(a.Offset-b.Offset, -1), 1)) })
	var at int64
	for i, e := range p.entries {
		if e.Offset != at {
			return ambiguous("%q does not begin where the entry before it ends", e.Name)
		}
		if at = p.central; i+1 < len(p.entries) {
			at = min(at, p.entries[i+1].Offset)
		}
		if err := e.checkLocal(p.r, at); err != nil {
			return err
		}
	}
	if at != p.central {
		return ambiguous("bytes before the directory belong to no entry")
	}
	return nil
}

// askTwice reads the directory once more, by the library: what it sees must be what
// we see, or one of us is wrong.
func (p *Package) askTwice() error {
	z, err := zip.NewReader(p.r, p.size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return ambiguous("another reader refuses it: %v", err)
	}
	if len(z.File) != len(p.entries) {
		return ambiguous("another reader sees other entries")
	}
	for _, f := range z.File {
		e := p.byName[f.Name]
		if e == nil || f.Method != e.Method || f.CRC32 != e.CRC32 || f.UncompressedSize64 != uint64(e.Size) || f.CompressedSize64 != uint64(e.CompressedSize) {
			return ambiguous("another reader sees another %q", f.Name)
		}
		if off, err := f.DataOffset(); err != nil || off != e.DataOffset {
			return ambiguous("another reader finds %q elsewhere", f.Name)
		}
	}
	return nil
}

// Names are those of all files in the package, in the order of their bytes, without
// folders.
func (p *Package) Names() []string {
	return slices.Clone(p.names())
}

func (p *Package) names() []string {
	if p.files != nil {
		return p.files
	}
	names := make([]string, 0, len(p.entries))
	for _, e := range p.entries {
		if !e.IsDir() {
			names = append(names, e.Name)
		}
	}
	p.files = names
	return names
}

// Entries are all entries in the order of their bytes, folders included. They lie
// side by side from byte 0 to CentralOffset.
func (p *Package) Entries() []*Entry { return slices.Clone(p.entries) }

// CentralOffset is where the entries end and the central directory begins.
func (p *Package) CentralOffset() int64 { return p.central }

// Raw gives the bytes of an entry as they stand in the file: local header,
// compressed bytes, data descriptor.
func (p *Package) Raw(e *Entry) *io.SectionReader {
	return io.NewSectionReader(p.r, e.Offset, e.End-e.Offset)
}

// Entry is the file of this name, nil for none.
func (p *Package) Entry(name string) *Entry {
	if e := p.byName[name]; e != nil && !e.IsDir() {
		return e
	}
	return nil
}

// Has tells whether there is a file of this name.
func (p *Package) Has(name string) bool { return p.Entry(name) != nil }

// Read gives the content of one file.
func (p *Package) Read(name string) ([]byte, error) { return p.readUpTo(name, MaxRead) }

func (p *Package) readUpTo(name string, limit int64) ([]byte, error) {
	e := p.Entry(name)
	switch {
	case e == nil:
		return nil, noEntry(name)
	case e.Size > limit:
		return nil, tooLarge("%q has %d bytes, %d are read", name, e.Size, limit)
	}
	out := sliceWriter(make([]byte, 0, e.Size))
	err := p.unpack(e, &out)
	if err == nil {
		sum := sm3.Sum(out)
		p.sums[sumOf{name, methodSM3}] = sum[:] // what is read is mostly covered, and would be unpacked again
	}
	return out, err
}

// sumOf is a digest of a file that was asked for.
type sumOf struct {
	name   string
	method checkMethod
}

// Hash is the SM3 of a file's content, unpacked in a bounded window; asked again
// it costs nothing.
func (p *Package) Hash(name string) ([32]byte, error) {
	sum, err := p.digest(name, methodSM3)
	if err != nil {
		return [32]byte{}, err
	}
	return [32]byte(sum), nil
}

type sliceWriter []byte

func (w *sliceWriter) Write(b []byte) (int, error) {
	*w = append(*w, b...)
	return len(b), nil
}

// unpacker is what unpacking needs, kept from one entry to the next.
type unpacker struct {
	packed  *bufio.Reader
	inflate io.ReadCloser
	window  []byte
}

// open gives the content of an entry as it comes.
func (u *unpacker) open(r io.ReaderAt, e *Entry) (io.Reader, error) {
	section := io.NewSectionReader(r, e.DataOffset, e.CompressedSize)
	if u.packed == nil {
		u.packed, u.window = bufio.NewReaderSize(section, 32<<10), make([]byte, 64<<10)
		u.inflate = flate.NewReader(u.packed)
	}
	u.packed.Reset(section)
	if e.Method == zip.Store {
		return u.packed, nil
	}
	return u.inflate, u.inflate.(flate.Resetter).Reset(u.packed, nil)
}

// unpack writes an entry's content, which must be of the length and the CRC-32 that
// the headers say, and use up the compressed bytes: what a stream leaves over, no
// stamp would cover.
func (p *Package) unpack(e *Entry, w io.Writer) error {
	if err := p.left.takeInflate(e.Size); err != nil {
		return err
	}
	content, err := p.unpacker.open(p.r, e)
	if err != nil {
		return err
	}
	sum := crc32.NewIEEE()
	n, err := io.CopyBuffer(io.MultiWriter(sum, w), io.LimitReader(content, e.Size+1), p.unpacker.window)
	switch {
	case err != nil:
		return malformed("%q cannot be unpacked: %v", e.Name, err)
	case n != e.Size || sum.Sum32() != e.CRC32:
		return malformed("%q is not of the length and CRC-32 that its headers say", e.Name)
	}
	if _, err := p.unpacker.packed.ReadByte(); err != io.EOF {
		return ambiguous("%q has bytes behind its content", e.Name)
	}
	return nil
}

// head gives the first bytes of a file's content, unchecked, to tell what it is.
func (p *Package) head(e *Entry) ([]byte, error) { return p.headOf(e, headLength) }

func (p *Package) headOf(e *Entry, n int64) ([]byte, error) {
	content, err := p.unpacker.open(p.r, e)
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(e.Size, n))
	if _, err := io.ReadFull(content, b); err != nil {
		return nil, malformed("%q cannot be unpacked: %v", e.Name, err)
	}
	return b, nil
}

const (
	headLength = 256
	rootLength = 4096 // in which a root element begins, behind its comments
)
