package ofd

import (
	"bufio"
	"compress/flate"
	"io"
)

// tools are what unpacking needs, 140 KB of it: made once for all entries of a
// package, not once for each.
type tools struct {
	packed  *bufio.Reader
	inflate io.ReadCloser
	buf     []byte
}

// get makes them ready for an entry's bytes; they serve one entry at a time.
func (t *tools) get(in io.Reader, deflated bool) (packed *bufio.Reader, content io.Reader, buf []byte) {
	if t.packed == nil {
		t.packed, t.buf = bufio.NewReaderSize(nil, 32<<10), make([]byte, 64<<10)
	}
	t.packed.Reset(in)
	switch {
	case !deflated:
		return t.packed, t.packed, t.buf
	case t.inflate == nil:
		t.inflate = flate.NewReader(t.packed)
	default:
		// It fails for a dictionary alone, and there is none.
		_ = t.inflate.(flate.Resetter).Reset(t.packed, nil)
	}
	return t.packed, t.inflate, t.buf
}
