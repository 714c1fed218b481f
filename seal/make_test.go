package seal_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yinxin/seal"
	"yinxin/seal/face"
	"yinxin/seal/ses"
	"yinxin/verify/status"
)

func TestASealIsMadeShownAndListed(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.seal
	if s.ID != "52000000000001" || s.State != status.SealInForce || s.Version != 1 || s.Agency != owner || len(s.Intervals) != 0 {
		t.Errorf("made %+v", s)
	}
	got, err := h.Show(t.Context(), s.ID)
	if err != nil || !cmp.Equal(got, s) {
		t.Errorf("Show: %v %s", err, cmp.Diff(s, got))
	}
	row, err := h.ca.Certificate(t.Context(), s.CertSerial)
	if err != nil || row.Agency != owner || row.KeyID != s.KeyID || s.ValidTo.After(row.NotAfter) || s.ValidFrom.Before(row.NotBefore) {
		t.Errorf("its certificate: %v %+v", err, row)
	}
	second, third := h.make(t, seal.Policy{}), h.make(t, seal.Policy{PerDay: 3, Matters: []string{"m"}, Agencies: []string{stranger}})
	for _, c := range []struct {
		agency, cursor string
		limit          int
		want           []string
	}{
		{"", "", 10, []string{s.ID, second.ID, third.ID}}, {owner, s.ID, 1, []string{second.ID}}, {owner, third.ID, 9, nil}, {stranger, "", 9, nil},
	} {
		rows, _, err := h.List(t.Context(), seal.SealFilter{Agency: c.agency, Cursor: c.cursor, Limit: c.limit})
		var ids []string
		for _, r := range rows {
			ids = append(ids, r.ID)
		}
		if err != nil || !cmp.Equal(ids, c.want) {
			t.Errorf("List(%q, %q, %d) = %v, %v", c.agency, c.cursor, c.limit, ids, err)
		}
	}
	if got, err := h.Show(t.Context(), third.ID); err != nil || !cmp.Equal(got.Policy, third.Policy) {
		t.Errorf("the policy kept: %v %s", err, cmp.Diff(third.Policy, got.Policy))
	}
	if _, err := h.Show(t.Context(), "52000000000009"); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("an unknown seal: %v", err)
	}
}

func TestASealWithoutAPictureGetsOneWithItsName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s, err := h.Make(t.Context(), seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "示例局", WidthMM: 40, HeightMM: 30, Who: "x", Why: "y"})
	if err != nil {
		t.Fatal(err)
	}
	der, err := h.db.Seals().SealDER(t.Context(), s.SM3)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ses.ParseSeal(der)
	if err != nil {
		t.Fatal(err)
	}
	want, err := face.Usual("示例局", 40, 30)
	if p := parsed.Picture; err != nil || !bytes.Equal(p.Data, want) || p.Width != 40 || p.Height != 30 || p.Type != "PNG" {
		t.Errorf("%d by %d, %s of %d octets, want %d: %v", p.Width, p.Height, p.Type, len(p.Data), len(want), err)
	}
}

func plainFace(t *testing.T, mm float64) []byte {
	t.Helper()
	png, err := face.Default(mm, 300)
	if err != nil {
		t.Fatal(err)
	}
	return png
}

func TestMakeRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.count(t)
	good := seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "示例局", Who: "x", Why: "y"}
	for name, spoil := range map[string]func(r *seal.MakeRequest){
		"no agency":        func(r *seal.MakeRequest) { r.Agency = "" },
		"a wrong code":     func(r *seal.MakeRequest) { r.Agency = "11520000MB1A000019" },
		"no name":          func(r *seal.MakeRequest) { r.Name = "" },
		"a name of lines":  func(r *seal.MakeRequest) { r.Name = "a\nb" },
		"a name too long":  func(r *seal.MakeRequest) { r.Name = strings.Repeat("长", 101) },
		"a broken name":    func(r *seal.MakeRequest) { r.Name = "\xff" },
		"nobody":           func(r *seal.MakeRequest) { r.Who = "" },
		"no reason":        func(r *seal.MakeRequest) { r.Why = "" },
		"too small":        func(r *seal.MakeRequest) { r.WidthMM, r.HeightMM = 4, 40 },
		"too large":        func(r *seal.MakeRequest) { r.WidthMM, r.HeightMM = 40, 61 },
		"one side":         func(r *seal.MakeRequest) { r.WidthMM = 40 },
		"not a picture":    func(r *seal.MakeRequest) { r.PNG = []byte("GIF89a") },
		"an empty picture": func(r *seal.MakeRequest) { r.PNG = []byte{} },
		"few pixels":       func(r *seal.MakeRequest) { r.PNG = plainFace(t, 20) },
		"an oval's circle": func(r *seal.MakeRequest) { r.PNG, r.WidthMM, r.HeightMM = plainFace(t, 30), 40, 30 },
	} {
		r := good
		spoil(&r)
		if s, err := h.Make(t.Context(), r); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("%s: made %+v, %v", name, s, err)
		}
	}
	if after := h.count(t); after != before {
		t.Errorf("a refusal left something: %v, then %v", before, after)
	}
}
