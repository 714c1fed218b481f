package pdf

import (
	"fmt"
	"math"
	"strings"
)

const pointsPerMM = 72 / 25.4

// spot is where a seal goes on a page, in the page's user space.
type spot struct {
	rect   [4]float64
	w, h   float64 // of what is seen, upright
	rotate int
	full   float64 // of a slice: the width of the whole face, else 0
	off    float64 // and how far from its left the slice begins
	paint
}

// place turns millimetres from the top-left of the displayed page into a
// rectangle of user space.
func (g geometry) place(x, y, w, h float64) (spot, error) {
	k := pointsPerMM / g.unit
	if showW, showH := g.size(); !g.holds(x, y, w, h, 0.01) {
		return spot{}, fmt.Errorf("%w: it would leave the page, which is %.1f by %.1f mm", ErrOptions, showW, showH)
	}
	x, y, w, h = x*k, y*k, w*k, h*k
	s := spot{w: w, h: h, rotate: g.rotate}
	switch g.rotate {
	case 0:
		s.rect = [4]float64{g.llx + x, g.ury - y - h, g.llx + x + w, g.ury - y}
	case 90:
		s.rect = [4]float64{g.llx + y, g.lly + x, g.llx + y + h, g.lly + x + w}
	case 180:
		s.rect = [4]float64{g.urx - x - w, g.lly + y, g.urx - x, g.lly + y + h}
	default:
		s.rect = [4]float64{g.urx - y - h, g.ury - x - w, g.urx - y, g.ury - x}
	}
	return s, nil
}

// shown is the reverse of place: x, y, width and height in mm.
func (g geometry) shown(r [4]float64) [4]float64 {
	k := pointsPerMM / g.unit
	w, h := (r[2]-r[0])/k, (r[3]-r[1])/k
	switch g.rotate {
	case 0:
		return [4]float64{(r[0] - g.llx) / k, (g.ury - r[3]) / k, w, h}
	case 90:
		return [4]float64{(r[1] - g.lly) / k, (r[0] - g.llx) / k, h, w}
	case 180:
		return [4]float64{(g.urx - r[2]) / k, (r[1] - g.lly) / k, w, h}
	}
	return [4]float64{(g.ury - r[3]) / k, (g.urx - r[2]) / k, h, w}
}

// size of the page as displayed, in mm.
func (g geometry) size() (w, h float64) {
	k := pointsPerMM / g.unit
	w, h = (g.urx-g.llx)/k, (g.ury-g.lly)/k
	if g.rotate%180 != 0 {
		return h, w
	}
	return w, h
}

// holds tells whether what is placed in mm lies on the page.
func (g geometry) holds(x, y, w, h, slack float64) bool {
	showW, showH := g.size()
	return x >= -slack && y >= -slack && x+w <= showW+slack && y+h <= showH+slack
}

// shows tells whether a rectangle can be seen: it lies on the page, and is not
// the point or the line of a signature that hides. The slack is more than that
// of place, since the rectangle was rounded when it was written.
func (g geometry) shows(r [4]float64) bool {
	s := g.shown(r)
	return g.holds(s[0], s[1], s[2], s[3], 0.1) && s[2] > minFaceMM-0.1 && s[3] > minFaceMM-0.1
}

// matrices turn the form so that the seal stands upright on a page that is
// shown turned clockwise.
var matrices = map[int]string{
	0:   "[1 0 0 1 0 0]",
	90:  "[0 1 -1 0 0 0]",
	180: "[-1 0 0 -1 0 0]",
	270: "[0 -1 1 0 0 0]",
}

// drawing is the content of the appearance stream. Multiply, and no
// transparency group around it, so that the ink of the page stays dark under
// the seal as it does on paper. Of a slice the whole face is drawn, and the
// form's /BBox lets the slice be seen.
func (s spot) drawing() string {
	blend, width := " /GS gs", s.w
	if s.plain {
		blend = ""
	}
	if s.full > 0 {
		width = s.full
	}
	return fmt.Sprintf("q%s %s 0 0 %s %s 0 cm /Im Do Q\n", blend, decimal(width), decimal(s.h), decimal(-s.off))
}

// form is the appearance stream's object.
func (s spot) form(image int64) string {
	draw, blend, end := s.drawing(), "/ExtGState << /GS << /Type /ExtGState /BM /Multiply >> >> ", "\n"
	if s.plain {
		blend = ""
	}
	if s.first {
		end = ""
	}
	return fmt.Sprintf("<< /Type /XObject /Subtype /Form /FormType 1 /BBox [0 0 %s %s] /Matrix %s"+
		" /Resources << %s/XObject << /Im %d 0 R >> >>"+
		" /Length %d >>\nstream\n%s%sendstream", decimal(s.w), decimal(s.h), matrices[s.rotate], blend, image, len(draw), draw, end)
}

func (s spot) rectangle() string {
	r := s.rect
	return fmt.Sprintf("[%s %s %s %s]", decimal(r[0]), decimal(r[1]), decimal(r[2]), decimal(r[3]))
}

// picture is the image's object; mask 0 for an opaque one.
func (p *PreparedFace) picture(mask int64, how paint) []byte {
	soft, space := "", p.space
	switch {
	case mask > 0 && how.plain:
		soft = fmt.Sprintf(" /Mask %d 0 R", mask)
	case mask > 0:
		soft = fmt.Sprintf(" /SMask %d 0 R", mask)
	}
	if how.calibrated {
		space = strings.Replace(space, "/DeviceRGB", calRGB, 1)
	}
	head := fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace %s /BitsPerComponent %d%s /Filter /FlateDecode /Length %d >>\nstream\n",
		p.w, p.h, space, p.bits, soft, len(p.image))
	return append(append([]byte(head), p.image...), "\nendstream"...)
}

func (p *PreparedFace) softMask() []byte {
	head := fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /FlateDecode /Length %d >>\nstream\n",
		p.w, p.h, len(p.mask))
	return append(append([]byte(head), p.mask...), "\nendstream"...)
}

func near(a, b, slack float64) bool { return math.Abs(a-b) <= slack }
