package pagetext_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/internal/pagetext"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
)

// turned are pages of every kind, with a word near the displayed upper left whose
// upright is the reader's.
func turned() map[string]sheet {
	plain := run{100, 700, 20, 0, "盖章处"}.String()
	return map[string]sheet{
		"plain":                 {content: plain},
		"turned right":          {content: run{200, 150, 20, 90, "盖章处"}.String(), rotate: 90},
		"upside down":           {content: run{500, 150, 20, 180, "盖章处"}.String(), rotate: 180},
		"turned left":           {content: run{400, 600, 20, 270, "盖章处"}.String(), rotate: 270},
		"turned more":           {content: run{400, 600, 20, 270, "盖章处"}.String(), rotate: -450},
		"text across":           {content: run{300, 300, 20, 90, "盖章处"}.String()},
		"cropped":               {content: plain, crop: [4]float64{50, 60, 500, 800}},
		"cropped and turned":    {content: run{200, 150, 20, 90, "盖章处"}.String(), crop: [4]float64{50, 60, 500, 800}, rotate: 90},
		"cropped beyond it":     {content: plain, crop: [4]float64{-100, -100, 1000, 790}},
		"origin elsewhere":      {content: plain, media: [4]float64{-200, 300, 400, 900}},
		"large units":           {content: plain, unit: 2.5},
		"large units, turned":   {content: run{200, 150, 20, 90, "盖章处"}.String(), unit: 1.5, rotate: 90, crop: [4]float64{50, 60, 500, 800}},
		"corners the wrong way": {content: plain, media: [4]float64{595, 842, 0, 0}},
	}
}

// The box that is found is the box of what is drawn, on pages of every kind.
func TestAWordIsFoundWhereItIsSeen(t *testing.T) {
	t.Parallel()
	const dpi = 150
	for name, s := range turned() {
		doc := written(s)
		hits := find(t, doc, "盖章处", 10)
		if len(hits) != 1 {
			t.Errorf("%s: %v", name, hits)
			continue
		}
		h, seen := hits[0], inkOf(draw(t, doc, 1, dpi), isDark)
		const mm = 25.4 / dpi
		got := []float64{h.X, h.Y, h.X + h.W, h.Y + h.H}
		want := []float64{float64(seen.Min.X) * mm, float64(seen.Min.Y) * mm, float64(seen.Max.X) * mm, float64(seen.Max.Y) * mm}
		for i := range got {
			if math.Abs(got[i]-want[i]) > 0.6 {
				t.Errorf("%s: found at %.2f, seen at %.2f", name, got, want)
				break
			}
		}
	}
}

// A seal that is put onto what was found covers it: this engine, the office that lays
// out the stamp, and the one that draws it have one frame.
func TestASealIsPutOntoTheWord(t *testing.T) {
	t.Parallel()
	const dpi = 100
	h := provincetest.New(t)
	for name, s := range turned() {
		doc := written(s)
		word := find(t, doc, "盖章处", 1)[0]
		x, y := word.X+word.W/2, word.Y+word.H/2
		place := seal.Place{Page: 1, X: x - float64(h.Seal.WidthMM)/2, Y: y - float64(h.Seal.HeightMM)/2}
		done, err := h.Seals.StampPDF(t.Context(), seal.StampRequest{SealID: h.Seal.ID, Agency: provincetest.Agency, Operator: "test", Placement: place}, bytes.NewReader(doc), int64(len(doc)), nil)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var stamped bytes.Buffer
		if _, err := done.WriteTo(&stamped); err != nil {
			t.Fatal(err)
		}
		img := draw(t, stamped.Bytes(), 1, dpi)
		seen := inkOf(img, isRed)
		if side := float64(h.Seal.WidthMM) / 25.4 * dpi; math.Abs(float64(seen.Dx())-side) > 3 || math.Abs(float64(seen.Dy())-side) > 3 {
			t.Errorf("%s: the seal is of %v pixels, not %.0f", name, seen.Size(), side)
		}
		if off := math.Hypot(middle(seen.Min.X, seen.Max.X)-x/25.4*dpi, middle(seen.Min.Y, seen.Max.Y)-y/25.4*dpi); off > 2 {
			t.Errorf("%s: the seal's middle is %.1f pixels from the word's", name, off)
		}
	}
}

func middle(a, b int) float64 { return float64(a+b) / 2 }

func isDark(r, g, b uint32) bool { return r < 0x8000 && g < 0x8000 && b < 0x8000 }
func isRed(r, g, b uint32) bool  { return r > g+0x3000 && r > b+0x3000 }

// inkOf is the box of the pixels of a kind.
func inkOf(img image.Image, is func(r, g, b uint32) bool) image.Rectangle {
	var box image.Rectangle
	r := img.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); is(r, g, b) {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}

func draw(t testing.TB, doc []byte, page int, dpi float64) image.Image {
	t.Helper()
	img, err := shared().Render(t.Context(), bytes.NewReader(doc), int64(len(doc)), page, dpi)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestWhatIsAWord(t *testing.T) {
	t.Parallel()
	at := func(y float64, text string) string { return run{50, y, 12, 0, text}.String() }
	doc := written(sheet{content: at(800, "申请人（盖章）：某某公司") + at(770, "盖 　章  处") + at(740, "请在此加盖") + at(720, "章节之外") +
		at(690, "⽤印") + at(660, "Seal Here 2026") + at(630, "盖章") + at(600, "章章章章")})
	for word, want := range map[string]int{
		"盖章":           3, // in brackets, with spaces, alone; not across two lines
		"盖章处":          1,
		"盖章 处":         1,
		"（盖章）":         1,
		"(盖章)":         1, // by compatibility
		"用印":           1, // a radical for the character
		"SealHere":     1,
		"Seal Here":    1,
		"seal here":    0,
		"章章":           2, // none over another
		"加盖章":          0,
		"申请人（盖章）：某某公司": 1,
		"没有":           0,
	} {
		if got := find(t, doc, word, 100); len(got) != want {
			t.Errorf("%q: %d times, not %d: %v", word, len(got), want, got)
		}
	}
}

func TestHitsAreInOrder(t *testing.T) {
	t.Parallel()
	one := run{300, 200, 12, 0, "盖章"}.String() + run{50, 200, 12, 0, "盖章"}.String() + run{50, 700, 12, 0, "盖章"}.String()
	doc := written(sheet{content: one}, sheet{content: "q Q"}, sheet{content: one})
	hits := find(t, doc, "盖章", 100)
	if len(hits) != 6 {
		t.Fatal(hits)
	}
	for i, want := range []struct {
		page int
		x, y float64
	}{{1, 50, 700}, {1, 50, 200}, {1, 300, 200}, {3, 50, 700}, {3, 50, 200}, {3, 300, 200}} {
		h := hits[i]
		if h.Page != want.page || math.Abs(h.X-want.x*25.4/72) > 1 || math.Abs(h.Y+h.H-(842-want.y)*25.4/72) > 2 {
			t.Errorf("hit %d: %+v, want %+v", i, h, want)
		}
	}
	for most := 1; most <= 6; most++ {
		if got := find(t, doc, "盖章", most); fmt.Sprint(got) != fmt.Sprint(hits[:most]) {
			t.Errorf("of %d: %v", most, got)
		}
	}
}

func TestWhatIsNotSeenOnThePageIsNotFound(t *testing.T) {
	t.Parallel()
	doc := written(sheet{crop: [4]float64{0, 0, 595, 600}, content: run{50, 700, 12, 0, "盖章"}.String() + run{50, 500, 12, 0, "盖章"}.String() + run{50.2, 500, 12, 0, "盖章"}.String()})
	if got := find(t, doc, "盖章", 10); len(got) != 1 || got[0].Y < (600-515)*25.4/72 || got[0].Y > (600-500)*25.4/72 {
		t.Errorf("%v", got)
	}
}

// fullOf is a page of n characters in lines of a thousand.
func fullOf(n int) string {
	var b strings.Builder
	for y := range n / 1000 {
		b.WriteString(run{0, float64(y) * 4, 0.5, 0, strings.Repeat("章节", 500)}.String())
	}
	return b.String()
}

func TestFindRefuses(t *testing.T) {
	t.Parallel()
	good := written(sheet{content: run{50, 700, 12, 0, "盖章"}.String()})
	shared := shared()
	for name, c := range map[string]struct {
		doc  []byte
		word string
		most int
		want error
	}{
		"no word":       {good, "", 1, pagetext.ErrWord},
		"white space":   {good, " 　\t", 1, pagetext.ErrWord},
		"a broken word": {good, "盖\xff", 1, pagetext.ErrWord},
		"a long word":   {good, strings.Repeat("章", pagetext.MaxWord+1), 1, pagetext.ErrWord},
		"none":          {good, "章", 0, pagetext.ErrWord},
		"too often":     {good, "章", pagetext.MaxHits + 1, pagetext.ErrWord},
		"nothing":       {nil, "章", 1, pagetext.ErrTooLarge},
		"no PDF":        {[]byte("PK\x03\x04 and more"), "章", 1, pagetext.ErrDocument},
		"half of it":    {good[:len(good)/2], "章", 1, pagetext.ErrDocument},
		"many pages":    {written(make([]sheet, pagetext.MaxSearched+1)...), "章", 1, pagetext.ErrTooLarge},
		"much text":     {written(sheet{content: fullOf(pagetext.MaxPageText + 1000)}), "处", 1, pagetext.ErrTooLarge},
	} {
		if got, err := shared.Find(t.Context(), bytes.NewReader(c.doc), int64(len(c.doc)), c.word, c.most); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
	if _, err := shared.Find(t.Context(), bytes.NewReader(good), pagetext.MaxDocument+1, "章", 1); !errors.Is(err, pagetext.ErrTooLarge) {
		t.Errorf("a size beyond 32 bits: %v", err)
	}
	for page, dpi := range map[int]float64{0: 72, 2: 72, -1: 72, 1: 100_000} {
		if _, err := shared.Render(t.Context(), bytes.NewReader(good), int64(len(good)), page, dpi); err == nil {
			t.Errorf("page %d at %g dpi was drawn", page, dpi)
		}
	}
	for _, dpi := range []float64{0, -72, math.NaN(), math.Inf(1)} {
		if _, err := shared.Render(t.Context(), bytes.NewReader(good), int64(len(good)), 1, dpi); !errors.Is(err, pagetext.ErrTooLarge) {
			t.Errorf("%g dpi: %v", dpi, err)
		}
	}
}

// failing breaks off in the middle of a document, as a disk does.
type failing struct {
	*bytes.Reader
	from int64
}

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > f.from {
		return 0, errors.New("disk")
	}
	return f.Reader.ReadAt(b, off)
}

func TestADocumentThatCannotBeRead(t *testing.T) {
	t.Parallel()
	doc := written(sheet{content: run{50, 700, 12, 0, "盖章"}.String()})
	for _, from := range []int64{0, 100, 4000, int64(len(doc)) / 2, int64(len(doc)) - 10} {
		if got, err := shared().Find(t.Context(), failing{bytes.NewReader(doc), from}, int64(len(doc)), "盖章", 1); err == nil {
			t.Errorf("from %d on: %v", from, got)
		}
	}
}

// The samples are searched to their end, whatever they are; in the decision there is
// something to find.
func TestSamples(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../seal/pdf/testdata/*/*.pdf")
	if err != nil || len(names) < 20 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		hits, err := shared().Find(t.Context(), bytes.NewReader(b), int64(len(b)), "决定", 10)
		if err != nil && !errors.Is(err, pagetext.ErrDocument) {
			t.Errorf("%s: %v", name, err)
		}
		if filepath.Base(name) == "decision.pdf" && len(hits) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzFind: whatever the octets are, it ends with hits on the document's pages or with
// an error of ours, and the engine goes on.
func FuzzFind(f *testing.F) {
	small := written(sheet{content: "BT /F 12 Tf (x) Tj ET"})
	cut := bytes.Index(small, []byte("stream\n"))
	f.Add(small[:cut], "x")
	f.Add(small[len(small)-2000:], "盖章")
	f.Fuzz(func(t *testing.T, doc []byte, word string) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		hits, err := shared().Find(ctx, bytes.NewReader(doc), int64(len(doc)), word, 100)
		if err != nil && !errors.Is(err, pagetext.ErrDocument) && !errors.Is(err, pagetext.ErrTooLarge) && !errors.Is(err, pagetext.ErrWord) {
			t.Fatal(err)
		}
		for _, h := range hits {
			if h.Page < 1 || !(h.X+h.W/2 >= 0 && h.Y+h.H/2 >= 0) {
				t.Fatalf("%+v", h)
			}
		}
	})
}
