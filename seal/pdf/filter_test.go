package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// manySections is a small file with n empty revisions after the first, each a
// cross-reference stream of no rows.
func manySections(t testing.TB, n int, parms string) []byte {
	t.Helper()
	nothing, err := deflate(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	rows := []byte{0, 0, 0, 0, 0}
	for i, body := range []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>",
		"<< /Type /Page /Parent 2 0 R >>",
	} {
		rows = append(rows, 1, byte(b.Len()>>16), byte(b.Len()>>8), byte(b.Len()), 0)
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	off := b.Len()
	section := func(entries string, data []byte) {
		fmt.Fprintf(&b, "4 0 obj\n<< /Type /XRef /Size 5 /W [1 3 1] /Root 1 0 R %s /Length %d >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n",
			entries, len(data), data, off)
	}
	section("/Index [0 4]", rows)
	for range n {
		prev := off
		off = b.Len()
		section(fmt.Sprintf("/Index [] /Prev %d /Filter /FlateDecode %s", prev, parms), nothing)
	}
	return b.Bytes()
}

// Rows of 64 MB that are claimed and never come are paid for all the same: a
// file of 250 KB took a minute to clear the room for them.
func TestRowsThatNeverCome(t *testing.T) {
	for parms, want := range map[string]error{
		"": nil,
		"/DecodeParms << /Predictor 12 /Columns 5 >>":                                              nil,
		"/DecodeParms << /Predictor 12 /Colors 32 /BitsPerComponent 16 /Columns 1048576 >>":        ErrTooLarge,
		"/DecodeParms << /Predictor 2 /Colors 32 /BitsPerComponent 8 /Columns 1048576 >>":          ErrTooLarge,
		"/DecodeParms << /Predictor 12 /Colors 32 /BitsPerComponent 16 /Columns 1048577 >>":        ErrMalformed,
		"/DecodeParms << /Predictor 12 /Columns 9223372036854775807 >>":                            ErrMalformed,
		"/DecodeParms << /Predictor 12 /Colors -1 >>":                                              ErrMalformed,
		"/DecodeParms [<< /Predictor 12 >> << /Predictor 12 >>]":                                   ErrMalformed,
		"/DecodeParms << /Predictor 3 /Columns 5 >>":                                               ErrMalformed,
		"/DecodeParms << /Predictor 12.0 /Columns 5 >>":                                            ErrMalformed,
		"/DecodeParms << /Predictor 12 /Columns 5 /Columns 6 >>":                                   ErrAmbiguous,
		"/DecodeParms << /Predictor 12 /Colors 32 /BitsPerComponent 16 /Columns 1048576 >> /F (x)": ErrMalformed,
	} {
		b := manySections(t, 100, parms)
		if _, err := Open(bytes.NewReader(b), int64(len(b))); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", parms, err, want)
		}
	}
}
