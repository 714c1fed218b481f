package server

import (
	"net/http"
	"testing"

	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
	"yinxin/verify/status"
)

// officerKey makes the bearer key of a person.
func (h *house) officerKey(t testing.TB, of, name string, scopes ...string) string {
	t.Helper()
	secret, _, err := h.Agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: of, Officer: name, Scopes: scopes, Who: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// An officer's key says who acts: the form may leave it out, and may not say
// another.
func TestTheOperatorIsTheOfficerOfTheKey(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine := h.officerKey(t, provincetest.Agency, "张三", agency.ScopeSealManage)
	path := "/api/v1/seals/" + h.Seal.ID
	h.post(t, path+"/freeze", `{"operator":"李四","reason":"y"}`, bearer(mine)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, path+"/freeze", `{"reason":"y"}`, bearer(mine)).want(t, http.StatusOK, nil)
	h.post(t, path+"/thaw", `{"operator":"张三","reason":"y"}`, bearer(mine)).want(t, http.StatusOK, nil)
	h.post(t, "/api/v1/seal-requests", `{"operator":"李四","reason":"y"}`, bearer(mine)).problem(t, http.StatusForbidden, "FORBIDDEN")
	var asked seal.Request
	h.post(t, "/api/v1/seal-requests", `{"reason":"y"}`, bearer(mine)).want(t, http.StatusCreated, &asked)
	for _, act := range []string{"/certificate", "/withdraw"} {
		h.post(t, "/api/v1/seal-requests/"+asked.ID+act, `{"operator":"李四","reason":"y"}`, bearer(mine)).problem(t, http.StatusForbidden, "FORBIDDEN")
	}
	h.post(t, path+"/freeze", `{"operator":"王五","reason":"y"}`).want(t, http.StatusOK, nil)
	var s seal.Seal
	h.get(t, path, bearer(h.key)).want(t, http.StatusOK, &s)
	if s.State != status.SealFrozen {
		t.Errorf("it is %s", s.State)
	}
}

// A request for an outside authority's certificate is asked for, answered and given
// up in the officer's own name too.
func TestSealRequestsAreInTheOfficersName(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mine := bearer(h.officerKey(t, provincetest.Agency, "张三", agency.ScopeSealManage, agency.ScopeSealRead))
	const path, another, own = "/api/v1/seal-requests", `{"operator":"李四","reason":"y"}`, `{"reason":"y"}`
	h.post(t, path, another, mine).problem(t, http.StatusForbidden, "FORBIDDEN")
	var asked seal.Request
	if h.post(t, path, own, mine).want(t, http.StatusCreated, &asked); asked.Who != "张三" {
		t.Errorf("it is by %q", asked.Who)
	}
	certificate := `{"certificate":"x",` + another[1:]
	h.post(t, path+"/"+asked.ID+"/certificate", certificate, mine).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, path+"/"+asked.ID+"/withdraw", another, mine).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, path+"/"+asked.ID+"/withdraw", own, mine).want(t, http.StatusOK, nil)
}
