package interop

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	pdflib "github.com/digitorus/pdf"
	"github.com/digitorus/pdfsign/extract"
	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/testlong"
	"yinxin/seal"
	"yinxin/verify"
)

// What one stamp does to a file is shown by the tools in seal/pdf's own tests;
// here the seal office seals each sample twice, with its own faces and tokens.

// unsignedPDFs gives every unsigned sample but the encrypted one, and the one that a
// signature of Adobe's has locked.
func unsignedPDFs(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("../seal/pdf/testdata/unsigned/*.pdf")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range all {
		if base := filepath.Base(n); base != "minimal-aes256.pdf" && base != "testfile30.pdf" {
			names = append(names, n)
		}
	}
	if len(names) != 15 {
		t.Fatalf("%d samples, want 15", len(names))
	}
	return names
}

const (
	dpi    = 150
	sealMM = 42 // of a face that the office draws
)

// places are where the two seals stand on the last page: they overlap.
var places = []seal.Place{{Page: -1, X: 8, Y: 4}, {Page: -1, X: 35, Y: 6}}

// twice gives a sample, sealed once and sealed twice.
func (h *house) twice(t testing.TB, name string) (in, once, both []byte) {
	t.Helper()
	in = read(t, name)
	once = h.sealPDF(t, in, places[0])
	both = h.sealPDF(t, once, places[1])
	if !bytes.HasPrefix(once, in) || !bytes.HasPrefix(both, once) {
		t.Fatal("sealing changed bytes that were there")
	}
	r := h.judge(t, both)
	if len(r.Stamps) < 2 {
		t.Fatalf("%d stamps", len(r.Stamps))
	}
	for _, s := range r.Stamps[len(r.Stamps)-2:] {
		if s.Verdict != verify.Valid {
			t.Fatalf("%s %v", s.Verdict, s.Checks)
		}
	}
	return in, once, both
}

func TestSealedTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var sealed [][]byte
	t.Run("tools", func(t *testing.T) {
		for _, name := range unsignedPDFs(t) {
			in, once, both := h.twice(t, name)
			sealed = append(sealed, both)
			t.Run(filepath.Base(name), func(t *testing.T) {
				t.Parallel()
				t.Run("qpdf", func(t *testing.T) { qpdfComplainsOfNothingNew(t, in, both) })
				t.Run("pdftotext", func(t *testing.T) { textIsTheSame(t, in, both) })
				t.Run("pdftoppm", func(t *testing.T) { onlyTheSealsAreDrawn(t, in, both) })
				t.Run("pdfsig", func(t *testing.T) { pdfsigSeesBoth(t, once, both) })
				t.Run("pdfsign", func(t *testing.T) { pdfsignFindsBoth(t, once, both) })
				t.Run("PDFBox and pyHanko", func(t *testing.T) { othersFindBoth(t, once, both) })
			})
		}
	})
	t.Run("python", func(t *testing.T) {
		if out, ok := check(t, "pdf", sealed...); !ok || out != strings.Repeat("good good\n", len(sealed)) {
			t.Errorf("%q", out)
		}
	})
}

func qpdfComplainsOfNothingNew(t *testing.T, in, out []byte) {
	program := testlong.Tool(t, "qpdf", "qpdf")
	complaints := func(b []byte) map[string]bool {
		path := write(t, "x.pdf", b)
		text, _ := run(t, program, "--check", path)
		set := map[string]bool{}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, "WARNING") || strings.HasPrefix(line, "ERROR") {
				set[strings.ReplaceAll(line, path, "")] = true
			}
		}
		return set
	}
	before := complaints(in)
	for line := range complaints(out) {
		if !before[line] {
			t.Error(line)
		}
	}
}

func textIsTheSame(t *testing.T, in, out []byte) {
	program := testlong.Tool(t, "pdftotext", "poppler-utils")
	text := func(b []byte) string {
		s, err := exec.Command(program, "-enc", "UTF-8", "-layout", write(t, "x.pdf", b), "-").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(s)
	}
	if a, b := text(in), text(out); a != b {
		t.Errorf("%q became %q", a, b)
	}
}

// tokens finds them by their text alone: offsets of "<" and behind ">".
func tokens(b []byte) [][]int {
	return regexp.MustCompile(`<[0-9a-f]{1000}[0-9a-f]*>`).FindAllIndex(b, -1)
}

// holes are the last two tokens'.
func holes(t testing.TB, b []byte) [][]int {
	t.Helper()
	all := tokens(b)
	if len(all) < 2 {
		t.Fatalf("%d tokens", len(all))
	}
	return all[len(all)-2:]
}

// pdfsig knows no SM2 and says nothing of validity; it sees fields and ranges,
// and that only the last stamp covers the whole file.
func pdfsigSeesBoth(t *testing.T, once, both []byte) {
	program := testlong.Tool(t, "pdfsig", "poppler-utils")
	text, _ := run(t, program, write(t, "x.pdf", both))
	parts := slices.DeleteFunc(strings.Split(text, "Signature #")[1:], func(s string) bool {
		return !strings.Contains(s, "Signature Field Name: 印章")
	})
	if len(parts) != 2 {
		t.Fatalf("pdfsig sees %d signatures:\n%s", len(parts), text)
	}
	for i, end := range []int{len(once), len(both)} {
		hole := holes(t, both)[i]
		for _, want := range []string{
			[]string{"Signature Field Name: 印章\n", "Signature Field Name: 印章 2\n"}[i],
			fmt.Sprintf("Signed Ranges: [0 - %d], [%d - %d]", hole[0], hole[1], end),
			[]string{"Not total document signed", "Total document signed"}[i],
		} {
			if !strings.Contains(parts[i], want) {
				t.Errorf("pdfsig does not say %q:\n%s", want, parts[i])
			}
		}
	}
}

// digitorus/pdfsign's reader finds both dictionaries, and what it takes for
// the signed bytes has the digest that the stamp signed.
func pdfsignFindsBoth(t *testing.T, once, both []byte) {
	reader, err := pdflib.NewReader(bytes.NewReader(both), int64(len(both)))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for s, err := range extract.Iter(reader, bytes.NewReader(both)) {
		if err != nil {
			t.Fatal(err)
		}
		r := s.ByteRange()
		if s.SubFilter() != "GM.sm2seal" {
			continue
		}
		if s.Filter() != "GM.PKILite" || len(r) != 4 {
			t.Fatalf("%s %v", s.Filter(), r)
		}
		i := 0
		if r[2]+r[3] != int64(len(once)) {
			i = 1
		}
		hole := holes(t, both)[i]
		end := []int{len(once), len(both)}[i]
		if r[0] != 0 || r[1] != int64(hole[0]) || r[2] != int64(hole[1]) || r[2]+r[3] != int64(end) {
			t.Errorf("stamp %d: its ranges are %v", i, r)
		}
		h := sm3.New()
		h.Write(both[:r[1]])
		h.Write(both[r[2] : r[2]+r[3]])
		var stamp sesSignature
		decode(t, der(t, s.Contents()), &stamp)
		if !bytes.Equal(h.Sum(nil), stamp.ToSign.DataHash.Bytes) || stamp.ToSign.PropertyInfo != "pdf:byterange" {
			t.Errorf("stamp %d covers something else than pdfsign's ranges", i)
		}
		n++
	}
	if n != 2 {
		t.Errorf("pdfsign finds %d signatures", n)
	}
}

// der takes off the padding behind a token; it must be zeros.
func der(t testing.TB, b []byte) []byte {
	t.Helper()
	n := 4 + int(b[2])<<8 + int(b[3])
	if b[0] != 0x30 || b[1] != 0x82 || n > len(b) || len(bytes.Trim(b[n:], "\x00")) > 0 {
		t.Fatalf("/Contents is no token with zeros behind it: % x", b[:4])
	}
	return b[:n]
}

// What is altered is bad to the second reader too: a byte before the hole, one
// behind it, one in the stamp.
func TestPythonChecksPDF(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	_, once, both := h.twice(t, "../seal/pdf/testdata/unsigned/decision.pdf")
	var altered [][]byte
	for _, at := range []int{
		bytes.Index(both, []byte("stream")) + 10,                             // in the document
		bytes.Index(both, []byte("/GM.PKILite")) + 1,                         // in the first stamp
		len(once) + bytes.Index(both[len(once):], []byte("/GM.PKILite")) + 1, // in the second
		len(both) - 10, // behind its hole
	} {
		b := bytes.Clone(both)
		b[at] ^= 1
		altered = append(altered, b)
	}
	if out, ok := check(t, "pdf", altered...); ok || out != "bad bad\nbad bad\ngood bad\ngood bad\n" {
		t.Errorf("%q", out)
	}
}
