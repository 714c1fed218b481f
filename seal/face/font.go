package face

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// packed is a part of Droid Sans Fallback (font/README.md).
//
//go:embed font/DroidSansFallback-subset.ttf.gz
var packed []byte

//go:embed font/LICENSE
var licence string

// FontLicence is the text that goes where the font goes (Apache License 2.0, 4).
func FontLicence() string {
	return "Droid Sans Fallback, (c) 2006-2010 Google Corp., reduced to the characters of seals.\n\n" + licence
}

// typeface parses the font when the first face is drawn.
var typeface = sync.OnceValues(func() (*sfnt.Font, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return sfnt.Parse(raw)
})

// The box that the ink of the font's characters fills, of 256 units an em: no
// Chinese character leaves it.
const (
	emUnits   = 256
	inkLeft   = 4
	inkRight  = 252
	inkTop    = 213 // above the baseline
	inkBottom = -31
)

// form is the character by which the font draws another: it has digits, letters and
// brackets in their full width alone, and one dot for names.
func form(r rune) rune {
	switch {
	case r > ' ' && r <= '~':
		return r - '!' + '！'
	case r == '·' || r == '•' || r == '‧':
		return '・'
	}
	return r
}

// Missing gives the characters of a text that the font lacks, each once.
func Missing(text string) []rune {
	f, err := typeface()
	var lacking []rune
	var b sfnt.Buffer
	for _, r := range text {
		if err == nil {
			if i, err := f.GlyphIndex(&b, form(r)); err == nil && i != 0 {
				continue
			}
		}
		if !strings.ContainsRune(string(lacking), r) {
			lacking = append(lacking, r)
		}
	}
	return lacking
}

func quotedRunes(all []rune) string {
	var b strings.Builder
	for i, r := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%c (U+%04X)", r, r)
	}
	return b.String()
}

// glyph is a character's outline in its own box: x from 0 to 1 from the left, y from
// 0 to 1 from the top.
type glyph struct {
	path  path
	share float64 // of a Chinese character's width
	dot   bool    // between the parts of a name
}

// The shares of digits, letters and brackets, and of the dot within a name.
const (
	narrow   = 0.62
	dotShare = 0.4
)

// glyphs loads the characters of a text; a sfnt.Buffer serves one goroutine.
func glyphs(text string) ([]glyph, error) {
	f, err := typeface()
	if err != nil {
		return nil, err
	}
	var b sfnt.Buffer
	var all []glyph
	for _, r := range text {
		i, err := f.GlyphIndex(&b, form(r))
		if err != nil || i == 0 {
			return nil, fmt.Errorf("%w: %s", ErrGlyph, quotedRunes([]rune{r}))
		}
		segments, err := f.LoadGlyph(&b, i, fixed.I(emUnits), nil)
		if err != nil {
			return nil, err
		}
		g := glyph{path: fromSegments(segments), share: 1}
		left, right := float64(inkLeft), float64(inkRight)
		if !unicode.Is(unicode.Han, r) {
			left, right = g.path.sides()
			g.share = narrow
			if g.dot = form(r) == '・'; g.dot {
				g.share = dotShare
			}
			// A dot or a stroke is not drawn out to the width of a letter.
			if least := g.share * (inkRight - inkLeft) * 0.75; right-left < least {
				middle := (left + right) / 2
				left, right = middle-least/2, middle+least/2
			}
		}
		g.path.transform(affine{a: 1 / (right - left), e: -left / (right - left), d: 1. / (inkTop - inkBottom), f: float64(inkTop) / (inkTop - inkBottom)})
		all = append(all, g)
	}
	return all, nil
}
