package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// Attacks by the chain of cross-reference sections: what a later section says
// of the sealed objects, and which sections are found at all.

// streamSection appends objects and a cross-reference stream that is given its
// rows by hand: kind, offset or container, generation or index.
func streamSection(t testing.TB, b []byte, extra string, objects map[int]string, order []int, more map[int][3]int) []byte {
	t.Helper()
	f := open(t, b)
	out := bytes.NewBuffer(bytes.Clone(b))
	rows, self := make(map[int][3]int), int(f.revs[f.last()].size)
	for _, num := range order {
		self = max(self, num+1)
		rows[num] = [3]int{1, out.Len(), 0}
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", num, objects[num])
	}
	for num, r := range more {
		self = max(self, num+1)
		rows[num] = r
	}
	off := out.Len()
	rows[self] = [3]int{1, off, 0}
	var index strings.Builder
	var data []byte
	for num := range self + 1 {
		if r, ok := rows[num]; ok {
			fmt.Fprintf(&index, " %d 1", num)
			data = append(data, byte(r[0]), byte(r[1]>>16), byte(r[1]>>8), byte(r[1]), byte(r[2]))
		}
	}
	if !strings.Contains(extra, "/Prev") {
		extra += fmt.Sprintf(" /Prev %d", f.revs[f.last()].xref)
	}
	fmt.Fprintf(out, "%d 0 obj\n<< /Type /XRef /Root 1 0 R /Size %d /W [1 3 1] /Index [%s] /Length %d %s >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
		self, self+1, index.String(), len(data), extra, data, off)
	return out.Bytes()
}

func TestObjectsOverridden(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal-xref.pdf"), options(t, 0))
	if !good(b) {
		t.Fatal("the sealed file is not good")
	}
	f := open(t, b)
	page := int(f.pages[0].num)
	content := int(mustGet(t, f, f.pages[0].num).get("Contents").num)
	free := int(f.revs[f.last()].size)
	evilPage := strings.Replace(body(t, b, int64(page)), "/Annots", "/Group 1 0 R /Annots", 1)
	packed := func(num int, s string) string { return fmt.Sprintf("%d 0 %s", num, s) }
	stm := func(num int, s string) string {
		data := packed(num, s)
		return fmt.Sprintf("<< /Type /ObjStm /N 1 /First %d /Length %d >>\nstream\n%s\nendstream", len(data)-len(s), len(data), data)
	}
	for name, attacked := range map[string][]byte{
		"a page in an object stream":     streamSection(t, b, "", map[int]string{free: stm(page, evilPage)}, []int{free}, map[int][3]int{page: {2, free, 0}}),
		"content replaced":               streamSection(t, b, "", map[int]string{content: text(evil)}, []int{content}, nil),
		"content freed":                  streamSection(t, b, "", nil, nil, map[int][3]int{content: {0, 0, 1}}),
		"the page freed":                 streamSection(t, b, "", nil, nil, map[int][3]int{page: {0, 0, 1}}),
		"content is the seal's form":     streamSection(t, b, "", nil, nil, map[int][3]int{content: {1, offsetOf(t, f, formOf(t, f)), 0}}),
		"an unused object stream":        streamSection(t, b, "", map[int]string{free: stm(free+1, "(x)")}, []int{free}, map[int][3]int{free + 1: {2, free, 0}}),
		"another root":                   bytes.Replace(streamSection(t, b, "", map[int]string{free: body(t, b, 1)}, []int{free}, nil), fmt.Appendf(nil, "/XRef /Root 1 0 R /Size %d /W [1 3 1]", free+2), fmt.Appendf(nil, "/XRef /Root %d 0 R /Size %d /W [1 3 1]", free, free+2), 1),
		"nothing but a section":          streamSection(t, b, "", nil, nil, nil),
		"a section that skips the stamp": streamSection(t, b, fmt.Sprintf("/Prev %d", f.revs[0].xref), nil, nil, nil),
		"all re-pointed, stamp skipped":  streamSection(t, b, fmt.Sprintf("/Prev %d", f.revs[0].xref), nil, nil, repoint(f, content)),
	} {
		if bytes.Equal(attacked, b) {
			t.Errorf("%s: the attack changes nothing", name)
		}
		if good(attacked) {
			t.Errorf("%s: passes", name)
		}
	}
}

func mustGet(t testing.TB, f *File, num int64) *object {
	t.Helper()
	o, err := f.get(ref{num, 0}, f.last())
	if err != nil || o.kind == kNull {
		t.Fatalf("object %d: %v", num, err)
	}
	return o
}

func formOf(t testing.TB, f *File) int64 {
	t.Helper()
	if _, err := f.Stamps(); err != nil {
		t.Fatal(err)
	}
	return f.found[0].widget.get("AP").get("N").num
}

func offsetOf(t testing.TB, f *File, num int64) int {
	t.Helper()
	return int(mustGet(t, f, num).where.off)
}

// repoint names every object of the file where it is, but one.
func repoint(f *File, but int) map[int][3]int {
	rows := make(map[int][3]int)
	for _, e := range f.index {
		if e.kind == entryInFile && int(e.num) != but {
			rows[int(e.num)] = [3]int{1, int(e.off), int(e.gen)}
		}
	}
	return rows
}

// A section that two readers reach in two ways, or one never leaves.
func TestChainsRefused(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	f := open(t, b)
	first, second := f.revs[0].xref, f.revs[1].xref
	prev := func(to int64) []byte {
		return bytes.Replace(b, fmt.Appendf(nil, "/Prev %d", first), fmt.Appendf(nil, "/Prev %*d", len(fmt.Sprint(first)), to), 1)
	}
	end := func(format string, args ...any) []byte { return fmt.Appendf(bytes.Clone(b), format, args...) }
	two := update(t, b)
	last := open(t, two).revs[2].xref
	for name, attacked := range map[string][]byte{
		"an older section named at the end":  end("startxref\n%d\n%%%%EOF\n", first),
		"the same section named once more":   end("startxref\n%d\n%%%%EOF\n", second),
		"a section named from far behind":    end("%s\nstartxref\n%d\n%%%%EOF\n", strings.Repeat(" ", 2000), second),
		"two sections that name each other":  bytes.Replace(two, fmt.Appendf(nil, "/Size 11 /Prev %d", first), fmt.Appendf(nil, "/Size 11/Prev %d", last), 1),
		"Prev into the middle of an object":  prev(first - 50),
		"Prev to nothing":                    prev(0),
		"Prev beyond the file":               prev(999),
		"Prev that is negative":              prev(-1),
		"Prev that is a real":                bytes.Replace(b, fmt.Appendf(nil, "/Prev %d", first), fmt.Appendf(nil, "/Prev %d.", first/10), 1),
		"Prev that is a reference":           bytes.Replace(b, fmt.Appendf(nil, "/Prev %d", first), []byte("/Prev 4 0 R"), 1),
		"a table's entry that is too long":   regexp.MustCompile(`(?m)^(\d{10}) (\d{5}) n $`).ReplaceAll(b, []byte("0$1 $2 n")),
		"a startxref that is another number": bytes.Replace(b, fmt.Appendf(nil, "startxref\n%d\n", first), fmt.Appendf(nil, "startxref\n%d\n", first+1), 1),
	} {
		if bytes.Equal(attacked, b) {
			t.Errorf("%s: the attack changes nothing", name)
			continue
		}
		if good(attacked) {
			t.Errorf("%s: passes", name)
		}
		if _, err := Open(bytes.NewReader(attacked), int64(len(attacked))); err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrAmbiguous) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A second stamp whose own objects do more than a stamp's: actions, layers,
// parents, a second appearance, a place in the list that is not the last.
func TestSecondStampsObjects(t *testing.T) {
	b := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	twice := evilStamp(t, b, func(*increment) {})
	patched := func(from, to string) []byte {
		return append(bytes.Clone(b), patch(t, twice[len(b):], regexp.MustCompile(from), to)...)
	}
	const title = `/TU <[0-9A-F]*>`
	for name, attacked := range map[string][]byte{
		"an action":              patched(title, "/A << /S /JavaScript /JS (x) >>"),
		"actions":                patched(title, "/AA << /E << /S /Hide /T (x) >> >>"),
		"a parent":               patched(title, "/Parent 6 0 R"),
		"kids":                   patched(title, "/Kids [6 0 R]"),
		"a layer":                patched(title, "/OC << /Type /OCG >>"),
		"an appearance state":    patched(title, "/AS /Off"),
		"a reply to another":     patched(title, "/IRT 6 0 R"),
		"a popup":                patched(title, "/Popup 6 0 R"),
		"the first one's name":   patched(`/T \(evil\) /TU <[0-9A-F]*>`, "/T <FEFF53707AE0>"),
		"a picture of its own":   patched(title, "/MK << /I 4 0 R >> /CA 1 /RC (x)"),
		"on no page":             patched(`/P 3 0 R`, "/P 1 0 R"),
		"before the first":       patched(`\[6 0 R 12 0 R\]`, "[12 0 R 6 0 R]"),
		"instead of the first":   patched(`\[6 0 R 12 0 R\]`, "[7 0 R 12 0 R]"),
		"the first left out":     patched(`\[6 0 R 12 0 R\]`, "[12 0 R]"),
		"SigFlags taken back":    append(bytes.Clone(b), evilFlags(t, b)...),
		"a field beside its own": patched(`/FT /Sig`, "/FT /Btn"),
	} {
		f, err := Open(bytes.NewReader(attacked), int64(len(attacked)))
		if err != nil {
			continue
		}
		s, err := f.Stamps()
		if err == nil && len(s) > 0 && s[0].CoversRevision && !s[0].ContentAdded {
			t.Errorf("%s: nothing was added after the first stamp: %v", name, s[0].LaterChanges)
		}
	}
}

// evilFlags is a second stamp's increment that also clears the form's flags.
func evilFlags(t testing.TB, b []byte) []byte {
	t.Helper()
	out := evilStamp(t, b, func(n *increment) {
		holder, form, err := n.f.acroForm(n.f.last())
		if err != nil {
			t.Fatal(err)
		}
		if err := n.set(holder, form, "SigFlags", "0"); err != nil {
			t.Fatal(err)
		}
	})
	return out[len(b):]
}
