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
	if len(everything) != 12 {
		t.Fatalf("%d certificates: %v", len(everything), everything)
	}
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(time.RFC3339) }
	for want, args := range map[int][]string{
		1:  {"--profile", "agency-seal"},
		3:  {"--issuer", "root"},
		10: {"--all", "--expires-after", in(100 * 24 * time.Hour)},
		5:  {"--limit", "5"},
		0:  {"--state", "expired"},
		12: {"--state", "valid", "--issued-before", in(time.Hour)},
	} {
		if got := lines(args...); len(got) != want {
			t.Errorf("%v: %d, want %d", args, len(got), want)
		}
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
	if err != nil || len(table) != 13 || !slices.Equal(table[0], ca.Columns()) {
		t.Errorf("%d rows, %v", len(table), err)
	}
	var rows []ca.Row
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
