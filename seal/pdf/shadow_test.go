package pdf

import (
	"fmt"
	"strings"
	"testing"
)

// Files prepared before their seal, in which an object that a later revision may rewrite
// is also reached by the page: "hide and replace" by way of the graph.

// shadowed is a page whose /Resources are object 5 and whose content draws what they
// call /TS; 6 is empty, 7 is what the sealer saw.
func shadowed(t testing.TB, catalog, resources, inner string) []byte {
	t.Helper()
	form := "<< /Type /XObject /Subtype /Form /BBox [0 0 300 144] /Length 0 >>\nstream\n\nendstream"
	return rebuild(t, fmt.Appendf(nil, `%%PDF-1.7
1 0 obj
<< /Type /Catalog /Pages 2 0 R %s >>
endobj
2 0 obj
<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 144] >>
endobj
3 0 obj
<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources 5 0 R >>
endobj
4 0 obj
%s
endobj
5 0 obj
%s
endobj
6 0 obj
%s
endobj
7 0 obj
%s
endobj
`, catalog, text("/TS Do"), resources, inner, form))
}

const evilForm = "<< /Type /XObject /Subtype /Form /BBox [0 0 300 144] /Length 3 >>\nstream\n0 g\nendstream"

// A page's resources that are /VRI too: neither is rewritten, what stands below both is.
func TestResourcesPreparedAsEvidence(t *testing.T) {
	for name, catalog := range map[string]string{
		"in the catalog":  "/DSS << /Type /DSS /VRI 5 0 R >>",
		"by a store":      "/DSS 8 0 R",
		"below an entry":  "/DSS << /Type /DSS /VRI << /X 6 0 R >> >>",
		"a list of forms": "/DSS << /Type /DSS /VRI << /X << /Cert 6 0 R >> >> >>",
	} {
		in := shadowed(t, catalog, "<< /XObject 6 0 R >>", "<< /TS 7 0 R >>")
		change := "<< /TS 20 0 R >>"
		switch name {
		case "by a store":
			in = rebuild(t, append(in[:strings.Index(string(in), "xref")], "8 0 obj\n<< /Type /DSS /VRI 5 0 R >>\nendobj\n"...))
		case "a list of forms":
			in = shadowed(t, catalog, "<< /XObject << /TS 7 0 R >> /Properties << /P 6 0 R >> >>", "[7 0 R]")
			change = "[7 0 R 20 0 R]"
		}
		b := seal(t, in, options(t, 0))
		if !good(b) {
			t.Fatalf("%s: cannot be sealed", name)
		}
		if good(update(t, b, "6", change, "20", evilForm)) {
			t.Errorf("%s: what the page draws was exchanged", name)
		}
	}
}

// What /VRI has of a time stays: it is evidence too.
func TestTimeOfValidationExchanged(t *testing.T) {
	b := seal(t, shadowed(t, "/DSS << /Type /DSS /VRI << /X 6 0 R >> >>", "<< >>", "<< /TS 7 0 R >>"), options(t, 0))
	if good(update(t, b, "6", "<< /TS 20 0 R >>", "20", text("another"))) {
		t.Error("one time-stamp took the place of another")
	}
	if !good(update(t, b, "6", "<< /TS 7 0 R /Cert [20 0 R] >>", "20", text("a certificate"))) {
		t.Error("evidence beside it is refused")
	}
}

// A form that stands in the catalog must not move into an object that was there before:
// it could be what the page shows.
func TestFormMovedIntoAnObjectOfThePage(t *testing.T) {
	in := shadowed(t, "/AcroForm << /Fields [] /SigFlags 3 /XObject << /TS 6 0 R >> >>", "<< /XObject << /TS 7 0 R >> >>", evilForm)
	b := seal(t, in, options(t, 0))
	if !good(b) {
		t.Fatal("cannot be sealed")
	}
	// The form as an honest further stamp leaves it, in object 5 instead.
	honest := evilStamp(t, b, func(*increment) {})
	form := directForm(t, honest)
	attacked := evilStamp(t, b, func(n *increment) { n.object(5, []byte(form)) })
	attacked = lastReplaced(attacked, form, fmt.Sprintf("%-*s", len(form), "5 0 R"))
	s := stamps(t, attacked)
	if len(s) != 2 || !s[1].CoversFile || !strings.HasPrefix(body(t, attacked, 5), "<< /Fields") {
		t.Fatalf("%+v", s)
	}
	if !s[0].ContentAdded {
		t.Error("the page's resources became the form")
	}
}

// directForm is the form as it stands in the catalog.
func directForm(t testing.TB, b []byte) string {
	t.Helper()
	f := open(t, b)
	cat, err := f.get(f.revs[f.last()].root, f.last())
	if err != nil {
		t.Fatal(err)
	}
	v := cat.get("AcroForm")
	if v.kind != kDict {
		t.Fatal("the form does not stand in the catalog")
	}
	return string(b[v.start:v.end])
}
