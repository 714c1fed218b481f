package pagetext_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/image/font/sfnt"

	"yinxin/internal/pagetext"
)

// sheet is a page of a test document: what it says and how it is turned.
type sheet struct {
	media, crop [4]float64
	rotate      int
	unit        float64
	content     string // as it is written into the page
}

var a4 = [4]float64{0, 0, 595, 842}

// run is a text at a place in the page's own coordinates, turned by quarter turns.
type run struct {
	x, y, size float64
	turned     int
	text       string
}

func (r run) String() string {
	cos, sin := []int{1, 0, -1, 0}[r.turned/90], []int{0, 1, 0, -1}[r.turned/90]
	return fmt.Sprintf("BT /F %g Tf %d %d %d %d %g %g Tm <%s> Tj ET\n", r.size, cos, sin, -sin, cos, r.x, r.y, glyphHex(r.text))
}

// embedded is the font of drawn seals, which has the characters of the tests.
var embedded = sync.OnceValues(func() ([]byte, error) {
	f, err := os.Open("../../seal/face/font/DroidSansFallback-subset.ttf.gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
})

var typeface = sync.OnceValue(func() *sfnt.Font {
	b, err := embedded()
	if err != nil {
		panic(err)
	}
	f, err := sfnt.Parse(b)
	if err != nil {
		panic(err)
	}
	return f
})

// The page's font knows its glyphs by number; which character a number is, the page
// says in a ToUnicode map, and so may say another.
var told = map[sfnt.GlyphIndex]rune{}
var tellMu sync.Mutex

func glyphHex(text string) string {
	tellMu.Lock()
	defer tellMu.Unlock()
	var b strings.Builder
	var buf sfnt.Buffer
	for _, r := range text {
		seen := r
		if r > ' ' && r <= '~' {
			seen = r - '!' + '！' // the font has them full-width
		}
		if r == '⽤' {
			seen = '甪' // a glyph of its own for a radical that no other text uses
		}
		if r == ' ' {
			seen = '　'
		}
		i, err := typeface().GlyphIndex(&buf, seen)
		if err != nil {
			panic(err)
		}
		told[i] = r
		fmt.Fprintf(&b, "%04x", i)
	}
	return b.String()
}

// document writes sheets as a PDF with a classic cross-reference table.
func written(sheets ...sheet) []byte {
	ttf, err := embedded()
	if err != nil {
		panic(err)
	}
	var out bytes.Buffer
	var offsets []int
	object := func(body string) int {
		offsets = append(offsets, out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
		return len(offsets)
	}
	stream := func(dict, data string) int {
		return object(fmt.Sprintf("<<%s /Length %d>>\nstream\n%s\nendstream", dict, len(data), data))
	}
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var kids []string
	first := 8 // after the catalog, the tree, the font and its parts
	for i := range sheets {
		kids = append(kids, fmt.Sprintf("%d 0 R", first+2*i))
	}
	object("<</Type /Catalog /Pages 2 0 R>>")
	object(fmt.Sprintf("<</Type /Pages /Count %d /Kids [%s]>>", len(sheets), strings.Join(kids, " ")))
	object("<</Type /Font /Subtype /Type0 /BaseFont /Droid /Encoding /Identity-H /DescendantFonts [4 0 R] /ToUnicode 7 0 R>>")
	object("<</Type /Font /Subtype /CIDFontType2 /BaseFont /Droid /CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> /FontDescriptor 5 0 R /DW 1000 /CIDToGIDMap /Identity>>")
	object("<</Type /FontDescriptor /FontName /Droid /Flags 4 /FontBBox [0 -130 1000 860] /ItalicAngle 0 /Ascent 860 /Descent -130 /CapHeight 700 /StemV 80 /FontFile2 6 0 R>>")
	stream(fmt.Sprintf("/Length1 %d", len(ttf)), string(ttf))
	stream("", toUnicode())
	for _, s := range sheets {
		if s.media == [4]float64{} {
			s.media = a4
		}
		page := fmt.Sprintf("<</Type /Page /Parent 2 0 R /MediaBox %s /Resources <</Font <</F 3 0 R>>>> /Contents %d 0 R", box(s.media), len(offsets)+2)
		if s.crop != [4]float64{} {
			page += " /CropBox " + box(s.crop)
		}
		if s.rotate != 0 {
			page += fmt.Sprintf(" /Rotate %d", s.rotate)
		}
		if s.unit != 0 {
			page += fmt.Sprintf(" /UserUnit %g", s.unit)
		}
		object(page + ">>")
		stream("", s.content)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&out, "trailer\n<</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return out.Bytes()
}

func box(b [4]float64) string { return fmt.Sprintf("[%g %g %g %g]", b[0], b[1], b[2], b[3]) }

func toUnicode() string {
	tellMu.Lock()
	defer tellMu.Unlock()
	var all []sfnt.GlyphIndex
	for i := range told {
		all = append(all, i)
	}
	slices.Sort(all)
	var b strings.Builder
	b.WriteString("/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /T def 1 begincodespacerange <0000> <ffff> endcodespacerange\n")
	for part := range slices.Chunk(all, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(part))
		for _, i := range part {
			fmt.Fprintf(&b, "<%04x> <%04x>\n", i, told[i])
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap end end")
	return b.String()
}

// The tests' engines share what one of them compiled, which takes seconds.
var compiled string

func TestMain(m *testing.M) {
	var err error
	if compiled, err = os.MkdirTemp("", "pagetext"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(compiled); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// shared is one engine for all tests that leave it whole.
var shared = sync.OnceValue(func() *pagetext.Engine {
	e, doc := pagetext.New(compiled), word()
	if _, err := e.Find(context.Background(), bytes.NewReader(doc), int64(len(doc)), "盖章", 1); err != nil {
		panic(err)
	}
	return e
})

// another engine, which finds what was compiled.
func another() *pagetext.Engine {
	shared()
	return pagetext.New(compiled)
}

func find(t testing.TB, doc []byte, word string, most int) []pagetext.Hit {
	t.Helper()
	hits, err := shared().Find(t.Context(), bytes.NewReader(doc), int64(len(doc)), word, most)
	if err != nil {
		t.Fatal(err)
	}
	return hits
}
