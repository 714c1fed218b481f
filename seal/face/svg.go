package face

import (
	"fmt"
	"math"
	"strconv"
)

// SVG gives the same face as outlines: no font is needed to show it, and nothing in
// it is a script, a link or a text.
func SVG(s Spec) ([]byte, error) {
	d, err := s.lay()
	if err != nil {
		return nil, err
	}
	orElse(&s.Colour, Red)
	ink := inks[s.Colour]
	out := fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%gmm" height="%gmm" viewBox="0 0 %g %g"><path fill="#%02x%02x%02x" d="`,
		d.w, d.h, d.w, d.h, ink.R, ink.G, ink.B)
	for i := range d.ink {
		seg := &d.ink[i]
		if seg.n == 0 && i > 0 {
			out = append(out, 'Z')
		}
		out = append(out, "MLQC"[seg.n])
		for k, p := range seg.points() {
			if k > 0 {
				out = append(out, ' ')
			}
			out = appendMM(out, p.x)
			out = append(out, ' ')
			out = appendMM(out, p.y)
		}
	}
	return append(out, "Z\"/></svg>\n"...), nil
}

// appendMM writes thousandths of a millimetre, which at 300 dpi are a hundredth of a pixel.
func appendMM(b []byte, v float64) []byte {
	return strconv.AppendFloat(b, math.Round(v*1000)/1000, 'f', -1, 64)
}
