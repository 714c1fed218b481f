package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Attacks of pdf-insecurity.org and of our own on a sealed file. Each must
// end as a refused file, a problem, or content added: never as a good stamp.

// good tells whether any stamp of the file would be taken for good.
func good(b []byte) bool {
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return false
	}
	all, err := f.Stamps()
	if err != nil {
		return false
	}
	for _, s := range all {
		if s.CoversRevision && len(s.Problems) == 0 && !s.ContentAdded {
			return true
		}
	}
	return false
}

// update appends an honest-looking revision with the given objects.
func update(t testing.TB, b []byte, objects ...string) []byte {
	t.Helper()
	f := open(t, b)
	n := newIncrement(f)
	n.rangeAt = -1
	for i := 0; i < len(objects); i += 2 {
		var num int64
		fmt.Sscan(objects[i], &num)
		n.next = max(n.next, num+1)
		n.object(num, []byte(objects[i+1]))
	}
	last := f.revs[f.last()]
	off := f.size + int64(n.out.Len())
	if err := n.table(last, off, make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&n.out, "startxref\n%d\n%%%%EOF\n", off)
	return append(append([]byte(nil), b...), n.out.Bytes()...)
}

func text(s string) string {
	return fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(s), s)
}

func body(t testing.TB, b []byte, num int64) string {
	t.Helper()
	f := open(t, b)
	o, err := f.get(ref{num, 0}, f.last())
	if err != nil || o.kind == kNull {
		t.Fatalf("object %d: %v", num, err)
	}
	return string(b[o.start:o.end])
}

const evil = "BT /F1 18 Tf 0 0 Td (Granted: everything) Tj ET"

// In minimal.pdf 1 is the catalog, 2 the page tree, 3 the page, 4 its
// content; sealing adds 5 signature, 6 widget, 7 form, 8 image, 9 mask, 10
// AcroForm.
func TestIncrementalSaving(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	if !good(b) {
		t.Fatal("the sealed file is not good")
	}
	page := body(t, b, 3)
	for name, attacked := range map[string][]byte{
		"content replaced":      update(t, b, "4", text(evil)),
		"content added":         update(t, b, "3", strings.Replace(page, "/Contents 4 0 R", "/Contents [4 0 R 11 0 R]", 1), "11", text(evil)),
		"resources changed":     update(t, b, "3", strings.Replace(page, "Times-Roman", "ZapfDingbats", 1)),
		"page replaced":         update(t, b, "2", "<< /Type /Pages /Kids [11 0 R] /Count 1 /MediaBox [0 0 300 144] >>", "11", "<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>"),
		"catalog replaced":      update(t, b, "1", strings.Replace(body(t, b, 1), "/Pages 2 0 R", "/Pages 11 0 R", 1), "11", "<< /Type /Pages /Kids [12 0 R] /Count 1 /MediaBox [0 0 300 144] >>", "12", "<< /Type /Page /Parent 11 0 R >>"),
		"annotation added":      update(t, b, "3", strings.Replace(page, "[6 0 R]", "[6 0 R 11 0 R]", 1), "11", "<< /Type /Annot /Subtype /FreeText /Rect [0 0 99 99] /Contents (x) >>"),
		"stamp's widget gone":   update(t, b, "3", strings.Replace(page, "[6 0 R]", "[]", 1)),
		"stamp's picture":       update(t, b, "8", body(t, b, 8)+"\nstream\n\nendstream"),
		"stamp's form":          update(t, b, "7", text("")),
		"stamp moved":           update(t, b, "6", regexp.MustCompile(`/Rect \[[^]]*\]`).ReplaceAllString(body(t, b, 6), "/Rect [0 0 9 9]")),
		"field taken out":       update(t, b, "10", "<< /Fields [] /SigFlags 3 >>"),
		"a text field":          update(t, b, "10", "<< /Fields [6 0 R 11 0 R] /SigFlags 3 >>", "11", "<< /FT /Tx /T (x) /V (y) >>"),
		"an action":             update(t, b, "1", strings.Replace(body(t, b, 1), "/Pages", "/OpenAction << /S /JavaScript /JS (x) >> /Pages", 1)),
		"nothing but a section": update(t, b),
		"an unused object":      update(t, b, "11", "(x)"),
		"white space":           append(append([]byte(nil), b...), '\n'),
		"an end mark":           append(append([]byte(nil), b...), "\n%%EOF\n"...),
		"objects, no section":   append(append([]byte(nil), b...), "4 0 obj\n"+text(evil)+"\nendobj\n"...),
		"objects and trailer":   append(append([]byte(nil), b...), "4 0 obj\n"+text(evil)+"\nendobj\ntrailer\n<< /Root 1 0 R >>\n"...),
	} {
		if bytes.Equal(attacked, b) || bytes.Contains(attacked[len(b):], []byte(page)) && !strings.Contains(name, "section") {
			t.Errorf("%s: the attack changes nothing", name)
		}
		if good(attacked) {
			t.Errorf("%s: passes", name)
		}
	}
}

// An honest further stamp does not heal what stood between the two.
func TestTamperedThenStampedAgain(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	b = seal(t, update(t, b, "4", text(evil)), options(t, 8))
	s := stamps(t, b)
	if len(s) != 2 || !s[0].ContentAdded || s[1].ContentAdded || s[0].Later[0].Kind != ChangeContent || s[0].Later[1].Kind != ChangeSignature {
		t.Errorf("%+v", s)
	}
}

// evilStamp is a further signature whose increment does more than it should.
func evilStamp(t testing.TB, b []byte, more func(n *increment)) []byte {
	t.Helper()
	f := open(t, b)
	o := options(t, 8)
	face, err := NewFace(o.Face.PNG, 36, 36)
	if err != nil {
		t.Fatal(err)
	}
	page, _, err := f.orderedPage(1)
	if err != nil {
		t.Fatal(err)
	}
	g, err := f.geometry(page, 0)
	if err != nil {
		t.Fatal(err)
	}
	s, err := g.place(20, 5, 36, 36)
	if err != nil {
		t.Fatal(err)
	}
	n := newIncrement(f)
	if err := n.stamp([]shown{{page: page.ref, spot: s}}, face, "evil", o); err != nil {
		t.Fatal(err)
	}
	more(n)
	l := &Layout{f: f, from: n.holeFrom, to: n.holeTo}
	if l.inc, err = n.finish(); err != nil {
		t.Fatal(err)
	}
	inc, err := l.Increment(token(1500))
	if err != nil {
		t.Fatal(err)
	}
	return append(append([]byte(nil), b...), inc...)
}

func TestStampThatDoesMore(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	gap := bytes.Replace(sample(t, "unsigned/minimal.pdf"), []byte("/Contents 4 0 R"), []byte("/Contents 90 0 R"), 1)
	gap = gap[:bytes.Index(gap, []byte("xref"))]
	gap = rebuild(t, gap)
	gap = seal(t, gap, options(t, 0))
	if !good(gap) {
		t.Fatal("a page without content cannot be sealed")
	}
	for name, c := range map[string]struct {
		b    []byte
		more func(*increment)
	}{
		"nothing more":     {b, func(n *increment) {}},
		"content replaced": {b, func(n *increment) { n.object(4, []byte(text(evil))) }},
		"earlier picture":  {b, func(n *increment) { n.object(7, []byte(text(""))) }},
		"an extra object":  {b, func(n *increment) { n.object(n.newRef(), []byte("(x)")) }},
		"bytes between":    {b, func(n *increment) { n.out.WriteString("4 0 obj\n(x)\nendobj\n") }},
		"a gap filled":     {gap, func(n *increment) { n.object(90, []byte(text(evil))); n.next = 91 }},
	} {
		s := stamps(t, evilStamp(t, c.b, c.more))
		if len(s) != 2 || !s[1].CoversFile {
			t.Fatalf("%s: %+v", name, s)
		}
		if want := name != "nothing more"; s[0].ContentAdded != want {
			t.Errorf("%s: content added %v, %v", name, s[0].ContentAdded, s[0].LaterChanges)
		}
	}
}

// rebuild writes a table and trailer behind objects.
func rebuild(t testing.TB, b []byte) []byte {
	t.Helper()
	at := regexp.MustCompile(`(?m)^(\d+) 0 obj`).FindAllSubmatchIndex(b, -1)
	off := len(b)
	out := bytes.NewBuffer(append([]byte(nil), b...))
	fmt.Fprintf(out, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, m := range at {
		fmt.Fprintf(out, "%010d 00000 n \n", m[0])
	}
	fmt.Fprintf(out, "trailer\n<< /Root 1 0 R /Size %d >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, off)
	return out.Bytes()
}

// patch replaces text in the signature dictionary, keeping the length.
func patch(t testing.TB, b []byte, from *regexp.Regexp, to string) []byte {
	t.Helper()
	m := from.FindIndex(b)
	if m == nil || len(to) > m[1]-m[0] {
		t.Fatalf("cannot patch %v to %q", from, to)
	}
	out := append([]byte(nil), b...)
	copy(out[m[0]:m[1]], to+strings.Repeat(" ", m[1]-m[0]-len(to)))
	return out
}

func TestByteRangeAndContents(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	r := stamps(t, b)[0].ByteRange
	_, from, to, rest := r[0], r[1], r[2], r[3]
	ranges := regexp.MustCompile(`/ByteRange +\[[^]]*\] +`)
	reason := regexp.MustCompile(`/Reason <[0-9A-F]*>`)
	for name, arr := range map[string]string{
		"from 1":           fmt.Sprintf("[1 %d %d %d]", from-1, to, rest),
		"negative":         fmt.Sprintf("[0 -%d %d %d]", from, to, rest),
		"negative later":   fmt.Sprintf("[0 %d %d -%d]", from, to, rest),
		"huge":             fmt.Sprintf("[0 %d %d 9223372036854775807]", from, to),
		"beyond int64":     fmt.Sprintf("[0 %d %d 99999999999999999999]", from, to),
		"overlapping":      fmt.Sprintf("[0 %d %d %d]", to+10, to, rest),
		"hole too large":   fmt.Sprintf("[0 %d %d %d]", from, to+20, rest-20),
		"hole larger back": fmt.Sprintf("[0 %d %d %d]", from-20, to, rest),
		"hole inside":      fmt.Sprintf("[0 %d %d %d]", from+1, to-1, rest+1),
		"no hole":          fmt.Sprintf("[0 %d %d %d]", len(b), len(b), 0),
		"short end":        fmt.Sprintf("[0 %d %d %d]", from, to, rest-30),
		"six numbers":      fmt.Sprintf("[0 %d %d %d 0 0]", from, to, rest),
		"two numbers":      fmt.Sprintf("[0 %d]", from),
		"empty":            "[]",
		"reals":            fmt.Sprintf("[0 %d. %d %d]", from, to, rest),
		"a reference":      "10 0 R",
		"null":             "null",
	} {
		if good(patch(t, b, ranges, "/ByteRange "+arr)) {
			t.Errorf("ByteRange %s passes", name)
		}
	}
	for name, b := range map[string][]byte{
		"two ByteRange keys":   patch(t, b, reason, "/ByteRange [0 1 2 3]"),
		"two Contents keys":    patch(t, b, reason, "/Contents <3000>"),
		"escaped Contents key": patch(t, b, reason, "/#43ontents <3000>"),
		"no ByteRange":         patch(t, b, regexp.MustCompile(`/ByteRange`), "/ByteRang3"),
		"no Contents":          patch(t, b, regexp.MustCompile(`/Contents <3`), "/Content5 <3"),
		"no DER":               patch(t, b, regexp.MustCompile(`/Contents <30`), "/Contents <31"),
		"not 00 after it":      patch(t, b, regexp.MustCompile(`00>\n/M`), "01>\n/M"),
		"a space in it":        patch(t, b, regexp.MustCompile(`00>\n/M`), "0 >\n/M"),
	} {
		if good(b) {
			t.Errorf("%s passes", name)
		}
	}
}

// The signature dictionary that counts is the one whose own bytes hold the
// hole: not a copy elsewhere, not an older one.
func TestWrapping(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	sig, widget := body(t, b, 5), body(t, b, 6)
	to11 := strings.Replace(widget, "/V 5 0 R", "/V 11 0 R", 1)
	hex := regexp.MustCompile(`/Contents <[0-9a-f]*>`)
	for name, attacked := range map[string][]byte{
		"a copy of the dictionary":      update(t, b, "4", text(evil), "6", to11, "11", sig),
		"Contents in another object":    update(t, b, "4", text(evil), "6", to11, "11", hex.ReplaceAllString(sig, "/Contents 12 0 R"), "12", "<3000>"),
		"direct in the field":           update(t, b, "4", text(evil), "6", strings.Replace(widget, "/V 5 0 R", "/V "+sig, 1)),
		"a second field, same value":    update(t, b, "10", "<< /Fields [6 0 R 11 0 R] /SigFlags 3 >>", "11", strings.Replace(widget, "/T <", "/T <FEFF", 1)),
		"Contents as a literal":         update(t, b, "6", to11, "11", hex.ReplaceAllString(sig, "/Contents (0000)")),
		"the dictionary as a stream":    update(t, b, "6", to11, "11", strings.Replace(sig, "<<", "<< /Length 0", 1)+"\nstream\n\nendstream"),
		"value taken away":              update(t, b, "6", strings.Replace(widget, "/V 5 0 R", "", 1)),
		"field of another type":         update(t, b, "6", strings.Replace(widget, "/FT /Sig", "/FT /Btn", 1)),
		"the same bytes, another place": update(t, b, "5", sig),
	} {
		if good(attacked) {
			t.Errorf("%s: passes", name)
		}
	}
	// A dictionary written before, shown by the form only later.
	base := update(t, sample(t, "unsigned/minimal.pdf"), "5", sig)
	late := update(t, base, "1", "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /SigFlags 3 >> >>", "6", "<< /FT /Sig /T (x) /V 5 0 R >>")
	if s := stamps(t, late); len(s) != 1 || s[0].CoversRevision || len(s[0].Problems) == 0 {
		t.Errorf("an older dictionary: %+v", s)
	}
	// Taken out of the form by a later revision, it is still found.
	gone := update(t, b, "10", "<< /Fields [] /SigFlags 3 >>")
	if s := stamps(t, gone); len(s) != 1 || !s[0].ContentAdded {
		t.Errorf("taken out: %+v", s)
	}
}

// What two readers would read differently is refused.
func TestAmbiguousFiles(t *testing.T) {
	b := sample(t, "unsigned/minimal.pdf")
	swap := func(from, to string) []byte {
		if !bytes.Contains(b, []byte(from)) {
			t.Fatalf("no %q", from)
		}
		return bytes.Replace(b, []byte(from), []byte(to), 1)
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"bytes before the header":  {append([]byte("\n"), b...), ErrMalformed},
		"garbage with structure":   {append(append([]byte(nil), b...), "1 0 obj"...), ErrAmbiguous},
		"text on the %%EOF line":   {append(bytes.Clone(bytes.TrimRight(b, "\n")), 'x'), ErrAmbiguous},
		"startxref into nothing":   {swap("startxref\n565", "startxref\n999"), ErrMalformed},
		"an entry one byte off":    {swap("0000000178", "0000000179"), ErrMalformed},
		"entries of 19 bytes":      {swap("65535 f \n", "65535 f\n"), ErrMalformed},
		"subsections that overlap": {swap("0 5\n0000000000 65535 f \n", "0 1\n0000000000 65535 f \n0 4\n"), ErrAmbiguous},
		"Size too small":           {swap("/Size 5", "/Size 4"), ErrAmbiguous},
		"a key twice":              {swap("/Root 1 0 R", "/Root 1 0 R /Root 2 0 R"), ErrAmbiguous},
		"Prev to itself":           {swap("/Size 5", "/Size 5 /Prev 565"), ErrMalformed},
		"count that lies":          {swap("/Count 1", "/Count 2"), ErrAmbiguous},
		"another parent":           {swap("/Parent 2 0 R", "/Parent 1 0 R"), ErrAmbiguous},
		"encrypted":                {swap("/Size 5", "/Size 5 /Encrypt 1 0 R"), ErrEncrypted},
		"deep nesting":             {swap("/Size 5", "/Size 5 /X "+strings.Repeat("[", 5000)), ErrMalformed},
		"a million objects":        {swap("0 5\n", "0 5000000\n"), ErrTooLarge},
		"nothing":                  {nil, ErrMalformed},
	} {
		if _, err := Open(bytes.NewReader(c.b), int64(len(c.b))); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
