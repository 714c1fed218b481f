package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
)

// Limits of a picture, looked at before it is decoded: a small PNG can inflate
// to gigabytes.
const (
	MaxBytes  = 1 << 20
	MaxPixels = 2000 * 2000
	minPixels = 40 // a side: below, nothing can be told from a smudge
)

// What an uploaded picture must be for the seal's size: fewer pixels show steps in
// print, more are carried by every stamp and not seen.
const (
	minDPI    = 200
	maxDPI    = 1200
	maxSkew   = 0.02 // of the sides' ratio: a circle that is an oval by more is seen to be one
	leastInk  = 0.01 // of the area: a speck is no seal, though it is something to see
	adam7     = 1    // interlace method (PNG 3, 8.1): the picture comes seven times over
	interlace = 28   // where IHDR says it
)

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
	if len(b) > interlace && b[interlace] == adam7 {
		return bad("it is interlaced; save it without")
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
	if inked(img) < leastInk {
		return bad("there is nothing to see on it, or hardly anything")
	}
	return Info{config.Width, config.Height}, nil
}

// Fits tells whether a picture is of a seal's size: every pixel as wide as high, and
// as many as print and screen need.
func (i Info) Fits(widthMM, heightMM int) error {
	x, y := float64(i.Width)/float64(widthMM), float64(i.Height)/float64(heightMM) // pixels a millimetre
	size := fmt.Sprintf("%d by %d pixels for a seal of %d by %d mm", i.Width, i.Height, widthMM, heightMM)
	switch {
	case math.Abs(x/y-1) > maxSkew:
		return fmt.Errorf("%w: %s would be stretched", ErrPicture, size)
	case min(x, y)*25.4 < minDPI:
		return fmt.Errorf("%w: %s are fewer than %d dpi", ErrPicture, size, minDPI)
	case max(x, y)*25.4 > maxDPI:
		return fmt.Errorf("%w: %s are more than %d dpi", ErrPicture, size, maxDPI)
	}
	return nil
}

// inked is the share of a picture that its ink covers.
func inked(img image.Image) float64 {
	r, sum := img.Bounds(), uint64(0)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			_, _, _, alpha := img.At(x, y).RGBA()
			sum += uint64(alpha)
		}
	}
	return float64(sum) / 0xffff / float64(r.Dx()*r.Dy())
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
