package pdf

import (
	"bytes"
	"fmt"
	"sort"
	"strings"

	"github.com/emmansun/gmsm/sm3"
)

// increment is one incremental update in the making (ISO 32000-1 7.5.6).
// Objects that exist are changed as text, entry by entry, so that whatever
// else they hold stays as it was written.
type increment struct {
	f                *File
	out              bytes.Buffer
	next             int64
	places           []place
	edits            map[ref][]edit
	objects          map[ref]*object
	held             int64 // weight of those
	holeFrom, holeTo int
	rangeAt          int
}

type place struct {
	ref
	off int64
}

// edit replaces the bytes [from, to) of an object's source.
type edit struct {
	from, to int64
	text     string
}

func newIncrement(f *File) *increment {
	return &increment{f: f, next: max(1, f.revs[f.last()].size), edits: make(map[ref][]edit), objects: make(map[ref]*object)}
}

func (n *increment) newRef() int64 {
	n.next++
	return n.next - 1
}

// begin starts an object; the first one is put on a line of its own.
func (n *increment) begin(r ref) {
	if n.out.Len() == 0 {
		n.out.WriteByte('\n')
	}
	n.places = append(n.places, place{r, n.f.size + int64(n.out.Len())})
	fmt.Fprintf(&n.out, "%d %d obj\n", r.num, r.gen)
}

func (n *increment) object(num int64, body []byte) {
	n.begin(ref{num, 0})
	n.out.Write(body)
	n.out.WriteString("\nendobj\n")
}

// change notes an edit of an existing object. The same edit twice is one: an
// array may serve as /Annots and as /Fields.
func (n *increment) change(o *object, e edit) error {
	if o.stream || o.kind == kNull {
		return malformed(o.objStart, "object %d cannot be changed", o.ref.num)
	}
	for _, have := range n.edits[o.ref] {
		if have == e {
			return nil
		}
	}
	if n.objects[o.ref] == nil {
		if n.held += o.weight; n.held > maxChanged {
			return fmt.Errorf("%w: the pages and the form that the stamp changes take more than %d bytes", ErrTooLarge, maxChanged)
		}
		n.objects[o.ref] = o
	}
	n.edits[o.ref] = append(n.edits[o.ref], e)
	return nil
}

// set gives a dictionary of object o an entry, or another value for it.
func (n *increment) set(o *object, dict *value, key, text string) error {
	if v := dict.get(key); v != &null {
		return n.change(o, edit{v.start, v.end, text})
	}
	return n.change(o, edit{dict.end - 2, dict.end - 2, fmt.Sprintf(" /%s %s ", key, text)})
}

// addTo appends a reference to the array under key, wherever it is kept.
func (n *increment) addTo(o *object, dict *value, key, refText string) error {
	v := dict.get(key)
	holder := o
	if v.kind == kRef {
		target, err := n.f.get(v.ref(), n.f.last())
		if err != nil {
			return err
		}
		if target.kind != kNull {
			holder, v = target, &target.value
		}
	}
	switch v.kind {
	case kArray:
		return n.change(holder, edit{v.end - 1, v.end - 1, " " + refText})
	case kNull, kRef:
		return n.set(o, dict, key, "["+refText+"]")
	}
	return malformed(o.objStart, "/%s is no array", key)
}

// rewrite writes the changed objects, in the order of their numbers.
func (n *increment) rewrite() error {
	var refs []ref
	for r := range n.edits {
		refs = append(refs, r)
	}
	sort.Slice(refs, func(i, j int) bool { return refs[i].num < refs[j].num })
	for _, r := range refs {
		o, edits := n.objects[r], n.edits[r]
		sort.SliceStable(edits, func(i, j int) bool { return edits[i].from < edits[j].from })
		n.begin(r)
		pos := o.start
		for _, e := range edits {
			b, err := n.source(o, pos, e.from)
			if err != nil {
				return err
			}
			n.out.Write(b)
			n.out.WriteString(e.text)
			pos = e.to
		}
		b, err := n.source(o, pos, o.end)
		if err != nil {
			return err
		}
		n.out.Write(b)
		n.out.WriteString("\nendobj\n")
	}
	return nil
}

// source is the text of an object as it was written, in the file or in its object
// stream.
func (n *increment) source(o *object, from, to int64) ([]byte, error) {
	if o.raw != nil {
		return o.raw[from-o.start : to-o.start], nil
	}
	return n.f.src.copyOf(from, to)
}

// finish writes the cross-reference section in the style of the last one, its
// trailer, and the byte range, whose last number is only known now.
func (n *increment) finish() ([]byte, error) {
	if err := n.rewrite(); err != nil {
		return nil, err
	}
	last := n.f.revs[n.f.last()]
	sort.Slice(n.places, func(i, j int) bool { return n.places[i].num < n.places[j].num })
	off := n.f.size + int64(n.out.Len())
	id := n.digest()
	var err error
	if last.stream {
		err = n.xrefStream(last, off, id[:16])
	} else {
		err = n.table(last, off, id[:16])
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(&n.out, "startxref\n%d\n%%%%EOF\n", off)
	b := n.out.Bytes()
	end := n.f.size + int64(len(b))
	if n.holeTo == 0 { // evidence alone, which no signature covers yet
		return b, nil
	}
	from, to := n.f.size+int64(n.holeFrom), n.f.size+int64(n.holeTo)
	copy(b[n.rangeAt:], fmt.Sprintf("[0 %d %d %d]", from, to, end-to))
	return b, nil
}

// digest is what makes the file's /ID new. The zeros kept for the token are left
// out: they are most of the increment and say nothing.
func (n *increment) digest() (sum [32]byte) {
	h := sm3.New()
	h.Write(n.out.Bytes()[:n.holeFrom])
	h.Write(n.out.Bytes()[n.holeTo:])
	h.Sum(sum[:0])
	return sum
}

// trailerRest copies the entries of the last trailer that stay, and makes the
// second half of /ID new.
func (n *increment) trailerRest(last revision, id []byte) (string, error) {
	var s strings.Builder
	t := &last.trailer
	for i, key := range t.keys {
		switch key {
		case "Size", "Prev", "XRefStm", "ID", "Type", "W", "Index", "Length", "Filter", "DecodeParms", "DL":
			continue
		}
		v := &t.list[i]
		b, err := n.f.src.copyOf(v.start, v.end)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&s, " /%s %s", escapeName(key), b)
	}
	first := fmt.Sprintf("<%X>", id)
	if v, err := n.f.deref(t.get("ID"), n.f.last()); err != nil {
		return "", err
	} else if v.kind == kArray && len(v.list) == 2 && v.list[0].kind == kString {
		first = fmt.Sprintf("<%X>", v.list[0].text)
	}
	fmt.Fprintf(&s, " /ID [%s <%X>]", first, id)
	return s.String(), nil
}

func escapeName(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > 0x20 && c < 0x7f && c != '#' && !isDelim(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "#%02X", c)
		}
	}
	return b.String()
}

// maxTableOffset is what ten digits hold.
const maxTableOffset = 9_999_999_999

func (n *increment) table(last revision, off int64, id []byte) error {
	if off > maxTableOffset {
		return fmt.Errorf("%w: a cross-reference table cannot name bytes beyond %d", ErrTooLarge, int64(maxTableOffset))
	}
	rest, err := n.trailerRest(last, id)
	if err != nil {
		return err
	}
	n.out.WriteString("xref\n")
	for i := 0; i < len(n.places); {
		j := n.run(i)
		fmt.Fprintf(&n.out, "%d %d\n", n.places[i].num, j-i)
		for ; i < j; i++ {
			fmt.Fprintf(&n.out, "%010d %05d n \n", n.places[i].off, n.places[i].gen)
		}
	}
	fmt.Fprintf(&n.out, "trailer\n<< /Size %d /Prev %d%s >>\n", n.next, last.xref, rest)
	return nil
}

// run gives the end of the run of consecutive numbers that begins at i.
func (n *increment) run(i int) int {
	j := i + 1
	for j < len(n.places) && n.places[j].num == n.places[j-1].num+1 {
		j++
	}
	return j
}

func (n *increment) xrefStream(last revision, off int64, id []byte) error {
	rest, err := n.trailerRest(last, id)
	if err != nil {
		return err
	}
	self := n.newRef()
	n.places = append(n.places, place{ref{self, 0}, off})
	width := 4
	if off > 1<<32-1 {
		width = 8
	}
	var rows, index bytes.Buffer
	for i := 0; i < len(n.places); {
		j := n.run(i)
		fmt.Fprintf(&index, " %d %d", n.places[i].num, j-i)
		for ; i < j; i++ {
			rows.WriteByte(1)
			for k := width - 1; k >= 0; k-- {
				rows.WriteByte(byte(n.places[i].off >> (8 * k)))
			}
			rows.WriteByte(byte(n.places[i].gen >> 8))
			rows.WriteByte(byte(n.places[i].gen))
		}
	}
	fmt.Fprintf(&n.out, "%d 0 obj\n<< /Type /XRef /Size %d /Prev %d /W [1 %d 2] /Index [%s] /Length %d%s >>\nstream\n",
		self, n.next, last.xref, width, bytes.TrimSpace(index.Bytes()), rows.Len(), rest)
	n.out.Write(rows.Bytes())
	n.out.WriteString("\nendstream\nendobj\n")
	return nil
}
