package server

import (
	"bytes"
	"crypto/rand"
	"net/http"
	"strings"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/code"
	"yinxin/internal/province/provincetest"
	"yinxin/license"
	"yinxin/license/statuslist"
	"yinxin/verify"
	"yinxin/verify/portal"
	"yinxin/verify/status"
)

func TestLicenceOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	var l licenceAnswer
	h.post(t, "/api/v1/licences", `{"typeCode":"`+provincetest.Type+`","sealId":"`+h.Seal.ID+`","number":"JY1","holder":"张三","holderCode":"320124198808240056","holderType":"111",
		"validFrom":"2026-01-01","validTo":"2031-01-01","extensions":{"KZ_JYXM":"热食"},"operator":"x"}`).want(t, http.StatusCreated, &l)
	h.verdict(t, l.Document, verify.Valid)
	if l.Holder != "张*" {
		t.Errorf("the register names %s", l.Holder)
	}
	id := "/api/v1/licences/" + l.Identifier
	var shown licenceAnswer
	if h.get(t, id, bearer(h.key)).want(t, http.StatusOK, &shown); !bytes.Equal(shown.Document, l.Document) {
		t.Error("another document")
	}
	png := h.get(t, id+"/qr.png", bearer(h.key)).want(t, http.StatusOK, nil)
	if png.Header.Get("Content-Type") != "image/png" || !bytes.HasPrefix(png.body, []byte("\x89PNG")) || png.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", png.Header)
	}
	token, err := h.Licences.Token(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		act    string
		state  status.LicenceState
		record string
		verify verify.Verdict
	}{
		{"", status.LicenceValid, "in_force", verify.Valid}, {"suspend", status.LicenceSuspended, "suspended", verify.NotValid},
		{"resume", status.LicenceValid, "in_force", verify.Valid}, {"revoke", status.LicenceRevoked, "ended", verify.NotValid},
	} {
		if step.act != "" {
			h.Clock.Move(time.Minute)
			h.post(t, id+"/"+step.act, `{"operator":"x","reason":"y"}`).want(t, http.StatusOK, &license.Licence{})
			h.post(t, id+"/"+step.act, `{"operator":"x","reason":"y"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
		}
		var s status.LicenceStatus
		if h.said(t, h.get(t, id+"/status?nonce=n"), certs.TypeLicenceStatus, &s); s.State != step.state || s.Nonce != "n" {
			t.Errorf("%s: %+v", step.act, s)
		}
		var list status.StatusList
		h.said(t, h.get(t, "/status/0"), certs.TypeStatusList, &list)
		open, err := statuslist.Open(list.Bits, list.Count)
		if err != nil {
			t.Fatal(err)
		}
		if state, ok := open.State(l.Position); !ok || state != step.state {
			t.Errorf("%s: the list says %s", step.act, state)
		}
		h.verdict(t, l.Document, step.verify)
		for name, a := range map[string]answer{
			"code":    h.get(t, "/api/v1/records/"+l.Code),
			"token":   h.post(t, "/api/v1/records", `{"token":"`+token.Digits()+`"}`),
			"address": h.post(t, "/api/v1/records", `{"token":"https://elsewhere.example/q#`+token.Digits()+`"}`),
		} {
			var rec portal.Record
			if a.want(t, http.StatusOK, &rec); rec.Record != step.record || rec.Kind != "licence" || rec.Notice != portal.NotPaper() || bytes.Contains(a.body, []byte("张三")) {
				t.Errorf("%s, by %s: %s", step.act, name, a.body)
			}
			if a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("a record may be cached")
			}
		}
	}
	var unknown status.LicenceStatus
	if h.said(t, h.get(t, id+"X/status"), certs.TypeLicenceStatus, &unknown); unknown.State != status.LicenceUnknown {
		t.Errorf("%+v", unknown)
	}
	h.post(t, "/api/v1/licence-types", `{"code":"`+provincetest.Agency+`002","name":"x","operator":"y"}`).problem(t, http.StatusForbidden, "FORBIDDEN")
	admin, _ := h.Key(t, provincetest.Agency, "admin")
	h.post(t, "/api/v1/licence-types", `{"code":"`+provincetest.Agency+`002","name":"x","operator":"y"}`, bearer(admin)).want(t, http.StatusCreated, &license.Type{})
	h.post(t, "/api/v1/licence-types", `{"code":"`+provincetest.Agency+`002","name":"x","operator":"y"}`, bearer(admin)).problem(t, http.StatusConflict, "CONFLICT")
	var types listOf[license.Type]
	if h.get(t, "/api/v1/licence-types", bearer(h.key)).want(t, http.StatusOK, &types); len(types.Items) != 2 {
		t.Errorf("%+v", types)
	}
}

func TestRecordsThatAreNone(t *testing.T) {
	t.Parallel()
	h, other := newHouse(t), provincetest.New(t)
	stamp := h.StampJSON(t, `{"a":1}`)
	var rec portal.Record
	h.get(t, "/api/v1/records/"+stamp.Code).want(t, http.StatusOK, &rec)
	if rec.Record != "in_force" || rec.Kind != "stamp" || rec.Notice != portal.NotPaper() {
		t.Errorf("%+v", rec)
	}
	grouped := strings.ToLower(stamp.Code[:5]) + "-" + stamp.Code[5:]
	h.get(t, "/api/v1/records/"+grouped).want(t, http.StatusOK, &rec)
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	last := crockford[strings.IndexByte(crockford, stamp.Code[25])^1]
	h.get(t, "/api/v1/records/"+stamp.Code[:25]+string(last)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	fresh, err := code.New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h.get(t, "/api/v1/records/"+fresh).problem(t, http.StatusNotFound, "NOT_FOUND")

	foreign := other.Issue(t)
	token, err := other.Licences.Token(t.Context(), foreign.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	// Of a token that nobody vouches for nothing is repeated.
	a := h.post(t, "/api/v1/records", `{"token":"`+token.Digits()+`"}`).want(t, http.StatusOK, &rec)
	if rec.Record != "cannot_confirm" || len(rec.Fields) != 0 || bytes.Contains(a.body, []byte(foreign.Identifier)) || len(rec.Reasons) != 1 {
		t.Errorf("%s", a.body)
	}
	digits := token.Digits()
	for _, bad := range []string{"", "x", "1", digits[:len(digits)-1], digits + "1", strings.Repeat("9", 3000)} {
		h.post(t, "/api/v1/records", `{"token":"`+bad+`"}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
}
