package server

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
)

func TestCertificatesAreSearched(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.MakeSeal(t, provincetest.Stranger, "别局")
	admin, _ := h.Key(t, provincetest.Agency, agency.ScopeAdmin)
	in := func(d time.Duration) string { return h.Clock.Now().Add(d).UTC().Format(time.RFC3339) }
	const year = 365 * 24 * time.Hour
	all := func(q, key string) (rows []ca.Row) {
		t.Helper()
		for cursor := ""; ; {
			var l listOf[ca.Row]
			h.get(t, "/api/v1/certificates?limit=2&cursor="+cursor+q, bearer(key)).want(t, http.StatusOK, &l)
			rows = append(rows, l.Items...)
			if cursor = l.Next; cursor == "" {
				return rows
			}
		}
	}
	everything, now := all("", admin), h.Clock.Now()
	if len(everything) < 12 {
		t.Fatalf("%d certificates", len(everything))
	}
	at := func(d time.Duration) time.Time { return now.Add(d).Truncate(time.Second) }
	for query, f := range map[string]ca.Filter{
		"&profile=agency-seal": {Profile: "agency-seal"}, "&issuedBy=root": {Issuer: "root"}, "&state=valid": {State: ca.StateValid}, "&state=revoked": {State: ca.StateRevoked},
		"&agency=" + provincetest.Stranger: {Agency: provincetest.Stranger}, "&serial=4": {Serial: "4"},
		"&expiresBefore=" + in(91*day): {ExpiresBefore: at(91 * day)}, "&expiresAfter=" + in(9*year): {ExpiresAfter: at(9 * year)},
		"&expiresAfter=" + in(year) + "&expiresBefore=" + in(2*year+time.Hour): {ExpiresAfter: at(year), ExpiresBefore: at(2*year + time.Hour)},
		"&issuedAfter=" + in(time.Hour):                                        {IssuedAfter: at(time.Hour)}, "&issuedBefore=" + in(time.Hour): {IssuedBefore: at(time.Hour)},
	} {
		var want, got []string
		for _, r := range everything {
			if f.Matches(r, now) {
				want = append(want, r.Serial)
			}
		}
		for _, r := range all(query, admin) {
			got = append(got, r.Serial)
		}
		slices.Sort(want)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if rows := all("", h.key); len(rows) != 1 || rows[0].Agency != provincetest.Agency {
		t.Errorf("an agency is shown %d certificates", len(rows))
	}
	h.get(t, "/api/v1/certificates?agency="+provincetest.Stranger, bearer(h.key)).problem(t, http.StatusForbidden, "FORBIDDEN")
	for _, bad := range []string{"expiresAfter=today", "issuedBefore=2026", "limit=0"} {
		h.get(t, "/api/v1/certificates?"+bad, bearer(admin)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
	for _, bad := range []string{"state=lost", "agency=11520000MB1A000011", "serial=" + strings.Repeat("4", 201), "expiresAfter=" + in(0) + "&expiresBefore=" + in(-time.Hour)} {
		h.get(t, "/api/v1/certificates?"+bad, bearer(admin)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	}
}

// A name is looked for in the body of a request and never in its address, which
// stands in logs (design.md, What must never happen, 6).
func TestASubjectIsLookedForInTheBody(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.MakeSeal(t, provincetest.Stranger, "别局")
	admin, _ := h.Key(t, provincetest.Agency, agency.ScopeAdmin)
	const search = "/api/v1/certificates/search"
	for _, query := range []string{"subject=C", "subject=", "limit=5&subject=x"} {
		h.get(t, "/api/v1/certificates?"+query, bearer(admin)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
	found := func(body, key string) (l listOf[ca.Row]) {
		t.Helper()
		h.post(t, search, body, bearer(key)).want(t, http.StatusOK, &l)
		return l
	}
	if l := found(`{"subject":"`+provincetest.Stranger+`"}`, admin); len(l.Items) != 1 || l.Items[0].Agency != provincetest.Stranger {
		t.Errorf("%+v", l)
	}
	if l := found(`{"subject":"`+provincetest.Stranger+`","state":"revoked"}`, admin); len(l.Items) != 0 {
		t.Errorf("%+v", l)
	}
	if l := found(`{"subject":"`+provincetest.Stranger+`"}`, h.key); len(l.Items) != 0 {
		t.Error("an agency finds another's certificate")
	}
	var serials []string
	for cursor := ""; ; {
		l := found(`{"subject":"c=cn","limit":2,"cursor":"`+cursor+`"}`, admin)
		for _, r := range l.Items {
			serials = append(serials, r.Serial)
		}
		if cursor = l.Next; cursor == "" {
			break
		}
	}
	if slices.Sort(serials); len(slices.Compact(serials)) < 12 {
		t.Errorf("%d certificates", len(serials))
	}
	h.post(t, search, `{"subject":"`+provincetest.Stranger+`","agency":"`+provincetest.Stranger+`"}`).problem(t, http.StatusForbidden, "FORBIDDEN")
	h.post(t, search, `{"subject":"`+strings.Repeat("x", 201)+`"}`).problem(t, http.StatusUnprocessableEntity, "REFUSED")
	for _, bad := range []string{`{}`, `{"subject":""}`, `{"subject":"x","limit":501}`, `{"subject":"x","limit":-1}`, `{"subject":"x","issuedAfter":"today"}`} {
		h.post(t, search, bad).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
	a := h.post(t, search, `{"subject":"`+provincetest.Stranger+`"}`, bearer(admin), header("Accept", "text/csv")).want(t, http.StatusOK, nil)
	if table, err := csv.NewReader(strings.NewReader(string(a.body))).ReadAll(); err != nil || len(table) != 2 {
		t.Errorf("%d rows, %v", len(table), err)
	}
}

func TestCertificatesAreExported(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	admin, _ := h.Key(t, provincetest.Agency, agency.ScopeAdmin)
	a := h.get(t, "/api/v1/certificates?bom=true", bearer(admin), header("Accept", "text/csv")).want(t, http.StatusOK, nil)
	if ct := a.Header.Get("Content-Type"); !strings.HasPrefix(ct, "text/csv; charset=utf-8") || !strings.HasPrefix(string(a.body), "\ufeffserial,") {
		t.Fatalf("%s %.40q", ct, a.body)
	}
	table, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(a.body), "\ufeff"))).ReadAll()
	if err != nil || len(table) < 12 || !slices.Equal(table[0], ca.Columns()) {
		t.Fatalf("%d rows, %v", len(table), err)
	}
	a = h.get(t, "/api/v1/certificates?profile=agency-seal", bearer(h.key), header("Accept", "application/jsonl")).want(t, http.StatusOK, nil)
	var row ca.Row
	if err := json.Unmarshal(a.body, &row); err != nil || row.Serial != h.Seal.CertSerial {
		t.Errorf("%v %.300s", err, a.body)
	}
	a = h.get(t, "/api/v1/certificates?profile=none", bearer(h.key), header("Accept", "application/jsonl")).want(t, http.StatusOK, nil)
	if len(a.body) != 0 || a.Header.Get("Content-Type") != "application/jsonl" {
		t.Errorf("an empty list: %q %v", a.body, a.Header)
	}
	h.get(t, "/api/v1/certificates?state=lost", bearer(admin), header("Accept", "text/csv")).problem(t, http.StatusUnprocessableEntity, "REFUSED")
}
