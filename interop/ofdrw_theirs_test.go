package interop

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/verify"
)

// What bytes alone show of a stamp, of a signature without a seal, and of a bare
// signature value, which names no signer.
var (
	shownOfStamps = []string{"format", "sealFormat", "sealSignature", "signatureValue", "signerInSeal", "signerKeyUsage", "propertyInfo", "dataHash", "coverage", "laterChanges", "faceMatches"}
	shownOfSigned = []string{"format", "signatureValue", "dataHash", "coverage", "laterChanges"}
	shownOfBare   = []string{"coverage", "laterChanges"}
)

// Each kind and mode of ofdrw's, at a spot and across the edges: we find good all that
// bytes can show and fail nothing, and each altered copy is not valid.
func TestWeJudgeWhatOfdrwMakes(t *testing.T) {
	t.Parallel()
	plain := "../cmd/yinxin/decisions/decision.ofd"
	maker, signer := newStranger(t, "制章者"), newStranger(t, "他人")
	spot, riding := []string{"1", "50", "50", "40", "40"}, []string{"right", "40", "40"}
	for _, c := range []struct {
		kind, judge string
		shown       []string
		places      [][]string
	}{
		{"1", "1", shownOfStamps, [][]string{spot, riding, slices.Concat(spot, []string{"left", "40", "40"})}},
		{"4", "4", shownOfStamps, [][]string{spot, riding, slices.Concat(spot, []string{"left", "40", "40"})}},
		{"gbt", "gbt", shownOfSigned, [][]string{nil}},
		{"gbt9", "gbt", shownOfSigned, [][]string{nil}},
		{"bare", "bare", shownOfBare, [][]string{nil}},
	} {
		seal := plain // ofdrw wants a file even where it reads none
		if c.kind == "1" || c.kind == "4" {
			seal = sealOf(t, c.kind, maker, signer)
		}
		for _, mode := range []string{"whole", "continue"} {
			for _, place := range c.places {
				file := signer.signed(t, plain, c.kind, mode, seal, place...)
				if said, ok := ofdrw(t, "verify", file, c.judge, signer.cert); !ok {
					t.Errorf("%s, %s, %v, by ofdrw itself: %s", c.kind, mode, place, said)
				}
				judgedAs(t, read(t, file), c.kind, c.shown)
				alteredIsNotValid(t, read(t, file), c.kind)
			}
		}
	}
}

// judgeAlone judges as one who has no trust list and asks nobody.
func judgeAlone(doc []byte) verify.Report {
	return verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil).Judge(verify.Input{At: time.Now()})
}

// judgedAs wants exactly these checks to pass (besides what does not apply), and none
// to fail: that we know nobody behind it is all that is left.
func judgedAs(t *testing.T, doc []byte, kind string, shown []string) {
	t.Helper()
	verdict, role := verify.CannotConfirm, "seal"
	if kind != "1" && kind != "4" {
		verdict, role = verify.None, "companion" // as every signature without a seal
	}
	r := judgeAlone(doc)
	if r.Verdict != verdict || len(r.Stamps) != 1 || r.Stamps[0].Role != role {
		t.Fatalf("%s: %s, %+v", kind, r.Verdict, r.Reasons)
	}
	var passed []string
	for _, c := range r.Stamps[0].Checks {
		switch c.Result {
		case verify.Pass:
			passed = append(passed, c.ID)
		case verify.Fail:
			t.Errorf("%s: %s fails: %s", kind, c.ID, c.Detail)
		}
	}
	if d := cmp.Diff(shown, passed); d != "" {
		t.Errorf("%s: what passes (-want +got):\n%s", kind, d)
	}
}

// alteredIsNotValid changes a page, what lists the digests, and the signature.
func alteredIsNotValid(t *testing.T, doc []byte, kind string) {
	t.Helper()
	for _, a := range []struct {
		entry  string
		change func([]byte) []byte
		check  string
	}{
		{"Content.xml", blank, "dataHash"},
		{"Signature.xml", blank, "dataHash"},
		{"SignedValue.dat", flipped, "signatureValue"},
	} {
		if kind == "bare" && a.entry != "Content.xml" {
			continue // it names no signer: whether the list of digests is signed, nobody can know
		}
		r := judgeAlone(repackOFD(t, doc, a.entry, a.change))
		if len(r.Stamps) != 1 || r.Stamps[0].Verdict != verify.NotValid {
			t.Errorf("%s, %s altered: %s, %+v", kind, a.entry, r.Verdict, r.Reasons)
			continue
		}
		if r.Stamps[0].Role == "seal" && r.Verdict != verify.NotValid {
			t.Errorf("%s, %s altered: the document is %s", kind, a.entry, r.Verdict)
		}
		if !slices.ContainsFunc(r.Stamps[0].Checks, func(c verify.Check) bool { return c.ID == a.check && c.Result == verify.Fail }) {
			t.Errorf("%s, %s altered: %s does not fail", kind, a.entry, a.check)
		}
	}
}
