package ofd

import (
	"math"
	"strconv"
	"strings"
)

// maxMM bounds every number of a page: beyond ten metres nothing is shown, and sums
// of larger numbers lose the tenth of a millimetre.
const maxMM = 10_000

// maxNumbers bounds an array of numbers, such as the offsets of a text's glyphs.
const maxNumbers = 100_000

// number reads one double that a page can hold.
func number(s string) (float64, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(math.Abs(f) <= maxMM) {
		return 0, malformed("%.40q is no number of a page", s)
	}
	return f, nil
}

// numbers reads an ST_Array of so many numbers.
func numbers(s string, n int) ([]float64, error) {
	fields := strings.Fields(s)
	if len(fields) != n {
		return nil, malformed("%.80q are not %d numbers", s, n)
	}
	out := make([]float64, n)
	for i, f := range fields {
		var err error
		if out[i], err = number(f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// deltas reads DeltaX or DeltaY, in which "g n d" is n times d (GB/T 33190 11.3), as
// far as glyphs need them.
func deltas(s string, most int) ([]float64, error) {
	fields := strings.Fields(s)
	if len(fields) > maxNumbers {
		return nil, tooLarge("%d offsets of glyphs", len(fields))
	}
	var out []float64
	for len(fields) > 0 && len(out) < most {
		times := 1
		if fields[0] == "g" {
			if len(fields) < 3 {
				return nil, malformed("%.80q ends within a group", s)
			}
			n, err := strconv.Atoi(fields[1])
			if err != nil || n < 0 || n > maxNumbers {
				return nil, malformed("a group of %.20q offsets", fields[1])
			}
			times, fields = n, fields[2:]
		}
		d, err := number(fields[0])
		if err != nil {
			return nil, err
		}
		for range min(times, most-len(out)) {
			out = append(out, d)
		}
		fields = fields[1:]
	}
	return out, nil
}

// matrix is a CTM: x' = ax + cy + e, y' = bx + dy + f.
type matrix [6]float64

var identity = matrix{1, 0, 0, 1, 0, 0}

func (m matrix) apply(x, y float64) (float64, float64) {
	return m[0]*x + m[2]*y + m[4], m[1]*x + m[3]*y + m[5]
}

// upright tells whether a text under it stands as it is read.
func (m matrix) upright() bool { return m[1] == 0 && m[2] == 0 && m[0] > 0 && m[3] > 0 }

func readMatrix(s string) (matrix, error) {
	if s == "" {
		return identity, nil
	}
	n, err := numbers(s, 6)
	if err != nil {
		return identity, err
	}
	return matrix(n), nil
}

// extent is a growing bounding box.
type extent struct{ left, top, right, bottom float64 }

var nothing = extent{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}

func (e extent) with(x, y float64) extent {
	return extent{min(e.left, x), min(e.top, y), max(e.right, x), max(e.bottom, y)}
}

func (e extent) union(o extent) extent { return e.with(o.left, o.top).with(o.right, o.bottom) }

func (e extent) middle() (x, y float64) { return (e.left + e.right) / 2, (e.top + e.bottom) / 2 }
