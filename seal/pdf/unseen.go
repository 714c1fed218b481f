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
	page, _, err := f.orderedPage(1)
	if err != nil {
		return nil, err
	}
	name, err := f.freeName(o.FieldName)
	if err != nil {
		return nil, err
	}
	if err := f.permitted(o, name); err != nil {
		return nil, err
	}
	inc := newIncrement(f)
	if err := inc.unseen(page.ref, name, o); err != nil {
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
func (n *increment) unseen(page ref, name string, o Options) error {
	tags, err := n.f.structure()
	if err != nil {
		return err
	}
	st := stamping{increment: n, at: []shown{{page: page}}, name: name, options: o, tags: tags}
	n.out.Grow(2*o.TokenSize + 4<<10)
	st.sig = n.newRef()
	widget := n.newRef()
	st.signature(st.sig, o)
	st.object(widget, fmt.Appendf(nil, "<< /Type /Annot /Subtype /Widget /FT /Sig /T %s /TU %s /F 132 /Rect [0 0 0 0] /P %d %d R /V %d 0 R%s >>",
		textString(name), textString(title(name, o)), page.num, page.gen, st.sig, st.structParent(0)))
	if err := st.tag([]int64{widget}); err != nil {
		return err
	}
	if err := st.annotate(page, []int64{widget}); err != nil {
		return err
	}
	return n.addField(fmt.Sprintf("%d 0 R", widget))
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
