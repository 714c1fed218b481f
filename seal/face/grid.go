package face

import "math"

// Measures of square faces, as shares of the lesser side.
const (
	frameShare = 0.042
	frameAir   = 0.040
	cellAir    = 0.06 // of a cell
	tallest    = 2.2  // height of a character over its width, and the other way round
	slender    = 1.1  // and what is aimed at
)

// grid lays out a square face in rows from left to right, or a person's in columns
// from right to left, as each has been cut for long.
func (d *drawing) grid(s Spec) error {
	least := min(d.w, d.h)
	in := frameShare * least
	d.ink.rectangle(d.w, d.h, 0, false)
	d.ink.rectangle(d.w, d.h, in, true)
	if s.Borders == 2 {
		from := in + innerGap*2*least
		in = from + innerLine*2*least
		d.ink.rectangle(d.w, d.h, from, false)
		d.ink.rectangle(d.w, d.h, in, true)
	}
	in += frameAir * least
	room := area{in, in, d.w - 2*in, d.h - 2*in}
	if s.Shape == Person {
		return d.columns(s.Name+s.Suffix, room)
	}
	return d.rows(s.Name, s.Second, room)
}

type area struct{ x, y, w, h float64 }

// columns of a person's name; one with fewer characters stands to the right, which
// for three of them gives the surname the whole height.
func (d *drawing) columns(text string, room area) error {
	all, err := glyphs(text)
	if err != nil {
		return err
	}
	n, off := 1, math.Inf(1)
	for k := 1; k <= len(all); k++ {
		if o := misshape(split(all, k, false), room.h, room.w/float64(k), slender); o < off {
			n, off = k, o
		}
	}
	w := room.w / float64(n)
	for i, column := range split(all, n, false) {
		y := room.y
		for k := range column {
			column[k].uprightShare()
		}
		unit := room.h / shares(column)
		for _, g := range column {
			h := g.share * unit
			if err := d.cell(g, area{room.x + room.w - float64(i+1)*w, y, w, h}); err != nil {
				return err
			}
			y += h
		}
	}
	return nil
}

// rows of a name, and below them of a second line.
func (d *drawing) rows(name, second string, room area) error {
	all, err := glyphs(name)
	if err != nil {
		return err
	}
	last, err := glyphs(second)
	if err != nil {
		return err
	}
	var lines [][]glyph
	off := math.Inf(1)
	for above := 1; above <= len(all); above++ {
		for below := min(1, len(last)); below <= len(last); below++ {
			try := append(split(all, above, true), split(last, below, true)...)
			if o := misshape(try, room.w, room.h/float64(len(try)), 1/slender); o < off {
				lines, off = try, o
			}
		}
	}
	h := room.h / float64(len(lines))
	for i, line := range lines {
		unit, x := room.w/shares(line), room.x
		for _, g := range line {
			if err := d.cell(g, area{x, room.y + float64(i)*h, g.share * unit, h}); err != nil {
				return err
			}
			x += g.share * unit
		}
	}
	return nil
}

// misshape tells how far the places that characters get in lines of a length, so much
// apart, are from what they should be; aim is how wide for its height a row's is.
func misshape(lines [][]glyph, length, apart, aim float64) (sum float64) {
	for _, line := range lines {
		out := math.Log(length / float64(len(line)) / apart / aim)
		sum += out * out * float64(len(line))
	}
	return sum
}

// split divides into n parts as equal as can be, the longer ones first or last.
func split(all []glyph, n int, longFirst bool) [][]glyph {
	var parts [][]glyph
	for i := range n {
		size := len(all) / (n - i)
		if longFirst {
			size = (len(all) + n - i - 1) / (n - i)
		}
		parts = append(parts, all[:size])
		all = all[size:]
	}
	return parts
}

// uprightShare makes a glyph's share that of a column's height, where letters are as
// high as characters, and a dot is as low as it is narrow.
func (g *glyph) uprightShare() {
	if g.dot {
		g.path.transform(affine{a: 1, d: 1 / g.share, f: 0.5 - 0.5/g.share})
		return
	}
	g.share = 1
}

// cell draws a character into its place, not more than tallest out of shape; a dot
// stays round.
func (d *drawing) cell(g glyph, a area) error {
	air := 2 * cellAir * min(a.w, a.h)
	w, h := a.w-air, a.h-air
	if least := minCellMM * min(g.share, 1); w < least || h < least {
		return refused("its text is too long for a face of %.0f by %.0f mm", d.w, d.h)
	}
	w, h = min(w, tallest*h), min(h, tallest*w)
	if g.dot {
		w, h = min(w, h), min(w, h)
	}
	d.put(g, w, h, point{a.x + a.w/2, a.y + a.h/2 + h/2}, point{0, -1})
	return nil
}
