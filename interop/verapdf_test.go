package interop

import (
	"bytes"
	"slices"
	"strings"
	"sync"
	"testing"

	"yinxin/seal"
)

var verapdfProgram = sync.OnceValues(func() (*javaWitness, error) { return mavenWitness("verapdf") })

// broken gives the rules of a flavour ("2b", "ua1", or "own" for what the file claims)
// that a file breaks.
func broken(t testing.TB, b []byte, flavour string) []string {
	t.Helper()
	needsMaven(t)
	w, err := verapdfProgram()
	if err != nil {
		t.Fatal(err)
	}
	said, err := w.judge([]string{write(t, "x.pdf", b), flavour})
	if err != nil || strings.HasPrefix(said[len(said)-1], "failed: ") {
		t.Fatalf("veraPDF: %q %v", said, err)
	}
	if good := said[len(said)-1] == "good"; good != (len(said) == 1) {
		t.Fatalf("veraPDF: %q", said)
	}
	return said[:len(said)-1]
}

// archival makes a PDF/A-2b of a sample that claims 3b, and PDF/UA by a schema that
// PDF/A does not know: every octet keeps its place.
func archival(t testing.TB) []byte {
	t.Helper()
	b := read(t, "../seal/pdf/testdata/unsigned/minimal-pdf-ua-and-a.pdf")
	from := bytes.Index(b, []byte("pdfuaid"))
	from = bytes.LastIndex(b[:from], []byte("<rdf:Description"))
	end := []byte("</rdf:Description>")
	to := from + bytes.Index(b[from:], end) + len(end)
	if from < 0 || !bytes.Contains(b[from:to], []byte("pdfuaid:part")) {
		t.Fatal("the sample claims no PDF/UA where it did")
	}
	b = slices.Concat(b[:from], bytes.Repeat([]byte(" "), to-from), b[to:])
	b = bytes.Replace(b, []byte("<pdfaid:part>3"), []byte("<pdfaid:part>2"), 1)
	if rules := broken(t, b, "2b"); len(rules) > 0 {
		t.Fatalf("the sample is no PDF/A-2b before it is sealed: %q", rules)
	}
	return b
}

// notPKCS7 are the rules that profile ses breaks by its nature: what stands in
// /Contents is a SES_Signature, and PDF/A wants PKCS #7 there. Profile cms keeps them.
var notPKCS7 = []string{"6.4.3 2", "6.4.3 3"}

// A file that keeps the rules of PDF/A or PDF/UA keeps them when it is sealed.
func TestSealedFilesStayArchival(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	keeps := func(t *testing.T, in []byte, flavour string) {
		if rules := broken(t, in, flavour); len(rules) > 0 {
			t.Fatalf("before it is sealed: %q", rules)
		}
		both := h.sealPDF(t, h.sealPDF(t, in, places[0]), places[1])
		for _, rule := range broken(t, both, flavour) {
			if !slices.ContainsFunc(notPKCS7, func(known string) bool { return strings.HasPrefix(rule, flavour+" "+known+":") }) {
				t.Errorf("broken by the seal: %s", rule)
			}
		}
	}
	// Profile cms keeps every rule, with a printed code beside it too.
	keepsAll := func(t *testing.T, in []byte, flavour string) {
		for _, mark := range []seal.MarkKind{seal.MarkCode, seal.MarkQR} {
			sealed := h.sealAs(t, in, places[0], seal.Order{Profile: seal.ProfileCMS, Mark: &seal.Mark{Kind: mark, Where: seal.BottomRight}})
			if rules := broken(t, sealed, flavour); len(rules) > 0 {
				t.Errorf("broken by a seal of profile cms and a %s: %q", mark, rules)
			}
		}
	}
	t.Run("PDF/A-2b, cms", func(t *testing.T) { keepsAll(t, archival(t), "2b") })
	t.Run("PDF/UA-1, cms", func(t *testing.T) {
		keepsAll(t, read(t, "../seal/pdf/testdata/unsigned/minimal-pdf-ua-and-a.pdf"), "ua1")
	})
	t.Run("PDF/A-2b", func(t *testing.T) { keeps(t, archival(t), "2b") })
	t.Run("PDF/UA-1", func(t *testing.T) { keeps(t, read(t, "../seal/pdf/testdata/unsigned/minimal-pdf-ua-and-a.pdf"), "ua1") })
}
