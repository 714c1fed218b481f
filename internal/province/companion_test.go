package province_test

import (
	"bytes"
	"os"
	"testing"

	"yinxin/certs"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
	"yinxin/verify"
)

// stampedPDF is the decision under the house's seal, as ordered.
func stampedPDF(t testing.TB, h *provincetest.House, o seal.Order) []byte {
	t.Helper()
	in, err := os.ReadFile("../../cmd/yinxin/decisions/decision.pdf")
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Seals.StampPDF(t.Context(), seal.StampRequest{SealID: h.Seal.ID, Agency: provincetest.Agency, Operator: "张三", Placement: seal.Place{Page: 1, X: 100, Y: 100}, Order: o},
		bytes.NewReader(in), int64(len(in)), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := s.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func judged(t testing.TB, h *provincetest.House, doc []byte) verify.Report {
	t.Helper()
	r, err := h.Judge(t.Context(), verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// What a province seals, in either profile and with a companion or without, is valid,
// and a companion's root is on its list from the first one on.
func TestProfilesAndCompanionsAreValid(t *testing.T) {
	h := provincetest.New(t)
	for _, c := range []struct {
		order    seal.Order
		standard string
	}{
		{seal.Order{}, "GB/T 38540-2020"}, {seal.Order{Profile: seal.ProfileCMS}, "GB/T 38540-2020 (CMS)"},
		{seal.Order{Companion: true}, "GB/T 38540-2020"}, {seal.Order{Profile: seal.ProfileCMS, Companion: true}, "GB/T 38540-2020 (CMS)"},
	} {
		doc := stampedPDF(t, h, c.order)
		r := judged(t, h, doc)
		if r.Verdict != verify.Valid || len(r.Stamps) == 0 || r.Stamps[0].Standard != c.standard || r.Stamps[0].Role != "seal" {
			t.Errorf("%+v: %s", c, r.JSON())
			continue
		}
		if !c.order.Companion {
			continue
		}
		if len(r.Stamps) != 2 || r.Stamps[1].Role != "companion" || r.Stamps[1].Signer.Region != "520000" || r.Stamps[1].Verdict == verify.Valid {
			t.Errorf("%+v: %s", c, r.JSON())
		}
		// Broken, it lowers the verdict; cut off, it leaves an honest document.
		at := bytes.LastIndex(doc, []byte("/Contents <")) + 400
		bad := bytes.Clone(doc)
		bad[at] ^= 1
		if r := judged(t, h, bad); r.Verdict == verify.Valid || r.Verdict == verify.ValidWithNotice {
			t.Errorf("a broken companion: %s", r.JSON())
		}
	}
	trust, err := h.Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range trust.Regions["520000"].Services {
		if s.Type == certs.ServiceCompanionCA {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d companion authorities on the list", n)
	}
}
