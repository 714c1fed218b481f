package pdf

import (
	"bytes"
	"image/png"
	"io"
)

// pixelCost is what a pixel takes of the budget beside its own samples: for
// each of a thousand stamps the seal's picture is unpacked once more.
const pixelCost = 8

// FaceMatches tells whether what signature i (as Stamps counts) draws is the
// given picture. known is false where the appearance is not of the form that
// our writer gives it: then nothing can be said of it here. A picture that is
// drawn is compared by its samples; there is no other way to draw one that
// this knows, so nothing else can be drawn beside it.
func (f *File) FaceMatches(i int, picture []byte) (ok bool, known bool) {
	if _, err := f.Stamps(); err != nil || i < 0 || i >= len(f.found) {
		return false, false
	}
	s := &f.found[i]
	image := f.drawnImage(s)
	if image == nil {
		return false, false
	}
	have, ok := f.imagePixels(image, s.rev)
	if !ok {
		return false, false
	}
	// The size first: only what imagePixels has paid for is unpacked.
	if c, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width != have.w || c.Height != have.h {
		return false, true
	}
	want, err := decodeFace(picture)
	return err == nil && bytes.Equal(have.rgba, want.rgba), true
}

// drawnImage gives the image of an appearance that is exactly ours: the
// widget's entries, a place on the page, the form, its matrix, its resources and its content.
func (f *File) drawnImage(s *found) *object {
	w := &s.widget.value
	if s.Page == 0 {
		return nil // no page shows it
	}
	ap := w.get("AP")
	if flags := w.get("F"); flags.kind != kInt || flags.num != 132 ||
		!onlyKeys(w, "Type", "Subtype", "FT", "T", "TU", "F", "Rect", "P", "V", "MK", "AP", "StructParent", "Lock") ||
		ap.kind != kDict || len(ap.keys) != 1 || ap.get("N").kind != kRef {
		return nil
	}
	form, err := f.get(ap.get("N").ref(), s.rev)
	if err != nil || !form.stream || !onlyKeys(&form.value, "Type", "Subtype", "FormType", "BBox", "Matrix", "Resources", "Length") {
		return nil
	}
	im := form.get("Resources").get("XObject").get("Im")
	rect, err := f.rect(w.get("Rect"), s.rev)
	page, err2 := f.get(w.get("P").ref(), s.rev)
	if err != nil || err2 != nil || im.kind != kRef || page.kind != kDict || form.dataLen > 1024 {
		return nil
	}
	g, err := f.geometry(page, s.rev)
	if err != nil || !g.shows(*rect) {
		return nil
	}
	// /MK could paint a ground and a border of its own (ISO 32000-1 12.5.6.19).
	if mk := w.get("MK"); mk != &null && (!onlyKeys(mk, "R") || mk.get("R").num != int64(g.rotate)) {
		return nil
	}
	sp := spot{rect: *rect, w: rect[2] - rect[0], h: rect[3] - rect[1], rotate: g.rotate}
	if g.rotate%180 != 0 {
		sp.w, sp.h = sp.h, sp.w
	}
	box, err := f.rect(form.get("BBox"), s.rev)
	if err != nil || !near(box[2], sp.w, 0.01) || !near(box[3], sp.h, 0.01) {
		return nil
	}
	sp.w, sp.h = box[2], box[3] // as they were written: Rect is rounded by itself
	data, err := f.src.copyOf(form.dataOff, form.dataOff+form.dataLen)
	ours := parser{b: []byte(sp.form(im.num) + " "), last: true, refs: true}
	want, err2 := ours.value()
	if err != nil || err2 != nil || string(data) != sp.drawing() || !equal(&form.value, &want) {
		return nil
	}
	o, err := f.get(im.ref(), s.rev)
	if err != nil || !o.stream {
		return nil
	}
	return o
}

func onlyKeys(v *value, keys ...string) bool {
	n := 0
	for _, k := range keys {
		if v.has(k) {
			n++
		}
	}
	return v.kind == kDict && n == len(v.keys)
}

// imagePixels decodes an image of the forms that our writer uses.
func (f *File) imagePixels(o *object, rev int) (*pixels, bool) {
	w, h, bits := o.get("Width"), o.get("Height"), o.get("BitsPerComponent")
	if !onlyKeys(&o.value, "Type", "Subtype", "Width", "Height", "ColorSpace", "BitsPerComponent", "SMask", "Filter", "Length") ||
		w.kind != kInt || h.kind != kInt || bits.kind != kInt || w.num < 1 || h.num < 1 ||
		w.num > maxFacePixels || h.num > maxFacePixels/w.num {
		return nil, false
	}
	if f.left.takeInflate(pixelCost*w.num*h.num) != nil {
		return nil, false
	}
	p := &pixels{w: int(w.num), h: int(h.num), opaque: true}
	table, n := f.colourTable(o.get("ColorSpace"))
	depth := int(bits.num)
	if n < 0 || n == 0 && depth != 8 || n > 0 && (depth < 1 || depth > 8 || depth&(depth-1) != 0) {
		return nil, false
	}
	row := p.w * 3
	if n > 0 {
		row = (p.w*depth + 7) / 8
	}
	colour, ok := f.samples(o, row*p.h)
	if !ok {
		return nil, false
	}
	alpha, ok := f.alpha(o.get("SMask"), rev, p)
	if !ok {
		return nil, false
	}
	p.rgba = make([]byte, 4*p.w*p.h)
	for y := range p.h {
		for x := range p.w {
			i := y*p.w + x
			var c []byte
			if n == 0 {
				c = colour[3*i:]
			} else {
				k := int(colour[y*row+x*depth/8]>>(8-depth-x*depth%8)) & (1<<depth - 1)
				if k >= n {
					return nil, false
				}
				c = table[3*k:]
			}
			a := byte(255)
			if alpha != nil {
				a = alpha[i]
			}
			if a != 0 {
				copy(p.rgba[4*i:], c[:3])
				p.rgba[4*i+3] = a
			}
		}
	}
	return p, true
}

// colourTable gives an indexed space's colours; 0 of them for DeviceRGB, -1
// for anything else.
func (f *File) colourTable(v *value) (table []byte, n int) {
	if v.isName("DeviceRGB") {
		return nil, 0
	}
	if v.kind == kArray && len(v.list) == 4 && v.list[0].isName("Indexed") && v.list[1].isName("DeviceRGB") &&
		v.list[2].kind == kInt && v.list[3].kind == kString && int64(len(v.list[3].text)) == 3*(v.list[2].num+1) {
		if n = len(v.list[3].text) / 3; n > 0 && n <= 256 {
			return []byte(v.list[3].text), n
		}
	}
	return nil, -1
}

func (f *File) samples(o *object, n int) ([]byte, bool) {
	r, err := f.open(o, int64(n)+1)
	if err != nil {
		return nil, false
	}
	return readLimited(r, n)
}

func (f *File) alpha(v *value, rev int, p *pixels) ([]byte, bool) {
	if v == &null {
		return nil, true
	}
	if v.kind != kRef {
		return nil, false
	}
	m, err := f.get(v.ref(), rev)
	if err != nil || !m.stream || !onlyKeys(&m.value, "Type", "Subtype", "Width", "Height", "ColorSpace", "BitsPerComponent", "Filter", "Length") ||
		m.get("Width").num != int64(p.w) || m.get("Height").num != int64(p.h) ||
		!m.get("ColorSpace").isName("DeviceGray") || m.get("BitsPerComponent").num != 8 {
		return nil, false
	}
	return f.samples(m, p.w*p.h)
}

// readLimited reads a whole decoded stream of exactly n bytes.
func readLimited(r io.Reader, n int) ([]byte, bool) {
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, false
	}
	var more [1]byte
	if k, _ := r.Read(more[:]); k != 0 {
		return nil, false
	}
	return b, true
}
