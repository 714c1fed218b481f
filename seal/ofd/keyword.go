package ofd

import (
	"cmp"
	"math"
	"slices"
	"unicode"
)

// Found is where a keyword stands: its page, from 1, and its middle in millimetres
// from the top left of the page.
type Found struct {
	Page int
	X, Y float64
}

const (
	// maxFound bounds what one keyword comes to: "的" on every line of a book.
	maxFound = 1_000
	// maxSeen bounds what one page comes to before places that are one are told apart,
	// for which each is held against its neighbours.
	maxSeen = 4 * maxFound
	// A text that begins so many sizes behind the end of another on the same line goes
	// on with it. Producers cut lines into objects at any place, some after each
	// character.
	maxGap, maxOverlap = 1.0, 0.5
	// sameLine is how far two baselines of one line may differ, in sizes.
	sameLine = 0.25
	// sameSpot: a text printed twice, to look bold, is one.
	sameSpot = 0.5 // mm
)

// keywordOf leaves out white space, as a page's text is read: names and titles are
// set with spaces between their characters to fill a line.
func keywordOf(text string) []rune {
	return slices.DeleteFunc([]rune(text), unicode.IsSpace)
}

// find gives the middles of a keyword on one page, from top to bottom and from left
// to right.
func find(objects []textObject, word []rune) ([]Found, error) {
	var found []Found
	add := func(glyphs []glyph, at int) {
		e := nothing
		for _, g := range glyphs[at : at+len(word)] {
			e = e.union(g.extent)
		}
		x, y := e.middle()
		found = append(found, Found{X: x, Y: y})
	}
	for _, o := range objects {
		for _, i := range matches(o.glyphs, word) {
			add(o.glyphs, i)
		}
	}
	for _, l := range lines(objects) {
		for _, i := range matches(l.glyphs, word) {
			if l.spans(i, len(word)) {
				add(l.glyphs, i)
			}
		}
	}
	if len(found) > maxSeen {
		return nil, tooLarge("the keyword stands in more than %d places", maxFound)
	}
	slices.SortStableFunc(found, func(a, b Found) int { return cmp.Or(cmp.Compare(a.Y, b.Y), cmp.Compare(a.X, b.X)) })
	return once(found), nil
}

// once drops what stands where one before it stands.
func once(sorted []Found) []Found {
	var out []Found
	for _, f := range sorted {
		same := false
		for i := len(out) - 1; i >= 0 && f.Y-out[i].Y < sameSpot && !same; i-- {
			same = math.Abs(f.X-out[i].X) < sameSpot
		}
		if !same {
			out = append(out, f)
		}
	}
	return out
}

// matches finds a word that does not overlap itself, by Knuth, Morris and Pratt: a
// page of one repeated character must not cost its square.
func matches(text []glyph, word []rune) []int {
	if len(word) == 0 || len(text) < len(word) {
		return nil
	}
	fall := make([]int, len(word))
	for i, k := 1, 0; i < len(word); i++ {
		for k > 0 && word[i] != word[k] {
			k = fall[k-1]
		}
		if word[i] == word[k] {
			k++
		}
		fall[i] = k
	}
	var out []int
	k := 0
	for i, g := range text {
		for k > 0 && g.char != word[k] {
			k = fall[k-1]
		}
		if g.char == word[k] {
			k++
		}
		if k == len(word) {
			out, k = append(out, i+1-k), 0
		}
	}
	return out
}

// line is the text of several objects that a reader sees as one.
type line struct {
	glyphs []glyph
	starts []int // where each object's glyphs begin
}

// spans tells whether glyphs of more than one object are among the n from i on; the
// others were found in their object.
func (l line) spans(i, n int) bool {
	next, _ := slices.BinarySearch(l.starts, i+1)
	return next < len(l.starts) && l.starts[next] < i+n
}

// lines joins upright texts that stand side by side.
func lines(objects []textObject) []line {
	var upright []textObject
	for _, o := range objects {
		if o.upright {
			upright = append(upright, o)
		}
	}
	slices.SortStableFunc(upright, func(a, b textObject) int { return cmp.Compare(a.baseline, b.baseline) })
	var out []line
	for from := 0; from < len(upright); {
		to := from + 1
		for to < len(upright) && upright[to].baseline-upright[from].baseline <= sameLine*upright[from].size {
			to++
		}
		out = join(out, upright[from:to])
		from = to
	}
	return out
}

// join makes lines of the texts that stand on one baseline.
func join(out []line, row []textObject) []line {
	slices.SortStableFunc(row, func(a, b textObject) int { return cmp.Compare(a.glyphs[0].left, b.glyphs[0].left) })
	var now line
	var end, size float64
	for _, o := range row {
		gap := o.glyphs[0].left - end
		if len(now.glyphs) > 0 && (gap > maxGap*size || gap < -maxOverlap*size) {
			out, now = keep(out, now), line{}
		}
		now.starts = append(now.starts, len(now.glyphs))
		now.glyphs = append(now.glyphs, o.glyphs...)
		end, size = o.glyphs[len(o.glyphs)-1].right, o.size
	}
	return keep(out, now)
}

func keep(out []line, l line) []line {
	if len(l.starts) > 1 {
		out = append(out, l)
	}
	return out
}
