package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"yinxin/ca/outside"
	"yinxin/ca/outside/outsidetest"
	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
)

func TestASealByAnOutsideAuthority(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	root := outsidetest.New(t, "某根", nil, h.Clock.Now)
	if _, err := h.Outside.Add(t.Context(), outside.AddRequest{Certificate: root.DER, Name: "某根", Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	key := func(k string) set { return header("Idempotency-Key", k) }
	const body = `{"operator":"张三","reason":"启用","mm":10}`
	var asked, same seal.Request
	first := h.post(t, "/api/v1/seal-requests", body, key("k")).want(t, http.StatusCreated, &asked)
	if again := h.post(t, "/api/v1/seal-requests", body, key("k")).want(t, http.StatusCreated, nil); !bytes.Equal(again.body, first.body) {
		t.Errorf("a retry is answered otherwise:\n%s\n%s", first.body, again.body)
	}
	h.post(t, "/api/v1/seal-requests", `{"operator":"李四","reason":"启用"}`, key("k")).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
	h.post(t, "/api/v1/seal-requests", `{"operator":"张三","reason":"启用","code":"`+h.Seal.ID+`"}`).problem(t, http.StatusConflict, "CONFLICT")
	h.post(t, "/api/v1/seal-requests", `{"operator":"张三","reason":"启用","code":"44010000000001"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, "/api/v1/seal-requests", `{"operator":"张三","reason":"启用","picture":"*"}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	h.get(t, "/api/v1/seal-requests/"+asked.ID, bearer(h.key)).want(t, http.StatusOK, &same)
	if asked.Agency != provincetest.Agency || !bytes.Equal(same.CSR, asked.CSR) {
		t.Errorf("%+v", same)
	}
	var l listOf[seal.Request]
	if h.get(t, "/api/v1/seal-requests", bearer(h.key)).want(t, http.StatusOK, &l); len(l.Items) != 1 || l.Items[0].ID != asked.ID {
		t.Errorf("%+v", l)
	}
	theirs, _ := h.Key(t, provincetest.Stranger, agency.ScopeSealRead, agency.ScopeSealManage)
	h.get(t, "/api/v1/seal-requests/"+asked.ID, bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.get(t, "/api/v1/seal-requests?agency="+provincetest.Agency, bearer(theirs)).problem(t, http.StatusForbidden, "FORBIDDEN")
	var second seal.Request
	h.post(t, "/api/v1/seal-requests", body).want(t, http.StatusCreated, &second)
	give := "/api/v1/seal-requests/" + second.ID + "/withdraw"
	h.post(t, give, `{"operator":"x","reason":"y"}`, bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	if h.post(t, give, `{"operator":"x","reason":"y"}`).want(t, http.StatusOK, &second); second.Withdrawn.IsZero() {
		t.Errorf("%+v", second)
	}
	h.post(t, give, `{"operator":"x","reason":"y"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	path := "/api/v1/seal-requests/" + asked.ID + "/certificate"
	form := func(certificate, chain string) string {
		b, err := json.Marshal(sealCertificateForm{certificate, chain, "张三", "启用"})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	h.Clock.Move(time.Minute)
	stranger := outsidetest.New(t, "别家", nil, h.Clock.Now)
	h.post(t, path, form(string(outsidetest.PEM(stranger.Certify(asked.CSR, nil))), "")).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.post(t, path, form("x", "")).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	good := form(string(outsidetest.PEM(root.Certify(asked.CSR, nil))), string(root.PEM()))
	h.post(t, path, good, bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	var made, again seal.Seal
	h.post(t, path, good).want(t, http.StatusCreated, &made)
	if h.post(t, path, good).want(t, http.StatusCreated, &again); made.ID != asked.ID || again.CertSerial != made.CertSerial {
		t.Errorf("%+v %+v", made, again)
	}
	h.Clock.Move(time.Minute)
	h.post(t, "/api/v1/stamps", `{"sealId":"`+made.ID+`","operator":"x","document":{"a":1}}`).want(t, http.StatusOK, nil)
	h.get(t, "/api/v1/certificates/"+made.CertSerial, bearer(h.key)).want(t, http.StatusOK, nil)
}
