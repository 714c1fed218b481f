package ofd

import (
	"math"
	"strings"
	"unicode"
)

// maxGlyphs bounds the text of one page, its templates included: a page of a book
// has two thousand.
const maxGlyphs = 200_000

// ascent and descent of a character's square, in its size, as fonts for Chinese have
// them. The font itself is not opened: a keyword's middle is needed, not its ink.
const (
	ascent  = 0.88
	descent = 0.12
)

// glyph is one character and the square it fills on the page.
type glyph struct {
	char rune
	extent
}

// textObject is the text of one TextObject, white space left out.
type textObject struct {
	glyphs   []glyph
	upright  bool
	baseline float64 // of its first glyph, where it stands upright
	size     float64 // of its characters on the page
}

// textReader takes the text objects of a page or template out of a walk.
type textReader struct {
	out       []textObject
	room      int // glyphs that may still come
	open      bool
	left, top float64
	ctm       matrix
	size      float64
	hscale    float64
	turn      float64 // of each character, in degrees
	x, y      float64 // where the TextCode at hand begins
	dx, dy    string
	code      strings.Builder
	now       textObject
}

// shown tells whether what lies at a path is drawn on the page: in a layer, or in
// blocks in it. A text in a clip or a pattern is none of the page's.
func shown(path []string) bool {
	if len(path) < 3 || !at(path[:3], "Page", "Content", "Layer") {
		return false
	}
	for _, n := range path[3:] {
		if n != "PageBlock" {
			return false
		}
	}
	return true
}

func (r *textReader) visitor() visitor {
	return visitor{
		start: func(path []string, attr func(string) string) error {
			last := len(path) - 1
			switch {
			case path[last] == "TextObject" && shown(path[:last]):
				return r.object(attr)
			case path[last] == "TextCode" && path[last-1] == "TextObject" && r.open:
				return r.textCode(attr)
			}
			return nil
		},
		text: func(path []string, b []byte) error {
			if r.open && path[len(path)-1] == "TextCode" {
				r.code.Write(b)
			}
			return nil
		},
		end: func(path []string) error {
			if !r.open {
				return nil
			}
			switch path[len(path)-1] {
			case "TextCode":
				return r.endCode()
			case "TextObject":
				if r.open = false; len(r.now.glyphs) > 0 {
					r.out = append(r.out, r.now)
				}
			}
			return nil
		},
	}
}

func (r *textReader) object(attr func(string) string) (err error) {
	if attr("Visible") == "false" {
		return nil
	}
	r.open, r.now, r.x, r.y, r.hscale, r.turn = true, textObject{}, 0, 0, 1, 0
	// The box of a text may be empty: what counts is where it begins.
	corner, err := numbers(attr("Boundary"), 4)
	if err != nil {
		return err
	}
	r.left, r.top = corner[0], corner[1]
	if r.ctm, err = readMatrix(attr("CTM")); err != nil {
		return err
	}
	for _, a := range []struct {
		name string
		to   *float64
	}{{"Size", &r.size}, {"HScale", &r.hscale}, {"CharDirection", &r.turn}} {
		text := attr(a.name)
		if text == "" && a.to != &r.size {
			continue
		}
		if *a.to, err = number(text); err != nil {
			return err
		}
	}
	r.now.upright = r.ctm.upright() && r.turn == 0
	r.now.size = r.size * math.Hypot(r.ctm[2], r.ctm[3])
	return nil
}

// textCode: without X or Y a TextCode begins where the one before it began.
func (r *textReader) textCode(attr func(string) string) (err error) {
	r.code.Reset()
	if s := attr("X"); s != "" {
		if r.x, err = number(s); err != nil {
			return err
		}
	}
	if s := attr("Y"); s != "" {
		if r.y, err = number(s); err != nil {
			return err
		}
	}
	r.dx, r.dy = attr("DeltaX"), attr("DeltaY")
	return nil
}

func (r *textReader) endCode() error {
	// Line breaks around it are of the file, not of the text.
	chars := []rune(strings.Trim(r.code.String(), "\r\n\t"))
	if r.room -= len(chars); r.room < 0 {
		return tooLarge("a page of more than %d characters", maxGlyphs)
	}
	dx, err := deltas(r.dx, len(chars))
	if err != nil {
		return err
	}
	dy, err := deltas(r.dy, len(chars))
	if err != nil {
		return err
	}
	x, y := r.x, r.y
	for i, c := range chars {
		if i > 0 {
			x, y = x+step(dx, i-1), y+step(dy, i-1)
		}
		if !unicode.IsSpace(c) {
			r.glyph(c, x, y)
		}
	}
	return nil
}

// step is the way from glyph i to the next. Where the offsets run out readers of the
// field go on with the last; where there are none, glyphs stand on each other
// (GB/T 33190 11.3).
func step(d []float64, i int) float64 {
	switch {
	case len(d) == 0:
		return 0
	case i < len(d):
		return d[i]
	}
	return d[len(d)-1]
}

// glyph adds a character whose origin is x, y of the object's space.
func (r *textReader) glyph(c rune, x, y float64) {
	width := r.size * r.hscale
	if c < 0x2e80 { // Latin and the like take about half a square
		width /= 2
	}
	sin, cos := math.Sincos(r.turn * math.Pi / 180)
	e := nothing
	for _, corner := range [4][2]float64{{0, -ascent * r.size}, {width, -ascent * r.size}, {0, descent * r.size}, {width, descent * r.size}} {
		px, py := r.ctm.apply(x+corner[0]*cos-corner[1]*sin, y+corner[0]*sin+corner[1]*cos)
		e = e.with(r.left+px, r.top+py)
	}
	if len(r.now.glyphs) == 0 {
		_, base := r.ctm.apply(x, y)
		r.now.baseline = r.top + base
	}
	r.now.glyphs = append(r.now.glyphs, glyph{c, e})
}
