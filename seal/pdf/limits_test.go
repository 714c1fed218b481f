package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"yinxin/internal/testlong"
)

// doc is a small good file with what is given in its catalog, and more objects
// from 4 on.
func doc(t testing.TB, catalog string, objects ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R %s >>\nendobj\n"+
		"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>\nendobj\n"+
		"3 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\n", catalog)
	for i, o := range objects {
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+4, o)
	}
	return rebuild(t, []byte(b.String()))
}

// Each attack on time or memory ends in a refusal, soon, and small.
func TestLimits(t *testing.T) {
	deep := "<< /Fields [4 0 R] >>"
	var nested strings.Builder
	const levels = 20000
	for i := range levels {
		fmt.Fprintf(&nested, "%d 0 obj\n<< /FT /Sig /A (\n", i+4)
	}
	for range levels {
		nested.WriteString("\n) >>\nendobj\n")
	}
	strs := []byte(fmt.Sprintf("%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [%s] >> >>\nendobj\n"+
		"2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>\nendobj\n"+
		"3 0 obj\n<< /Type /Page /Parent 2 0 R >>\nendobj\n%s", many(levels), nested.String()))
	for name, b := range map[string][]byte{
		"a million zeros":               doc(t, "/AcroForm "+deep, "<< /FT /Sig /V ["+strings.Repeat("0 ", 1000000)+"] >>"),
		"strings nested in strings":     rebuild(t, strs),
		"fields in a circle":            doc(t, "/AcroForm "+deep, "<< /Kids [4 0 R] >>"),
		"a name that grows":             doc(t, "/AcroForm "+deep, "<< /T ("+strings.Repeat("x", 5000)+") /FT /Sig >>"),
		"annotations all pages share":   sharedAnnots(t, 8000, 20000),
		"a thousand and one sig fields": doc(t, "/AcroForm << /Fields ["+many(1001)+"] >>", repeat("<< /FT /Sig >>", 1001)...),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			_, err = f.Stamps()
		}
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: %v", name, err)
		}
		if d := time.Since(start); d > instrumented*2*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<30 {
			t.Errorf("%s: %d MB allocated", name, used>>20)
		}
		t.Logf("%s: %v, %d MB, %v", name, time.Since(start), (after.TotalAlloc-before.TotalAlloc)>>20, err)
	}
}

// sharedAnnots has one list of annotations on every page, and a signature that
// does not say on which it is.
func sharedAnnots(t testing.TB, pages, annots int) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [3 0 R] >> >>\nendobj\n"+
		"2 0 obj\n<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 300 300] >>\nendobj\n"+
		"3 0 obj\n<< /FT /Sig /T (x) /V << /Type /Sig >> /Rect [0 0 9 9] >>\nendobj\n", many(pages), pages)
	for i := range pages {
		fmt.Fprintf(&b, "%d 0 obj\n<< /Type /Page /Parent 2 0 R /Annots %d 0 R >>\nendobj\n", i+4, pages+4)
	}
	fmt.Fprintf(&b, "%d 0 obj\n[%s]\nendobj\n", pages+4, strings.Repeat("9 0 R ", annots))
	return rebuild(t, []byte(b.String()))
}

// Two versions of a dictionary are compared in one pass, whatever the order of
// their keys.
func TestLargeDictionaries(t *testing.T) {
	const n = 30000
	var up, down strings.Builder
	for i := range n {
		fmt.Fprintf(&up, "/a%d 0 ", i)
		fmt.Fprintf(&down, "/a%d 0 ", n-1-i)
	}
	b := seal(t, doc(t, "", "<< "+up.String()+" >>"), options(t, 0))
	for name, c := range map[string]struct {
		again string
		want  int
	}{
		"another order": {down.String(), 1},
		"another value": {strings.Replace(down.String(), "/a7 0", "/a7 1", 1), 2},
		"another key":   {strings.Replace(down.String(), "/a7 0", "/b7 0", 1), 2},
	} {
		start := time.Now()
		s := stamps(t, update(t, b, "4", "<< "+c.again+" >>"))
		if len(s) != 1 || len(s[0].LaterChanges) != c.want { // one for the revision that is no stamp
			t.Errorf("%s: %+v", name, s[0].LaterChanges)
		}
		if d := time.Since(start); d > instrumented*5*time.Second {
			t.Errorf("%s: took %v", name, d)
		}
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d 0 R ", i+4)
	}
	return b.String()
}

func repeat(s string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = s
	}
	return out
}

// What is cheap once and dear a thousand times is taken from the budget.
func TestPaidFor(t *testing.T) {
	sealed := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	f := open(t, sealed)
	if _, err := f.Stamps(); err != nil {
		t.Fatal(err)
	}
	f.left.inflate = pixelCost*200*200 - 1 // facePNG is 200 by 200
	if ok, known := f.FaceMatches(0, facePNG(t, 0), nil); ok || known {
		t.Error("a face is compared that was not paid for")
	}
	form := open(t, doc(t, "/AcroForm << /Fields ["+many(100)+"] >>", repeat("<< /FT /Tx /T (x) >>", 100)...))
	form.left.visits = 99
	if _, err := form.Stamps(); !errors.Is(err, ErrTooLarge) {
		t.Error("a hundred fields for ninety-nine:", err)
	}
	tall := open(t, sealed)
	tall.left.objects = 0
	if _, err := tall.Stamps(); !errors.Is(err, ErrTooLarge) {
		t.Error("objects for nothing:", err)
	}
}

// An inflated object stream is bounded however small it is in the file.
func TestBomb(t *testing.T) {
	z, err := deflate(append([]byte("7 0 "), bytes.Repeat([]byte(" "), maxObjStm+1000)...))
	if err != nil {
		t.Fatal(err)
	}
	f := open(t, doc(t, "", fmt.Sprintf("<< /Type /ObjStm /N 1 /First 4 /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream", len(z), z)))
	o, err := f.get(ref{4, 0}, 0)
	if err != nil {
		t.Fatal(err)
	}
	r, err := f.open(o, maxObjStm)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	for err == nil {
		_, err = r.Read(buf)
	}
	if !errors.Is(err, ErrMalformed) {
		t.Errorf("a bomb: %v", err)
	}
}

// Many stamps on one file: each is still found and only followed by stamps.
func TestManyStamps(t *testing.T) {
	n := testlong.Count(60, 900)
	b := doc(t, "")
	o := options(t, 0)
	o.TokenSize = 512
	var err error
	if o.Prepared, err = NewFace(o.Face.PNG, 36, 36); err != nil {
		t.Fatal(err)
	}
	for range n {
		l, err := open(t, b).Layout(o)
		if err != nil {
			t.Fatal(err)
		}
		inc, err := l.Increment(token(300))
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, inc...)
	}
	start := time.Now()
	got := stamps(t, b)
	if len(got) != n {
		t.Fatalf("%d stamps, want %d", len(got), n)
	}
	for i, s := range got {
		if !s.CoversRevision || len(s.Problems) > 0 || s.ContentAdded || len(s.Later) != n-1-i {
			t.Fatalf("stamp %d: %v %v %v %d", i, s.CoversRevision, s.Problems, s.LaterChanges, len(s.Later))
		}
	}
	if d := time.Since(start); d > instrumented*5*time.Second {
		t.Errorf("%d stamps took %v to read", n, d)
	}
	t.Logf("%d stamps, %d KB: %v", n, len(b)>>10, time.Since(start))
}
