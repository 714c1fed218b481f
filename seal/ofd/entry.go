package ofd

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Entry is one entry of the archive, in both headers checked.
type Entry struct {
	Name                 string
	Method               uint16 // zip.Store or zip.Deflate
	Flags                uint16
	CRC32                uint32
	Size, CompressedSize int64
	// Offset is where the local header begins, DataOffset where the compressed
	// bytes do, End where the entry ends, its data descriptor included.
	Offset, DataOffset, End int64
	// Central is the entry's header in the central directory as it stands there,
	// name and extra fields included.
	Central []byte
}

// IsDir tells a folder, which holds nothing.
func (e *Entry) IsDir() bool { return strings.HasSuffix(e.Name, "/") }

// General purpose bits (APPNOTE 4.4.4).
const (
	flagEncrypted  = 1 << 0
	flagSpeed      = 3 << 1 // how hard Deflate tried
	flagDescriptor = 1 << 3
	flagStrong     = 1 << 6
	flagUTF8       = 1 << 11
	flagMasked     = 1 << 13
	flagsKnown     = flagSpeed | flagDescriptor | flagUTF8
)

// parseCentral reads one header of the central directory and gives what follows it.
func parseCentral(b []byte) (*Entry, []byte, error) {
	if len(b) < lenCentral || le.Uint32(b) != sigCentral {
		return nil, nil, malformed("the directory holds something else than entries")
	}
	names, extra, comment := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	n := lenCentral + names + extra
	if n+comment > len(b) {
		return nil, nil, malformed("the directory is cut short")
	}
	e := &Entry{
		Name: string(b[lenCentral : lenCentral+names]), Method: le.Uint16(b[10:]), Flags: le.Uint16(b[8:]), CRC32: le.Uint32(b[16:]),
		CompressedSize: int64(le.Uint32(b[20:])), Size: int64(le.Uint32(b[24:])), Offset: int64(le.Uint32(b[42:])), Central: b[:n:n],
	}
	if err := checkName(e.Name, e.Flags&flagUTF8 != 0); err != nil {
		return nil, nil, err
	}
	switch {
	case e.Flags&(flagEncrypted|flagStrong|flagMasked) != 0:
		return nil, nil, fmt.Errorf("%w: %q", ErrEncrypted, e.Name)
	case e.Flags&^flagsKnown != 0:
		return nil, nil, malformed("%q has flags %#x", e.Name, e.Flags)
	case comment != 0 || le.Uint16(b[34:]) != 0:
		return nil, nil, malformed("%q has a comment, or lies in another part", e.Name)
	case !e.regular(b[5], le.Uint32(b[38:])):
		return nil, nil, ambiguous("%q is a link, or a folder to some, by its attributes", e.Name)
	}
	fields, err := e.extras(b[lenCentral+names : n])
	if err != nil {
		return nil, nil, err
	}
	if err := e.widen(fields); err != nil {
		return nil, nil, err
	}
	return e, b[n:], e.checkShape()
}

// extras refuses those that give an entry another meaning to whoever knows them.
func (e *Entry) extras(b []byte) (map[uint16][]byte, error) {
	fields, err := extras(b)
	if err != nil {
		return nil, err
	}
	if fields[extraStrong] != nil || fields[extraAES] != nil {
		return nil, fmt.Errorf("%w: %q", ErrEncrypted, e.Name)
	}
	if fields[extraUnicodePath] != nil {
		return nil, ambiguous("%q has another name in an extra field", e.Name)
	}
	return fields, nil
}

// widen takes from the zip64 field exactly what the header leaves to it.
func (e *Entry) widen(fields map[uint16][]byte) error {
	wide, have := fields[extraZip64]
	for _, v := range []*int64{&e.Size, &e.CompressedSize, &e.Offset} {
		if *v != not32 {
			continue
		}
		if len(wide) < 8 || le.Uint64(wide) > 1<<62 {
			return malformed("the zip64 field of %q", e.Name)
		}
		*v, wide = int64(le.Uint64(wide)), wide[8:]
	}
	if have && len(wide) != 0 {
		return ambiguous("the zip64 field of %q says what the header says too", e.Name)
	}
	return nil
}

// emptyDeflate is the length of Deflate's form of nothing.
const emptyDeflate = 2

func (e *Entry) checkShape() error {
	switch {
	case e.Method != zip.Store && e.Method != zip.Deflate:
		return malformed("%q is compressed by method %d", e.Name, e.Method)
	case e.IsDir() && (e.Size != 0 || e.CompressedSize > emptyDeflate):
		return ambiguous("the folder %q has content", e.Name)
	case e.Method == zip.Store && e.Size != e.CompressedSize:
		return malformed("%q is stored and has two sizes", e.Name)
	case e.Method == zip.Store && e.Flags&flagDescriptor != 0 && e.Size > 0:
		// Whoever reads from the front cannot know where it ends.
		return ambiguous("%q is stored, its length behind it", e.Name)
	case e.Size > MaxUnpacked:
		return tooLarge("%q has %d bytes", e.Name, e.Size)
	case e.Size > ratioFloor && e.Size/maxRatio > e.CompressedSize:
		return tooLarge("%q is unpacked to more than %d times its size", e.Name, maxRatio)
	}
	return nil
}

// checkLocal reads the header before the entry's bytes, which must say what the
// directory says: some readers go by the one, some by the other. The entry reaches
// to next, where another begins.
func (e *Entry) checkLocal(r io.ReaderAt, next int64) error {
	if e.Offset+lenLocal > next {
		return ambiguous("%q overlaps what follows it", e.Name)
	}
	b, err := readAt(r, e.Offset, lenLocal)
	if err != nil {
		return err
	}
	names, extra := int(le.Uint16(b[26:])), int(le.Uint16(b[28:]))
	e.DataOffset = e.Offset + lenLocal + int64(names) + int64(extra)
	if le.Uint32(b) != sigLocal || e.DataOffset > next {
		return malformed("there is no header before %q", e.Name)
	}
	tail, err := readAt(r, e.Offset+lenLocal, names+extra)
	if err != nil {
		return err
	}
	if string(tail[:names]) != e.Name || le.Uint16(b[6:]) != e.Flags || le.Uint16(b[8:]) != e.Method {
		return ambiguous("the two headers of %q differ", e.Name)
	}
	fields, err := e.extras(tail[names:])
	if err != nil {
		return err
	}
	crc, packed, size := le.Uint32(b[14:]), int64(le.Uint32(b[18:])), int64(le.Uint32(b[22:]))
	if wide, have := fields[extraZip64]; have {
		// Here both sizes must stand in it (APPNOTE 4.5.3).
		if len(wide) != 16 || size != not32 || packed != not32 {
			return ambiguous("the zip64 field of %q", e.Name)
		}
		size, packed = int64(le.Uint64(wide)), int64(le.Uint64(wide[8:]))
	}
	same := crc == e.CRC32 && packed == e.CompressedSize && size == e.Size
	if blank := crc == 0 && packed == 0 && size == 0; !same && (e.Flags&flagDescriptor == 0 || !blank) {
		return ambiguous("the two headers of %q differ", e.Name)
	}
	e.End = next
	return e.checkDescriptor(r)
}

// checkDescriptor: between the entry's bytes and the next entry lies nothing, or
// the one descriptor that was announced (APPNOTE 4.3.9).
func (e *Entry) checkDescriptor(r io.ReaderAt) error {
	end := e.DataOffset + e.CompressedSize
	n := e.End - end
	if e.Flags&flagDescriptor == 0 {
		if n != 0 {
			return ambiguous("%d bytes behind %q belong to no entry", n, e.Name)
		}
		return nil
	}
	if n != 12 && n != 16 && n != 20 && n != 24 {
		return ambiguous("%d bytes behind %q are no data descriptor", n, e.Name)
	}
	got, err := readAt(r, end, int(n))
	if err != nil {
		return err
	}
	want := le.AppendUint32(nil, e.CRC32)
	if n >= 20 {
		want = le.AppendUint64(le.AppendUint64(want, uint64(e.CompressedSize)), uint64(e.Size))
	} else {
		want = le.AppendUint32(le.AppendUint32(want, uint32(e.CompressedSize)), uint32(e.Size))
	}
	if n%8 == 0 {
		want = append(le.AppendUint32(nil, sigDescriptor), want...)
	}
	if !bytes.Equal(got, want) {
		return ambiguous("the data descriptor of %q differs from the directory", e.Name)
	}
	return nil
}
