package main

import (
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
)

func TestCertificatesAreListedAndExported(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	lines := func(args ...string) []string {
		t.Helper()
		out := strings.TrimSpace(o.want(0, append([]string{"ca", "list"}, args...)...))
		if out == "" {
			return nil
		}
		return strings.Split(out, "\n")
	}
	everything := lines("--all")
	var rows []ca.Row
	if err := json.Unmarshal([]byte(o.want(0, "ca", "list", "--all", "--json")), &rows); err != nil || len(rows) != len(everything) || len(rows) < 11 {
		t.Fatalf("%d certificates, %v: %v", len(rows), err, everything)
	}
	now := time.Now()
	in := func(d time.Duration) string { return now.Add(d).UTC().Format(time.RFC3339) }
	const quarter = 100 * 24 * time.Hour
	for _, c := range []struct {
		args []string
		f    ca.Filter
	}{
		{[]string{"--profile", "agency-seal"}, ca.Filter{Profile: "agency-seal"}},
		{[]string{"--issuer", "root"}, ca.Filter{Issuer: "root"}},
		{[]string{"--all", "--expires-after", in(quarter)}, ca.Filter{ExpiresAfter: now.Add(quarter)}},
		{[]string{"--state", "expired"}, ca.Filter{State: ca.StateExpired}},
		{[]string{"--state", "held"}, ca.Filter{State: ca.StateHeld}},
		{[]string{"--state", "valid", "--issued-before", in(time.Hour)}, ca.Filter{State: ca.StateValid}},
	} {
		want := 0
		for _, r := range rows {
			if c.f.Matches(r, now) {
				want++
			}
		}
		if got := lines(c.args...); len(got) != want {
			t.Errorf("%v: %d, want %d", c.args, len(got), want)
		}
	}
	if got := lines("--limit", "5"); len(got) != 5 {
		t.Errorf("%d of 5", len(got))
	}
	if r := o.run("ca", "list", "--limit", "5"); !strings.Contains(r.err, "--after ") {
		t.Errorf("that there are more is not told: %q", r.err)
	}
	var paged []string
	for after := ""; ; {
		r := o.run("ca", "list", "--limit", "4", "--after", after)
		paged = append(paged, strings.Split(strings.TrimSpace(r.out), "\n")...)
		var more bool
		if _, after, more = strings.Cut(strings.TrimSpace(r.err), "--after "); !more {
			break
		}
	}
	if !slices.Equal(paged, everything) {
		t.Errorf("page by page: %v", paged)
	}
	o.want(0, "ca", "list", "--all", "--format", "csv", "--bom", "-o", "list.csv")
	table, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(o.read("list.csv")), "\ufeff"))).ReadAll()
	if err != nil || len(table) != len(everything)+1 || !slices.Equal(table[0], ca.Columns()) {
		t.Errorf("%d rows, %v", len(table), err)
	}
	rows = nil
	if err := json.Unmarshal([]byte(o.want(0, "ca", "list", "--json", "--profile", "agency-seal")), &rows); err != nil || len(rows) != 1 || len(rows[0].DER) == 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	for _, bad := range [][]string{{"--format", "xls"}, {"--limit", "0"}, {"--expires-before", "soon"}} {
		o.want(exitUsage, append([]string{"ca", "list"}, bad...)...)
	}
	o.want(exitRefused, "ca", "list", "--state", "lost")
	o.want(exitNoWrite, "ca", "list", "-o", "no/such/folder")
	o.want(exitBadInput, "ca", "list", "--after", "77")
}
