package main

import (
	"encoding/csv"
	"errors"
	"os"
	"strings"
	"testing"
)

// The register at the shell: by seal and officer, as a table in which no cell is a
// formula, page by page.
func TestTheRegisterAtTheShell(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, matter := range []string{"=M1", "M2", "M3"} {
		o.stamp("decision.json", "sealed.json", "--matter", matter)
	}
	o.stamp("decision.pdf", "sealed.pdf", "--matter", "M3")
	for _, c := range []struct {
		args []string
		want int
	}{
		{nil, 4}, {[]string{"--seal", o.seal}, 4}, {[]string{"--seal", "52000000009999"}, 0}, {[]string{"--agency", demoAgency}, 4}, {[]string{"--matter", "M3"}, 2},
		{[]string{"--of", "pdf"}, 1}, {[]string{"--key", "00000001"}, 0}, {[]string{"--operator", "nobody"}, 0}, {[]string{"--sealed-before", "2020-01-01T00:00:00Z"}, 0}, {[]string{"--sealed-after", "2020-01-01T00:00:00Z"}, 4},
	} {
		if out := o.want(0, append([]string{"seal", "uses"}, c.args...)...); strings.Count(out, "\n") != c.want {
			t.Errorf("%v: %q, want %d rows", c.args, out, c.want)
		}
	}
	o.want(0, "seal", "uses", "--all", "--format", "csv", "-o", o.path("uses.csv"))
	rows, err := csv.NewReader(strings.NewReader(string(o.read("uses.csv")))).ReadAll()
	if err != nil || len(rows) != 5 || rows[1][5] != "'=M1" {
		t.Errorf("%v %q", err, rows)
	}
	r := o.run("seal", "uses", "--limit", "3")
	_, after, more := strings.Cut(strings.TrimSpace(r.err), "--after ")
	if r.code != 0 || !more || strings.Count(r.out, "\n") != 3 {
		t.Fatalf("%d %q %q", r.code, r.out, r.err)
	}
	if out := o.want(0, "seal", "uses", "--after", after); strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
	o.want(exitRefused, "seal", "uses", "--matter", strings.Repeat("m", 201))
	o.want(exitUsage, "seal", "uses", "--limit", "0")
}

// Keys put back from an older copy are told of before anything else is sealed.
func TestCountersThatDoNotAgree(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	if out := o.want(0, "seal", "reconcile"); !strings.Contains(out, o.seal+"  agrees: ") || !strings.Contains(out, " 1 stamps, ") {
		t.Error(out)
	}
	older := o.path("older")
	if err := os.CopyFS(older, os.DirFS(o.data+"/keys")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		o.stamp("decision.json", "sealed.json")
	}
	if err := errors.Join(os.RemoveAll(o.data+"/keys"), os.CopyFS(o.data+"/keys", os.DirFS(older))); err != nil {
		t.Fatal(err)
	}
	r := o.run("seal", "reconcile")
	if r.code != exitBadInput || !strings.Contains(r.out, o.seal+"  behind: ") || !strings.Contains(r.err, "do not agree") {
		t.Errorf("%d %s%s", r.code, r.out, r.err)
	}
}
