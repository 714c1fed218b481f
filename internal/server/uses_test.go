package server

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
	"yinxin/seal"
)

// An agency sees what it asked for and what others sealed with its seals; nobody
// else's. The province's own see all.
func TestWhoSeesAUse(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	shared, err := h.Seals.Make(t.Context(), seal.MakeRequest{Agency: provincetest.Stranger, AgencyName: "别局", Name: "别局", Policy: seal.Policy{Agencies: []string{provincetest.Agency}}, Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	theirs, _ := h.Key(t, provincetest.Stranger, agency.ScopeSealRead)
	admin, _ := h.Key(t, provincetest.Stranger, agency.ScopeAdmin)
	own := h.StampJSON(t, `{"a":1}`)
	h.Clock.Move(time.Millisecond) // two of one millisecond are in no order
	var lent sealed
	h.post(t, "/api/v1/stamps", `{"sealId":"`+shared.ID+`","operator":"=张三","matterCode":"M9","document":{}}`).want(t, http.StatusOK, &lent)
	for _, c := range []struct {
		key, query string
		want       int
	}{
		{h.key, "", 2}, {h.key, "seal=" + shared.ID, 1}, {h.key, "operator=%E5%BC%A0%E4%B8%89", 1}, {h.key, "operator=x", 0}, {h.key, "format=json", 2}, {h.key, "format=pdf", 0},
		{theirs, "", 1}, {theirs, "operator=%E5%BC%A0%E4%B8%89", 0}, {theirs, "matter=M9", 1}, {theirs, "seal=" + h.Seal.ID, 0},
		{admin, "", 2}, {admin, "agency=" + provincetest.Agency, 2}, {admin, "agency=" + provincetest.Stranger, 1},
	} {
		var l listOf[map[string]any]
		if h.get(t, "/api/v1/stamps?"+c.query, bearer(c.key)).want(t, http.StatusOK, &l); len(l.Items) != c.want {
			t.Errorf("%q: %d uses, want %d", c.query, len(l.Items), c.want)
		}
	}
	h.get(t, "/api/v1/stamps?agency="+provincetest.Agency, bearer(theirs)).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.get(t, "/api/v1/stamps?operator="+strings.Repeat("x", 201), bearer(admin)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	h.get(t, "/api/v1/stamps/"+own.ID.String(), bearer(theirs)).problem(t, http.StatusNotFound, "NOT_FOUND")
	h.get(t, "/api/v1/stamps/"+lent.StampID.String(), bearer(theirs)).want(t, http.StatusOK, nil)
	// As a table and as lines, whole.
	a := h.get(t, "/api/v1/stamps", bearer(h.key), header("Accept", mediaCSV)).want(t, http.StatusOK, nil)
	rows, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll()
	if err != nil || len(rows) != 3 || rows[2][4] != "'=张三" || !strings.Contains(a.Header.Get("Content-Disposition"), "seal-uses.csv") {
		t.Errorf("%v %q", err, rows)
	}
	a = h.get(t, "/api/v1/stamps?matter=M9", bearer(theirs), header("Accept", mediaLines)).want(t, http.StatusOK, nil)
	var line struct{ StampID, SealID, Operator string }
	if err := json.Unmarshal(a.body, &line); err != nil || line.StampID != lent.StampID.String() || line.SealID != shared.ID || line.Operator != "=张三" {
		t.Errorf("%v %s", err, a.body)
	}
	// Nothing in the register can be deleted, by whatever method.
	for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch, post} {
		h.call(t, method, "/api/v1/stamps/"+own.ID.String(), nil, bearer(admin)).problem(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
	}
	h.Clock.Move(10 * 365 * 24 * time.Hour)
	if _, err := h.Seals.Entry(t.Context(), own.ID); err != nil {
		t.Error(err)
	}
}
