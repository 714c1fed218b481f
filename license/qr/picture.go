package qr

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"rsc.io/qr/coding"
)

// ISO/IEC 18004: the largest code, and the margin around one in modules.
const (
	maxVersion = 40
	quiet      = 4
)

// Level is how much of the code may be lost.
type Level int

const (
	M Level = iota // 15 %
	Q              // 25 %
)

func (l Level) coding() coding.Level {
	if l == Q {
		return coding.Q
	}
	return coding.M
}

// ErrTooLong: no code holds it.
var ErrTooLong = errors.New("the token is too long for a QR code")

// Address is what the code says: a page of any region's portal with the token in
// the fragment, which a browser never sends.
func Address(host string, t *Token) string { return addressPrefix(host) + t.Digits() }

func addressPrefix(host string) string { return host + "/q#" }

// Picture draws the code of an address as a PNG, each module scale pixels wide.
// host is like https://seal.example.gov.cn. The address is a byte segment and the
// token a numeric one, which takes a third of the room.
func Picture(host string, t *Token, level Level, scale int) ([]byte, error) {
	if scale < 1 || scale > 64 {
		return nil, fmt.Errorf("a module of %d pixels", scale)
	}
	code, err := encodeCode(host, t, level)
	if err != nil {
		return nil, err
	}
	side := (code.Size + 2*quiet) * scale
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range code.Size {
		for x := range code.Size {
			if !code.Black(x, y) {
				continue
			}
			for dy := range scale {
				row := ((y+quiet)*scale+dy)*img.Stride + (x+quiet)*scale
				for dx := range scale {
					img.Pix[row+dx] = 1
				}
			}
		}
	}
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, img)
	return out.Bytes(), err
}

func encodeCode(host string, t *Token, level Level) (*coding.Code, error) {
	segments := []coding.Encoding{coding.String(addressPrefix(host)), coding.Num(t.Digits())}
	v, err := smallest(segments, level)
	if err != nil {
		return nil, err
	}
	plan, err := coding.NewPlan(v, level.coding(), 0)
	if err != nil {
		return nil, err
	}
	return plan.Encode(segments...)
}

// smallest finds the least version that holds the segments.
func smallest(segments []coding.Encoding, level Level) (coding.Version, error) {
	for v := coding.Version(1); v <= maxVersion; v++ {
		bits := 0
		for _, s := range segments {
			bits += s.Bits(v)
		}
		if bits <= v.DataBytes(level.coding())*8 {
			return v, nil
		}
	}
	return 0, ErrTooLong
}
