package pdf

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"regexp"
)

// paint is how a seal may be drawn in a file that claims to be PDF/A (ISO 19005):
// its zero value is how it is drawn in any other.
type paint struct {
	plain      bool // no blend mode and no soft mask
	calibrated bool // no colours of a device
	first      bool // Options.First: endstream stands on no line of its own
}

// Colour spaces that mean the same on every device: sRGB's primaries and white point.
const (
	calRGB  = "[/CalRGB << /WhitePoint [0.9505 1 1.089] /Gamma [2.2 2.2 2.2] /Matrix [0.4124 0.2126 0.0193 0.3576 0.7152 0.1192 0.1805 0.7222 0.9505] >>]"
	calGray = "[/CalGray << /WhitePoint [0.9505 1 1.089] >>]"
)

// maxXMP bounds the metadata that are unpacked to look for one number.
const maxXMP = 1 << 20

// ISO 19005-2 6.6.4 writes it with this prefix, as an element or as an attribute.
var archivalPart = regexp.MustCompile(`pdfaid:part(?:\s*=\s*["']|>)\s*([0-9])`)

// paint reads what the file claims to be, and holds it to that.
func (f *File) paint(rev int) (paint, error) {
	cat, err := f.get(f.revs[rev].root, rev)
	if err != nil {
		return paint{}, err
	}
	part, err := f.archival(cat, rev)
	if err != nil || part == 0 {
		return paint{}, err
	}
	components, err := f.outputIntent(cat, rev)
	if err != nil {
		return paint{}, err
	}
	// ISO 19005-1 6.4: no transparency; ISO 19005-2 6.2.10: it wants a colour space of
	// the page where there is no output intent.
	return paint{plain: part == 1 || components == 0, calibrated: components != 3}, nil
}

// archival is the part of ISO 19005 that the metadata claim, 0 for none.
func (f *File) archival(cat *object, rev int) (int, error) {
	v := cat.get("Metadata")
	if v.kind != kRef {
		return 0, nil
	}
	o, err := f.get(v.ref(), rev)
	if err != nil || !o.stream {
		return 0, err
	}
	r, err := f.open(o, maxXMP)
	if err != nil {
		return 0, nil // of a filter that PDF/A forbids
	}
	xmp, err := io.ReadAll(io.LimitReader(r, maxXMP))
	if err != nil {
		return 0, nil
	}
	if m := archivalPart.FindSubmatch(xmp); m != nil {
		return int(m[1][0] - '0'), nil
	}
	return 0, nil
}

// outputIntent counts the components of the colours that the file is meant for, 0
// without a PDF/A output intent.
func (f *File) outputIntent(cat *object, rev int) (int64, error) {
	list, err := f.deref(cat.get("OutputIntents"), rev)
	if err != nil {
		return 0, err
	}
	for i := range list.list {
		intent, err := f.deref(&list.list[i], rev)
		if err != nil {
			return 0, err
		}
		if !intent.get("S").isName("GTS_PDFA1") {
			continue
		}
		profile, err := f.deref(intent.get("DestOutputProfile"), rev)
		if err != nil {
			return 0, err
		}
		if n := profile.get("N"); n.kind == kInt {
			return n.num, nil
		}
	}
	return 0, nil
}

// images writes the face's picture and its mask.
func (st *stamping) images(mask int64) error {
	p := st.at[0].paint
	st.object(st.image, st.face.picture(mask, p))
	switch {
	case mask == 0:
		return nil
	case !p.plain:
		st.object(mask, st.face.softMask())
		return nil
	}
	stencil, err := st.face.stencil()
	if err != nil {
		return err
	}
	st.object(mask, stencil)
	return nil
}

// stencil is the mask of a file that must not blend: a pixel is drawn or it is not.
func (p *PreparedFace) stencil() ([]byte, error) {
	z, err := zlib.NewReader(bytes.NewReader(p.mask))
	if err != nil {
		return nil, err
	}
	alpha := make([]byte, p.w*p.h)
	if _, err := io.ReadFull(z, alpha); err != nil {
		return nil, err
	}
	row := (p.w + 7) / 8
	bits := make([]byte, row*p.h)
	for y := range p.h {
		for x := range p.w {
			if alpha[y*p.w+x] < halfAlpha { // 1 is masked out, ISO 32000-1 8.9.6.3
				bits[y*row+x/8] |= 0x80 >> (x % 8)
			}
		}
	}
	data, err := deflate(bits)
	head := fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width %d /Height %d /ImageMask true /BitsPerComponent 1 /Filter /FlateDecode /Length %d >>\nstream\n", p.w, p.h, len(data))
	return append(append([]byte(head), data...), "\nendstream"...), err
}

// halfAlpha and above is ink where nothing between is allowed.
const halfAlpha = 128
