package main

import (
	"bytes"
	"testing"

	"yinxin/verify"
)

// A stamp with evidence, and evidence added afterwards: both are good by what they hold,
// and evidence that --save-evidence kept works with them.
func TestAugmented(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.pdf", "at-once.pdf", "--level", "LTA")
	o.stamp("decision.pdf", "plain.pdf")
	if r := o.run("seal", "augment", "--offline", "plain.pdf", "-o", "later.pdf"); r.code != 0 {
		t.Fatal(r.err)
	}
	if !bytes.HasPrefix(o.read("later.pdf"), o.read("plain.pdf")) {
		t.Error("augmenting changed the document's own bytes")
	}
	for _, name := range []string{"at-once.pdf", "later.pdf"} {
		r := judge(o.machine, 0, name, o.trusted()...)
		if r.Verdict != verify.Valid || len(r.Stamps) != 2 || r.Stamps[1].Role != "timestamp" {
			t.Errorf("%s: %s %v", name, r.Verdict, r.Reasons)
		}
	}
	if r := judge(o.machine, 2, "plain.pdf", o.trusted()...); r.Verdict != verify.CannotConfirm {
		t.Errorf("without evidence: %s", r.Verdict)
	}
	for name, c := range map[string]struct {
		code int
		args []string
	}{
		"not sealed":    {exitRefused, []string{"decision.pdf", "-o", "x.pdf"}},
		"level T":       {exitUsage, []string{"--level", "T", "plain.pdf", "-o", "x.pdf"}},
		"no output":     {exitUsage, []string{"plain.pdf"}},
		"no PDF at all": {exitRefused, []string{"decision.json", "-o", "x.pdf"}},
		"no such file":  {exitBadInput, []string{"nothing.pdf", "-o", "x.pdf"}},
	} {
		if r := o.run(append([]string{"seal", "augment", "--offline"}, c.args...)...); r.code != c.code {
			t.Errorf("%s: %d %s", name, r.code, r.err)
		}
	}
}
