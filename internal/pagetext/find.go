package pagetext

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"golang.org/x/text/unicode/norm"
)

const (
	// MaxHits bounds what one word comes to: "的" on every line of a book.
	MaxHits = 10_000
	// maxWord is in characters; no title or place for a seal is longer.
	maxWord = 200
	// maxSearched bounds the pages of a document, and maxPageText and maxText the
	// characters of one page and of all: a page that is shown a million times, or a
	// million characters in one spot.
	maxSearched = 10_000
	maxPageText = 100_000
	maxText     = 20_000_000
	// sameSpot: a text printed twice, to look bold, is one.
	sameSpot = 0.5 // mm
)

// ErrWord: such a text cannot be looked for.
var ErrWord = errors.New("such a word cannot be looked for")

// Hit is where a word stands: the box of its ink, in millimetres from the top left of
// the page as displayed.
type Hit struct {
	Page       int // from 1
	X, Y, W, H float64
}

// Find gives the places of a word, page by page, on each from top to bottom and from
// left to right, no more than most of them.
//
// A word stands within one line. White space counts neither in the word nor on the
// page: names and titles are set with spaces between their characters to fill a line.
// Characters are compared by their compatibility form (Unicode NFKC), for fonts of
// PDFs often tell of radicals and of full-width forms where characters are seen. Text
// outside of what is displayed of a page is not found; text behind a scan is.
func (e *Engine) Find(ctx context.Context, r io.ReaderAt, size int64, word string, most int) ([]Hit, error) {
	folded := fold(word)
	if n := utf8.RuneCountInString(word); !utf8.ValidString(word) || n > maxWord || folded == "" || most < 1 || most > MaxHits {
		return nil, fmt.Errorf("%w: %d characters, up to %d times", ErrWord, n, most)
	}
	var hits []Hit
	err := e.with(ctx, func(ctx context.Context, p pdfium.Pdfium) error {
		d, done, err := open(ctx, p, r, size)
		if err != nil {
			return err
		}
		defer done()
		if d.pages > maxSearched {
			return fmt.Errorf("%w: %d pages", ErrTooLarge, d.pages)
		}
		hits, err = d.find(ctx, folded, most)
		return err
	})
	if err != nil {
		return nil, err
	}
	return hits[:min(most, len(hits))], nil
}

// fold is the form in which characters are compared, without white space and what is
// not seen.
func fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unseen(r) {
			return -1
		}
		return r
	}, norm.NFKC.String(text))
}

func unseen(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError || r >= 0xfffe && r <= 0xffff
}

// find goes through the pages. A page is closed when the next is open: fonts that
// both have are read once.
func (d *document) find(ctx context.Context, word string, most int) (hits []Hit, err error) {
	var last *page
	left := maxText
	for n := 1; n <= d.pages && len(hits) < most; n++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		g, err := d.load(n)
		if err != nil {
			return nil, err
		}
		found, err := g.search(word, &left)
		if err != nil {
			return nil, err
		}
		if last != nil {
			if err := last.close(); err != nil {
				return nil, err
			}
		}
		hits, last = append(hits, found...), g
	}
	return hits, nil
}

// search finds a word on one page.
func (g *page) search(word string, left *int) ([]Hit, error) {
	p := g.d.p
	loaded, err := p.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: g.ref})
	if err != nil {
		return nil, fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
	}
	text := loaded.TextPage
	hits, err := g.hits(text, word, left)
	_, cerr := p.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: text})
	return hits, errors.Join(err, cerr)
}

func (g *page) hits(text references.FPDF_TEXTPAGE, word string, left *int) ([]Hit, error) {
	folded, from, err := g.read(text, left)
	if err != nil {
		return nil, err
	}
	var hits []Hit
	for at := 0; ; {
		i := strings.Index(folded[at:], word)
		if i < 0 {
			break
		}
		at += i + len(word)
		if len(hits) == 0 {
			if err := g.measure(); err != nil {
				return nil, err
			}
		}
		hit, seen, err := g.box(text, slices.Compact(slices.Clone(from[at-len(word):at])))
		if err != nil {
			return nil, err
		}
		if seen {
			hits = append(hits, hit)
		}
		if len(hits) > MaxHits {
			return nil, fmt.Errorf("%w: page %d has the word more than %d times", ErrTooLarge, g.number, MaxHits)
		}
	}
	slices.SortStableFunc(hits, func(a, b Hit) int { return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X)) })
	return once(hits), nil
}

// read gives a page's text as it is compared, a line break wherever one is, and for
// each of its octets the place in PDFium's text that it comes from. The text is taken
// whole: a call into WebAssembly for each character takes as long as reading the page.
func (g *page) read(text references.FPDF_TEXTPAGE, left *int) (string, []int32, error) {
	bad := func(err error) (string, []int32, error) {
		return "", nil, fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
	}
	count, err := g.d.p.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: text})
	if err != nil {
		return bad(err)
	}
	if *left -= count.Count; count.Count > maxPageText || *left < 0 {
		return "", nil, fmt.Errorf("%w: more than %d characters on page %d, or %d on all", ErrTooLarge, maxPageText, g.number, maxText)
	}
	if count.Count == 0 {
		return "", nil, nil
	}
	whole, err := g.d.p.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: text, Count: count.Count})
	if err != nil {
		return bad(err)
	}
	var folded strings.Builder
	from := make([]int32, 0, 3*count.Count)
	at := int32(0) // in UTF-16, as PDFium counts its text
	for _, r := range whole.Text {
		switch {
		case r == '\n' || r == '\r':
			folded.WriteByte('\n')
		case r < utf8.RuneSelf && !unseen(r):
			folded.WriteByte(byte(r))
		default:
			folded.WriteString(fold(string(r)))
		}
		for len(from) < folded.Len() {
			from = append(from, at)
		}
		at += int32(max(1, utf16.RuneLen(r)))
	}
	return folded.String(), from, nil
}

// box is what a run of characters covers; seen is false where it is not on the
// displayed part of the page.
func (g *page) box(text references.FPDF_TEXTPAGE, run []int32) (h Hit, seen bool, err error) {
	l, t, r, b := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, i := range run {
		at, err := g.d.p.FPDFText_GetCharIndexFromTextIndex(&requests.FPDFText_GetCharIndexFromTextIndex{TextPage: text, NTextIndex: int(i)})
		if err != nil {
			return h, false, fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
		}
		c, err := g.d.p.FPDFText_GetCharBox(&requests.FPDFText_GetCharBox{TextPage: text, Index: at.CharIndex})
		if err != nil {
			return h, false, fmt.Errorf("%w: page %d: %w", ErrDocument, g.number, err)
		}
		for _, corner := range [][2]float64{{c.Left, c.Top}, {c.Right, c.Bottom}} {
			x, y, err := g.shown(corner[0], corner[1])
			if err != nil {
				return h, false, err
			}
			l, t, r, b = min(l, x), min(t, y), max(r, x), max(b, y)
		}
	}
	h = Hit{Page: g.number, X: l, Y: t, W: r - l, H: b - t}
	x, y := h.X+h.W/2, h.Y+h.H/2
	return h, x >= 0 && y >= 0 && x <= g.w && y <= g.h, nil
}

// once drops what stands where one before it stands.
func once(sorted []Hit) []Hit {
	var out []Hit
	for _, h := range sorted {
		same := false
		for i := len(out) - 1; i >= 0 && h.Y-out[i].Y < sameSpot && !same; i-- {
			same = math.Abs(h.X-out[i].X) < sameSpot
		}
		if !same {
			out = append(out, h)
		}
	}
	return out
}
