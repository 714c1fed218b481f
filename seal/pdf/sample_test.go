package pdf

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// sample reads a file of testdata.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealable lists every unsigned sample but the encrypted one, and the one that a
// signature of Adobe's has locked.
func sealable(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/unsigned/*.pdf")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range all {
		if base := filepath.Base(n); base != "minimal-aes256.pdf" && base != "testfile30.pdf" {
			names = append(names, filepath.Join("unsigned", filepath.Base(n)))
		}
	}
	if len(names) != 15 {
		t.Fatalf("%d samples, want 15", len(names))
	}
	return names
}

// facePNG draws a red ring, soft at its edge; each seed another ring.
func facePNG(t testing.TB, seed int) []byte {
	t.Helper()
	const n = 200
	img := image.NewNRGBA(image.Rect(0, 0, n, n))
	for y := range n {
		for x := range n {
			dx, dy := float64(x)-n/2+0.5, float64(y)-n/2+0.5
			d := dx*dx + dy*dy
			switch {
			case d > 99*99 || d < float64(70+seed)*float64(70+seed) && (x < n/4 || x > 3*n/4 || y < n/2):
			case d > 97*97:
				img.SetNRGBA(x, y, color.NRGBA{230, 0, 18, 128})
			default:
				img.SetNRGBA(x, y, color.NRGBA{230, 0, 18, 255})
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func options(t testing.TB, seed int) Options {
	return Options{
		Spots:      []Spot{{Page: -1, X: 20 + float64(seed), Y: 5 + float64(seed)}},
		Face:       Face{PNG: facePNG(t, seed), WidthMM: 36, HeightMM: 36},
		FieldName:  "印章",
		SignerName: "贵州省人民政府办公厅",
		Reason:     "决定 (一)",
		Time:       time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC),
		TokenSize:  2048,
	}
}

// token is some DER, as long as a stamp may be.
func token(n int) []byte {
	b := []byte{0x30, 0x82, byte(n >> 8), byte(n)}
	for i := range n {
		b = append(b, byte(i*7+1))
	}
	return b
}

// seal puts a stamp on a document.
func seal(t testing.TB, in []byte, o Options) []byte {
	t.Helper()
	f, err := Open(bytes.NewReader(in), int64(len(in)))
	if err != nil {
		t.Fatal(err)
	}
	l, err := f.Layout(o)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	n, err := l.WriteTo(&out, token(1500))
	if err != nil || n != l.Size() || int64(out.Len()) != n {
		t.Fatalf("wrote %d of %d: %v", n, l.Size(), err)
	}
	return out.Bytes()
}

func open(t testing.TB, b []byte) *File {
	t.Helper()
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func stamps(t testing.TB, b []byte) []Signature {
	t.Helper()
	s, err := open(t, b).Stamps()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The first version knew neither tags nor PDF/A: what it wrote is written again octet
// for octet, and read as good.
func TestFirstLayout(t *testing.T) {
	for _, n := range sealable(t) {
		in := sample(t, n)
		o := options(t, 0)
		o.First = true
		out := seal(t, in, o)
		tail := out[len(in):]
		if !bytes.Contains(tail, []byte(" Do Q\nendstream")) || bytes.Contains(tail, []byte("/StructElem")) || !bytes.Contains(tail, []byte("/BM /Multiply")) {
			t.Errorf("%s: not as the first version laid it out", n)
		}
		all, err := open(t, out).Stamps()
		if err != nil || len(all) == 0 {
			t.Fatalf("%s: %d stamps, %v", n, len(all), err)
		}
		if last := all[len(all)-1]; !last.CoversFile || len(last.Problems) > 0 {
			t.Errorf("%s: %q", n, last.Problems)
		}
	}
}
