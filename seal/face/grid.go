package face

import "math"

// Measures of square faces, as shares of the lesser side.
const (
	frameShare = 0.042
	frameAir   = 0.040
	cellAir    = 0.06 // of a cell
	tallest    = 2.2  // height of a character over its width, and the other way round
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

// columns divides the characters so that they come out a little higher than wide; a
// column with fewer stands to the right, which for three characters gives the
// surname the whole height.
func (d *drawing) columns(text string, room area) error {
	all, err := glyphs(text)
	if err != nil {
		return err
	}
	n := best(len(all), func(n int) float64 {
		return room.h / math.Ceil(float64(len(all))/float64(n)) / (room.w / float64(n))
	})
	w := room.w / float64(n)
	for i, column := range split(all, n, false) {
		h := room.h / float64(len(column))
		for k, g := range column {
			g.share = 1
			if err := d.cell(g, area{room.x + room.w - float64(i+1)*w, room.y + float64(k)*h, w, h}); err != nil {
				return err
			}
		}
	}
	return nil
}

// rows sets the name in rows of their own above the second line.
func (d *drawing) rows(name, second string, room area) error {
	all, err := glyphs(name)
	if err != nil {
		return err
	}
	last, err := glyphs(second)
	if err != nil {
		return err
	}
	whole := float64(len(all) + len(last))
	n := best(len(all)+len(last), func(n int) float64 { return room.h / float64(n) / (room.w / math.Ceil(whole/float64(n))) })
	below := 0
	if len(last) > 0 {
		below = min(max(1, int(math.Round(float64(n)*float64(len(last))/whole))), len(last))
		n = max(1, n-below)
	}
	lines := append(split(all, min(n, len(all)), true), split(last, below, true)...)
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

// best finds the number of lines whose cells come nearest to a fifth higher than wide.
func best(most int, ratio func(n int) float64) int {
	n, off := 1, math.Inf(1)
	for k := 1; k <= most; k++ {
		if o := math.Abs(math.Log(ratio(k) / 1.2)); o < off-1e-9 {
			n, off = k, o
		}
	}
	return n
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

// cell draws a character into its place, not more than tallest out of shape.
func (d *drawing) cell(g glyph, a area) error {
	w, h := a.w-2*cellAir*min(a.w, a.h), a.h-2*cellAir*min(a.w, a.h)
	if w < minCellMM || h < minCellMM {
		return refused("its text is too long for a face of %.0f by %.0f mm", d.w, d.h)
	}
	w, h = min(w, tallest*h*g.share), min(h, tallest*w/g.share)
	d.put(g, w, h, point{a.x + a.w/2, a.y + a.h/2 + h/2}, point{0, -1})
	return nil
}
