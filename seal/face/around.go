package face

import "math"

// Measures of round and oval faces, as shares of the lesser diameter. Seals of
// agencies are 42 mm with an edge of 1.2 mm and a star of 14 mm (国发〔1999〕25号);
// the rest is what makes printed seals look as they do.
const (
	edgeShare  = 0.027
	innerGap   = 0.013 // between two borders
	innerLine  = 0.007
	airShare   = 0.022 // between the border and the characters
	starShare  = 0.172 // its radius
	nameShare  = 0.150 // height of the characters around
	lineShare  = 0.108 // height of the second line below a star
	aloneShare = 0.130 // and without one
	loneRise   = 0.3   // of such a line over the middle
	codeShare  = 0.034 // height of the code's digits
	slimmest   = 2.1   // height of a character over its width
	widest     = 290.  // degrees that a name goes around at most
	widestOver = 236.  // with a second line below it
)

// around lays out a round or oval face: the name from left to right along the upper
// edge, the star, the second line below it, the code along the lower edge.
func (d *drawing) around(s Spec) error {
	least, c := min(d.w, d.h), point{d.w / 2, d.h / 2}
	in := d.border(c, least, s.Borders) + airShare*least
	outer := ring{c, d.w/2 - in, d.h/2 - in}
	free := widest
	if s.Code != "" {
		taken, err := d.code(s.Code, outer, least)
		if err != nil {
			return err
		}
		free = min(free, 360-taken-20)
	}
	if s.Second != "" {
		free = min(free, widestOver)
	}
	if err := d.name(s.Name, outer, free, nameShare*least); err != nil {
		return err
	}
	radius := 0.
	if s.Centre == Star {
		radius = starShare * least
		d.ink.star(c, radius)
	}
	if s.Second == "" {
		return nil
	}
	return d.second(s.Second, outer, radius, least)
}

// border draws one or two rings and gives how far they reach in.
func (d *drawing) border(c point, least float64, n int) float64 {
	band := func(from, to float64) {
		d.ink.ellipse(c, d.w/2-from, d.h/2-from, false)
		d.ink.ellipse(c, d.w/2-to, d.h/2-to, true)
	}
	in := edgeShare * least
	band(0, in)
	if n == 2 {
		from := in + innerGap*least
		in = from + innerLine*least
		band(from, in)
	}
	return in
}

// name goes around as far as its characters need: four take less than half of the
// circle, many as much as is free. Where they would become too slim they become
// lower as well.
func (d *drawing) name(text string, outer ring, free, height float64) error {
	all, err := glyphs(text)
	if err != nil {
		return err
	}
	sum := shares(all)
	extent := free * (1 - math.Exp(-sum/6)) / 360
	pitch := func(h float64) float64 { return extent * outer.within(h).perimeter() / sum }
	if slim := func(h float64) bool { return h > slimmest*fill*pitch(h) }; slim(height) {
		low, high := 0., height
		for range 40 {
			if half := (low + high) / 2; slim(half) {
				high = half
			} else {
				low = half
			}
		}
		height = low
	}
	foot, step := outer.within(height), pitch(height)
	if fill*step < minCellMM {
		return refused("its name has %d characters, too many for a face of %.0f mm", len(all), min(d.w, d.h))
	}
	walk, at := foot.walk(), -step*sum/2
	for _, g := range all {
		at += step * g.share / 2
		p, up := walk.at(at)
		d.put(g, min(fill*step, height)*g.share, height, p, up)
		at += step * g.share / 2
	}
	return nil
}

// code sets digits along the lower edge, upright to who reads them there, and gives
// the degrees that they take.
func (d *drawing) code(digits string, outer ring, least float64) (float64, error) {
	all, err := glyphs(digits)
	if err != nil {
		return 0, err
	}
	const slender, apart = 0.6, 1.5 // width over height, pitch over width
	height := codeShare * least
	step := height * slender * apart
	walk, half := outer.walk(), outer.perimeter()/2
	at := step * float64(len(all)-1) / 2
	for _, g := range all {
		foot, out := walk.at(half + at)
		d.put(g, height*slender, height, foot, point{-out.x, -out.y})
		at -= step
	}
	return step * float64(len(all)) / outer.perimeter() * 360, nil
}

// second sets the line below the star, as wide as the characters around leave room.
func (d *drawing) second(text string, outer ring, star, least float64) error {
	all, err := glyphs(text)
	if err != nil {
		return err
	}
	air, height := airShare*least, aloneShare*least
	top := outer.c.y - height*loneRise // there is more room below the middle, where no name is
	if star > 0 {
		top, height = outer.c.y+star*math.Cos(math.Pi/5)+1.6*air, lineShare*least
	}
	bottom := top + height
	rise := (bottom - outer.c.y) / outer.b
	half := outer.a*math.Sqrt(max(0, 1-rise*rise)) - air
	for _, c := range d.cells {
		if _, low := c.height(); low < top-air {
			continue
		}
		if high, _ := c.height(); high < bottom+air {
			half = min(half, c.nearest(outer.c.x)-1.5*air)
		}
	}
	return d.line(all, outer.c.x, bottom, 2*half, height)
}

func (c cell) height() (high, low float64) {
	return min(c[0].y, c[1].y, c[2].y, c[3].y), max(c[0].y, c[1].y, c[2].y, c[3].y)
}

// nearest is how near a cell comes to an upright line.
func (c cell) nearest(x float64) float64 {
	n := math.Inf(1)
	for _, p := range c {
		n = min(n, math.Abs(p.x-x))
	}
	return n
}
