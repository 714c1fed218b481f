package pdf

import (
	"bufio"
	"compress/zlib"
	"io"
)

// open gives the decoded data of a stream, at most limit bytes of it. Only
// Flate is read: it is the one filter that cross-reference and object streams
// use in the field, and the only one our own writer uses.
func (f *File) open(o *object, limit int64) (io.Reader, error) {
	var r io.Reader = io.NewSectionReader(f.src.r, o.dataOff, o.dataLen)
	if o.has("F") {
		return nil, malformed(o.objStart, "the stream's data is in another file")
	}
	filter, parms := o.get("Filter"), o.get("DecodeParms")
	if filter.kind == kArray {
		if len(filter.list) > 1 {
			return nil, malformed(o.objStart, "more than one filter on a stream that must be read")
		}
		if len(filter.list) == 0 {
			filter = &null
		} else {
			filter = &filter.list[0]
		}
	}
	if parms.kind == kArray {
		if len(parms.list) > 1 {
			return nil, malformed(o.objStart, "more /DecodeParms than filters")
		}
		if len(parms.list) == 0 {
			parms = &null
		} else {
			parms = &parms.list[0]
		}
	}
	switch {
	case filter.kind == kNull:
		return &metered{r: r, f: f, left: limit, at: o.objStart}, nil
	case !filter.isName("FlateDecode"):
		return nil, malformed(o.objStart, "filter /%.20s on a stream that must be read", filter.text)
	}
	if err := f.left.takeInflate(openCost); err != nil {
		return nil, err
	}
	z, err := zlib.NewReader(bufio.NewReaderSize(r, 4096))
	if err != nil {
		return nil, malformed(o.objStart, "the stream is no zlib data")
	}
	r = &metered{r: z, f: f, left: limit, at: o.objStart}
	return f.predictor(r, parms, o.objStart)
}

// openCost is what opening a stream takes of the budget, about the memory that
// inflating needs: streams of nothing, a million of them.
const openCost = 16 << 10

// metered charges the work budget and turns what zlib says into an error of
// the file.
type metered struct {
	r    io.Reader
	f    *File
	left int64
	at   int64
}

func (m *metered) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	if m.left -= int64(n); m.left < 0 {
		return 0, malformed(m.at, "the stream inflates beyond what it may")
	}
	if e := m.f.left.takeInflate(int64(n)); e != nil {
		return 0, e
	}
	if err != nil && err != io.EOF {
		err = malformed(m.at, "the stream does not inflate: %v", err)
	}
	return n, err
}

// predictor undoes the PNG and TIFF predictors, ISO 32000-1 7.4.4.4.
func (f *File) predictor(r io.Reader, parms *value, at int64) (io.Reader, error) {
	if parms.kind == kNull {
		return r, nil
	}
	if parms.kind != kDict {
		return nil, malformed(at, "/DecodeParms is no dictionary")
	}
	get := func(key string, def int64) int64 {
		if v := parms.get(key); v.kind == kInt {
			return v.num
		} else if v.kind != kNull {
			return -1
		}
		return def
	}
	pred, colors, bits, columns := get("Predictor", 1), get("Colors", 1), get("BitsPerComponent", 8), get("Columns", 1)
	if pred == 1 {
		return r, nil
	}
	if colors < 1 || colors > 32 || columns < 1 || columns > 1<<20 || bits != 1 && bits != 2 && bits != 4 && bits != 8 && bits != 16 {
		return nil, malformed(at, "bad /DecodeParms")
	}
	p := &unpredict{r: r, at: at, bpp: int(max(1, colors*bits/8)), row: int((colors*bits*columns + 7) / 8)}
	switch {
	case pred == 2 && bits == 8:
		p.tiff = true
	case pred >= 10 && pred <= 15:
	default:
		return nil, malformed(at, "predictor %d with %d bits", pred, bits)
	}
	// Rows are paid for before they are there: one may claim 64 MB and hold nothing.
	if err := f.left.takeInflate(2 * int64(p.row)); err != nil {
		return nil, err
	}
	p.cur, p.prev = make([]byte, p.row), make([]byte, p.row)
	return p, nil
}

type unpredict struct {
	r         io.Reader
	at        int64
	bpp, row  int
	tiff      bool
	cur, prev []byte
	out       []byte
}

func (p *unpredict) Read(b []byte) (int, error) {
	if len(p.out) == 0 {
		if err := p.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.out)
	p.out = p.out[n:]
	return n, nil
}

func (p *unpredict) next() error {
	var tag [1]byte
	p.prev, p.cur = p.cur, p.prev
	if !p.tiff {
		if _, err := io.ReadFull(p.r, tag[:]); err != nil {
			return err
		}
	}
	if _, err := io.ReadFull(p.r, p.cur); err != nil {
		if err == io.EOF && p.tiff {
			return err
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return malformed(p.at, "the last row of a predicted stream is cut")
		}
		return err
	}
	if p.tiff {
		for i := p.bpp; i < p.row; i++ {
			p.cur[i] += p.cur[i-p.bpp]
		}
	} else if !unfilter(tag[0], p.cur, p.prev, p.bpp) {
		return malformed(p.at, "row filter %d", tag[0])
	}
	p.out = p.cur
	return nil
}

// unfilter undoes one row of a PNG filter (W3C PNG 9.2).
func unfilter(tag byte, cur, prev []byte, bpp int) bool {
	left := func(i int) int {
		if i < bpp {
			return 0
		}
		return int(cur[i-bpp])
	}
	for i := range cur {
		switch tag {
		case 0:
		case 1:
			cur[i] += byte(left(i))
		case 2:
			cur[i] += prev[i]
		case 3:
			cur[i] += byte((left(i) + int(prev[i])) / 2)
		case 4:
			upLeft := 0
			if i >= bpp {
				upLeft = int(prev[i-bpp])
			}
			cur[i] += byte(paeth(left(i), int(prev[i]), upLeft))
		default:
			return false
		}
	}
	return true
}

func paeth(a, b, c int) int {
	p := a + b - c
	pa, pb, pc := abs(p-a), abs(p-b), abs(p-c)
	if pa <= pb && pa <= pc {
		return a
	}
	if pb <= pc {
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
