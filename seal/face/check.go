package face

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/png"
)

// Limits of a picture, looked at before it is decoded: a small PNG can inflate
// to gigabytes.
const (
	MaxBytes  = 1 << 20
	MaxPixels = 2000 * 2000
	minPixels = 40 // a side: below, nothing can be told from a smudge
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
