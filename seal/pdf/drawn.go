package pdf

import (
	"bytes"
	"fmt"
	"math"
)

// drawn is what one widget shows, where it is exactly as our writer draws it: the whole
// face, a slice of it, or a mark.
type drawn struct {
	image      int64 // the object of the picture, 0 for a mark
	page       int
	full, high float64 // size of the whole face, in the page's units
	off, width float64 // of a slice: where it begins, and how wide it is
	slice      bool
}

// maxForm bounds an appearance that is compared: a mark draws each of its characters
// by outlines, and a face a picture by its name.
const maxForm = 64 << 10

// drawing gives what each widget of a signature shows, nil if any shows something that
// our writer does not draw, or is not seen. /MK could paint a ground and a border of
// its own (ISO 32000-1 12.5.6.19), flags could hide it.
func (f *File) drawing(s *found) []drawn {
	how, err := f.paint(s.rev)
	if err != nil {
		return nil
	}
	var out []drawn
	for i, w := range s.widgets {
		v := &drawnWidget{f: f, s: s, w: w, how: how, mark: i > 0 && i == len(s.widgets)-1 && w.has("Contents")}
		one, ok := v.read()
		if !ok || s.spots[i].page == 0 {
			return nil
		}
		one.page = s.spots[i].page
		out = append(out, one)
	}
	return out
}

// drawnWidget is one widget being read.
type drawnWidget struct {
	f    *File
	s    *found
	w    *object
	how  paint
	mark bool

	form *object
	spot spot
	unit float64 // points of a unit of the page
}

func (v *drawnWidget) read() (drawn, bool) {
	if !v.plainKeys() || !v.place() {
		return drawn{}, false
	}
	data, err := v.f.src.copyOf(v.form.dataOff, v.form.dataOff+v.form.dataLen)
	if err != nil {
		return drawn{}, false
	}
	if v.mark {
		return drawn{}, v.isMark(data)
	}
	return v.face(data)
}

// plainKeys wants the widget's entries and its form's to be those that we write.
func (v *drawnWidget) plainKeys() bool {
	w := &v.w.value
	keys := []string{"Type", "Subtype", "F", "Rect", "P", "MK", "AP", "StructParent"}
	switch {
	case v.w == v.s.field:
		keys = append(keys, "FT", "T", "TU", "V", "Lock")
	case v.mark:
		keys = append(keys, "Parent", "Contents")
	default:
		keys = append(keys, "Parent")
	}
	flags, ap := w.get("F"), w.get("AP")
	if !onlyKeys(w, keys...) || flags.kind != kInt || flags.num != 132 || !w.get("Subtype").isName("Widget") ||
		v.w != v.s.field && !w.get("Parent").isRef(v.s.field.ref) || ap.kind != kDict || len(ap.keys) != 1 || ap.get("N").kind != kRef {
		return false
	}
	form, err := v.f.get(ap.get("N").ref(), v.s.rev)
	if err != nil || !form.stream || form.dataLen > maxForm ||
		!onlyKeys(&form.value, "Type", "Subtype", "FormType", "BBox", "Matrix", "Resources", "Length") {
		return false
	}
	v.form = form
	return true
}

// place finds where the widget stands upright on its page.
func (v *drawnWidget) place() bool {
	f, rev := v.f, v.s.rev
	rect, err := f.rect(v.w.get("Rect"), rev)
	if err != nil {
		return false
	}
	page, err := f.get(v.w.get("P").ref(), rev)
	if err != nil || page.kind != kDict {
		return false
	}
	g, err := f.geometry(page, rev)
	if err != nil || !g.shows(*rect) {
		return false
	}
	if mk := v.w.get("MK"); mk != &null && (!onlyKeys(mk, "R") || mk.get("R").num != int64(g.rotate)) {
		return false
	}
	sp := spot{rect: *rect, w: rect[2] - rect[0], h: rect[3] - rect[1], rotate: g.rotate, paint: v.how}
	if g.rotate%180 != 0 {
		sp.w, sp.h = sp.h, sp.w
	}
	box, err := f.rect(v.form.get("BBox"), rev)
	if err != nil || !near(box[2], sp.w, 0.01) || !near(box[3], sp.h, 0.01) {
		return false
	}
	sp.w, sp.h = box[2], box[3] // as they were written: Rect is rounded by itself
	v.spot, v.unit = sp, g.unit
	return true
}

// same compares the form with what our writer makes.
func (v *drawnWidget) same(data []byte, want, draw string) bool {
	ours := parser{b: []byte(want + " "), last: true, refs: true}
	dict, err := ours.value()
	return err == nil && string(data) == draw && equal(&v.form.value, &dict)
}

// isMark draws the mark again from its text, at its own size: it can show nothing else.
func (v *drawnWidget) isMark(data []byte) bool {
	m, err := drawMark(decodeText(v.w.get("Contents").text))
	if err != nil {
		return false
	}
	k := pointsPerMM / v.unit
	if !near(v.spot.w, m.widthMM*k, 0.01) || !near(v.spot.h, m.heightMM*k, 0.01) {
		return false
	}
	// The scale is told with six places and the box with four: what was written is
	// found by the size that the mark has of itself.
	exact := v.spot
	exact.w, exact.h = m.widthMM*k, m.heightMM*k
	return v.same(data, m.form(v.spot), m.drawing(exact))
}

// face reads the size of the whole from the content, and compares all of it.
func (v *drawnWidget) face(data []byte) (drawn, bool) {
	im := v.form.get("Resources").get("XObject").get("Im")
	var full, high, off float64
	numbers := bytes.TrimPrefix(data, []byte("q /GS gs "))
	if v.how.plain {
		numbers = bytes.TrimPrefix(data, []byte("q "))
	}
	if n, err := fmt.Sscanf(string(numbers), "%g 0 0 %g %g 0 cm", &full, &high, &off); n != 3 || err != nil || im.kind != kRef {
		return drawn{}, false
	}
	sp := v.spot
	d := drawn{image: im.num, full: full, high: high, off: -off, width: sp.w}
	if d.slice = full != sp.w || off != 0; d.slice {
		sp.full, sp.off = full, -off
	}
	return d, v.same(data, sp.form(im.num), sp.drawing())
}

// whole tells whether the slices of a riding seal, in the order in which they are, make
// whole faces: each run from the first column to the last, by the one cut (protocol.md
// 2), on pages that follow one another. columns is how many the picture has.
func whole(all []drawn, columns int) bool {
	for len(all) > 0 {
		n := run(all, columns)
		if n == 0 {
			return false
		}
		for i, d := range all[:n] {
			from, to := cut(columns, n, i)
			perColumn := d.full / float64(columns)
			if !near(d.off, perColumn*float64(from), 0.01) || !near(d.width, perColumn*float64(to-from), 0.01) {
				return false
			}
		}
		if all = all[n:]; len(all) > 0 && all[0].off > 0.01 {
			return false
		}
	}
	return true
}

// run is how many of the slices make the first face, 0 if they make none: it ends with
// the one that shows the last column.
func run(all []drawn, columns int) int {
	for i, d := range all {
		if i > 0 && (d.page <= all[i-1].page || !near(d.full, all[0].full, 0.01) || !near(d.high, all[0].high, 0.01)) {
			return 0
		}
		if near(d.off+d.width, d.full, d.full/float64(2*columns)) {
			return i + 1
		}
	}
	return 0
}

// cut is face.Cut, which this room of streams and bytes does not import.
func cut(width, n, i int) (from, to int) { return width * i / n, width * (i + 1) / n }

// finite keeps what Sscanf reads as Inf or NaN from every comparison.
func (d *drawn) finite() bool {
	for _, x := range []float64{d.full, d.high, d.off, d.width} {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return false
		}
	}
	return d.full > 0 && d.high > 0
}
