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

// archivalForms are ways to seal a page that draw or write something of their own.
var archivalForms = []struct {
	name  string
	place seal.Place
	order seal.Order
}{
	{"a spot", places[0], seal.Order{}},
	{"a keyword", seal.Place{Keyword: &seal.Keyword{Text: "document"}}, seal.Order{Certify: 2}},
	{"a code", places[0], seal.Order{Mark: &seal.Mark{Kind: seal.MarkCode, Where: seal.BottomRight}}},
	{"a QR code", places[0], seal.Order{Mark: &seal.Mark{Kind: seal.MarkQR, Where: seal.BottomRight}}},
	{"a companion", places[0], seal.Order{Companion: true}},
	{"LTA", places[0], seal.Order{Level: seal.LevelLTA}},
}

// A file that keeps the rules of PDF/A or PDF/UA keeps them when it is sealed, once and
// again, and when evidence is added: all of them with profile cms, and with ses all but
// what it breaks by its nature.
func TestSealedFilesStayArchival(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tagged := read(t, "../seal/pdf/testdata/unsigned/minimal-pdf-ua-and-a.pdf")
	for flavour, in := range map[string][]byte{"2b": archival(t), "ua1": tagged} {
		if rules := broken(t, in, flavour); len(rules) > 0 {
			t.Fatalf("before it is sealed: %q", rules)
		}
		for _, profile := range []seal.Profile{seal.ProfileSES, seal.ProfileCMS} {
			keeps := func(name string, doc []byte) {
				for _, rule := range broken(t, doc, flavour) {
					known := func(k string) bool { return strings.HasPrefix(rule, flavour+" "+k+":") }
					if profile == seal.ProfileCMS || !slices.ContainsFunc(notPKCS7, known) {
						t.Errorf("%s, %s, %s: broken by the seal: %s", flavour, profile, name, rule)
					}
				}
			}
			for _, form := range archivalForms {
				order := form.order
				order.Profile = profile
				keeps(form.name, h.sealAs(t, in, form.place, order))
			}
			twice := h.sealAs(t, h.sealAs(t, in, places[0], seal.Order{Profile: profile}), places[1], seal.Order{Profile: profile})
			keeps("twice", twice)
			keeps("twice, augmented", h.augment(t, twice, seal.LevelLTA))
		}
	}
}

// augment adds the evidence of a level to a sealed file.
func (h *house) augment(t testing.TB, doc []byte, level seal.Level) []byte {
	t.Helper()
	a, err := h.Seals.Augment(t.Context(), bytes.NewReader(doc), int64(len(doc)), level)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := a.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
