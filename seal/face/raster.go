package face

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"

	"golang.org/x/image/vector"
)

// DPI is the resolution of drawn faces.
const DPI = 300

// inks as printed seals have them; red is 印泥红.
var inks = map[Colour]color.NRGBA{Red: red, Blue: {0x1a, 0x3f, 0xa8, 0xff}, Black: {0x1c, 0x1c, 0x1c, 0xff}}

// Draw gives the face as a PNG at 300 dpi, transparent where there is no ink. The
// same spec gives the same bytes.
func Draw(s Spec) ([]byte, error) {
	d, err := s.lay()
	if err != nil {
		return nil, err
	}
	orElse(&s.Colour, Red)
	return encodeInk(d.mask(DPI), inks[s.Colour], d.w, d.h)
}

// mask fills the ink at a resolution. A side is a whole number of pixels, so the
// scale is what makes it span the millimetres exactly.
func (d *drawing) mask(dpi float64) *image.Alpha {
	w, h := int(math.Round(d.w/25.4*dpi)), int(math.Round(d.h/25.4*dpi))
	r := vector.NewRasterizer(w, h)
	r.DrawOp = draw.Src
	fillInk(r, d.ink, float64(w)/d.w, float64(h)/d.h)
	mask := image.NewAlpha(image.Rect(0, 0, w, h))
	r.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	return mask
}

func fillInk(r *vector.Rasterizer, ink path, sx, sy float64) {
	at := func(p point) (float32, float32) { return float32(p.x * sx), float32(p.y * sy) }
	for i := range ink {
		s := &ink[i]
		x, y := at(s.p[0])
		switch s.n {
		case 0:
			r.ClosePath()
			r.MoveTo(x, y)
		case 1:
			r.LineTo(x, y)
		case 2:
			x1, y1 := at(s.p[1])
			r.QuadTo(x, y, x1, y1)
		case 3:
			x1, y1 := at(s.p[1])
			x2, y2 := at(s.p[2])
			r.CubeTo(x, y, x1, y1, x2, y2)
		}
	}
	r.ClosePath()
}

// strengths of the palette: one ink in 16 strengths takes four bits a pixel. The edges
// are smooth at the sizes of a seal, and the file, which every stamp carries and hashes
// and a PDF writes twice as hexadecimal digits, is half of what 256 would make it.
const strengths = 16

// encodeInk makes a PNG whose palette is one ink in rising strength.
func encodeInk(mask *image.Alpha, ink color.NRGBA, widthMM, heightMM float64) ([]byte, error) {
	palette := make(color.Palette, strengths)
	for i := range palette {
		palette[i] = color.NRGBA{ink.R, ink.G, ink.B, uint8(i * 255 / (strengths - 1))}
	}
	for i, alpha := range mask.Pix {
		mask.Pix[i] = uint8((int(alpha)*(strengths-1) + 127) / 255)
	}
	var out bytes.Buffer
	err := png.Encode(&out, &image.Paletted{Pix: mask.Pix, Stride: mask.Stride, Rect: mask.Rect, Palette: palette})
	if err != nil {
		return nil, err
	}
	return withResolution(out.Bytes(), mask.Rect.Dx(), mask.Rect.Dy(), widthMM, heightMM), nil
}

// withResolution says in a pHYs chunk behind IHDR (PNG 3, 11.3.4.3) how many pixels a
// metre has, so that the picture is of the seal's size wherever it is opened.
func withResolution(b []byte, w, h int, widthMM, heightMM float64) []byte {
	const headEnd = 8 + 12 + 13 // signature and IHDR
	c := binary.BigEndian.AppendUint32(nil, 9)
	c = append(c, "pHYs"...)
	c = binary.BigEndian.AppendUint32(c, uint32(math.Round(float64(w)*1000/widthMM)))
	c = binary.BigEndian.AppendUint32(c, uint32(math.Round(float64(h)*1000/heightMM)))
	c = append(c, 1) // the unit is the metre
	c = binary.BigEndian.AppendUint32(c, crc32.ChecksumIEEE(c[4:]))
	return bytes.Join([][]byte{b[:headEnd], c, b[headEnd:]}, nil)
}
