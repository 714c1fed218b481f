// Package face draws the picture of a seal: Draw and SVG make what a Spec says,
// Default a plain ring with a star; Check looks at an uploaded picture before it may
// become a seal's. Cut divides a picture among the pages that it rides on.
package face

import (
	"fmt"
	"image/color"
	"math"
)

// Seal red (印泥红), as printed seals have it.
var red = color.NRGBA{R: 0xc8, G: 0x10, B: 0x18, A: 0xff}

// Default draws a round face of a diameter in millimetres at a resolution, without a
// name: what an upload may be, for tests. No seal is made with it unasked.
func Default(mm float64, dpi int) ([]byte, error) {
	side := int(math.Round(mm / 25.4 * float64(dpi)))
	if side < minPixels || side*side > MaxPixels {
		return nil, fmt.Errorf("a face of %g mm at %d dpi is too small or too large", mm, dpi)
	}
	d := &drawing{w: mm, h: mm}
	c := point{mm / 2, mm / 2}
	d.ink.ellipse(c, mm*0.495, mm*0.495, false)
	d.ink.ellipse(c, mm*0.465, mm*0.465, true)
	d.ink.star(c, mm*0.18)
	return encodeInk(d.mask(float64(dpi)), red, mm, mm)
}

// Usual is the face of a seal that came without a picture and without a spec: round
// with the seal's name around a star, oval where the seal is wider than high. A name
// that cannot be drawn is refused: a seal that shows no name is nobody's.
func Usual(name string, widthMM, heightMM int) ([]byte, error) {
	s := Spec{Shape: Round, Name: name, WidthMM: widthMM, HeightMM: heightMM}
	if widthMM > heightMM {
		s.Shape, s.Centre = Oval, Star
	}
	return Draw(s)
}
