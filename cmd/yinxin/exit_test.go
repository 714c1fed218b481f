package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestExitCodes: interface.md, the codes that every command shares. None of
// these may change the data folder.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.write("text", []byte("no document\n"))
	o.write("empty", nil)
	o.write("wrong", []byte("another passphrase\n"))
	o.write("broken.pdf", decisionPDF[:len(decisionPDF)/2])
	o.write("twice.json", []byte(`{"a": 1, "a": 2}`))
	o.write("line\nbreak", []byte("x"))
	if err := os.Mkdir(o.path("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(o.path("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	stamp := func(more ...string) []string { return append([]string{"seal", "stamp", "--seal", o.seal}, more...) }
	before := contents(t, o.data)
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitUsage, []string{"sael"}},
		{exitUsage, []string{"seal", "melt"}},
		{exitUsage, []string{"seal", "list", "--colour"}},
		{exitUsage, []string{"seal", "list", "more"}},
		{exitUsage, []string{"seal", "show"}},
		{exitUsage, []string{"seal", "freeze", o.seal}},
		{exitUsage, []string{"serve", "--listen", "nowhere"}},
		{exitUsage, []string{"ca", "revoke", "--reason", "mood", "--why", "x", "00"}},
		{exitUsage, []string{"init", "--data", "new", "--region", "52", "--name", "x"}},
		{exitUsage, []string{"init", "--data", "new", "--region", "520000", "--name", "x", "--url", "ftp://x"}},
		{exitUsage, []string{"init", "--data", "new", "--region", "520000", "--name", "x", "--store", "stone"}},
		{exitUsage, stamp("decision.pdf")},
		{exitUsage, stamp("decision.pdf", "-o", "x", "--profile", "wax")},
		{exitUsage, []string{"verify"}},
		{exitUsage, []string{"verify", "decision.pdf", "--at", "yesterday"}},
		{exitUsage, []string{"verify", "decision.pdf", "--trust", "trust.json", "--trust-anchor", "beef"}},
		{exitUsage, []string{"verify", "decision.pdf", "--trust-anchor", o.anchor}},
		{exitUsage, []string{"verify", "decision.pdf", "decision.json", "--stamp", "text"}},

		{exitBadInput, []string{"seal", "list", "--data", "nothing"}},
		{exitBadInput, []string{"seal", "list", "--data", "folder"}},
		{exitBadInput, []string{"seal", "list", "--data", "text"}},
		{exitBadInput, []string{"seal", "list", "--passphrase-file", "nothing"}},
		{exitBadInput, []string{"seal", "list", "--passphrase-file", "empty"}},
		{exitBadInput, []string{"seal", "show", "99999999999999"}},
		{exitBadInput, []string{"ca", "revoke", "--why", "x", "00"}},
		{exitBadInput, []string{"key", "revoke", "--why", "x", "00"}},
		{exitBadInput, []string{"seal", "make", "--agency", "11100000000013338W"}},
		{exitBadInput, []string{"agency", "add", "--uscc", "1", "--name", "x"}},
		{exitBadInput, stamp("nothing", "-o", "x")},
		{exitBadInput, stamp("folder", "-o", "x")},
		{exitBadInput, stamp("fifo", "-o", "x")},
		{exitBadInput, stamp("text", "-o", "x")},
		{exitBadInput, stamp("line\nbreak", "-o", "x")},
		{exitBadInput, stamp("empty", "-o", "x")},
		{exitBadInput, stamp("broken.pdf", "-o", "x")},
		{exitBadInput, stamp("twice.json", "-o", "x")},
		{exitBadInput, stamp("decision.pdf", "-o", "x", "--page", "99")},
		{exitBadInput, []string{"seal", "stamp", "--seal", "99999999999999", "decision.pdf", "-o", "x"}},
		{exitBadInput, []string{"verify", "nothing"}},
		{exitBadInput, []string{"verify", "fifo"}},
		{exitBadInput, []string{"verify", "decision.pdf", "--trust", "text"}},
		{exitBadInput, []string{"verify", "decision.pdf", "--trust", "decision.json"}},
		{exitBadInput, []string{"verify", "decision.pdf", "--status", "text"}},
		{exitBadInput, []string{"verify", "decision.pdf", "--stamp", "nothing"}},

		{exitRefused, []string{"init", "--region", "520000", "--name", "x"}},

		{exitNoWrite, stamp("decision.pdf", "-o", "nothing/x")},
		{exitNoWrite, stamp("decision.pdf", "-o", "text/x")},
		{exitNoWrite, stamp("decision.pdf", "-o", "folder")},
		{exitNoWrite, []string{"trust", "export", "-o", "nothing/x"}},
		{exitNoWrite, []string{"verify", "decision.pdf", "--save-evidence", "nothing/x"}},
		{exitNoWrite, []string{"init", "--data", "/proc/x", "--region", "520000", "--name", "x"}},

		{exitNoRight, []string{"seal", "list", "--passphrase-file", "wrong"}},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			m := *o.machine
			m.t = t
			m.want(c.code, c.args...)
		})
	}
	sameContents(t, before, contents(t, o.data))
	left, err := filepath.Glob(o.path(".yinxin-*"))
	if _, serr := os.Stat(o.path("x")); err != nil || len(left) > 0 || serr == nil {
		t.Error("something was left of an output that failed:", left, serr, err)
	}
}

// TestSettingsFile: yinxin.yaml names the data folder, and a misspelt key in it
// is not passed over.
func TestSettingsFile(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.set("YINXIN_DATA", "")
	o.want(exitUsage, "seal", "list")
	for text, code := range map[string]int{"data: data\n": 0, "dta: data\n": exitBadInput, "{": exitBadInput, "data: ''\n": exitUsage, "data: nothing\n": exitBadInput} {
		o.write("yinxin.yaml", []byte(text))
		o.want(code, "seal", "list")
	}
	o.want(0, "seal", "list", "--data", "data") // the flag counts first
}

func TestASecondProcessIsKeptOut(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	server := o.serve()
	for _, args := range [][]string{{"seal", "list"}, {"serve", "--listen", "127.0.0.1:0"}, {"journal", "verify"}, {"seal", "stamp", "--seal", o.seal, "decision.json", "-o", "x"}} {
		if r := o.run(args...); r.code != exitInUse || !strings.Contains(r.err, "server") {
			t.Errorf("%v ends with %d: %s", args, r.code, r.err)
		}
	}
	server.stop()
	o.want(0, "seal", "list")
}

func TestARuleRefuses(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	stamp := []string{"seal", "stamp", "--seal", o.seal, "decision.json", "-o", "x"}
	o.want(0, "seal", "freeze", o.seal, "--why", "lost for an hour")
	o.want(exitRefused, stamp...)
	o.want(0, "seal", "thaw", o.seal, "--why", "found")
	nextSecond() // in the second of a thaw nobody could tell which came first
	o.want(0, stamp...)
	o.want(0, "seal", "cancel", o.seal, "--why", "the office is closed")
	o.want(exitRefused, stamp...)
	o.want(exitRefused, "seal", "thaw", o.seal, "--why", "regret")
	o.want(exitRefused, "agency", "add", "--uscc", demoAgency, "--name", demoName)
}
