package pdf

import (
	"bufio"
	"errors"
	"io"
)

// stream reads a cross-reference stream, ISO 32000-1 7.5.8.
func (f *File) xrefStream(off int64) (*section, error) {
	o, err := f.objectAt(off, -1)
	if err != nil {
		return nil, err
	}
	if !o.stream || !o.get("Type").isName("XRef") {
		return nil, malformed(off, "startxref, /Prev or /XRefStm does not point at a cross-reference section")
	}
	s := &section{off: off, end: o.objEnd, stream: true, num: o.ref.num, trailer: o.value, hybrid: -1}
	size := o.get("Size")
	if size.kind != kInt {
		return nil, malformed(off, "the cross-reference stream has no /Size")
	}
	w, err := fieldWidths(o)
	if err != nil {
		return nil, err
	}
	index := []value{{kind: kInt}, *size}
	if x := o.get("Index"); x != &null {
		if x.kind != kArray || len(x.list)%2 != 0 {
			return nil, malformed(off, "/Index is not pairs")
		}
		index = x.list
	}
	data, err := f.open(o, maxEntries*24)
	if err != nil {
		return nil, err
	}
	rows := bufio.NewReaderSize(data, 4096)
	for i := 0; i+1 < len(index); i += 2 {
		if index[i].kind != kInt || index[i+1].kind != kInt || index[i].num < 0 || index[i+1].num < 0 {
			return nil, malformed(off, "/Index is not pairs")
		}
		if err := f.streamRows(s, rows, w, index[i].num, index[i+1].num); err != nil {
			return nil, err
		}
	}
	if _, err := rows.ReadByte(); err != io.EOF {
		if err == nil || errors.Is(err, ErrMalformed) {
			return nil, ambiguous(off, "the cross-reference stream holds more rows than /Index")
		}
		return nil, err
	}
	return s, s.readTrailer()
}

func fieldWidths(o *object) ([3]int, error) {
	var w [3]int
	v := o.get("W")
	if v.kind != kArray || len(v.list) != 3 {
		return w, malformed(o.objStart, "/W is not three widths")
	}
	for i, x := range v.list {
		if x.kind != kInt || x.num < 0 || x.num > 8 {
			return w, malformed(o.objStart, "/W is not three widths")
		}
		w[i] = int(x.num)
	}
	if w[1] == 0 {
		return w, malformed(o.objStart, "/W leaves no room for offsets")
	}
	return w, nil
}

func (f *File) streamRows(s *section, r io.Reader, w [3]int, first, count int64) error {
	if err := f.takeEntries(s.off, first, count); err != nil {
		return err
	}
	row := make([]byte, w[0]+w[1]+w[2])
	for i := range count {
		if _, err := io.ReadFull(r, row); err != nil {
			return malformed(s.off, "the cross-reference stream is too short: %v", err)
		}
		t := uint64(1) // "if the first element is zero, the type field defaults to 1"
		if w[0] > 0 {
			t = bigEndian(row[:w[0]])
		}
		a, b := bigEndian(row[w[0]:w[0]+w[1]]), bigEndian(row[w[0]+w[1]:])
		e := entry{num: int32(first + i)}
		switch {
		case t == 0 && b <= 65535:
			e.gen = int32(b)
		case t == 1 && a < 1<<62 && b <= 65535:
			e.kind, e.off, e.gen = entryInFile, int64(a), int32(b)
		case t == 2 && a > 0 && a <= maxObjectNum && b < maxEntries:
			e.kind, e.off, e.gen = entryInStm, int64(a), int32(b)
		default:
			return malformed(s.off, "object %d: not an entry of a cross-reference stream", e.num)
		}
		s.entries = append(s.entries, e)
	}
	return nil
}

func bigEndian(b []byte) uint64 {
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}
