package seal_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"yinxin/certs"
	"yinxin/seal"
	"yinxin/seal/face"
	"yinxin/seal/ses"
)

// uploaded is a picture that somebody brings, of a size in millimetres at 300 dpi.
func uploaded(t testing.TB, widthMM, heightMM int) []byte {
	t.Helper()
	w, h := widthMM*300/25, heightMM*300/25
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h / 4 {
		img.Set(i%(w/2), i/(w/2), color.NRGBA{R: 200, A: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// 国发〔1999〕25号 by rank, and what each kind of seal needs.
func TestSizesAndKinds(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		class         seal.Class
		width, height int
		drawn         bool
		says          string // of a refusal; "" where it is made
		usual         int    // mm, where no size is given
	}{
		"of no rank":                           {seal.Class{}, 60, 40, true, "", 0},
		"of no rank, too large":                {seal.Class{}, 61, 61, true, "61 by 61", 0},
		"a province's":                         {seal.Class{Rank: seal.RankProvince, Emblem: true}, 50, 50, false, "", 0},
		"a province's, as it is":               {seal.Class{Rank: seal.RankProvince, Emblem: true}, 0, 0, false, "", 50},
		"a province's, too small":              {seal.Class{Rank: seal.RankProvince, Emblem: true}, 45, 45, false, "5.0 cm", 0},
		"a county's":                           {seal.Class{Rank: seal.RankCounty, Emblem: true}, 45, 45, false, "", 0},
		"a county's, as large as a province's": {seal.Class{Rank: seal.RankCounty}, 50, 50, false, "4.5 cm", 0},
		"a prefectural office's":               {seal.Class{Rank: seal.RankPrefectureOffice}, 45, 45, true, "", 0},
		"a township's":                         {seal.Class{Rank: seal.RankTownship}, 42, 42, true, "", 0},
		"a township's, too large":              {seal.Class{Rank: seal.RankTownship}, 45, 45, true, "4.2 cm", 0},
		"a department's":                       {seal.Class{Rank: seal.RankDepartment}, 40, 40, true, "", 0},
		"a department's, too large":            {seal.Class{Rank: seal.RankDepartment}, 46, 46, true, "at most 4.5 cm", 0},
		"an oval organ":                        {seal.Class{Rank: seal.RankInstitution}, 45, 30, true, "round", 0},
		"an oval special seal":                 {seal.Class{Kind: seal.KindSpecial, Purpose: seal.PurposeFinance, Rank: seal.RankInstitution}, 45, 30, true, "", 0},
		"a special seal larger than its organ": {seal.Class{Kind: seal.KindSpecial, Purpose: seal.PurposeFinance, Rank: seal.RankTownship}, 45, 30, true, "42", 0},
		"a special seal for nothing":           {seal.Class{Kind: seal.KindSpecial}, 40, 40, true, "special seal is for", 0},
		"for something else":                   {seal.Class{Kind: seal.KindSpecial, Purpose: "other:档案"}, 40, 40, true, "", 0},
		"for something without a name":         {seal.Class{Kind: seal.KindSpecial, Purpose: "other:"}, 40, 40, true, "special seal is for", 0},
		"a purpose of an agency's seal":        {seal.Class{Purpose: seal.PurposeContract}, 40, 40, true, "only a special seal", 0},
		"no such kind":                         {seal.Class{Kind: "x"}, 40, 40, true, "kind", 0},
		"no such rank":                         {seal.Class{Rank: "x"}, 40, 40, true, "rank", 0},
		"an emblem drawn":                      {seal.Class{Rank: seal.RankCounty, Emblem: true}, 45, 45, true, "uploaded", 0},
		"an emblem of a department":            {seal.Class{Rank: seal.RankDepartment, Emblem: true}, 45, 45, false, "emblem", 0},
		"an emblem of no rank":                 {seal.Class{Emblem: true}, 45, 45, false, "emblem", 0},
		"an emblem in a special seal":          {seal.Class{Kind: seal.KindSpecial, Purpose: seal.PurposeLicence, Rank: seal.RankCounty, Emblem: true}, 45, 45, false, "emblem", 0},
		"a legal representative's":             {seal.Class{Kind: seal.KindLegal}, 0, 0, false, "", 20},
		"one that is drawn":                    {seal.Class{Kind: seal.KindLegal}, 0, 0, true, "", 20},
		"a signature that is drawn":            {seal.Class{Kind: seal.KindPerson}, 40, 20, true, "uploaded", 0},
		"one as large as an organ's":           {seal.Class{Kind: seal.KindLegal}, 42, 42, false, "at most", 0},
		"a signature":                          {seal.Class{Kind: seal.KindPerson}, 60, 20, false, "", 0},
		"a signature with a rank":              {seal.Class{Kind: seal.KindPerson, Rank: seal.RankCounty}, 40, 20, false, "rank", 0},
		"a point":                              {seal.Class{}, 4, 4, true, "4 by 4", 0},
	} {
		r := seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "张三", Class: c.class, WidthMM: c.width, HeightMM: c.height, Who: "x", Why: "y"}
		if !c.drawn {
			r.PNG = uploaded(t, max(c.width, c.usual), max(c.height, c.usual))
		}
		s, err := h.Make(t.Context(), r)
		if c.says == "" && (err != nil || s.Class != c.class || s.WidthMM == 0) {
			t.Errorf("%s: %v %+v", name, err, s)
		}
		if c.says != "" && (!errors.Is(err, seal.ErrRefused) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// A person's seal has a person's certificate, which bears the name, and its own type.
func TestAPersonsSeal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s, err := h.Make(t.Context(), seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "张三", Class: seal.Class{Kind: seal.KindLegal}, PNG: uploaded(t, 20, 20), Who: "x", Why: "y"})
	if err != nil {
		t.Fatal(err)
	}
	row, err := h.ca.Certificate(t.Context(), s.CertSerial)
	if err != nil || row.Profile != "person" {
		t.Fatalf("%v %+v", err, row)
	}
	c, err := certs.ParseCertificate(row.DER)
	if err != nil || c.Subject.CommonName != "张三" {
		t.Errorf("%v %+v", err, c.Subject)
	}
	der, err := h.db.Seals().SealDER(t.Context(), s.SM3)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := ses.ParseSeal(der); err != nil || parsed.Type != 3 || parsed.ID != s.ID {
		t.Errorf("%v %+v", err, parsed)
	}
	if found, err := h.ByCertificate(t.Context(), s.CertSerial); err != nil || found.ID != s.ID {
		t.Errorf("by its certificate: %v %s", err, found.ID)
	}
	h.clock.move(1e9)
	h.stamp(t, request(s))
	var persons []string
	rows, _, err := h.List(t.Context(), seal.SealFilter{Kind: seal.KindLegal, Limit: 9})
	for _, r := range rows {
		persons = append(persons, r.ID)
	}
	if err != nil || len(persons) != 1 || persons[0] != s.ID {
		t.Errorf("%v %v", persons, err)
	}
	if rows, _, err := h.List(t.Context(), seal.SealFilter{Kind: seal.KindAgency, Limit: 9}); err != nil || len(rows) != 1 || rows[0].ID != h.seal.ID {
		t.Errorf("%v %v", rows, err)
	}
}

// A face is drawn as it is described, of the seal's own size; what is drawn shows a new
// name by itself, and what was uploaded does not.
func TestDrawnAndUploadedFaces(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	spec := face.Spec{Shape: face.Round, Second: "合同专用章", Borders: 2}
	make := func(change func(*seal.MakeRequest)) (seal.Seal, error) {
		r := seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "贵州省档案馆", WidthMM: 40, HeightMM: 40, Face: &spec, Who: "x", Why: "y"}
		change(&r)
		return h.Make(t.Context(), r)
	}
	picture := func(s seal.Seal) []byte {
		der, err := h.db.Seals().SealDER(t.Context(), s.SM3)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ses.ParseSeal(der)
		if err != nil {
			t.Fatal(err)
		}
		return parsed.Picture.Data
	}
	s, err := make(func(*seal.MakeRequest) {})
	if err != nil {
		t.Fatal(err)
	}
	whole := spec
	whole.Name, whole.WidthMM, whole.HeightMM = "贵州省档案馆", 40, 40
	if want, err := face.Draw(whole); err != nil || !bytes.Equal(picture(s), want) || !s.Drawn {
		t.Errorf("not the face that was asked for: %v", err)
	}
	for name, change := range map[string]func(*seal.MakeRequest){
		"with an uploaded picture": func(r *seal.MakeRequest) { r.PNG = uploaded(t, 40, 40) },
		"of another size":          func(r *seal.MakeRequest) { r.Face = &whole; r.WidthMM, r.HeightMM = 42, 42 },
		"of no shape":              func(r *seal.MakeRequest) { r.Face = &face.Spec{Shape: "x"} },
		"a rare character":         func(r *seal.MakeRequest) { r.Name = "𬭎利局" },
		"an emblem": func(r *seal.MakeRequest) {
			r.Class = seal.Class{Rank: seal.RankCounty, Emblem: true}
			r.WidthMM, r.HeightMM = 45, 45
		},
	} {
		if _, err := make(change); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v := h.vary(s, "黔南州档案馆")
	v.Face = nil
	renamed, err := h.Vary(t.Context(), v)
	whole.Name = "黔南州档案馆"
	if want, derr := face.Draw(whole); err != nil || derr != nil || !bytes.Equal(picture(renamed), want) {
		t.Errorf("a drawn seal's new name is not shown as the old one was: %v", err)
	}
	if again, err := h.Renew(t.Context(), h.vary(renamed, "")); err != nil || !bytes.Equal(picture(again), picture(renamed)) || again.Face == nil || again.Face.Second != spec.Second {
		t.Errorf("a renewal: %v %+v", err, again.Face)
	}
	plain, err := make(func(r *seal.MakeRequest) { r.Face = nil })
	if err != nil {
		t.Fatal(err)
	}
	v = h.vary(plain, "黔南州档案馆")
	v.Face = nil
	renamed, err = h.Vary(t.Context(), v)
	if want, derr := face.Usual("黔南州档案馆", 40, 40); err != nil || derr != nil || !bytes.Equal(picture(renamed), want) {
		t.Errorf("a face with the name alone: %v", err)
	}
	worded, err := make(func(r *seal.MakeRequest) { r.Face = &face.Spec{Shape: face.Round, Name: "贵州省馆"} })
	if err != nil {
		t.Fatal(err)
	}
	v = h.vary(worded, "黔南州档案馆")
	v.Face = nil
	if _, err := h.Vary(t.Context(), v); !errors.Is(err, seal.ErrRefused) {
		t.Error("a face whose text was given, under another name:", err)
	}
	v = h.vary(h.seal, "别名")
	v.Face = nil
	if _, err := h.Vary(t.Context(), v); !errors.Is(err, seal.ErrRefused) {
		t.Error("an uploaded picture under another name:", err)
	}
}

// A seal that must be filed stamps from its filing on.
func TestFiling(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.config.MustFile = true
	h.restart(t)
	s := h.make(t, seal.Policy{})
	h.clock.move(1e9)
	if _, err := h.StampJSON(t.Context(), request(s), decision); !errors.Is(err, seal.ErrNotInForce) {
		t.Fatal("before it is filed:", err)
	}
	f := seal.Filing{Number: "黔备1", Authority: "省公安厅"}
	for name, wrong := range map[string]seal.Filing{"no number": {Authority: "x"}, "no authority": {Number: "1"}, "to come": {Number: "1", Authority: "x", At: h.clock.now().Add(day)}} {
		if _, err := h.File(t.Context(), h.change(s), wrong); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := h.File(t.Context(), h.change(s), f)
	if err != nil || got.Filing.Number != "黔备1" || got.Filing.Who != "李四" || got.Waits() {
		t.Fatalf("%v %+v", err, got.Filing)
	}
	if _, err := h.File(t.Context(), h.change(s), f); !errors.Is(err, seal.ErrRefused) {
		t.Error("filed twice:", err)
	}
	h.stamp(t, request(got))
	// A seal from before the rule goes on.
	h.stamp(t, request(h.seal))
}
