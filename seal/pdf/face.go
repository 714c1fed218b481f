package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"image/color"
	"image/png"
)

const (
	maxFacePNG    = 8 << 20 // a PNG that is a zip bomb, before
	maxFacePixels = 4 << 20 // and after it is unpacked
	minFaceMM     = 1       // smaller is a dot: a stamp that shows no seal
	maxFaceMM     = 500     // no seal is half a metre wide; 国发〔1999〕25号 stops at 60 mm
)

// PreparedFace is a seal's picture as it goes into a file. Prepare it once for
// a seal that stamps often; it is read-only and may be shared.
type PreparedFace struct {
	widthMM, heightMM float64
	w, h              int
	image             []byte // data of the image, deflated
	space             string // its colour space, as written
	bits              int
	mask              []byte // alpha, deflated; nil if the picture is opaque
}

// NewFace decodes the PNG and encodes it for PDF: colours as an index where
// there are at most 256 of them, alpha as a soft mask.
func NewFace(pngData []byte, widthMM, heightMM float64) (*PreparedFace, error) {
	if !(widthMM >= minFaceMM && widthMM <= maxFaceMM && heightMM >= minFaceMM && heightMM <= maxFaceMM) {
		return nil, fmt.Errorf("%w: a face of %g by %g mm", ErrOptions, widthMM, heightMM)
	}
	px, err := decodeFace(pngData)
	if err != nil {
		return nil, err
	}
	p := &PreparedFace{widthMM: widthMM, heightMM: heightMM, w: px.w, h: px.h}
	colour, alpha := p.encode(px)
	if p.image, err = deflate(colour); err != nil {
		return nil, err
	}
	if alpha != nil {
		p.mask, err = deflate(alpha)
	}
	return p, err
}

// pixels is a picture as four octets a pixel, not premultiplied; the colour of
// a pixel that is not seen at all is 0.
type pixels struct {
	w, h   int
	rgba   []byte
	opaque bool

	stencilled bool // a pixel is ink or it is not
}

func decodeFace(data []byte) (*pixels, error) {
	if len(data) > maxFacePNG {
		return nil, fmt.Errorf("%w: the face is a PNG of %d bytes", ErrOptions, len(data))
	}
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: the face is no PNG: %v", ErrOptions, err)
	}
	if c.Width <= 0 || c.Height <= 0 || int64(c.Width)*int64(c.Height) > maxFacePixels {
		return nil, fmt.Errorf("%w: the face has %d by %d pixels", ErrOptions, c.Width, c.Height)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("%w: the face is no PNG: %v", ErrOptions, err)
	}
	return flatten(img), nil
}

func flatten(img image.Image) *pixels {
	b := img.Bounds()
	p := &pixels{w: b.Dx(), h: b.Dy(), rgba: make([]byte, 4*b.Dx()*b.Dy()), opaque: true}
	var palette [256]color.NRGBA
	pal, paletted := img.(*image.Paletted)
	if paletted {
		for i, c := range pal.Palette {
			palette[i&255] = color.NRGBAModel.Convert(c).(color.NRGBA)
		}
	}
	nrgba, straight := img.(*image.NRGBA)
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			var c color.NRGBA
			switch {
			case paletted:
				c = palette[pal.ColorIndexAt(x, y)]
			case straight:
				c = nrgba.NRGBAAt(x, y)
			default:
				c = color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			}
			if c.A != 0 {
				p.rgba[i], p.rgba[i+1], p.rgba[i+2], p.rgba[i+3] = c.R, c.G, c.B, c.A
			}
			p.opaque = p.opaque && c.A == 255
			i += 4
		}
	}
	return p
}

// encode gives the samples of the image and of its mask.
func (p *PreparedFace) encode(px *pixels) (colour, alpha []byte) {
	n := px.w * px.h
	if !px.opaque {
		alpha = make([]byte, n)
		for i := range alpha {
			alpha[i] = px.rgba[4*i+3]
		}
	}
	index, table := indexed(px)
	if table == nil {
		p.space, p.bits = "/DeviceRGB", 8
		colour = make([]byte, 3*n)
		for i := range n {
			copy(colour[3*i:3*i+3], px.rgba[4*i:4*i+3])
		}
		return colour, alpha
	}
	p.space = fmt.Sprintf("[/Indexed /DeviceRGB %d <%x>]", len(table)/3-1, table)
	for p.bits = 1; 1<<p.bits < len(table)/3; p.bits *= 2 {
	}
	row := (px.w*p.bits + 7) / 8
	colour = make([]byte, row*px.h)
	for y := range px.h {
		for x := range px.w {
			at := x * p.bits
			colour[y*row+at/8] |= index[y*px.w+x] << (8 - p.bits - at%8)
		}
	}
	return colour, alpha
}

// indexed numbers the colours in the order they are met, nil if there are more
// than 256. A seal in one ink, its edges in alpha, has one.
func indexed(px *pixels) (index, table []byte) {
	index = make([]byte, px.w*px.h)
	number := make(map[[3]byte]byte)
	var last [3]byte
	var lastNumber byte
	for i := range index {
		if px.rgba[4*i+3] == 0 {
			continue // not seen: any index will do
		}
		c := [3]byte(px.rgba[4*i : 4*i+3])
		if c != last || len(number) == 0 {
			k, ok := number[c]
			if !ok {
				if len(number) == 256 {
					return nil, nil
				}
				k = byte(len(number))
				number[c] = k
				table = append(table, c[:]...)
			}
			last, lastNumber = c, k
		}
		index[i] = lastNumber
	}
	if table == nil {
		table = []byte{0, 0, 0}
	}
	return index, table
}

func deflate(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := zlib.NewWriterLevel(&out, 4)
	if err != nil {
		return nil, err
	}
	if _, err = z.Write(b); err == nil {
		err = z.Close()
	}
	return out.Bytes(), err
}
