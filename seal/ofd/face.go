package ofd

import (
	"math"
	"slices"
)

// What a seal may lose in being shown.
const (
	minScale, maxScale = 0.5, 2.0 // of its size; beyond, it is not the seal that its maker made
	maxSqueeze         = 0.05     // by which width and height may be scaled apart
	slack              = 0.02     // of the face: slices are rounded to hundredths of a millimetre
)

// ShowsFace tells whether the pages show the whole face of a seal of so many
// millimetres. The picture is the seal's own (SealFile apart), so what can lie is
// its place: a Boundary off the page or of no size, a Clip that hides a part. Slices
// of a riding seal must make up the whole face together. known is false where there
// is nothing shown, or in a size that is not the seal's.
func (s *Stamp) ShowsFace(width, height int) (ok, known bool) {
	if len(s.Annots) == 0 || width <= 0 || height <= 0 {
		return false, false
	}
	var seen []box // parts of the face, as fractions of it
	for i := range s.Annots {
		a := &s.Annots[i]
		part, visible := a.visible()
		if !visible {
			return false, true
		}
		x, y := a.W/float64(width), a.H/float64(height)
		if x < minScale || x > maxScale || y < minScale || y > maxScale || math.Abs(x/y-1) > maxSqueeze {
			return false, false
		}
		seen = append(seen, part)
	}
	return coversFace(seen), true
}

// visible is the part of the face that is on the page, as a fraction of it.
func (a *Annot) visible() (box, bool) {
	if a.bad || a.Page == 0 {
		return box{}, false
	}
	shown := box{0, 0, a.W, a.H}
	if a.Clip != nil {
		shown = shown.meet(box{a.Clip.X, a.Clip.Y, a.Clip.W, a.Clip.H})
	}
	if a.paper.w > 0 && a.paper.h > 0 {
		shown = shown.meet(box{-a.X, -a.Y, a.paper.w, a.paper.h})
	}
	part := box{shown.x / a.W, shown.y / a.H, shown.w / a.W, shown.h / a.H}
	return part, shown.w > 0 && shown.h > 0
}

// meet is what two boxes share; its width or height is not above 0 for nothing.
func (b box) meet(c box) box {
	x, y := max(b.x, c.x), max(b.y, c.y)
	return box{x, y, min(b.x+b.w, c.x+c.w) - x, min(b.y+b.h, c.y+c.h) - y}
}

// coversFace tells whether boxes cover the unit square, up to slack: column by
// column between the edges of all of them.
func coversFace(parts []box) bool {
	edges := []float64{0, 1}
	for _, b := range parts {
		edges = append(edges, b.x, b.x+b.w)
	}
	slices.Sort(edges)
	slices.SortFunc(parts, func(a, b box) int {
		if a.y < b.y {
			return -1
		}
		return 1
	})
	hidden := 0.0
	for i := 1; i < len(edges); i++ {
		left, right := edges[i-1], edges[i]
		if left < 0 || right > 1 || right == left {
			continue
		}
		reached := 0.0
		for _, b := range parts {
			if b.x <= left && b.x+b.w >= right && b.y <= reached+slack {
				reached = max(reached, b.y+b.h)
			}
		}
		if reached < 1-slack {
			hidden += right - left
		}
	}
	return hidden <= slack
}
