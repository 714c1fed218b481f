package main

import (
	"strings"
	"testing"
)

func TestOFDAtTheShell(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.write("decision.ofd", decisionOFD)
	o.stamp("decision.ofd", "one.ofd", "--keyword", "盖章")
	o.stamp("one.ofd", "two.ofd", "--riding", "--side", "left", "--at", "20")
	o.stamp("two.ofd", "two.ofd", "--page", "2", "--x", "20", "--y", "200", "--protect", "whole")
	for file, want := range map[string]int{"one.ofd": 1, "two.ofd": 3} {
		if got := o.stampsOf(file); got != want {
			t.Errorf("%s bears %d stamps", file, got)
		}
	}
	for why, c := range map[string]struct {
		code int
		args []string
	}{
		"protects the list of signatures": {exitBadInput, []string{"two.ofd", "-o", "three.ofd"}},
		"does not stand in it":            {exitBadInput, []string{"--keyword", "作废", "decision.ofd", "-o", "three.ofd"}},
		"not to be had for ofd":           {exitUsage, []string{"--certify", "1", "decision.ofd", "-o", "three.ofd"}},
		"not to be had for json":          {exitUsage, []string{"--protect", "whole", "decision.json", "-o", "three.json"}},
	} {
		r := o.run(append([]string{"seal", "stamp", "--seal", o.seal}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.err, why) {
			t.Errorf("%q: %d %s", c.args, r.code, r.err)
		}
	}
}
