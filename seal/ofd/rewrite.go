package ofd

import (
	"hash/crc32"
	"io"
	"math"
	"time"
)

// rewrite is a zip archive of entries that are kept as they stand in another file and
// of new ones, which are stored: what deflate makes of them may differ from one
// version of the library to the next, and a retry must give the same bytes.
type rewrite struct {
	r     io.ReaderAt
	kept  []*Entry // in the order of their bytes
	added []addition
	time  time.Time
}

// madeBy is version 2.0 (folders, deflate) of the specification, and its file system
// (APPNOTE 4.4.2).
const (
	madeBy     = 20
	lenOffset  = 42 // of the offset in a header of the directory
	copyWindow = 128 << 10
)

// beijing is the legal time of every province; a zip archive's times have no zone.
var beijing = time.FixedZone("CST", 8*60*60)

// dosTime is the time of the new entries in MS-DOS form (APPNOTE 4.4.6): two seconds
// are its finest, 1980 and 2107 its ends.
func (z *rewrite) dosTime() (clock, date uint16) {
	t := z.time.In(beijing)
	if t.Year() < 1980 || t.Year() > 2107 {
		t = time.Date(1980, 1, 1, 0, 0, 0, 0, beijing)
	}
	return uint16(t.Hour()<<11 | t.Minute()<<5 | t.Second()/2), uint16((t.Year()-1980)<<9 | int(t.Month())<<5 | t.Day())
}

// header writes the fields that both headers of a new entry have.
func (z *rewrite) header(b []byte, a addition) []byte {
	clock, date := z.dosTime()
	b = le.AppendUint16(le.AppendUint16(le.AppendUint16(b, madeBy), flagUTF8), 0)
	b = le.AppendUint16(le.AppendUint16(b, clock), date)
	b = le.AppendUint32(b, crc32.ChecksumIEEE(a.content))
	b = le.AppendUint32(le.AppendUint32(b, uint32(len(a.content))), uint32(len(a.content)))
	return le.AppendUint16(le.AppendUint16(b, uint16(len(a.name))), 0)
}

func (z *rewrite) local(a addition) []byte {
	return append(z.header(le.AppendUint32(nil, sigLocal), a), a.name...)
}

func (z *rewrite) central(b []byte, a addition, off int64) []byte {
	b = z.header(le.AppendUint16(le.AppendUint32(b, sigCentral), madeBy), a)
	b = append(b, make([]byte, 10)...) // comment, part, attributes
	return append(le.AppendUint32(b, uint32(off)), a.name...)
}

// moved is the header of a kept entry in the directory, with the place where it
// stands now.
func moved(e *Entry, off int64) []byte {
	b := append([]byte(nil), e.Central...)
	if le.Uint32(b[lenOffset:]) != not32 {
		le.PutUint32(b[lenOffset:], uint32(off))
		return b
	}
	// The offset is the last of what the zip64 field holds; it was checked to be there.
	names := int(le.Uint16(b[28:]))
	for extra := b[lenCentral+names:]; len(extra) >= 4; {
		n := int(le.Uint16(extra[2:]))
		if le.Uint16(extra) == extraZip64 {
			le.PutUint64(extra[4+n-8:], uint64(off))
			break
		}
		extra = extra[4+n:]
	}
	return b
}

// directory gives where the directory begins, and the directory with the end of the
// archive.
func (z *rewrite) directory() (int64, []byte, error) {
	var off int64
	var dir []byte
	for _, e := range z.kept {
		dir = append(dir, moved(e, off)...)
		off += e.End - e.Offset
	}
	for _, a := range z.added {
		dir = z.central(dir, a, off)
		off += int64(lenLocal + len(a.name) + len(a.content))
	}
	if off+int64(len(dir)) >= math.MaxUint32 {
		return 0, nil, tooLarge("%d bytes", off)
	}
	n, size := uint16(len(z.kept)+len(z.added)), len(dir)
	dir = le.AppendUint32(le.AppendUint32(dir, sigEnd), 0)
	dir = le.AppendUint16(le.AppendUint16(dir, n), n)
	dir = le.AppendUint32(le.AppendUint32(dir, uint32(size)), uint32(off))
	return off, le.AppendUint16(dir, 0), nil
}

func (z *rewrite) size() int64 {
	off, dir, err := z.directory()
	if err != nil {
		return 0
	}
	return off + int64(len(dir))
}

func (z *rewrite) writeTo(w io.Writer) (int64, error) {
	_, dir, err := z.directory()
	if err != nil {
		return 0, err
	}
	out := &counter{w: w}
	buf := make([]byte, copyWindow)
	// Entries side by side are copied in one go.
	for i := 0; i < len(z.kept); {
		from, to := z.kept[i].Offset, z.kept[i].End
		for i++; i < len(z.kept) && z.kept[i].Offset == to; i++ {
			to = z.kept[i].End
		}
		n, err := io.CopyBuffer(out, io.NewSectionReader(z.r, from, to-from), buf)
		if err == nil && n != to-from {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return out.n, err
		}
	}
	for _, a := range z.added {
		if _, err := out.Write(z.local(a)); err != nil {
			return out.n, err
		}
		if _, err := out.Write(a.content); err != nil {
			return out.n, err
		}
	}
	_, err = out.Write(dir)
	return out.n, err
}

// counter counts what was written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}
