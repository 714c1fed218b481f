package seal_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"yinxin/internal/code"
	"yinxin/seal"
	"yinxin/seal/pdf"
)

// pagesOf makes a PDF with pages of these sizes in points; extra is put into each.
func pagesOf(extra string, sizes ...[2]int) []byte {
	var b bytes.Buffer
	var at []int
	object := func(body string) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(at), body)
	}
	b.WriteString("%PDF-1.7\n")
	object("<< /Type /Catalog /Pages 2 0 R >>")
	var kids strings.Builder
	for i := range sizes {
		fmt.Fprintf(&kids, "%d 0 R ", i+3)
	}
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", kids.String(), len(sizes)))
	for _, s := range sizes {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] %s >>", s[0], s[1], extra))
	}
	off := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, a := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", a)
	}
	fmt.Fprintf(&b, "trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, off)
	return b.Bytes()
}

// a4 gives n pages of 210 by 297 mm.
func a4(n int) []byte {
	sizes := make([][2]int, n)
	for i := range sizes {
		sizes[i] = [2]int{595, 842}
	}
	return pagesOf("", sizes...)
}

// told is a finder that knows where words stand.
type told struct {
	hits []seal.Hit
	err  error
	text string
}

func (f *told) Find(_ context.Context, _ io.ReaderAt, _ int64, text string, limit int) ([]seal.Hit, error) {
	f.text = text
	return f.hits[:min(limit, len(f.hits))], f.err
}

func (h *house) sealPDF(t testing.TB, r seal.StampRequest, doc []byte) ([]byte, seal.Stamp, error) {
	t.Helper()
	s, err := h.StampPDF(t.Context(), r, bytes.NewReader(doc), int64(len(doc)), nil)
	if err != nil {
		return nil, seal.Stamp{}, err
	}
	var out bytes.Buffer
	if n, err := s.WriteTo(&out); err != nil || n != s.Size() {
		t.Fatal(n, s.Size(), err)
	}
	return out.Bytes(), s.Stamp, nil
}

// offices that find words and can be asked about codes.
func newPlacing(t testing.TB, hits ...seal.Hit) (*house, *told) {
	t.Helper()
	h, f := newHouse(t), &told{hits: hits}
	h.config.Finder, h.config.URL = f, "https://seal.example.gov.cn"
	h.restart(t)
	return h, f
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pdfPlacings are all ways to place a seal, each with what may stand beside it.
var pdfPlacings = map[string]func(r *seal.StampRequest){
	"spot":        func(r *seal.StampRequest) { r.Placement = seal.Place{Page: -1, X: 10, Y: 10} },
	"first":       func(r *seal.StampRequest) { r.Placement.Keyword = &seal.Keyword{Text: "盖章", Which: seal.First} },
	"last":        func(r *seal.StampRequest) { r.Placement.Keyword = &seal.Keyword{Text: "盖章"} },
	"every":       func(r *seal.StampRequest) { r.Placement.Keyword = &seal.Keyword{Text: "盖章", Which: seal.Every} },
	"riding":      func(r *seal.StampRequest) { r.Placement.Riding = &seal.Riding{} },
	"riding left": func(r *seal.StampRequest) { r.Placement.Riding = &seal.Riding{Side: seal.Left, At: 20} },
	"code":        func(r *seal.StampRequest) { r.Placement.Page, r.Order.Mark = 1, &seal.Mark{Kind: seal.MarkCode} },
	"qr in corner": func(r *seal.StampRequest) {
		r.Placement.Page, r.Order.Mark = 1, &seal.Mark{Kind: seal.MarkQR, Where: seal.BottomLeft}
	},
	"riding and code": func(r *seal.StampRequest) {
		r.Placement.Riding, r.Order.Mark = &seal.Riding{}, &seal.Mark{Kind: seal.MarkCode}
	},
	"certified": func(r *seal.StampRequest) { r.Placement.Page, r.Order.Certify = 1, 2 },
	"locking": func(r *seal.StampRequest) {
		r.Placement.Page, r.Order.Lock = 1, &seal.Lock{Action: seal.LockInclude, Fields: []string{"姓名"}}
	},
}

// However a seal is placed, in both profiles, a retry gives the same bytes: also when
// the word cannot be found again.
func TestPlacedAndAgain(t *testing.T) {
	t.Parallel()
	hits := []seal.Hit{{Page: 1, X: 50, Y: 100, W: 10, H: 5}, {Page: 2, X: 60, Y: 200, W: 10, H: 5}}
	h, finder := newPlacing(t, hits...)
	doc := read(t, "../cmd/yinxin/decisions/decision.pdf")
	for name, place := range pdfPlacings {
		for _, profile := range []seal.Profile{seal.ProfileSES, seal.ProfileCMS} {
			r := request(h.seal)
			place(&r)
			r.Order.Profile, r.Retry = profile, retry(name+string(profile), 1)
			finder.hits = hits
			first, row, err := h.sealPDF(t, r, doc)
			if err != nil {
				t.Errorf("%s, %s: %v", name, profile, err)
				continue
			}
			finder.hits = nil
			h.clock.move(time.Second)
			h.restart(t)
			again, same, err := h.sealPDF(t, r, doc)
			if err != nil || !bytes.Equal(first, again) || !bytes.HasPrefix(first, doc) {
				t.Errorf("%s, %s: again: %d octets for %d, %v", name, profile, len(again), len(first), err)
			}
			checkSame(t, same, row)
			file, err := pdf.Open(bytes.NewReader(first), int64(len(first)))
			if err != nil {
				t.Fatal(err)
			}
			found, err := file.Stamps()
			if err != nil || len(found) != 1 || !found[0].CoversFile || len(found[0].Problems) > 0 || found[0].Digest != row.DataHash && profile == seal.ProfileSES {
				t.Errorf("%s, %s: %+v %v", name, profile, found, err)
			}
		}
	}
}

func TestKeywords(t *testing.T) {
	t.Parallel()
	h, finder := newPlacing(t, seal.Hit{Page: 1, X: 50, Y: 100, W: 10, H: 6}, seal.Hit{Page: 2, X: 0, Y: 0, W: 8, H: 4}, seal.Hit{Page: 2, X: 200, Y: 290, W: 10, H: 6})
	const half = 21.0 // of the seal
	a4W, a4H := 595/72.0*25.4, 842/72.0*25.4
	// The middle over the middle; moved in where it would leave the page.
	at1 := seal.Spot{Page: 1, X: 55 - half, Y: 103 - half}
	at2 := seal.Spot{Page: 2}
	at3 := seal.Spot{Page: 2, X: a4W - 2*half, Y: a4H - 2*half}
	moved := seal.Spot{Page: 1, X: 58 - half, Y: 98 - half}
	for name, c := range map[string]struct {
		k    seal.Keyword
		want []seal.Spot
	}{
		"last by default": {seal.Keyword{}, []seal.Spot{at3}},
		"first":           {seal.Keyword{Which: seal.First}, []seal.Spot{at1}},
		"every":           {seal.Keyword{Which: seal.Every}, []seal.Spot{at1, at2, at3}},
		"first of page 2": {seal.Keyword{Which: seal.First, Page: 2}, []seal.Spot{at2}},
		"beside it":       {seal.Keyword{Which: seal.First, DX: 3, DY: -5}, []seal.Spot{moved}},
	} {
		r := request(h.seal)
		c.k.Text = "(盖章)"
		r.Placement.Keyword = &c.k
		_, row, err := h.sealPDF(t, r, a4(2))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, row.Spots, cmpopts.EquateApprox(0, 1e-6)); diff != "" || finder.text != "(盖章)" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	many := make([]seal.Hit, 2000)
	for i := range many {
		many[i] = seal.Hit{Page: 1, X: 50, Y: 50, W: 1, H: 1}
	}
	fault := errors.New("the reader of pages is gone")
	for name, c := range map[string]struct {
		set  func(k *seal.Keyword)
		want error
	}{
		"nowhere":          {func(*seal.Keyword) { finder.hits, finder.err = nil, nil }, seal.ErrDocument},
		"not on this page": {func(k *seal.Keyword) { finder.hits, finder.err, k.Page = many[:1], nil, 2 }, seal.ErrDocument},
		"no such page":     {func(k *seal.Keyword) { finder.hits, finder.err, k.Page = many[:1], nil, 3 }, seal.ErrDocument},
		"everywhere":       {func(*seal.Keyword) { finder.hits, finder.err = many, nil }, seal.ErrDocument},
		"at 300 places":    {func(k *seal.Keyword) { finder.hits, finder.err, k.Which = many[:300], nil, seal.Every }, seal.ErrDocument},
		"no finder today":  {func(*seal.Keyword) { finder.err = fault }, fault},
	} {
		r := request(h.seal)
		r.Placement.Keyword = &seal.Keyword{Text: "盖章"}
		c.set(r.Placement.Keyword)
		before := h.count(t)
		_, _, err := h.sealPDF(t, r, a4(2))
		if !errors.Is(err, c.want) || h.count(t) != before {
			t.Errorf("%s: %v", name, err)
		}
		if errors.Is(c.want, seal.ErrDocument) && name != "no such page" && !strings.Contains(err.Error(), "盖章") {
			t.Errorf("%s: the word is not named: %v", name, err)
		}
	}
	h.config.Finder = nil
	h.restart(t)
	r := request(h.seal)
	r.Placement.Keyword = &seal.Keyword{Text: "盖章"}
	if _, _, err := h.sealPDF(t, r, a4(1)); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("where nobody finds words: %v", err)
	}
}

// The slices of a riding seal, side by side in the order of the pages, are the whole
// face, and each touches the edge of its page.
func TestRidingSeals(t *testing.T) {
	t.Parallel()
	h, _ := newPlacing(t)
	mixed := pagesOf("", [2]int{595, 842}, [2]int{842, 595}, [2]int{300, 400})
	turned := pagesOf("/Rotate 90 /CropBox [10 20 500 400]", [2]int{595, 842}, [2]int{595, 842})
	for name, c := range map[string]struct {
		r     seal.Riding
		doc   []byte
		pages []int
		runs  []int
	}{
		"all":         {seal.Riding{}, mixed, []int{1, 2, 3}, []int{3}},
		"left":        {seal.Riding{Side: seal.Left, At: 7}, mixed, []int{1, 2, 3}, []int{3}},
		"odd":         {seal.Riding{Pages: seal.OddPages}, a4(5), []int{1, 3, 5}, []int{3}},
		"even":        {seal.Riding{Pages: seal.EvenPages}, a4(5), []int{2, 4}, []int{2}},
		"turned":      {seal.Riding{}, turned, []int{1, 2}, []int{2}},
		"40 pages":    {seal.Riding{}, a4(40), nil, []int{40}},
		"41 pages":    {seal.Riding{}, a4(41), nil, []int{20, 21}},
		"1,000 pages": {seal.Riding{}, a4(1000), nil, slicesOf(25, 40)},
	} {
		r := request(h.seal)
		r.Placement.Riding = &c.r
		out, row, err := h.sealPDF(t, r, c.doc)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		checkRiding(t, name, row.Spots, c.pages, c.runs, c.r, out)
	}
	for name, c := range map[string]struct {
		r   seal.Riding
		doc []byte
	}{
		"one page":            {seal.Riding{}, a4(1)},
		"one odd page of two": {seal.Riding{Pages: seal.OddPages}, a4(2)},
		"too low":             {seal.Riding{At: 280}, a4(2)},
		"too small a page":    {seal.Riding{}, pagesOf("", [2]int{595, 842}, [2]int{595, 100})},
	} {
		r := request(h.seal)
		r.Placement.Riding = &c.r
		if _, _, err := h.sealPDF(t, r, c.doc); !errors.Is(err, seal.ErrDocument) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func slicesOf(n, each int) (out []int) {
	for range n {
		out = append(out, each)
	}
	return out
}

func checkRiding(t *testing.T, name string, spots []seal.Spot, pages, runs []int, r seal.Riding, sealed []byte) {
	t.Helper()
	file, err := pdf.Open(bytes.NewReader(sealed), int64(len(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	columns := spots[len(spots)-1].To
	at, run, left := 0, 0, runs[0]
	for i, s := range spots {
		if pages != nil && s.Page != pages[i] || pages == nil && s.Page != i+1 {
			t.Errorf("%s: slice %d is on page %d", name, i, s.Page)
		}
		w, height, err := file.PageSize(s.Page)
		if err != nil {
			t.Fatal(err)
		}
		width := 42 * float64(s.To-s.From) / float64(columns)
		x, y := w-width, (height-42)/2
		if r.Side == seal.Left {
			x = 0
		}
		if r.At > 0 {
			y = r.At
		}
		if s.From != at || math.Abs(s.X-x) > 1e-6 || math.Abs(s.Y-y) > 1e-6 {
			t.Errorf("%s: slice %d of columns %d to %d after %d at %g, %g; want %g, %g", name, i, s.From, s.To, at, s.X, s.Y, x, y)
		}
		at = s.To
		if left--; left == 0 {
			if at != columns {
				t.Errorf("%s: run %d ends at column %d of %d", name, run, at, columns)
			}
			if at, run = 0, run+1; run < len(runs) {
				left = runs[run]
			}
		}
	}
	if run != len(runs) {
		t.Errorf("%s: %d runs, want %d", name, run, len(runs))
	}
}

// A mark says the code that the register knows, and stands where there is room.
func TestMarks(t *testing.T) {
	t.Parallel()
	h, _ := newPlacing(t)
	for name, c := range map[string]struct {
		mark seal.Mark
		x, y float64 // of the seal
		want error
	}{
		"beside":          {seal.Mark{Kind: seal.MarkCode}, 20, 100, nil},
		"below it":        {seal.Mark{Kind: seal.MarkQR}, 160, 100, nil},
		"left of it":      {seal.Mark{Kind: seal.MarkQR}, 160, 250, nil},
		"in a corner":     {seal.Mark{Kind: seal.MarkQR, Where: seal.TopRight}, 20, 100, nil},
		"under the seal":  {seal.Mark{Kind: seal.MarkQR, Where: seal.TopLeft}, 5, 5, seal.ErrDocument},
		"an unknown kind": {seal.Mark{Kind: "sticker"}, 20, 100, seal.ErrOrder},
	} {
		r := request(h.seal)
		r.Placement, r.Order.Mark = seal.Place{Page: 1, X: c.x, Y: c.y}, &c.mark
		out, row, err := h.sealPDF(t, r, a4(1))
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil {
			continue
		}
		text := pdf.MarkQR("https://seal.example.gov.cn", row.Code)
		if c.mark.Kind == seal.MarkCode {
			text = pdf.MarkCode(code.Group(row.Code), "seal.example.gov.cn")
		}
		if !bytes.Contains(out, []byte(pdf.MarkContents(text))) {
			t.Errorf("%s: the mark does not say %q", name, text)
		}
		if found, err := h.ByCode(t.Context(), row.Code); err != nil || found.ID != row.ID {
			t.Errorf("%s: its code leads to %v, %v", name, found.ID, err)
		}
	}
	h.config.URL = ""
	h.restart(t)
	r := request(h.seal)
	r.Placement.Page, r.Order.Mark = 1, &seal.Mark{Kind: seal.MarkQR}
	if _, _, err := h.sealPDF(t, r, a4(1)); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("without an address: %v", err)
	}
}

// What an earlier signature forbids is refused before the key signs.
func TestDocumentsThatAreClosed(t *testing.T) {
	t.Parallel()
	h, _ := newPlacing(t)
	order := func(o seal.Order) seal.StampRequest {
		r := request(h.seal)
		r.Placement, r.Order = seal.Place{Page: 1, X: 10, Y: 10}, o
		return r
	}
	sealed := func(o seal.Order) []byte {
		out, _, err := h.sealPDF(t, order(o), a4(1))
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	plain, all := seal.Order{}, &seal.Lock{Action: seal.LockAll}
	for name, c := range map[string]struct {
		first, second seal.Order
		want          error
	}{
		"a second seal":          {plain, plain, nil},
		"certified 1":            {seal.Order{Certify: 1}, plain, pdf.ErrLocked},
		"certified 2":            {seal.Order{Certify: 2}, plain, nil},
		"certified 3":            {seal.Order{Certify: 3}, plain, nil},
		"certified second":       {plain, seal.Order{Certify: 2}, seal.ErrDocument},
		"all locked":             {seal.Order{Lock: all}, plain, pdf.ErrLocked},
		"locked but for ours":    {seal.Order{Lock: &seal.Lock{Action: seal.LockExclude, Fields: []string{"印章 2"}}}, plain, nil},
		"locked but for another": {seal.Order{Lock: &seal.Lock{Action: seal.LockExclude, Fields: []string{"姓名"}}}, plain, pdf.ErrLocked},
		"another locked":         {seal.Order{Lock: &seal.Lock{Action: seal.LockInclude, Fields: []string{"姓名"}}}, plain, nil},
		"ours locked":            {seal.Order{Lock: &seal.Lock{Action: seal.LockInclude, Fields: []string{"印章 2"}}}, plain, pdf.ErrLocked},
		"both":                   {seal.Order{Certify: 3, Lock: &seal.Lock{Action: seal.LockInclude, Fields: []string{"姓名"}}}, plain, nil},
	} {
		first := sealed(c.first)
		uses := h.uses(t, h.seal)
		_, _, err := h.sealPDF(t, order(c.second), first)
		if !errors.Is(err, c.want) || c.want != nil && (!errors.Is(err, seal.ErrDocument) || h.uses(t, h.seal) != uses) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
