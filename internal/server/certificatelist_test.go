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
	// Root, issuing, scheme and eight services; two seals.
	for query, want := range map[string]int{
		"": 13, "&profile=agency-seal": 2, "&issuedBy=root": 3, "&state=valid": 13, "&state=revoked": 0, "&subject=" + provincetest.Stranger: 1, "&agency=" + provincetest.Stranger: 1,
		"&expiresBefore=" + in(91*24*time.Hour): 2, "&expiresAfter=" + in(9*year): 2, "&expiresAfter=" + in(year) + "&expiresBefore=" + in(2*year+time.Hour): 5,
		"&issuedAfter=" + in(time.Hour): 0, "&issuedBefore=" + in(time.Hour): 13, "&serial=4": len(slices.DeleteFunc(all("", admin), func(r ca.Row) bool { return r.Serial[0] != '4' })),
	} {
		if rows := all(strings.ReplaceAll(query, "+", "%2B"), admin); len(rows) != want {
			t.Errorf("%s: %d certificates, want %d", query, len(rows), want)
		}
	}
	if rows := all("&subject=C", h.key); len(rows) != 1 || rows[0].Agency != provincetest.Agency {
		t.Errorf("an agency is shown %d certificates", len(rows))
	}
	h.get(t, "/api/v1/certificates?agency="+provincetest.Stranger, bearer(h.key)).problem(t, http.StatusForbidden, "FORBIDDEN")
	for _, bad := range []string{"expiresAfter=today", "issuedBefore=2026", "limit=0"} {
		h.get(t, "/api/v1/certificates?"+bad, bearer(admin)).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}
	for _, bad := range []string{"state=lost", "agency=11520000MB1A000011", "subject=" + strings.Repeat("x", 201), "expiresAfter=" + in(0) + "&expiresBefore=" + in(-time.Hour)} {
		h.get(t, "/api/v1/certificates?"+bad, bearer(admin)).problem(t, http.StatusUnprocessableEntity, "REFUSED")
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
	if err != nil || len(table) != 13 || !slices.Equal(table[0], ca.Columns()) {
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
