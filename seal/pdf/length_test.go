package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A /Length that is looked up by way of itself ends in a refusal, not in the
// end of the stack: that would take the whole process down.
func TestLengthInACircle(t *testing.T) {
	stream := func(length int) string { return fmt.Sprintf("<< /Length %d 0 R >>\nstream\nx\nendstream", length) }
	ring := make([]string, 100)
	for i := range ring {
		ring[i] = stream(4 + (i+1)%len(ring))
	}
	for name, b := range map[string][]byte{
		"itself":                      doc(t, "/AcroForm 4 0 R", stream(4)),
		"two that name each other":    doc(t, "/AcroForm 4 0 R", stream(5), stream(4)),
		"a ring":                      doc(t, "/AcroForm 4 0 R", ring...),
		"an object stream in itself":  compressed(t, "/N 1 /First 4 /Length 6 0 R", "6 0 5"),
		"an object stream of no size": compressed(t, "/N 1 /First 4 /Length 9 0 R", "6 0 5"),
	} {
		f, err := Open(bytes.NewReader(b), int64(len(b)))
		if err == nil {
			_, err = f.Stamps()
		}
		if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), "/Length") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if b := compressed(t, "/N 1 /First 4 /Length 5", "6 0 5"); open(t, b).PageCount() != 1 {
		t.Error("a good object stream is refused")
	}
}

// compressed is a small file with object 6 in object stream 4, whose entries
// and data are given.
func compressed(t testing.TB, entries, data string) []byte {
	t.Helper()
	var b bytes.Buffer
	rows := []byte{0, 0, 0, 0}
	b.WriteString("%PDF-1.7\n")
	for i, body := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>",
		"<< /Type /Page /Parent 2 0 R >>",
		fmt.Sprintf("<< /Type /ObjStm %s >>\nstream\n%s\nendstream", entries, data),
	} {
		rows = append(rows, 1, byte(b.Len()>>8), byte(b.Len()), 0)
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	off := b.Len()
	rows = append(rows, 1, byte(off>>8), byte(off), 0, 2, 0, 4, 0)
	fmt.Fprintf(&b, "5 0 obj\n<< /Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", len(rows), rows, off)
	return b.Bytes()
}
