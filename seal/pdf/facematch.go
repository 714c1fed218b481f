package pdf

import (
	"bytes"
	"fmt"
	"image/png"
	"io"

	"github.com/emmansun/gmsm/sm3"
)

// pixelCost is what a pixel takes of the budget beside its own samples: for
// each of a thousand stamps the seal's picture is unpacked once more.
const pixelCost = 8

// Memo remembers which pictures were found to be which: to unpack one takes ten times
// what reading the rest of a small file does.
type Memo interface {
	Known(key [32]byte) bool
	Remember(key [32]byte)
}

// FaceMatches tells whether what signature i (as Stamps counts) draws is the
// given picture, whole at each spot, or in slices that make it whole. known is false
// where an appearance is not of the form that our writer gives it: then nothing can be
// said of it here. A picture that is drawn is compared by its samples; there is no
// other way to draw one that this knows, so nothing else can be drawn beside it but a
// mark, which is drawn again from its text. The memo may be nil.
func (f *File) FaceMatches(i int, picture []byte, memo Memo) (ok bool, known bool) {
	if _, err := f.Stamps(); err != nil || i < 0 || i >= len(f.found) {
		return false, false
	}
	s := &f.found[i]
	all := f.drawing(s)
	if n := len(all); n > 1 && all[n-1].image == 0 {
		all = all[:n-1] // the mark
	}
	if len(all) == 0 || all[0].image == 0 {
		return false, false
	}
	slices := 0
	for k := range all {
		if all[k].image != all[0].image || !all[k].finite() {
			return false, false
		}
		if all[k].slice {
			slices++
		}
	}
	if slices != 0 && slices != len(all) {
		return false, false
	}
	o, err := f.get(ref{num: all[0].image}, s.rev)
	if err != nil || !o.stream {
		return false, false
	}
	if slices > 0 && !whole(all, int(min(o.get("Width").num, maxFacePixels))) {
		return false, true
	}
	return f.isPicture(o, s.rev, picture, memo)
}

// isPicture compares an image of the file with the seal's picture.
func (f *File) isPicture(o *object, rev int, picture []byte, memo Memo) (ok, known bool) {
	if !f.paidFor(o) {
		return false, false
	}
	key, keyed := f.pictureKey(o, rev, picture)
	if keyed && memo != nil && memo.Known(key) {
		return true, true
	}
	have, ok := f.imagePixels(o, rev)
	if !ok {
		return false, false
	}
	// The size first: only what imagePixels has paid for is unpacked.
	if c, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil || c.Width != have.w || c.Height != have.h {
		return false, true
	}
	want, err := decodeFace(picture)
	if err != nil || !have.shows(want) {
		return false, true
	}
	if keyed && memo != nil {
		memo.Remember(key)
	}
	return true, true
}

// paidFor takes the work of the comparison from the budget, which is the same whether a
// memo spares it or not: a report depends on the file alone.
func (f *File) paidFor(o *object) bool {
	w, h := o.get("Width"), o.get("Height")
	return w.kind == kInt && h.kind == kInt && w.num >= 1 && h.num >= 1 && w.num <= maxFacePixels && h.num <= maxFacePixels/w.num &&
		f.left.takeInflate((pixelCost+4)*w.num*h.num) == nil
}

// pictureKey names an image by all that decides its pixels, and the picture. An image
// with an entry that stands elsewhere has no name.
func (f *File) pictureKey(o *object, rev int, picture []byte) (key [32]byte, ok bool) {
	h := sm3.New()
	sum := sm3.Sum(picture)
	h.Write(sum[:])
	masks := []string{"SMask", "Mask"}
	for _, one := range []*object{o, nil, nil} {
		if one == nil {
			v := o.get(masks[0])
			name := masks[0]
			if masks = masks[1:]; v.kind == kNull {
				continue
			}
			m, err := f.get(v.ref(), rev)
			if v.kind != kRef || err != nil || !m.stream {
				return key, false
			}
			one = m
			fmt.Fprintf(h, "/%s ", name)
		}
		for i, k := range one.keys {
			v := &one.list[i]
			if k == "SMask" || k == "Mask" || k == "Length" {
				continue
			}
			b, err := f.src.copyOf(v.start, v.end)
			if err != nil || one.raw != nil || hasRef(v) {
				return key, false
			}
			fmt.Fprintf(h, "/%s %d %s ", k, len(b), b)
		}
		fmt.Fprintf(h, "stream %d ", one.dataLen)
		if f.left.takeHash(one.dataLen) != nil {
			return key, false
		}
		if _, err := f.copyTo(h, one.dataOff, one.dataOff+one.dataLen); err != nil {
			return key, false
		}
	}
	h.Sum(key[:0])
	return key, true
}

func hasRef(v *value) bool {
	if v.kind == kRef {
		return true
	}
	for i := range v.list {
		if hasRef(&v.list[i]) {
			return true
		}
	}
	return false
}

// shows compares pixels; drawn through a stencil a picture has those that are ink.
func (p *pixels) shows(want *pixels) bool {
	if !p.stencilled {
		return bytes.Equal(p.rgba, want.rgba)
	}
	for i := 0; i < len(want.rgba); i += 4 {
		a := want.rgba[i+3] >= halfAlpha
		switch {
		case a != (p.rgba[i+3] == 255):
			return false
		case a && !bytes.Equal(p.rgba[i:i+3], want.rgba[i:i+3]):
			return false
		}
	}
	return true
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
	if !onlyKeys(&o.value, "Type", "Subtype", "Width", "Height", "ColorSpace", "BitsPerComponent", "SMask", "Mask", "Filter", "Length") ||
		w.kind != kInt || h.kind != kInt || bits.kind != kInt || w.num < 1 || h.num < 1 ||
		w.num > maxFacePixels || h.num > maxFacePixels/w.num {
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
	if ok && o.has("Mask") {
		if alpha != nil {
			return nil, false
		}
		alpha, ok = f.stencilAlpha(o.get("Mask"), rev, p)
	}
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
	if isRGB(v) {
		return nil, 0
	}
	if v.kind == kArray && len(v.list) == 4 && v.list[0].isName("Indexed") && isRGB(&v.list[1]) &&
		v.list[2].kind == kInt && v.list[3].kind == kString && int64(len(v.list[3].text)) == 3*(v.list[2].num+1) {
		if n = len(v.list[3].text) / 3; n > 0 && n <= 256 {
			return []byte(v.list[3].text), n
		}
	}
	return nil, -1
}

// isRGB: that of the device, or the calibrated one that our writer uses for PDF/A.
func isRGB(v *value) bool {
	p := parser{b: []byte(calRGB + " "), last: true, refs: true}
	cal, err := p.value()
	return v.isName("DeviceRGB") || err == nil && equal(v, &cal)
}

// stencilAlpha is the mask of a file that must not blend: ink or none.
func (f *File) stencilAlpha(v *value, rev int, p *pixels) ([]byte, bool) {
	if v.kind != kRef {
		return nil, false
	}
	m, err := f.get(v.ref(), rev)
	if err != nil || !m.stream || !onlyKeys(&m.value, "Type", "Subtype", "Width", "Height", "ImageMask", "BitsPerComponent", "Filter", "Length") ||
		m.get("Width").num != int64(p.w) || m.get("Height").num != int64(p.h) || m.get("ImageMask").num != 1 || m.get("BitsPerComponent").num != 1 {
		return nil, false
	}
	row := (p.w + 7) / 8
	bits, ok := f.samples(m, row*p.h)
	if !ok {
		return nil, false
	}
	alpha := make([]byte, p.w*p.h)
	for y := range p.h {
		for x := range p.w {
			if bits[y*row+x/8]>>(7-x%8)&1 == 0 {
				alpha[y*p.w+x] = 255
			}
		}
	}
	p.stencilled = true
	return alpha, true
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
