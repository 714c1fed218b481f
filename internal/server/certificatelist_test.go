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
		"&subject=" + provincetest.Stranger: {Subject: provincetest.Stranger}, "&agency=" + provincetest.Stranger: {Agency: provincetest.Stranger}, "&serial=4": {Serial: "4"},
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
