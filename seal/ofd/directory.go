package ofd

import (
	"encoding/binary"
	"io"
	"math"
)

// Records of a zip archive: PKWARE APPNOTE 6.3.10, 4.3.
const (
	sigLocal, lenLocal           = 0x04034b50, 30
	sigCentral, lenCentral       = 0x02014b50, 46
	sigEnd, lenEnd               = 0x06054b50, 22
	sigLocator64, lenLocator64   = 0x07064b50, 20
	sigEnd64, lenEnd64           = 0x06064b50, 56
	sigDescriptor                = 0x08074b50
	not16                        = math.MaxUint16 // "look into the zip64 record"
	not32                        = math.MaxUint32
	extraZip64, extraUnicodePath = 0x0001, 0x7075
	extraStrong, extraAES        = 0x0017, 0x9901
)

var le = binary.LittleEndian

func readAt(r io.ReaderAt, off int64, n int) ([]byte, error) {
	b := make([]byte, n)
	if got, err := r.ReadAt(b, off); got < n {
		if err == nil || err == io.EOF {
			err = malformed("it ends in the middle of a record")
		}
		return nil, err
	}
	return b, nil
}

// directory is where the central directory lies.
type directory struct {
	off, size int64
	entries   int64
}

// findDirectory reads the end of the archive. The record must be the very last
// bytes: behind a comment, or before trailing bytes, another reader may find
// another record, and so another archive.
func findDirectory(r io.ReaderAt, size int64) (directory, error) {
	var d directory
	if size < lenEnd {
		return d, malformed("%d bytes are no zip archive", size)
	}
	b, err := readAt(r, size-lenEnd, lenEnd)
	if err != nil {
		return d, err
	}
	if le.Uint32(b) != sigEnd || le.Uint16(b[20:]) != 0 {
		return d, ambiguous("it does not end with the record of a zip archive that has no comment")
	}
	if le.Uint16(b[4:]) != 0 || le.Uint16(b[6:]) != 0 || le.Uint16(b[8:]) != le.Uint16(b[10:]) {
		return d, malformed("an archive in several parts")
	}
	d = directory{entries: int64(le.Uint16(b[10:])), size: int64(le.Uint32(b[12:])), off: int64(le.Uint32(b[16:]))}
	end := size - lenEnd
	if d.entries == not16 || d.size == not32 || d.off == not32 {
		if d, end, err = findDirectory64(r, d, end); err != nil {
			return d, err
		}
	}
	switch {
	case d.entries > MaxEntries:
		return d, tooLarge("%d entries", d.entries)
	case d.size > maxDirectory:
		return d, tooLarge("a directory of %d bytes", d.size)
	case d.off < 0 || d.size < 0 || d.off > end || d.off+d.size != end:
		return d, ambiguous("the directory does not lie directly before the end")
	}
	return d, nil
}

// findDirectory64 reads the zip64 records, which stand directly before the end
// record. A field that is not replaced must say the same in both.
func findDirectory64(r io.ReaderAt, d directory, end int64) (directory, int64, error) {
	at := end - lenLocator64 - lenEnd64
	if at < 0 {
		return d, 0, malformed("there is no zip64 record")
	}
	b, err := readAt(r, at, lenEnd64+lenLocator64)
	if err != nil {
		return d, 0, err
	}
	rec, loc := b[:lenEnd64], b[lenEnd64:]
	switch {
	case le.Uint32(loc) != sigLocator64 || le.Uint32(rec) != sigEnd64 || le.Uint64(rec[4:]) != lenEnd64-12,
		le.Uint64(loc[8:]) != uint64(at):
		return d, 0, ambiguous("the zip64 record is not where it must be")
	case le.Uint32(loc[4:]) != 0 || le.Uint32(loc[16:]) != 1 || le.Uint32(rec[16:]) != 0 || le.Uint32(rec[20:]) != 0,
		le.Uint64(rec[24:]) != le.Uint64(rec[32:]):
		return d, 0, malformed("an archive in several parts")
	}
	wide := directory{entries: int64(le.Uint64(rec[32:])), size: int64(le.Uint64(rec[40:])), off: int64(le.Uint64(rec[48:]))}
	if d.entries != not16 && d.entries != wide.entries || d.size != not32 && d.size != wide.size || d.off != not32 && d.off != wide.off {
		return d, 0, ambiguous("the end record and the zip64 record differ")
	}
	if wide.entries < 0 {
		return d, 0, tooLarge("too many entries")
	}
	return wide, at, nil
}

// extras gives the extra fields of a header by their identifiers.
func extras(b []byte) (map[uint16][]byte, error) {
	all := map[uint16][]byte{}
	for len(b) > 0 {
		if len(b) < 4 || int(le.Uint16(b[2:])) > len(b)-4 {
			return nil, malformed("an extra field is cut short")
		}
		id, n := le.Uint16(b), int(le.Uint16(b[2:]))
		if _, twice := all[id]; twice {
			return nil, ambiguous("an extra field stands twice")
		}
		all[id] = b[4 : 4+n]
		b = b[4+n:]
	}
	return all, nil
}
