package main

import (
	"strings"
	"testing"
)

// A list that is cut says so, and how to go on.
func TestAListOfSealsThatIsCut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.want(0, "seal", "make", "--agency", demoAgency)
	whole := o.want(0, "seal", "list")
	r := o.run("seal", "list", "--limit", "1")
	_, after, more := strings.Cut(strings.TrimSpace(r.err), "--after ")
	if r.code != 0 || !more || strings.Count(r.out, "\n") != 1 {
		t.Fatalf("%d %q %q", r.code, r.out, r.err)
	}
	if rest := o.want(0, "seal", "list", "--after", after); r.out+rest != whole {
		t.Errorf("%q and %q are not %q", r.out, rest, whole)
	}
	o.want(exitUsage, "seal", "list", "--limit", "0")
	o.want(exitUsage, "seal", "use", "list", "--limit", "501")
}
