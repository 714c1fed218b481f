package pdf

import (
	"errors"
	"fmt"
	"io"
)

// windowSize is how much of the file is held at once for reading syntax.
const windowSize = 32 << 10

// source reads the file through one window. A slice it returns is good only
// until the next call.
type source struct {
	r    io.ReaderAt
	size int64
	off  int64 // where buf starts
	buf  []byte
	room []byte
}

// at gives at least n bytes from off on, or what there is until the end of
// the file; it may give more.
func (s *source) at(off int64, n int) ([]byte, error) {
	if off < 0 || off > s.size {
		return nil, malformed(off, "outside the file")
	}
	n = int(min(int64(n), s.size-off))
	if off >= s.off && off+int64(n) <= s.off+int64(len(s.buf)) {
		return s.buf[off-s.off:], nil
	}
	start := off
	if n <= windowSize/2 {
		// An object is often followed or preceded by the next one wanted.
		start = max(0, off-windowSize/4)
	}
	length := int(min(max(int64(windowSize), off-start+int64(n)), s.size-start))
	if cap(s.room) < length || cap(s.room) > 8*max(length, windowSize) {
		s.room = make([]byte, length)
	}
	s.off, s.buf = start, s.room[:length]
	if err := readFull(s.r, s.buf, start); err != nil {
		s.buf = nil
		return nil, err
	}
	return s.buf[off-s.off:], nil
}

// copyOf gives exactly the bytes [from, to), the caller's to keep.
func (s *source) copyOf(from, to int64) ([]byte, error) {
	if from < 0 || to < from || to > s.size {
		return nil, malformed(from, "outside the file")
	}
	b, err := s.at(from, int(to-from))
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), b[:to-from]...), nil
}

func readFull(r io.ReaderAt, b []byte, off int64) error {
	n, err := r.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("read PDF file at byte %d: %w", off, err)
}
