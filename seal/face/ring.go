package face

import "math"

// ring is an ellipse that characters stand on.
type ring struct {
	c    point
	a, b float64
}

func (r ring) within(d float64) ring { return ring{r.c, r.a - d, r.b - d} }

// perimeter by Ramanujan's second formula, exact to a hundred thousandth where an
// axis is at most twice the other.
func (r ring) perimeter() float64 {
	h := (r.a - r.b) * (r.a - r.b) / ((r.a + r.b) * (r.a + r.b))
	return math.Pi * (r.a + r.b) * (1 + 3*h/(10+math.Sqrt(4-3*h)))
}

// walk measures a ring by the length of its edge: equal steps of angle would crowd
// the characters at an oval's ends.
type walk struct {
	r      ring
	length [walkSteps + 1]float64 // of the edge from the top, for each step of a half turn
}

const walkSteps = 512

func (r ring) walk() *walk {
	w := &walk{r: r}
	for i := range walkSteps {
		t := (float64(i) + 0.5) * math.Pi / walkSteps
		w.length[i+1] = w.length[i] + math.Hypot(r.a*math.Cos(t), r.b*math.Sin(t))*math.Pi/walkSteps
	}
	return w
}

// at gives the point s along the edge from the top, clockwise, and the direction out
// of the ring there. Left and right are mirror images.
func (w *walk) at(s float64) (p, out point) {
	side := 1.
	if whole := 2 * w.length[walkSteps]; s > whole/2 {
		s -= whole
	}
	if s < 0 {
		s, side = -s, -1
	}
	low, high := 0, walkSteps
	for high-low > 1 {
		if half := (low + high) / 2; w.length[half] <= s {
			low = half
		} else {
			high = half
		}
	}
	t := (float64(low) + (s-w.length[low])/(w.length[high]-w.length[low])) * math.Pi / walkSteps
	sin, cos := math.Sincos(t)
	n := math.Hypot(w.r.b*sin, w.r.a*cos)
	return point{w.r.c.x + side*w.r.a*sin, w.r.c.y - w.r.b*cos}, point{side * w.r.b * sin / n, -w.r.a * cos / n}
}
