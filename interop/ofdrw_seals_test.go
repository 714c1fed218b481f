package interop

import (
	"bytes"
	"strings"
	"testing"

	"yinxin/seal"
	"yinxin/verify"
)

// ofdrw checks the seal itself, as its file, and refuses it with another name in it.
func TestOfdrwChecksOurSeals(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s, _ := stampOf(t, h.sealJSON(t, []byte(`{"决定":"准予"}`)))
	der := s.ToSign.Seal.FullBytes
	if said, ok := ofdrw(t, "esl", write(t, "seal.esl", der)); !ok || !strings.Contains(said, h.seal.ID+" 示例局") {
		t.Error(said)
	}
	if said, ok := ofdrw(t, "esl", write(t, "seal.esl", flippedIn(t, der, []byte("示例局")))); ok || !strings.Contains(said, "does not verify") {
		t.Error(said)
	}
}

// Its container of generation 4 reads a stamp of generation 5 too, whose members are the
// same but for the version; it has no other for it.
func TestOfdrwOfTheFifthGeneration(t *testing.T) {
	t.Parallel()
	h := newHouse(t).fifthGeneration(t)
	doc := h.sealOFD(t, read(t, "../cmd/yinxin/decisions/decision.ofd"), seal.Place{Page: 1, X: 20, Y: 30}, "")
	if r := h.judge(t, doc); r.Verdict != verify.Valid || r.Stamps[0].Standard != "GM/T 0031-2025" {
		t.Fatalf("ours: %s %s", r.Verdict, r.Stamps[0].Standard)
	}
	if said, ok := ofdrw(t, "verify", write(t, "fifth.ofd", doc), "4"); !ok {
		t.Error(said)
	}
	if said, ok := ofdrw(t, "verify", write(t, "fifth.ofd", repackOFD(t, bytes.Clone(doc), "Content.xml", blank)), "4"); ok {
		t.Errorf("altered: %s", said)
	}
}
