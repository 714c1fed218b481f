package main

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"

	"yinxin/seal/face"
)

// faceFlags are those of a drawn face, but for its name and shape.
func (c *call) faceFlags(s *face.Spec) {
	c.flags.StringVar(&s.Second, "second", "", "`text` below the centre, such as 合同专用章")
	c.flags.StringVar(&s.Code, "face-code", "", "`digits` along the lower edge, such as the seal code")
	c.flags.StringVar((*string)(&s.Centre), "centre", "", "star or none; a round face has a star by default")
	c.flags.StringVar(&s.Suffix, "suffix", "", "印 or 之印 behind a person's name")
	c.flags.StringVar((*string)(&s.Colour), "colour", "", "red, blue or black, red by default")
	c.flags.StringVar((*string)(&s.Weight), "weight", "", "regular or bold strokes, bold by default")
	c.flags.IntVar(&s.Borders, "borders", 0, "1 or 2, 1 by default")
}

// runSealFace draws a face, to be looked at before a seal is made with it.
func runSealFace(_ context.Context, c *call) error {
	var s face.Spec
	c.flags.StringVar((*string)(&s.Shape), "shape", string(face.Round), "round, oval, square or name (a person's)")
	c.flags.StringVar(&s.Name, "name", "", "the seal's `name`")
	c.faceFlags(&s)
	c.flags.IntVar(&s.WidthMM, "width", 0, "width in `mm`; round 42, oval 40 by 30, square 25, name 20 by default")
	c.flags.IntVar(&s.HeightMM, "height", 0, "height in `mm`, the width by default")
	out := c.flags.String("o", "", "output `file`, .png or .svg; a PNG on standard output by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("name", s.Name); err != nil {
		return err
	}
	if s.HeightMM == 0 {
		s.HeightMM = s.WidthMM
	}
	draw := face.Draw
	switch ext := strings.ToLower(filepath.Ext(*out)); ext {
	case ".svg":
		draw = face.SVG
	case ".png", "":
	default:
		return usageError("-o names a .png or a .svg, not a " + ext)
	}
	picture, err := draw(s)
	if err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	return to.put(bytes.NewReader(picture))
}
