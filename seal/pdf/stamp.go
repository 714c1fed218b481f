package pdf

import (
	"fmt"
	"strings"
	"time"
)

// Names of the profiles, protocol.md 2. Those of cms are PAdES's (ETSI EN 319 142-1
// 5.3), so that readers abroad find a signature that they can take apart.
const (
	sesFilter    = "GM.PKILite"
	sesSubFilter = "GM.sm2seal"
	cmsFilter    = "Adobe.PPKLite"
	cmsSubFilter = "ETSI.CAdES.detached"
)

// rangeRoom holds "[0 a b c]" with three numbers of 15 digits.
const rangeRoom = 52

// stamp writes the objects of one stamp and hooks them into page and form.
func (n *increment) stamp(page *object, s spot, face *PreparedFace, name string, o Options) error {
	sig, widget, form, image := n.newRef(), n.newRef(), n.newRef(), n.newRef()
	var mask int64
	if face.mask != nil {
		mask = n.newRef()
	}
	const rest = 8 << 10 // dictionaries, changed objects and the cross-references of an ordinary file
	n.out.Grow(2*o.TokenSize + len(face.image) + len(face.mask) + rest)
	n.signature(sig, o)
	n.object(widget, []byte(widgetDict(sig, form, page.ref, s, name, o)))
	n.object(form, []byte(s.form(image)))
	n.object(image, face.picture(mask))
	if mask != 0 {
		n.object(mask, face.softMask())
	}
	refText := fmt.Sprintf("%d 0 R", widget)
	if err := n.addTo(page, &page.value, "Annots", refText); err != nil {
		return err
	}
	return n.addField(refText)
}

func (n *increment) signature(num int64, o Options) {
	n.begin(ref{num, 0})
	filter, subFilter := sesFilter, sesSubFilter
	if o.CMS {
		filter, subFilter = cmsFilter, cmsSubFilter
	}
	fmt.Fprintf(&n.out, "<< /Type /Sig /Filter /%s /SubFilter /%s /ByteRange ", filter, subFilter)
	n.rangeAt = n.out.Len()
	n.out.WriteString(strings.Repeat(" ", rangeRoom))
	n.out.WriteString("\n/Contents ")
	n.holeFrom = n.out.Len()
	n.out.WriteByte('<')
	n.out.WriteString(strings.Repeat("0", 2*o.TokenSize))
	n.out.WriteByte('>')
	n.holeTo = n.out.Len()
	if !o.Time.IsZero() {
		fmt.Fprintf(&n.out, "\n/M (%s)", date(o.Time))
	}
	if o.SignerName != "" {
		fmt.Fprintf(&n.out, "\n/Name %s", textString(o.SignerName))
	}
	if o.Reason != "" {
		fmt.Fprintf(&n.out, "\n/Reason %s", textString(o.Reason))
	}
	n.out.WriteString(" >>\nendobj\n")
}

// date is a date of ISO 32000-1 7.9.4, in UTC.
func date(t time.Time) string { return t.UTC().Format("D:20060102150405") + "+00'00'" }

// widgetDict is the field and its one widget, merged. Flags 132: printed and
// locked. /TU is what a screen reader says of it.
func widgetDict(sig, form int64, page ref, s spot, name string, o Options) string {
	turned := ""
	if s.rotate != 0 {
		turned = fmt.Sprintf(" /MK << /R %d >>", s.rotate)
	}
	title := name
	if o.SignerName != "" {
		title = o.SignerName
	}
	return fmt.Sprintf("<< /Type /Annot /Subtype /Widget /FT /Sig /T %s /TU %s /F 132 /Rect %s /P %d %d R /V %d 0 R%s /AP << /N %d 0 R >> >>",
		textString(name), textString(title), s.rectangle(), page.num, page.gen, sig, turned, form)
}

// addField hooks the field into the form; SigFlags 3 says that there are
// signatures and that the file may only grow.
func (n *increment) addField(refText string) error {
	holder, form, err := n.f.acroForm(n.f.last())
	if err != nil {
		return err
	}
	if form == nil {
		num := n.newRef()
		n.object(num, fmt.Appendf(nil, "<< /Fields [%s] /SigFlags 3 >>", refText))
		return n.set(holder, &holder.value, "AcroForm", fmt.Sprintf("%d 0 R", num))
	}
	if form.has("XFA") {
		return ambiguous(holder.objStart, "an XFA form: some readers show it, others the pages")
	}
	if err := n.addTo(holder, form, "Fields", refText); err != nil {
		return err
	}
	flags, err := n.f.deref(form.get("SigFlags"), n.f.last())
	if err != nil {
		return err
	}
	if flags.kind == kInt && flags.num&3 == 3 {
		return nil
	}
	return n.set(holder, form, "SigFlags", fmt.Sprint(flags.num|3))
}
