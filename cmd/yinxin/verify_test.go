package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"yinxin/verify"
)

// TestSeveralFilesGiveTheWorst: interface.md, Verdicts: 3 ranks above 2, and 1
// above both.
func TestSeveralFilesGiveTheWorst(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	o.stamp("decision.pdf", "sealed.pdf")
	o.write("altered.json", []byte(strings.Replace(string(o.read("sealed.json")), "准予", "不予", 1)))
	verdicts := map[string]verify.Verdict{"sealed.json": verify.CannotConfirm, "sealed.pdf": verify.CannotConfirm,
		"altered.json": verify.NotValid, "decision.json": verify.None}
	for _, c := range []struct {
		code  int
		files []string
	}{
		{2, []string{"sealed.json", "sealed.pdf"}},
		{3, []string{"sealed.json", "decision.json"}},
		{3, []string{"decision.json", "sealed.json"}},
		{1, []string{"decision.json", "altered.json", "sealed.json"}},
	} {
		out := o.want(c.code, append(append([]string{"verify", "--json"}, c.files...), o.trusted()...)...)
		var reports []struct {
			File    string
			Verdict verify.Verdict
		}
		if err := json.Unmarshal([]byte(out), &reports); err != nil || len(reports) != len(c.files) {
			t.Fatal(err, out)
		}
		for i, r := range reports {
			if r.File != c.files[i] || r.Verdict != verdicts[r.File] {
				t.Errorf("%v: %+v", c.files, r)
			}
		}
	}
	// One that is not there is bad input, whatever the others are.
	o.want(exitBadInput, append([]string{"verify", "sealed.json", "nothing"}, o.trusted()...)...)
}

// TestTheSameFileGivesTheSameReport: byte for byte, the time of the check aside.
func TestTheSameFileGivesTheSameReport(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.pdf", "sealed.pdf")
	nextSecond()
	at := nowText()
	args := append([]string{"verify", "sealed.pdf", "--json", "--at", at}, o.trusted()...)
	first := o.want(2, args...)
	if second := o.want(2, args...); first != second || !strings.Contains(first, `"checkedAt": "`+at+`"`) {
		t.Errorf("%s\n%s", first, second)
	}
}

// TestTextOfOthersMovesNoCursor: names come out of files that anyone may have
// written; on a terminal they could draw another verdict.
func TestTextOfOthersMovesNoCursor(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	name := "\x1b[2J\x1b]0;x\a\u202enosj.json"
	o.stamp("decision.json", name)
	text := o.want(2, append([]string{"verify", name}, o.trusted()...)...)
	if strings.ContainsAny(text, "\x1b\a\u202e\r") || !strings.Contains(text, demoName) {
		t.Errorf("%q", text)
	}
}

// TestVerifyTouchesNothing: on a machine without a data folder and without one
// being made, the only trace is the memory of trust lists.
func TestVerifyTouchesNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	m := newMachineWith(t, o.machine, "sealed.json")
	m.write("trust.json", o.read("trust.json"))
	before := contents(t, m.dir)
	m.want(2, "verify", "sealed.json", "--trust", "trust.json", "--trust-anchor", o.anchor, "--offline")
	if info, err := os.Stat(m.path("state/yinxin/trust.json")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if err := os.RemoveAll(m.path("state")); err != nil {
		t.Fatal(err)
	}
	sameContents(t, before, contents(t, m.dir))
}
