package pdf

import (
	"fmt"
	"io"
)

// LayoutUnseen lays out a further signature that shows nothing: a field of no size on
// the first page (ISO 32000-1 12.7.4.5), and not a byte besides. The placement and the
// face of the options do not count.
func (f *File) LayoutUnseen(o Options) (*Layout, error) {
	if o.TokenSize < minToken || o.TokenSize > maxToken {
		return nil, fmt.Errorf("%w: %d octets for a token", ErrOptions, o.TokenSize)
	}
	if len(f.revs) >= maxRevisions {
		return nil, tooMany("revisions", maxRevisions)
	}
	page, err := f.orderedPage(1)
	if err != nil {
		return nil, err
	}
	name, err := f.freeName(o.FieldName)
	if err != nil {
		return nil, err
	}
	inc := newIncrement(f)
	if err := inc.unseen(page, name, o); err != nil {
		return nil, err
	}
	l := &Layout{f: f, from: inc.holeFrom, to: inc.holeTo, name: name}
	if l.inc, err = inc.finish(); err != nil {
		return nil, err
	}
	return l, nil
}

// unseen writes the field and its signature. Flags 132: printed, which PDF/A wants of
// every annotation, and locked.
func (n *increment) unseen(page *object, name string, o Options) error {
	sig, widget := n.newRef(), n.newRef()
	n.out.Grow(2*o.TokenSize + 4<<10)
	n.signature(sig, o)
	n.object(widget, fmt.Appendf(nil, "<< /Type /Annot /Subtype /Widget /FT /Sig /T %s /F 132 /Rect [0 0 0 0] /P %d %d R /V %d 0 R >>",
		textString(name), page.ref.num, page.ref.gen, sig))
	refText := fmt.Sprintf("%d 0 R", widget)
	if err := n.addTo(page, &page.value, "Annots", refText); err != nil {
		return err
	}
	return n.addField(refText)
}

// Covered writes what the signature covers, for whoever hashes it otherwise than
// Digest does.
func (l *Layout) Covered(w io.Writer) error {
	if _, err := l.f.copyTo(w, 0, l.f.size); err != nil {
		return err
	}
	if _, err := w.Write(l.inc[:l.from]); err != nil {
		return err
	}
	_, err := w.Write(l.inc[l.to:])
	return err
}
