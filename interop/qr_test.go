package interop

import (
	"strings"
	"testing"
	"time"

	"yinxin/internal/testlong"
	"yinxin/license"
	"yinxin/license/metadata"
	"yinxin/license/qr"
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
