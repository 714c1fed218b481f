package pdf

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// pieces is some evidence, another for each seed. What it says is not for this room.
func pieces(seed int) []Evidence {
	var all []Evidence
	for _, l := range storeLists {
		all = append(all, Evidence{Kind: l.kind, Data: fmt.Appendf(nil, "0 %s %d endstream endobj", l.key, seed)})
	}
	return all
}

// augmented adds evidence to a document, and a time-stamp with room.
func augmented(t testing.TB, in []byte, a Addition) []byte {
	t.Helper()
	l, err := open(t, in).LayoutEvidence(a)
	if err != nil {
		t.Fatal(err)
	}
	var der []byte
	if a.TokenSize > 0 {
		der = token(a.TokenSize - 8)
	}
	var out bytes.Buffer
	if n, err := l.WriteTo(&out, der); err != nil || n != l.Size() {
		t.Fatalf("wrote %d of %d: %v", n, l.Size(), err)
	}
	return out.Bytes()
}

func kinds(s Signature) (out []ChangeKind) {
	for _, l := range s.Later {
		out = append(out, l.Kind)
	}
	return out
}

// Evidence and time-stamps after a stamp, renewed and stamped again, are told from
// content in every sample.
func TestEvidenceAfterStamps(t *testing.T) {
	for _, name := range sealable(t) {
		t.Run(name, func(t *testing.T) {
			b := seal(t, sample(t, name), options(t, 0))
			before := len(stamps(t, b))
			b = augmented(t, b, Addition{Evidence: pieces(1)})
			b = augmented(t, b, Addition{Evidence: append(pieces(1), pieces(2)...), TokenSize: 2048})
			b = seal(t, b, options(t, 8))
			b = augmented(t, b, Addition{TokenSize: 2048})
			all := stamps(t, b)
			if len(all) != before+3 {
				t.Fatalf("%d signatures", len(all))
			}
			for i, later := range [][]ChangeKind{{ChangeEvidence, ChangeSignature, ChangeSignature, ChangeSignature}, {ChangeSignature, ChangeSignature}, {ChangeSignature}, nil} {
				s := all[before-1+i]
				if !s.CoversRevision || len(s.Problems) > 0 || s.ContentAdded || !cmp.Equal(kinds(s), later) || s.DocTimeStamp != (i == 1 || i == 3) {
					t.Errorf("signature %d: %v %v %+v", i, s.Problems, s.LaterChanges, s)
				}
			}
			var want []Evidence
			r := len(open(t, b).revs) - 5
			for k, l := range storeLists {
				want = append(want, Evidence{l.kind, pieces(1)[k].Data, r + 1}, Evidence{l.kind, pieces(2)[k].Data, r + 2})
			}
			if diff := cmp.Diff(want, open(t, b).Evidence()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAdditionsRefused(t *testing.T) {
	b := augmented(t, seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0)), Addition{Evidence: pieces(1)})
	many := make([]Evidence, maxEvidence)
	for i := range many {
		many[i].Data = fmt.Append(nil, i)
	}
	for name, a := range map[string]Addition{
		"nothing":          {},
		"nothing new":      {Evidence: pieces(1)},
		"a tiny token":     {TokenSize: 3},
		"a huge token":     {TokenSize: maxToken + 1},
		"too many pieces":  {Evidence: many},
		"too many octets":  {Evidence: []Evidence{{Data: make([]byte, maxEvidenceBytes)}}},
		"no name for it":   {TokenSize: 2048, FieldName: "a.b"},
		"too long a token": {TokenSize: maxToken << 8},
	} {
		if _, err := open(t, b).LayoutEvidence(a); err == nil {
			t.Errorf("%s: laid out", name)
		}
	}
}

// In minimal.pdf, sealed: 1 catalog, 2 pages, 3 page, 4 content, 10 form; with evidence
// 11 to 14 are the pieces and 15 the store.
func TestEvidenceThatIsMore(t *testing.T) {
	sealed := seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0))
	b := augmented(t, sealed, Addition{Evidence: pieces(1)})
	catalog, store := body(t, b, 1), body(t, b, 15)
	with := func(more string) string { return strings.Replace(store, "/Certs [", "/Certs ["+more+" ", 1) }
	if !good(update(t, b, "15", with("16 0 R"), "16", text("new"))) {
		t.Fatal("a store that grew in its own object is not good")
	}
	page := body(t, sealed, 3)
	for name, attacked := range map[string][]byte{
		"a page beside it":       update(t, b, "15", with("16 0 R"), "16", text("new"), "3", strings.Replace(page, "/Contents 4 0 R", "/Contents 16 0 R", 1)),
		"content beside it":      update(t, b, "15", with("16 0 R"), "16", text("new"), "4", text(evil)),
		"an action beside it":    update(t, b, "1", strings.Replace(catalog, "/DSS", "/OpenAction 16 0 R /DSS", 1), "15", with("17 0 R"), "17", text("new"), "16", "<< /S /JavaScript /JS (x) >>"),
		"a piece changed":        update(t, b, "11", text("another")),
		"a piece removed":        update(t, b, "15", strings.Replace(store, "/Certs [11 0 R]", "/Certs []", 1)),
		"the store removed":      update(t, b, "1", body(t, sealed, 1)),
		"a list removed":         update(t, b, "15", strings.Replace(store, "/OCSPs [13 0 R]", "", 1)),
		"pieces of no stream":    update(t, b, "15", with("16 0 R"), "16", "<< /S /JavaScript >>"),
		"pieces that are direct": update(t, b, "15", with("(x)")),
		"a key of another kind":  update(t, b, "15", strings.Replace(with("16 0 R"), "/Certs", "/AA 17 0 R /Certs", 1), "16", text("new"), "17", "<< >>"),
		"an unused object":       update(t, b, "15", with("16 0 R"), "16", text("new"), "17", "(x)"),
		"nothing but the store":  update(t, b, "15", store),
		"extensions that act":    update(t, b, "1", strings.Replace(catalog, "/ESIC <<", "/ESIC << /X 16 0 R", 1), "15", with("17 0 R"), "17", text("new"), "16", "(x)"),
		"another /Type":          update(t, b, "15", strings.Replace(with("16 0 R"), "/Type /DSS", "/Type /Catalog", 1), "16", text("new")),
		"bytes behind it":        append(update(t, b, "15", with("16 0 R"), "16", text("new")), ' '),
	} {
		if good(attacked) {
			t.Errorf("%s: passes", name)
		}
	}
}

// A file prepared before its seal, in which what looks like evidence is the page's too:
// "hide and replace", ISO 32000's object graph being what it is.
func TestEvidencePreparedAsContent(t *testing.T) {
	const objects = `%%PDF-1.7
1 0 obj
<< /Type /Catalog /Pages 2 0 R /DSS %s >>
endobj
2 0 obj
<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 144] >>
endobj
3 0 obj
<< /Type /Page /Parent 2 0 R /Contents %s >>
endobj
4 0 obj
<< /Length 0 >>
stream

endstream
endobj
5 0 obj
[4 0 R]
endobj
6 0 obj
<< /Type /DSS /Certs 5 0 R >>
endobj
`
	for name, c := range map[string]struct {
		dss, contents string
		honest        bool
	}{
		"apart":                     {"6 0 R", "4 0 R", true},
		"the page's array of parts": {"<< /Type /DSS /Certs 5 0 R >>", "5 0 R", false},
		"the same, by way of 6":     {"6 0 R", "5 0 R", false},
	} {
		b := seal(t, rebuild(t, fmt.Appendf(nil, objects, c.dss, c.contents)), options(t, 0))
		if !good(b) {
			t.Fatalf("%s: cannot be sealed", name)
		}
		attacked := update(t, b, "5", "[4 0 R 20 0 R]", "20", text(evil))
		if good(attacked) != c.honest {
			t.Errorf("%s: %v", name, stamps(t, attacked)[0].LaterChanges)
		}
	}
}

// What anyone may add must show nothing.
func TestTimeStampsThatShow(t *testing.T) {
	b := augmented(t, seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0)), Addition{TokenSize: 2048})
	if !good(b) {
		t.Fatal("a time-stamp that shows nothing is not good")
	}
	for _, rect := range []string{"[0 0 1 0]", "[0 0 0 1]", "[0 0 9 9]", "[1 1 0 0]", "[0 0 0 ]", "null    "} {
		attacked := bytes.Replace(b, []byte("/Rect [0 0 0 0]"), fmt.Appendf(nil, "/Rect %-9s", rect), 1)
		s := stamps(t, attacked)
		if len(s) != 2 || !s[0].ContentAdded {
			t.Errorf("%s: %v", rect, s[0].LaterChanges)
		}
	}
	shown := seal(t, b, options(t, 8))
	shown = regexp.MustCompile(`/Type /Sig /Filter /GM.PKILite`).ReplaceAll(shown, []byte("/Type /DocTimeStamp /Filter /G"))
	for _, s := range stamps(t, shown)[1:2] {
		if !s.ContentAdded {
			t.Error("a stamp's picture passes for a time-stamp")
		}
	}
}
