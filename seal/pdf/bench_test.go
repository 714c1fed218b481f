package pdf

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/testlong"
)

// bigFile is a document whose one page has an attachment-like stream of noise;
// it is made as it is read and never held.
type bigFile struct {
	head, tail []byte
	fill       int64
}

func newBigFile(size int64) *bigFile {
	const pre = "%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n" +
		"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n" +
		"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>\nendobj\n"
	b := &bigFile{}
	fill := size - 700
	b.head = fmt.Appendf(nil, "%s4 0 obj\n<< /Length %d >>\nstream\n", pre, fill)
	b.fill = fill
	var at [4]int
	for i := range at {
		at[i] = bytes.Index(b.head, fmt.Appendf(nil, "\n%d 0 obj", i+1)) + 1
	}
	b.tail = []byte("\nendstream\nendobj\n")
	off := int64(len(b.head)+len(b.tail)) + fill
	b.tail = fmt.Appendf(b.tail, "xref\n0 5\n0000000000 65535 f \n")
	for _, a := range at {
		b.tail = fmt.Appendf(b.tail, "%010d 00000 n \n", a)
	}
	b.tail = fmt.Appendf(b.tail, "trailer\n<< /Root 1 0 R /Size 5 >>\nstartxref\n%d\n%%%%EOF\n", off)
	return b
}

func (b *bigFile) size() int64 { return int64(len(b.head)) + b.fill + int64(len(b.tail)) }

func (b *bigFile) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	for n < len(p) && off < b.size() {
		var k int
		switch end := int64(len(b.head)) + b.fill; {
		case off < int64(len(b.head)):
			k = copy(p[n:], b.head[off:])
		case off < end:
			k = int(min(int64(len(p)-n), end-off))
			clear(p[n : n+k])
		default:
			k = copy(p[n:], b.tail[off-end:])
		}
		n, off = n+k, off+int64(k)
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// increased is a sealed file as a ReaderAt: the input and the increment.
type increased struct {
	in  *bigFile
	inc []byte
}

func (x increased) size() int64 { return x.in.size() + int64(len(x.inc)) }

func (x increased) ReadAt(p []byte, off int64) (int, error) {
	n := 0
	if off < x.in.size() {
		n, _ = x.in.ReadAt(p[:min(int64(len(p)), x.in.size()-off)], off)
	}
	if n < len(p) && off+int64(n) < x.size() {
		n += copy(p[n:], x.inc[off+int64(n)-x.in.size():])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

var sizes = []struct {
	name string
	n    int64
}{{"50KB", 50 << 10}, {"1MB", 1 << 20}, {"100MB", 100 << 20}}

// Raw is the floor: every byte hashed once and the output written.
func BenchmarkRaw(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			in := newBigFile(s.n)
			buf := make([]byte, copySize)
			b.SetBytes(in.size())
			for b.Loop() {
				h := sm3.New()
				io.CopyBuffer(onlyWriter{h}, io.NewSectionReader(in, 0, in.size()), buf)
				h.Sum(nil)
				io.CopyBuffer(onlyWriter{io.Discard}, io.NewSectionReader(in, 0, in.size()), buf)
			}
		})
	}
}

type onlyWriter struct{ io.Writer }

func BenchmarkSeal(b *testing.B) {
	o := options(b, 0)
	face, err := NewFace(o.Face.PNG, 36, 36)
	if err != nil {
		b.Fatal(err)
	}
	o.Prepared = face
	tok := token(1500)
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			in := newBigFile(s.n)
			b.SetBytes(in.size())
			b.ReportAllocs()
			for b.Loop() {
				f, err := Open(in, in.size())
				if err != nil {
					b.Fatal(err)
				}
				l, err := f.Layout(o)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := l.Digest(nil); err != nil {
					b.Fatal(err)
				}
				if _, err := l.WriteTo(onlyWriter{io.Discard}, tok); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkStamps(b *testing.B) {
	for _, s := range sizes {
		b.Run(s.name, func(b *testing.B) {
			x := sealedBig(b, s.n)
			b.SetBytes(x.size())
			b.ReportAllocs()
			for b.Loop() {
				f, err := Open(x, x.size())
				if err != nil {
					b.Fatal(err)
				}
				if got, err := f.Stamps(); err != nil || len(got) != 1 || !got[0].CoversFile {
					b.Fatal(err, got)
				}
			}
		})
	}
}

func BenchmarkDecision(b *testing.B) {
	in := sample(b, "unsigned/decision.pdf")
	o := options(b, 0)
	o.Prepared, _ = NewFace(o.Face.PNG, 36, 36)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		f, err := Open(bytes.NewReader(in), int64(len(in)))
		if err != nil {
			b.Fatal(err)
		}
		l, err := f.Layout(o)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := l.Digest(nil); err != nil {
			b.Fatal(err)
		}
		if _, err := l.WriteTo(io.Discard, token(1500)); err != nil {
			b.Fatal(err)
		}
	}
}

func sealedBig(t testing.TB, n int64) increased {
	t.Helper()
	in := newBigFile(n)
	f, err := Open(in, in.size())
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.Layout(options(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	inc, err := l.Increment(token(1500))
	if err != nil {
		t.Fatal(err)
	}
	return increased{in, inc}
}

// A large file costs time, not memory.
func TestMemory(t *testing.T) {
	size := int64(testlong.Count(64, 200)) << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	x := sealedBig(t, size)
	f, err := Open(x, x.size())
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Stamps()
	if err != nil || len(got) != 1 || !got[0].CoversFile || len(got[0].Problems) > 0 {
		t.Fatalf("%v %+v", err, got)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
		t.Errorf("%d MB allocated in all for a file of %d MB", used>>20, size>>20)
	}
}
