package face

import (
	"math"

	"golang.org/x/image/font/sfnt"
)

type point struct{ x, y float64 }

// segment is a step of a contour: a move, a line, a quadratic or a cubic curve. Its
// last point is p[n-1].
type segment struct {
	n uint8 // points; 0 for a move, which has one
	p [3]point
}

// path is ink: closed contours with the ink on their right, y growing downwards. So
// an outer contour runs clockwise, as TrueType has it, and a hole against it; shapes
// do not overlap, or even-odd and non-zero readers would see different seals.
type path []segment

func (p *path) move(a point)        { *p = append(*p, segment{0, [3]point{a}}) }
func (p *path) line(a point)        { *p = append(*p, segment{1, [3]point{a}}) }
func (p *path) cubic(a, b, c point) { *p = append(*p, segment{3, [3]point{a, b, c}}) }

func (s *segment) points() []point { return s.p[:max(1, s.n)] }

var pointsOf = [...]uint8{sfnt.SegmentOpMoveTo: 0, sfnt.SegmentOpLineTo: 1, sfnt.SegmentOpQuadTo: 2, sfnt.SegmentOpCubeTo: 3}

func fromSegments(all sfnt.Segments) path {
	out := make(path, len(all))
	for i, s := range all {
		out[i].n = pointsOf[s.Op]
		for k := range out[i].points() {
			out[i].p[k] = point{float64(s.Args[k].X) / 64, float64(s.Args[k].Y) / 64}
		}
	}
	return out
}

// affine maps x, y to ax+cy+e, bx+dy+f.
type affine struct{ a, b, c, d, e, f float64 }

func (m affine) of(p point) point {
	return point{m.a*p.x + m.c*p.y + m.e, m.b*p.x + m.d*p.y + m.f}
}

func (p path) transform(m affine) {
	for i := range p {
		for k := range p[i].points() {
			p[i].p[k] = m.of(p[i].p[k])
		}
	}
}

// sides are the least and the greatest x.
func (p path) sides() (left, right float64) {
	left, right = math.Inf(1), math.Inf(-1)
	for i := range p {
		for _, q := range p[i].points() {
			left, right = min(left, q.x), max(right, q.x)
		}
	}
	return left, right
}

// embolden moves every edge outwards by d. The curves' control points move with
// the corners of their polygon, which for a hundredth of a character is exact enough.
func (p path) embolden(d float64) {
	for from := 0; from < len(p); {
		to := from + 1
		for to < len(p) && p[to].n != 0 {
			to++
		}
		p[from:to].emboldenContour(d)
		from = to
	}
}

func (p path) emboldenContour(d float64) {
	var corners []point
	for i := range p {
		corners = append(corners, p[i].points()...)
	}
	moved := make([]point, len(corners))
	for i, c := range corners {
		moved[i] = c
		u, ok := direction(corners, i, -1)
		v, ok2 := direction(corners, i, 1)
		if !ok || !ok2 {
			continue // a contour of one point has no edge
		}
		u = point{-u.x, -u.y}
		// The outer side is on the left of where the contour goes. A corner moves along
		// the bisector so far that both its edges move by d, a sharp one no more than twice.
		nx, ny := u.y+v.y, -u.x-v.x
		f := d / max(1+u.x*v.x+u.y*v.y, 0.5)
		moved[i] = point{c.x + nx*f, c.y + ny*f}
	}
	k := 0
	for i := range p {
		k += copy(p[i].points(), moved[k:])
	}
}

// direction points from corner i to the next that is another point, on the side of
// step.
func direction(corners []point, i, step int) (point, bool) {
	n := len(corners)
	for k := 1; k < n; k++ {
		q := corners[((i+k*step)%n+n)%n]
		dx, dy := q.x-corners[i].x, q.y-corners[i].y
		if l := math.Hypot(dx, dy); l > 1e-6 {
			return point{dx / l, dy / l}, true
		}
	}
	return point{}, false
}

// ellipse of four cubic curves; as a hole it runs the other way.
func (p *path) ellipse(c point, a, b float64, hole bool) {
	const k = 0.5522847498 // control points of a quarter circle
	at := func(x, y float64) point {
		if hole {
			y = -y
		}
		return point{c.x + x*a, c.y + y*b}
	}
	p.move(at(1, 0))
	for _, q := range [][6]float64{{1, k, k, 1, 0, 1}, {-k, 1, -1, k, -1, 0}, {-1, -k, -k, -1, 0, -1}, {k, -1, 1, -k, 1, 0}} {
		p.cubic(at(q[0], q[1]), at(q[2], q[3]), at(q[4], q[5]))
	}
}

// rectangle with its edges d within that of w by h.
func (p *path) rectangle(w, h, d float64, hole bool) {
	corners := []point{{d, d}, {w - d, d}, {w - d, h - d}, {d, h - d}}
	if hole {
		corners[1], corners[3] = corners[3], corners[1]
	}
	p.move(corners[0])
	for _, c := range append(corners[1:], corners[0]) {
		p.line(c)
	}
}

// star is the five-pointed one, point up.
func (p *path) star(c point, radius float64) {
	const inner = 0.381966 // of a regular pentagram
	for i := range 11 {
		length := radius
		if i%2 == 1 {
			length *= inner
		}
		angle := float64(i%10)*math.Pi/5 - math.Pi/2
		at := point{c.x + length*math.Cos(angle), c.y + length*math.Sin(angle)}
		if i == 0 {
			p.move(at)
		} else {
			p.line(at)
		}
	}
}
