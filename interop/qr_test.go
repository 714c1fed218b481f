package interop

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/internal/testlong"
	"yinxin/license"
	"yinxin/license/metadata"
	"yinxin/license/qr"
	"yinxin/seal"
	"yinxin/verify"
)

// zbarimg reads the code of a licence: the address is the one printed, and its
// token is recorded as in force.
func TestZbarReadsTheCode(t *testing.T) {
	zbar := testlong.Tool(t, "zbarimg", "zbar-tools")
	h := newHouse(t)
	const typ = agencyID + "001"
	if _, err := h.Licences.Define(t.Context(), typ, "食品经营许可证", "test"); err != nil {
		t.Fatal(err)
	}
	l, err := h.Licences.Issue(t.Context(), license.IssueRequest{Type: typ, SealID: h.seal.ID, Agency: agencyID, AgencyName: "示例局", Number: "JY1", Holder: "张三",
		HolderCode: "320124198808240056", HolderType: metadata.HolderResident, From: metadata.Day(time.Now()), Operator: "李四"})
	if err != nil {
		t.Fatal(err)
	}
	png, address, err := h.Licences.Picture(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	out, ok := run(t, zbar, "--quiet", "--raw", write(t, "qr.png", png))
	if out = strings.TrimSpace(out); !ok || !strings.HasSuffix(out, address) {
		t.Fatalf("zbarimg reads %q, not %q", out, address)
	}
	token, err := qr.Parse(address[strings.IndexByte(address, '#')+1:])
	if err != nil {
		t.Fatal(err)
	}
	if r, err := h.JudgeToken(t.Context(), token); err != nil || r.Record != verify.InForce {
		t.Errorf("%+v %v", r, err)
	}
}

// zbarimg reads the code that is printed in a corner with a seal, off the page as
// pdftoppm shows it: it leads to this stamp.
func TestZbarReadsTheMark(t *testing.T) {
	t.Parallel()
	zbar, poppler := testlong.Tool(t, "zbarimg", "zbar-tools"), testlong.Tool(t, "pdftoppm", "poppler-utils")
	h := newHouse(t)
	decision := read(t, "../cmd/yinxin/decisions/decision.pdf")
	for _, corner := range []seal.Corner{seal.TopLeft, seal.TopRight, seal.BottomLeft, seal.BottomRight} {
		doc := h.sealAs(t, decision, seal.Place{Keyword: &seal.Keyword{Text: "盖章"}}, seal.Order{Mark: &seal.Mark{Kind: seal.MarkQR, Where: corner}})
		if r := h.judge(t, doc); r.Verdict != verify.Valid {
			t.Errorf("%s: %s", corner, r.Verdict)
		}
		page := filepath.Join(t.TempDir(), "page")
		if out, ok := run(t, poppler, "-r", "150", "-f", "1", "-l", "1", "-singlefile", "-png", write(t, "x.pdf", doc), page); !ok {
			t.Fatal(out)
		}
		out, err := exec.Command(zbar, "--quiet", "--raw", page+".png").Output()
		_, code, ok := strings.Cut(strings.TrimSpace(string(out)), "http://127.0.0.1:1/v/")
		if err != nil || !ok {
			t.Errorf("%s: zbarimg reads %q, %v", corner, out, err)
		}
		if s, err := h.Seals.ByCode(t.Context(), code); err != nil || s.SealID != h.seal.ID {
			t.Errorf("%s: under %q stands %+v, %v", corner, code, s, err)
		}
	}
}
