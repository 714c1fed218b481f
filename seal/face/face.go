// Package face draws the picture of a seal: Default makes a plain one, a ring
// with a star, for a seal that came without a picture; Check looks at an
// uploaded one before it may become a seal's.
package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// Seal red (印泥红), as printed seals have it.
var red = color.NRGBA{R: 0xc8, G: 0x10, B: 0x18, A: 0xff}

// strengths of the default face's palette; 16 take four bits a pixel.
const strengths = 16

// Limits of a picture, looked at before it is decoded: a small PNG can inflate
// to gigabytes.
const (
	MaxBytes  = 1 << 20
	MaxPixels = 2000 * 2000
	minPixels = 40 // a side: below, nothing can be told from a smudge
)

// Default draws a round face of a diameter in millimetres at a resolution. Its
// palette is one colour in 16 strengths: the edges are smooth at the sizes of a
// seal, and the file, which every stamp carries and hashes, is a third of what it
// would be with 256.
func Default(mm float64, dpi int) ([]byte, error) {
	side := int(math.Round(mm / 25.4 * float64(dpi)))
	if side < minPixels || side*side > MaxPixels {
		return nil, fmt.Errorf("a face of %g mm at %d dpi is too small or too large", mm, dpi)
	}
	r := vector.NewRasterizer(side, side)
	c := float64(side) / 2
	circle(r, c, c*0.99, false)
	circle(r, c, c*0.93, true)
	star(r, c, c*0.36)
	mask := image.NewAlpha(image.Rect(0, 0, side, side))
	r.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	palette := make(color.Palette, strengths)
	for i := range palette {
		palette[i] = color.NRGBA{red.R, red.G, red.B, uint8(i * 255 / (strengths - 1))}
	}
	for i, alpha := range mask.Pix {
		mask.Pix[i] = uint8((int(alpha)*(strengths-1) + 127) / 255)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err := encoder.Encode(&out, &image.Paletted{Pix: mask.Pix, Stride: mask.Stride, Rect: mask.Rect, Palette: palette})
	return out.Bytes(), err
}

// circle of four cubic curves; reversed it cuts a hole.
func circle(r *vector.Rasterizer, c, radius float64, reversed bool) {
	const k = 0.5522847498 // control points of a quarter circle
	p := func(x, y float64) (float32, float32) {
		if reversed {
			y = -y
		}
		return float32(c + x*radius), float32(c + y*radius)
	}
	x, y := p(1, 0)
	r.MoveTo(x, y)
	for _, q := range [][6]float64{{1, k, k, 1, 0, 1}, {-k, 1, -1, k, -1, 0}, {-1, -k, -k, -1, 0, -1}, {k, -1, 1, -k, 1, 0}} {
		x1, y1 := p(q[0], q[1])
		x2, y2 := p(q[2], q[3])
		x3, y3 := p(q[4], q[5])
		r.CubeTo(x1, y1, x2, y2, x3, y3)
	}
	r.ClosePath()
}

// star is the five-pointed one, point up.
func star(r *vector.Rasterizer, c, radius float64) {
	const inner = 0.381966 // of a regular pentagram
	for i := range 10 {
		length := radius
		if i%2 == 1 {
			length *= inner
		}
		angle := float64(i)*math.Pi/5 - math.Pi/2
		x, y := float32(c+length*math.Cos(angle)), float32(c+length*math.Sin(angle))
		if i == 0 {
			r.MoveTo(x, y)
		} else {
			r.LineTo(x, y)
		}
	}
	r.ClosePath()
}

// ErrPicture: an upload that cannot be a seal's picture.
var ErrPicture = errors.New("the picture cannot be a seal's")

// Info is what Check found.
type Info struct{ Width, Height int } // pixels

// allowed are the chunks that make up a picture, and how long each may be (PNG 3,
// clause 11). Text, time and EXIF chunks could carry personal data into every
// document that is sealed, and so could a chunk longer than its kind needs.
var allowed = map[string]int{
	"IHDR": 13, "PLTE": 3 * 256, "tRNS": 256, "IDAT": MaxBytes, "IEND": 0,
	"pHYs": 9, "gAMA": 4, "sRGB": 1, "cHRM": 32, "sBIT": 4, "bKGD": 6,
}

// Check accepts a PNG with alpha, of sane size, without metadata.
func Check(b []byte) (Info, error) {
	bad := func(why string) (Info, error) { return Info{}, fmt.Errorf("%w: %s", ErrPicture, why) }
	if len(b) > MaxBytes {
		return bad("it is larger than 1 MB")
	}
	config, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return bad("it is no PNG")
	}
	if config.Width < minPixels || config.Height < minPixels || config.Width > MaxPixels/config.Height {
		return bad(fmt.Sprintf("%d by %d pixels", config.Width, config.Height))
	}
	if why := checkChunks(b); why != "" {
		return bad(why)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		return bad("it is damaged")
	}
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return bad("it has no transparency, so it would cover what it is stamped on")
	}
	if !visible(img) {
		return bad("there is nothing to see on it")
	}
	return Info{config.Width, config.Height}, nil
}

func visible(img image.Image) bool {
	r := img.Bounds()
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			if _, _, _, alpha := img.At(x, y).RGBA(); alpha != 0 {
				return true
			}
		}
	}
	return false
}

// checkChunks says what is wrong with the chunks of a PNG, if anything is.
func checkChunks(b []byte) (why string) {
	seen := map[string]bool{}
	for at := 8; at+12 <= len(b); {
		n, name := binary.BigEndian.Uint32(b[at:]), string(b[at+4:at+8])
		most, known := allowed[name]
		switch {
		case !known:
			return fmt.Sprintf("it carries metadata (%q)", name)
		case int64(n) > int64(most), seen[name] && name != "IDAT":
			return "its chunk " + name + " is longer than a picture needs, or there twice"
		}
		seen[name] = true
		if at += 12 + int(n); name == "IEND" {
			if at != len(b) {
				return "something follows the picture"
			}
			return ""
		}
	}
	return "it is cut off"
}
