package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/seal"
	"yinxin/seal/cms"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// signatureIn reads the one signature of a PDF, and when it says it was made.
func signatureIn(t testing.TB, doc []byte) pdf.Signature {
	t.Helper()
	f, err := pdf.Open(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Stamps()
	if err != nil || len(all) == 0 || !all[0].CoversRevision {
		t.Fatalf("%d signatures, %v", len(all), err)
	}
	return all[0]
}

func TestProfileCMS(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := request(h.seal)
	r.Expected = 2
	doc, row, err := kinds["cms"](t, h, r)
	if err != nil {
		t.Fatal(err)
	}
	s := signatureIn(t, doc)
	if s.Filter != "Adobe.PPKLite" || s.SubFilter != "ETSI.CAdES.detached" {
		t.Errorf("%s %s", s.Filter, s.SubFilter)
	}
	at, ok := pdf.ParseDate(s.M)
	if !ok || !at.Equal(row.Claimed) {
		t.Errorf("/M %q of %s", s.M, row.Claimed)
	}
	stamp, err := cms.ParseStamp(s.Contents, at)
	if err != nil {
		t.Fatal(err)
	}
	id, _ := stamp.StampID()
	expected, _ := stamp.ExpectedSeals()
	if stamp.Seal.ID != h.seal.ID || !bytes.Equal(stamp.DataHash, s.Digest[:]) || !bytes.Equal(id, row.ID[:]) || expected != 2 || stamp.TimeStamp == nil || len(stamp.Notices) > 0 {
		t.Errorf("seal %s, id %x, %d expected, %q", stamp.Seal.ID, id, expected, stamp.Notices)
	}
	if row.Order == nil || row.Order.Profile != seal.ProfileCMS || len(row.Stripped) > 2048 {
		t.Errorf("the register has %+v, %d octets", row.Order, len(row.Stripped))
	}
	for format, err := range map[string]error{
		"json": func() error {
			r.Order.Profile = seal.ProfileCMS
			_, err := h.StampJSON(t.Context(), r, decision)
			return err
		}(),
		"detached": func() error {
			_, err := h.StampDetached(t.Context(), r, sm3.Sum(decision))
			return err
		}(),
	} {
		if !errors.Is(err, seal.ErrOrder) {
			t.Errorf("profile cms in %s: %v", format, err)
		}
	}
}

// A seal of generation 5 stamps in generation 5, in either profile.
func TestGeneration5(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	picture, err := smallFace()
	if err != nil {
		t.Fatal(err)
	}
	order := seal.MakeRequest{Agency: owner, AgencyName: "示例局", Name: "示例局", PNG: picture, Generation: 5, Who: "制章员", Why: "启用"}
	made, err := h.Make(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.StampJSON(t.Context(), request(made), decision)
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := ses.ParseStamp(s.Token)
	if err != nil || stamp.Generation != ses.V5 || stamp.Version != 5 || stamp.Seal.Version != 5 || stamp.Standard() != "GM/T 0031-2025" {
		t.Errorf("%v", err)
	}
	doc, _, err := kinds["cms"](t, h, request(made))
	if err != nil {
		t.Fatal(err)
	}
	in := signatureIn(t, doc)
	at, _ := pdf.ParseDate(in.M)
	if stamp, err = cms.ParseStamp(in.Contents, at); err != nil || stamp.Standard() != "GM/T 0031-2025 (CMS)" {
		t.Errorf("%v", err)
	}
	order.Generation = 1
	if _, err := h.Make(t.Context(), order); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("generation 1: %v", err)
	}
}
