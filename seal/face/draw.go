package face

// drawing is a face in millimetres from its top left.
type drawing struct {
	w, h  float64
	ink   path
	heavy bool
	cells []cell // where the characters are, for what is laid out after them, and for tests
}

// cell is the place of a character: its corners from the top left, clockwise, as the
// character sees them.
type cell [4]point

// boldness is by how much of the width of its cell a bold character's edges move out.
const boldness = 0.016

// put draws a character of w by h: up is the direction of its top, foot the middle of
// its lower edge.
func (d *drawing) put(g glyph, w, h float64, foot, up point) {
	m := affine{-up.y, up.x, -up.x, -up.y, foot.x, foot.y} // turned, standing on the foot
	box := func(l, t, r, b float64) affine {
		return affine{m.a * (r - l), m.b * (r - l), m.c * (b - t), m.d * (b - t), m.a*l + m.c*t + m.e, m.b*l + m.d*t + m.f}
	}
	whole := box(-w/2, -h, w/2, 0)
	d.cells = append(d.cells, cell{whole.of(point{0, 0}), whole.of(point{1, 0}), whole.of(point{1, 1}), whole.of(point{0, 1})})
	grow := 0.0
	if d.heavy {
		grow = boldness * min(w, h)
	}
	from := len(d.ink)
	d.ink = append(d.ink, g.path...)
	ink := d.ink[from:]
	ink.transform(box(-w/2+grow, -h+grow, w/2-grow, -grow))
	if d.heavy {
		ink.embolden(grow)
	}
}

// line draws characters side by side, all within width and of one height, its lower
// edge at y. They are no wider than high.
func (d *drawing) line(all []glyph, middle, y, width, height float64) error {
	unit := min(width/shares(all), height)
	if unit < minCellMM {
		return refused("the second line has %d characters, and room for them in %.1f mm", len(all), width)
	}
	x := middle - unit*shares(all)/2
	for _, g := range all {
		w := g.share * unit
		d.put(g, w*fill, height, point{x + w/2, y}, point{0, -1})
		x += w
	}
	return nil
}

// fill is how much of its place a character takes; the rest is space.
const fill = 0.9

func shares(all []glyph) (n float64) {
	for _, g := range all {
		n += g.share
	}
	return n
}

// lay draws what a spec says.
func (s Spec) lay() (*drawing, error) {
	s, err := s.complete()
	if err != nil {
		return nil, err
	}
	d := &drawing{w: float64(s.WidthMM), h: float64(s.HeightMM), heavy: s.Weight == Bold}
	if s.Shape == Round || s.Shape == Oval {
		return d, d.around(s)
	}
	return d, d.grid(s)
}
