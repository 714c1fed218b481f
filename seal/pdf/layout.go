package pdf

import (
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/emmansun/gmsm/sm3"
)

const (
	minToken = 256
	maxToken = 1 << 20 // a token is some kilobytes; the hole is written twice that, in hex
	copySize = 128 << 10
)

// Layout is a document with room for one stamp. It holds the increment, never
// the document.
type Layout struct {
	f        *File
	inc      []byte
	from, to int // the hole in inc: the /Contents token with its < and >
	name     string
}

// Layout lays out one further stamp. It changes nothing of what is there: all
// that it writes is appended.
func (f *File) Layout(o Options) (*Layout, error) {
	if o.TokenSize < minToken || o.TokenSize > maxToken {
		return nil, fmt.Errorf("%w: %d octets for a token", ErrOptions, o.TokenSize)
	}
	if len(f.revs) >= maxRevisions {
		return nil, tooMany("revisions", maxRevisions)
	}
	face := o.Prepared
	if face == nil {
		var err error
		if face, err = NewFace(o.Face.PNG, o.Face.WidthMM, o.Face.HeightMM); err != nil {
			return nil, err
		}
	}
	shown, err := f.placeAll(o, face)
	if err != nil {
		return nil, err
	}
	name, err := f.freeName(o.FieldName)
	if err != nil {
		return nil, err
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if !o.First {
		if err := f.permitted(o, name); err != nil {
			return nil, err
		}
	}
	inc := newIncrement(f)
	if err := inc.stamp(shown, face, name, o); err != nil {
		return nil, err
	}
	l := &Layout{f: f, from: inc.holeFrom, to: inc.holeTo, name: name}
	if l.inc, err = inc.finish(); err != nil {
		return nil, err
	}
	return l, nil
}

// FieldName is the name the signature field got.
func (l *Layout) FieldName() string { return l.name }

// Size is the length of the sealed file.
func (l *Layout) Size() int64 { return l.f.size + int64(len(l.inc)) }

// ByteRange is what the stamp covers.
func (l *Layout) ByteRange() [4]int64 {
	from, to := l.f.size+int64(l.from), l.f.size+int64(l.to)
	return [4]int64{0, from, to, l.Size() - to}
}

// Digest is the SM3 of what the stamp covers. prefix is an SM3 state that has
// hashed the whole input, so that a file is hashed while it arrives and not
// again; it is used up. With nil the input is read and hashed here.
func (l *Layout) Digest(prefix hash.Hash) ([32]byte, error) {
	var sum [32]byte
	if prefix == nil {
		prefix = sm3.New()
		if _, err := l.f.copyTo(prefix, 0, l.f.size); err != nil {
			return sum, err
		}
	}
	prefix.Write(l.inc[:l.from])
	prefix.Write(l.inc[l.to:])
	prefix.Sum(sum[:0])
	return sum, nil
}

// Increment is what WriteTo appends to the input: all a register has to keep
// to give the same file again.
func (l *Layout) Increment(token []byte) ([]byte, error) {
	if l.to == 0 { // evidence without a time-stamp
		return append([]byte(nil), l.inc...), nil
	}
	if room := (l.to - l.from - 2) / 2; len(token) == 0 || len(token) > room {
		return nil, fmt.Errorf("%w: a token of %d octets, room for %d", ErrOptions, len(token), room)
	}
	out := append([]byte(nil), l.inc...)
	hex.Encode(out[l.from+1:], token)
	return out, nil
}

// WriteTo writes the sealed file: the input as it is, then the increment.
func (l *Layout) WriteTo(w io.Writer, token []byte) (int64, error) {
	inc, err := l.Increment(token)
	if err != nil {
		return 0, err
	}
	n, err := l.f.copyTo(w, 0, l.f.size)
	if err != nil {
		return n, err
	}
	m, err := w.Write(inc)
	return n + int64(m), err
}

// copyBuffers saves making one for each pass over a file.
var copyBuffers = sync.Pool{New: func() any { return new([copySize]byte) }}

// copyTo streams the bytes [from, to).
func (f *File) copyTo(w io.Writer, from, to int64) (int64, error) {
	room := copyBuffers.Get().(*[copySize]byte)
	defer copyBuffers.Put(room)
	buf := room[:]
	var done int64
	for from+done < to {
		b := buf[:min(int64(len(buf)), to-from-done)]
		if err := readFull(f.src.r, b, from+done); err != nil {
			return done, err
		}
		n, err := w.Write(b)
		if done += int64(n); err != nil {
			return done, err
		}
	}
	return done, nil
}
