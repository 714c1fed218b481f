package pdf

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// Names of a document time-stamp, ISO 32000-2 12.8.5.
const (
	stampFilter    = "Adobe.PPKLite"
	stampSubFilter = "ETSI.RFC3161"
)

// Addition is what an increment of evidence brings: pieces for the document security
// store, and room for a time-stamp over the document with them.
type Addition struct {
	Evidence  []Evidence // Revision is not looked at
	TokenSize int        // octets reserved for the time-stamp's token; 0 for none
	FieldName string     // made unique by a number if it is taken; default "Timestamp"
}

// LayoutEvidence lays out an increment that keeps evidence beside the stamps, and with
// a TokenSize a document time-stamp over all of it. Pieces that the store has already
// are not written again. The same input and the same addition give the same bytes.
func (f *File) LayoutEvidence(a Addition) (*Layout, error) {
	if a.TokenSize != 0 && (a.TokenSize < minToken || a.TokenSize > maxToken) {
		return nil, fmt.Errorf("%w: %d octets for a token", ErrOptions, a.TokenSize)
	}
	if len(f.revs) >= maxRevisions {
		return nil, tooMany("revisions", maxRevisions)
	}
	pieces, err := f.unkept(a.Evidence)
	if err != nil {
		return nil, err
	}
	if len(pieces) == 0 && a.TokenSize == 0 {
		return nil, fmt.Errorf("%w: there is nothing to add", ErrOptions)
	}
	n := newIncrement(f)
	if len(pieces) > 0 {
		if err := n.keep(pieces); err != nil {
			return nil, err
		}
	}
	l := &Layout{f: f}
	if a.TokenSize != 0 {
		if a.FieldName == "" {
			a.FieldName = "Timestamp"
		}
		if l.name, err = f.freeName(a.FieldName); err != nil {
			return nil, err
		}
		if err := n.timeStamp(l.name, a.TokenSize); err != nil {
			return nil, err
		}
		l.from, l.to = n.holeFrom, n.holeTo
	}
	l.inc, err = n.finish()
	return l, err
}

type evidenceKey struct {
	kind EvidenceKind
	sum  [32]byte
}

// unkept are the pieces that the store lacks, each once.
func (f *File) unkept(all []Evidence) (out []Evidence, err error) {
	have := make(map[evidenceKey]bool)
	kept, size := f.Evidence(), 0
	for _, e := range kept {
		have[evidenceKey{e.Kind, sm3.Sum(e.Data)}] = true
		size += len(e.Data)
	}
	for _, e := range all {
		k := evidenceKey{e.Kind, sm3.Sum(e.Data)}
		if have[k] {
			continue
		}
		have[k] = true
		size += len(e.Data)
		out = append(out, e)
	}
	if len(kept)+len(out) > maxEvidence || size > maxEvidenceBytes {
		return nil, fmt.Errorf("%w: evidence of %d pieces and %d bytes", ErrTooLarge, len(kept)+len(out), size)
	}
	return out, nil
}

// keep writes the pieces as streams, and a store that names them beside those of the
// one before.
func (n *increment) keep(pieces []Evidence) error {
	f := n.f
	cat, err := f.get(f.revs[f.last()].root, f.last())
	if err != nil {
		return err
	}
	old, holder := cat.get("DSS"), cat
	if old.kind == kRef {
		if holder, err = f.get(old.ref(), f.last()); err != nil {
			return err
		}
		old = &holder.value
	}
	if old.kind != kNull && old.kind != kDict {
		return malformed(cat.objStart, "/DSS is no dictionary")
	}
	names := make(map[EvidenceKind][]string)
	for _, e := range pieces {
		num := n.newRef()
		n.object(num, streamOf(e.Data))
		names[e.Kind] = append(names[e.Kind], fmt.Sprintf("%d 0 R", num))
	}
	text, err := n.grown(holder, old, names)
	if err != nil {
		return err
	}
	num := n.newRef()
	n.object(num, []byte(text))
	if err := n.set(cat, &cat.value, "DSS", fmt.Sprintf("%d 0 R", num)); err != nil {
		return err
	}
	if cat.has("Extensions") {
		return nil
	}
	// EN 319 142-1 5.6: a file of PDF 1.7 says that it has what came with PAdES.
	return n.set(cat, &cat.value, "Extensions", "<< /ESIC << /BaseVersion /1.7 /ExtensionLevel 5 >> >>")
}

func streamOf(data []byte) []byte {
	head := fmt.Sprintf("<< /Length %d >>\nstream\n", len(data))
	return append(append([]byte(head), data...), "\nendstream"...)
}

// grown is the text of a store: what the old one had and the new pieces.
func (n *increment) grown(holder *object, old *value, names map[EvidenceKind][]string) (string, error) {
	var s strings.Builder
	s.WriteString("<< /Type /DSS")
	for i, key := range old.keys { // a null has none
		if key == "Type" || isStoreList(key) {
			continue
		}
		v := &old.list[i]
		b, err := n.source(holder, v.start, v.end)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&s, " /%s %s", escapeName(key), b)
	}
	for _, l := range storeLists {
		was, err := n.f.deref(old.get(l.key), n.f.last())
		if err != nil {
			return "", err
		}
		var refs []string
		for i := range was.list {
			if was.list[i].kind == kRef {
				refs = append(refs, fmt.Sprintf("%d %d R", was.list[i].num, was.list[i].gen))
			}
		}
		if refs = append(refs, names[l.kind]...); len(refs) > 0 {
			fmt.Fprintf(&s, " /%s [%s]", l.key, strings.Join(refs, " "))
		}
	}
	s.WriteString(" >>")
	return s.String(), nil
}

// timeStamp writes a document time-stamp: a signature field that shows nothing. In a
// tagged file it has no widget, since one that no structure element holds would break
// PDF/UA (ISO 14289-1 7.18.4); elsewhere readers look for one.
func (n *increment) timeStamp(name string, room int) error {
	f := n.f
	sig, field := n.newRef(), n.newRef()
	n.begin(ref{sig, 0})
	fmt.Fprintf(&n.out, "<< /Type /DocTimeStamp /Filter /%s /SubFilter /%s /ByteRange ", stampFilter, stampSubFilter)
	n.hole(room)
	n.out.WriteString(" >>\nendobj\n")
	cat, err := f.get(f.revs[f.last()].root, f.last())
	if err != nil {
		return err
	}
	fieldRef := fmt.Sprintf("%d 0 R", field)
	if cat.has("StructTreeRoot") {
		n.object(field, fmt.Appendf(nil, "<< /FT /Sig /T %s /V %d 0 R >>", textString(name), sig))
		return n.addField(fieldRef)
	}
	page, _, err := f.orderedPage(1)
	if err != nil {
		return err
	}
	n.object(field, fmt.Appendf(nil, "<< /Type /Annot /Subtype /Widget /FT /Sig /T %s /F 132 /Rect [0 0 0 0] /P %d %d R /V %d 0 R >>",
		textString(name), page.ref.num, page.ref.gen, sig))
	if err := n.addTo(page, &page.value, "Annots", fieldRef); err != nil {
		return err
	}
	return n.addField(fieldRef)
}

// hole leaves room for a byte range and a token of so many octets.
func (n *increment) hole(room int) {
	n.rangeAt = n.out.Len()
	n.out.Write(bytes.Repeat([]byte{' '}, rangeRoom))
	n.out.WriteString("\n/Contents ")
	n.holeFrom = n.out.Len()
	n.out.WriteByte('<')
	n.out.Write(bytes.Repeat([]byte{'0'}, 2*room))
	n.out.WriteByte('>')
	n.holeTo = n.out.Len()
}
