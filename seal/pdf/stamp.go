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

// stamp writes the objects of one stamp and hooks them into pages and form.
func (n *increment) stamp(at []shown, face *PreparedFace, name string, o Options) error {
	var tags *structure
	if !o.First {
		var err error
		if tags, err = n.f.structure(); err != nil {
			return err
		}
	}
	st := stamping{increment: n, at: at, face: face, name: name, options: o, forms: map[string]int64{}, tags: tags}
	const rest = 8 << 10 // dictionaries, changed objects and the cross-references of an ordinary file
	n.out.Grow(2*o.TokenSize + len(face.image) + len(face.mask) + rest + 600*(len(at)-1))
	st.sig = n.newRef()
	write := st.several
	if len(at) == 1 {
		write = st.one
	}
	field, err := write()
	if err != nil {
		return err
	}
	if o.Certify != 0 {
		if err := n.certify(st.sig); err != nil {
			return err
		}
	}
	return n.addField(fmt.Sprintf("%d 0 R", field))
}

// stamping is one stamp in the making.
type stamping struct {
	*increment
	at      []shown
	face    *PreparedFace
	name    string
	options Options
	sig     int64
	image   int64
	forms   map[string]int64 // those written, by what they hold
	tags    *structure       // nil where the file is not tagged
}

// one writes field and widget as one object.
func (st *stamping) one() (int64, error) {
	widget, form := st.newRef(), st.newRef()
	st.image = st.newRef()
	var mask int64
	if st.face.mask != nil {
		mask = st.newRef()
	}
	st.signature(st.sig, st.options)
	st.object(widget, []byte(st.merged(form, st.lock())))
	st.object(form, []byte(st.at[0].form(st.image)))
	if err := st.images(mask); err != nil {
		return 0, err
	}
	if err := st.tag([]int64{widget}); err != nil {
		return 0, err
	}
	return widget, st.annotate(st.at[0].page, []int64{widget})
}

// several writes a field whose kids are the widgets (ISO 32000-1 12.7.3.1). The
// picture stands once, and so does each form: of a riding seal over a thousand pages
// there are forty.
func (st *stamping) several() (int64, error) {
	field := st.newRef()
	st.image = st.newRef()
	var mask int64
	if st.face.mask != nil {
		mask = st.newRef()
	}
	st.signature(st.sig, st.options)
	if err := st.images(mask); err != nil {
		return 0, err
	}
	var kids []string
	var widgets []int64
	onPage := map[ref][]int64{}
	var pages []ref
	for i, w := range st.at {
		form := st.formOf(w)
		widget := st.newRef()
		st.object(widget, []byte(st.kid(field, form, i)))
		kids, widgets = append(kids, fmt.Sprintf("%d 0 R", widget)), append(widgets, widget)
		if onPage[w.page] == nil {
			pages = append(pages, w.page)
		}
		onPage[w.page] = append(onPage[w.page], widget)
	}
	st.object(field, fmt.Appendf(nil, "<< /FT /Sig /T %s /TU %s /V %d 0 R%s /Kids [%s] >>",
		textString(st.name), textString(title(st.name, st.options)), st.sig, st.lock(), strings.Join(kids, " ")))
	if err := st.tag(widgets); err != nil {
		return 0, err
	}
	if err := st.ownAnnots(pages); err != nil {
		return 0, err
	}
	for _, p := range pages {
		if err := st.annotate(p, onPage[p]); err != nil {
			return 0, err
		}
	}
	return field, nil
}

// formOf writes the appearance of a widget, if one like it is not there yet.
func (st *stamping) formOf(w shown) int64 {
	body := w.form(st.image)
	if w.mark != nil {
		body = w.mark.form(w.spot)
	}
	num, ok := st.forms[body]
	if !ok {
		num = st.newRef()
		st.object(num, []byte(body))
		st.forms[body] = num
	}
	return num
}

// annotate hangs widgets into their page.
func (n *increment) annotate(r ref, widgets []int64) error {
	page, err := n.f.get(r, n.f.last())
	if err != nil {
		return err
	}
	var refs []string
	for _, w := range widgets {
		refs = append(refs, fmt.Sprintf("%d 0 R", w))
	}
	return n.addTo(page, &page.value, "Annots", strings.Join(refs, " "))
}

// ownAnnots refuses pages that share one array of annotations: the widget of one
// would be shown on the other too.
func (n *increment) ownAnnots(pages []ref) error {
	arrays := map[ref]bool{}
	for _, r := range pages {
		page, err := n.f.get(r, n.f.last())
		if err != nil {
			return err
		}
		v := page.get("Annots")
		if v.kind != kRef {
			continue
		}
		if arrays[v.ref()] {
			return ambiguous(page.objStart, "two pages share one list of annotations")
		}
		arrays[v.ref()] = true
	}
	return nil
}

func (n *increment) signature(num int64, o Options) {
	n.begin(ref{num, 0})
	filter, subFilter := sesFilter, sesSubFilter
	if o.CMS {
		filter, subFilter = cmsFilter, cmsSubFilter
	}
	fmt.Fprintf(&n.out, "<< /Type /Sig /Filter /%s /SubFilter /%s /ByteRange ", filter, subFilter)
	n.hole(o.TokenSize)
	if !o.Time.IsZero() {
		fmt.Fprintf(&n.out, "\n/M (%s)", date(o.Time))
	}
	if o.SignerName != "" {
		fmt.Fprintf(&n.out, "\n/Name %s", textString(o.SignerName))
	}
	if o.Reason != "" {
		fmt.Fprintf(&n.out, "\n/Reason %s", textString(o.Reason))
	}
	n.out.WriteString(n.transforms(o))
	n.out.WriteString(" >>\nendobj\n")
}

// date is a date of ISO 32000-1 7.9.4, in UTC.
func date(t time.Time) string { return t.UTC().Format("D:20060102150405") + "+00'00'" }

// merged is the field and its one widget. Flags 132: printed and locked.
func (st *stamping) merged(form int64, lock string) string {
	w := st.at[0]
	return fmt.Sprintf("<< /Type /Annot /Subtype /Widget /FT /Sig /T %s /TU %s /F 132 /Rect %s /P %d %d R /V %d 0 R%s%s%s /AP << /N %d 0 R >> >>",
		textString(st.name), textString(title(st.name, st.options)), w.rectangle(), w.page.num, w.page.gen, st.sig, lock, st.structParent(0), w.turned(), form)
}

// kid is one of several widgets.
func (st *stamping) kid(field, form int64, i int) string {
	w, says := st.at[i], ""
	if w.mark != nil {
		says = " /Contents " + textString(w.mark.text)
	}
	return fmt.Sprintf("<< /Type /Annot /Subtype /Widget /F 132 /Rect %s /P %d %d R /Parent %d 0 R%s%s%s /AP << /N %d 0 R >> >>",
		w.rectangle(), w.page.num, w.page.gen, field, st.structParent(i), says, w.turned(), form)
}

// lock writes the field's lock, which is an object of its own (table 232), and gives
// the entry that names it.
func (st *stamping) lock() string {
	if st.options.Lock == nil {
		return ""
	}
	num := st.newRef()
	st.object(num, []byte("<< /Type /SigFieldLock "+st.options.Lock.entries()+" >>"))
	return fmt.Sprintf(" /Lock %d 0 R", num)
}

// title is the field's /TU: what a screen reader says of it.
func title(name string, o Options) string {
	if o.SignerName != "" {
		return o.SignerName
	}
	return name
}

func (s spot) turned() string {
	if s.rotate == 0 {
		return ""
	}
	return fmt.Sprintf(" /MK << /R %d >>", s.rotate)
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
