package province

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"yinxin/internal/testlong"
	"yinxin/seal"
	"yinxin/seal/pdf"
	"yinxin/verify"
)

// words are texts of the samples; the others say Hello.
var words = map[string]string{"decision.pdf": "盖章", "testfile12.pdf": "Manual", "testfile14.pdf": "DIGITORUS", "testfile16.pdf": "Signatures", "testfile17.pdf": "Inkscape", "testfile30.pdf": "Sample"}

// placed are the ways to place a seal on a PDF, each with what may stand beside it. A
// keyword is filled in for each sample.
var placed = []struct {
	name  string
	pages int // at least
	order func(r *seal.StampRequest)
}{
	{"spot", 1, func(r *seal.StampRequest) { r.Placement = seal.Place{Page: -1, X: 5, Y: 4} }},
	{"riding right", 2, func(r *seal.StampRequest) { r.Placement.Riding = &seal.Riding{} }},
	{"riding left", 2, func(r *seal.StampRequest) { r.Placement.Riding = &seal.Riding{Side: seal.Left, At: 3} }},
	{"riding odd", 3, func(r *seal.StampRequest) { r.Placement.Riding = &seal.Riding{Pages: seal.OddPages} }},
	{"riding even", 4, func(r *seal.StampRequest) { r.Placement.Riding = &seal.Riding{Pages: seal.EvenPages} }},
	{"code", 1, func(r *seal.StampRequest) {
		r.Placement, r.Order.Mark = seal.Place{Page: 1, X: 5, Y: 4}, &seal.Mark{Kind: seal.MarkCode}
	}},
	{"qr", 1, func(r *seal.StampRequest) {
		r.Placement, r.Order.Mark = seal.Place{Page: -1, X: 5, Y: 4}, &seal.Mark{Kind: seal.MarkQR}
	}},
	{"riding and code", 2, func(r *seal.StampRequest) {
		r.Placement.Riding, r.Order.Mark = &seal.Riding{}, &seal.Mark{Kind: seal.MarkCode, Where: seal.BottomLeft}
	}},
	{"keyword", 1, func(r *seal.StampRequest) { r.Placement.Keyword = &seal.Keyword{} }},
	{"first keyword and QR", 1, func(r *seal.StampRequest) {
		r.Placement.Keyword, r.Order.Mark = &seal.Keyword{Which: seal.First, Page: 1}, &seal.Mark{Kind: seal.MarkQR, Where: seal.BottomRight}
	}},
	{"every keyword", 1, func(r *seal.StampRequest) { r.Placement.Keyword = &seal.Keyword{Which: seal.Every, Page: 1, DX: 2} }},
}

// complaints are what qpdf --check has to say of a file.
func complaints(t *testing.T, qpdf string, doc []byte) map[string]bool {
	t.Helper()
	if qpdf == "" {
		return nil // told at the end
	}
	path := filepath.Join(t.TempDir(), "x.pdf")
	if err := os.WriteFile(path, doc, 0o600); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(qpdf, "--check", path).CombinedOutput()
	all := map[string]bool{}
	for line := range strings.Lines(string(said)) {
		if strings.HasPrefix(line, "WARNING") || strings.HasPrefix(line, "ERROR") {
			all[strings.ReplaceAll(line, path, "")] = true
		}
	}
	if err != nil && len(all) == 0 { // it fails without the words above
		all[strings.ReplaceAll(string(said), path, "")] = true
	}
	return all
}

// Every sample, sealed in every way and profile, is found good: what is drawn is the
// seal's face, or slices that make it whole, and its own code.
func TestEveryPlacingIsFoundGood(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	qpdf, _ := exec.LookPath("qpdf")
	names, err := filepath.Glob("../../seal/pdf/testdata/unsigned/*.pdf")
	if err != nil || len(names) != 17 {
		t.Fatal(names, err)
	}
	for i, name := range names {
		doc, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := pdf.Open(bytes.NewReader(doc), int64(len(doc)))
		if err != nil {
			if filepath.Base(name) != "minimal-aes256.pdf" {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		before := complaints(t, qpdf, doc)
		for j, way := range placed {
			for k, profile := range []seal.Profile{seal.ProfileSES, seal.ProfileCMS} {
				// A third of them, all under -long.
				if file.PageCount() < way.pages || !testlong.Enabled() && (i+j+k)%3 != 0 {
					continue
				}
				r := h.request()
				way.order(&r)
				if k := r.Placement.Keyword; k != nil {
					if k.Text = words[filepath.Base(name)]; k.Text == "" {
						k.Text = "Hello"
					}
				}
				r.Order.Profile = profile
				out, err := h.sealed(t, r, doc)
				if filepath.Base(name) == "testfile30.pdf" && errors.Is(err, pdf.ErrLocked) {
					continue // a signature of Adobe's has locked it
				}
				if err != nil {
					t.Errorf("%s, %s, %s: %v", name, way.name, profile, err)
					continue
				}
				if rep := h.judge(t, out); rep.Verdict != verify.Valid || !rep.Stamps[len(rep.Stamps)-1].CoversWholeDocument {
					t.Errorf("%s, %s, %s: %s %v %+v", name, way.name, profile, rep.Verdict, rep.Reasons, rep.Stamps)
				}
				for line := range complaints(t, qpdf, out) {
					if !before[line] {
						t.Errorf("%s, %s, %s: qpdf: %s", name, way.name, profile, line)
					}
				}
			}
		}
	}
	if qpdf != "" && len(complaints(t, qpdf, []byte("%PDF-1.7 nothing"))) == 0 {
		t.Error("qpdf finds nothing wrong with what is no PDF")
	}
	testlong.Tool(t, "qpdf", "qpdf") // last, so that all else is tested without it
}

func (h *house) sealed(t testing.TB, r seal.StampRequest, doc []byte) ([]byte, error) {
	t.Helper()
	s, err := h.Seals.StampPDF(t.Context(), r, bytes.NewReader(doc), int64(len(doc)), nil)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = s.WriteTo(&out)
	return out.Bytes(), err
}

// The decision says where its seal belongs.
func TestKeywordInADecision(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	doc := sample(t, "decision.pdf")
	r := h.request()
	r.Placement.Keyword = &seal.Keyword{Text: "(盖章)"}
	out, err := h.sealed(t, r, doc)
	if err != nil {
		t.Fatal(err)
	}
	want(t, h.judge(t, out), verify.Valid, "")
	rows, _, err := h.Seals.Entries(t.Context(), seal.Filter{Limit: 10})
	if err != nil || len(rows) != 1 || len(rows[0].Spots) != 1 || rows[0].Spots[0].Page < 1 || rows[0].Spots[0].Y < 150 {
		t.Errorf("%+v %v", rows, err)
	}
	r.Placement.Keyword = &seal.Keyword{Text: "没有这个词"}
	if _, err := h.sealed(t, r, doc); !errors.Is(err, seal.ErrDocument) {
		t.Errorf("a word that does not stand there: %v", err)
	}
}
