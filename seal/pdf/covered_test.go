package pdf

import (
	"bytes"
	"fmt"
	"testing"
	"time"
)

// A signature that shows nothing is told from one that does, whatever its rectangle is
// written like.
func TestInvisible(t *testing.T) {
	for rect, want := range map[string]bool{
		"[0 0 0 0]": true, "[7 7 7 7]": true, "[0.5 3 0.5 3]": true, "[0 0 10 10]": false, "[0 0 0 10]": false, "[0 0 10 0]": false, "[0 0 0]": false, "[]": false, "[/a /b /a /b]": false,
	} {
		f := openString(t, fmt.Sprintf("<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /F 132 /Rect %s /P 3 0 R /V 5 0 R >>", rect))
		if _, err := f.Stamps(); err != nil {
			continue // such a field is refused whole
		}
		if got := f.Invisible(0); got != want {
			t.Errorf("%s: %t", rect, got)
		}
	}
	f := openString(t, "<< /Type /Annot /Subtype /Widget /FT /Sig /T (S) /F 132 /Rect [0 0 0 0] /P 3 0 R /V 5 0 R >>")
	if f.Invisible(-1) || f.Invisible(99) {
		t.Error("a signature that is not there")
	}
}

// openString makes a file of one page with one signature field.
func openString(t *testing.T, field string) *File {
	t.Helper()
	objects := []string{"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [4 0 R] /SigFlags 3 >> >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100 100] /Annots [4 0 R] >>", field, "<< /Type /Sig /Filter /x /SubFilter /y /ByteRange [0 1 2 3] /Contents <3003020101> >>"}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	at := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, at)
	f, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Stamps(); err == nil && len(f.found) != 1 {
		t.Fatalf("%d signatures", len(f.found))
	}
	return f
}

func TestParseDate(t *testing.T) {
	at := time.Date(2026, 11, 26, 5, 0, 0, 0, time.UTC)
	for s, want := range map[string]time.Time{
		"D:20261126050000+00'00'": at, "D:20261126050000Z": at, "D:20261126130000+08'00'": at, "D:20261126130000+08'00": at, "D:20261126000000-05'00'": at,
		"D:20261126050000": {}, "D:202611260500Z": {}, "20261126050000Z": {}, "D:20261326050000Z": {}, "": {}, "D:20261126050000Z ": {},
	} {
		got, ok := ParseDate(s)
		if ok == want.IsZero() || !got.Equal(want) {
			t.Errorf("%q: %s %t", s, got, ok)
		}
	}
	if got, ok := ParseDate(date(at)); !ok || !got.Equal(at) {
		t.Errorf("ours: %s %t", got, ok)
	}
}
