package pdf

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// hiddenStamp puts the seal's own picture where it cannot be seen.
func hiddenStamp(t testing.TB, b []byte, s spot) []byte {
	t.Helper()
	f := open(t, b)
	o := options(t, 0)
	face, err := NewFace(o.Face.PNG, 36, 36)
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := f.orderedPage(1)
	if err != nil {
		t.Fatal(err)
	}
	n := newIncrement(f)
	if err := n.stamp([]shown{{page: page.ref, spot: s}}, face, "hidden", o); err != nil {
		t.Fatal(err)
	}
	l := &Layout{f: f, from: n.holeFrom, to: n.holeTo}
	if l.inc, err = n.finish(); err != nil {
		t.Fatal(err)
	}
	inc, err := l.Increment(token(1500))
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(b), inc...)
}

// A face that nobody sees, or that something is painted around, is not said to
// be the seal's.
func TestHiddenFace(t *testing.T) {
	in := sample(t, "unsigned/minimal.pdf") // its page is 300 by 144
	sized := func(x, y, w, h float64) []byte {
		return hiddenStamp(t, in, spot{rect: [4]float64{x, y, x + w, y + h}, w: w, h: h})
	}
	good := sized(20, 20, 100, 100)
	title := regexp.MustCompile(`/TU <[0-9A-F]*>`)
	cases := map[string][]byte{
		"a point":                 sized(20, 20, 0, 0),
		"a line":                  sized(20, 20, 100, 0),
		"a dot":                   sized(20, 20, 1, 1),
		"beside the page":         sized(400, 20, 100, 100),
		"below the page":          sized(20, -200, 100, 100),
		"half over the edge":      sized(250, 20, 100, 100),
		"larger than the page":    sized(-50, -50, 500, 500),
		"flag: hidden":            patch(t, good, regexp.MustCompile(`/F 132`), "/F 134"),
		"flag: not on a screen":   patch(t, good, regexp.MustCompile(`/F 132`), "/F 164"),
		"flag: not on paper":      patch(t, good, regexp.MustCompile(`/F 132`), "/F 128"),
		"another appearance":      patch(t, good, title, "/AS /Off"),
		"optional content":        patch(t, good, title, "/OC 1 0 R"),
		"a ground":                patch(t, good, title, "/MK << /BG [1 1 1] >>"),
		"a border":                patch(t, good, title, "/Border [0 0 99]"),
		"a border's style":        patch(t, good, title, "/BS << /W 99 >>"),
		"an action":               patch(t, good, title, "/A << /S /Hide /T (x) >>"),
		"turned":                  patch(t, good, title, "/MK << /R 180 >>"),
		"a transparent ink":       patch(t, good, title, "/CA 0"),
		"a blend mode":            patch(t, good, title, "/BM /Screen"),
		"hidden by its ExtGState": patch(t, good, regexp.MustCompile(`/BM /Multiply`), "/ca 0"),
	}
	if ok, known := open(t, good).FaceMatches(0, facePNG(t, 0), nil); !ok || !known {
		t.Fatal("the plain one is not known:", ok, known)
	}
	for name, b := range cases {
		if s := stamps(t, b); len(s) != 1 {
			t.Fatalf("%s: %d stamps", name, len(s))
		}
		if ok, _ := open(t, b).FaceMatches(0, facePNG(t, 0), nil); ok {
			t.Errorf("%s: the face is said to be shown", name)
		}
	}
}

// At the very edge, where place lets it be, the face is still seen.
func TestFaceAtTheEdge(t *testing.T) {
	for _, extra := range []string{"", "/Rotate 90", "/Rotate 180", "/Rotate 270", "/CropBox [30.333 40.777 330.111 420.999] /Rotate 90",
		"/UserUnit 2.7", "/UserUnit 0.3 /CropBox [-7.77 3.33 333.3 444.4]"} {
		in := rebuild(t, fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"+
			"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n"+
			"3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0.5 0 400 500.123] %s >>\nendobj\n", extra))
		f := open(t, in)
		page, _, err := f.orderedPage(1)
		if err != nil {
			t.Fatal(err)
		}
		g, err := f.geometry(page, 0)
		if err != nil {
			t.Fatal(err)
		}
		w, h := g.size()
		o := options(t, 0)
		o.Face.WidthMM, o.Face.HeightMM = 20, 20
		for _, at := range [][2]float64{{0, 0}, {-0.0099, -0.0099}, {w - 20, h - 20}, {w - 19.991, h - 19.991}} {
			o.Spots = []Spot{{Page: 1, X: at[0], Y: at[1]}}
			if ok, known := open(t, seal(t, in, o)).FaceMatches(0, facePNG(t, 0), nil); !ok || !known {
				t.Errorf("%s at %v: %v %v", extra, at, ok, known)
			}
		}
		o.Spots = []Spot{{Page: 1, X: w - 19.9, Y: 0}}
		if _, err := f.Layout(o); err == nil {
			t.Errorf("%s: a seal over the edge is laid out", extra)
		}
	}
}

// hybrid is minimal.pdf's like: a table that leaves object 4 to a stream.
func hybrid(t testing.TB, prev string) []byte {
	t.Helper()
	var b bytes.Buffer
	var at []int
	add := func(body string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	b.WriteString("%PDF-1.7\n")
	add("<< /Type /Catalog /Pages 2 0 R >>")
	add("<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>")
	add("<< /Type /Page /Parent 2 0 R /Contents [4 0 R 9 0 R] >>")
	add(text("q Q"))
	row := []byte{1, byte(at[3] >> 8), byte(at[3]), 0}
	add(fmt.Sprintf("<< /Type /XRef /Size 6 /W [1 2 1] /Index [4 1] %s /Length 4 >>\nstream\n%s\nendstream", prev, row))
	off := b.Len()
	fmt.Fprintf(&b, "xref\n0 6\n0000000000 65535 f \n%010d 00000 n \n%010d 00000 n \n%010d 00000 n \n0000000000 00000 f \n%010d 00000 n \n",
		at[0], at[1], at[2], at[4])
	fmt.Fprintf(&b, "trailer\n<< /Root 1 0 R /Size 6 /XRefStm %d >>\nstartxref\n%d\n%%%%EOF\n", at[4], off)
	return b.Bytes()
}

func TestHybridWithAPathOfItsOwn(t *testing.T) {
	refused := func(b []byte) string {
		if _, err := Open(bytes.NewReader(b), int64(len(b))); err != nil {
			return err.Error()
		}
		return ""
	}
	if why := refused(hybrid(t, "")); why != "" {
		t.Fatal("a plain hybrid file: ", why)
	}
	if why := refused(hybrid(t, "/Prev 9")); !strings.Contains(why, "/Prev of its own") {
		t.Errorf("sections that only some readers find: %q", why)
	}
}

// A comment that /Length leaves out is data to a reader that searches.
func TestCommentBeforeEndstream(t *testing.T) {
	b := hybrid(t, "")
	b = bytes.Replace(b, []byte("\nendstream\nendobj\nxref"), []byte("\n%x\nendstream\nendobj\nxref"), 1)
	b = bytes.Replace(b, fmt.Appendf(nil, "startxref\n%d", bytes.LastIndex(b, []byte("xref\n0 6"))-3), fmt.Appendf(nil, "startxref\n%d", bytes.LastIndex(b, []byte("xref\n0 6"))), 1)
	if _, err := Open(bytes.NewReader(b), int64(len(b))); err == nil || !strings.Contains(err.Error(), "/Length leads") {
		t.Error(err)
	}
}
