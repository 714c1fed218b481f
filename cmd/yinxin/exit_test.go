package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"yinxin/internal/testlong"
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
	o.want(0, stamp...)
	o.want(0, "seal", "cancel", o.seal, "--why", "the office is closed")
	o.want(exitRefused, stamp...)
	o.want(exitRefused, "seal", "thaw", o.seal, "--why", "regret")
	o.want(exitRefused, "agency", "add", "--uscc", demoAgency, "--name", demoName)
}

// TestDamagedFolders: whatever happens to the files, it is told in one sentence
// and no file is touched; and no journal with a damaged record verifies.
func TestDamagedFolders(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	whole := contents(t, o.data)
	var aKey string
	for name := range whole {
		if strings.HasSuffix(name, ".key") && name > aKey {
			aKey = name
		}
	}
	meta := func(n int) func([]byte) []byte {
		return func(b []byte) []byte { page := os.Getpagesize(); copy(b[n*page:], make([]byte, page)); return b }
	}
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 4; return b }
	}
	cut := func(b []byte) []byte { return b[:len(b)/2] }
	none := func([]byte) []byte { return nil }
	for name, c := range map[string]struct {
		file  string
		spoil func([]byte) []byte
		codes []int
	}{
		"identity cut":       {"/province.json", cut, []int{exitBadInput}},
		"identity empty":     {"/province.json", none, []int{exitBadInput}},
		"key cut":            {aKey, cut, []int{exitBadInput}},
		"key empty":          {aKey, none, []int{exitBadInput}},
		"key, one bit":       {aKey, flip(150), []int{exitBadInput}},
		"key's counter":      {aKey, flip(60), []int{exitBadInput}},
		"root key cut":       {"/keys/kek.pem", cut, []int{exitBadInput}},
		"root key, one bit":  {"/keys/kek.pem", flip(200), []int{exitBadInput, exitNoRight}}, // looks like a wrong passphrase
		"database cut":       {"/store.db", cut, []int{exitBadInput}},
		"database empty":     {"/store.db", none, []int{exitBadInput}},
		"database, 1st meta": {"/store.db", meta(0), []int{exitBadInput}},
		"database, 2nd meta": {"/store.db", meta(1), []int{exitBadInput}},
		"database, other":    {"/store.db", func([]byte) []byte { return bytes.Repeat([]byte("x"), 1<<17) }, []int{exitBadInput}},
	} {
		t.Run(name, func(t *testing.T) {
			m := o.damaged(t, c.file, c.spoil)
			before := contents(t, m.path("data"))
			r := m.run("seal", "list", "--data", m.path("data"))
			ok := false
			for _, code := range c.codes {
				ok = ok || r.code == code
			}
			if !ok {
				t.Fatalf("ends with %d: %s", r.code, r.err)
			}
			sameContents(t, before, contents(t, m.path("data")))
		})
	}
}

// TestFlippedBitsInTheDatabase: bbolt trusts its pages, so a flipped bit in one
// may do anything but end in a trace, or change what the journal's audit reads
// without a word.
func TestFlippedBitsInTheDatabase(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	size := len(contents(t, o.data)["/store.db"])
	sound := o.want(0, "journal", "verify")
	random := uint64(11)
	next := func(n int) int {
		random = random*6364136223846793005 + 1442695040888963407
		return int(random>>33) % n
	}
	for n := range testlong.Count(40, 2000) {
		m := o.damaged(t, "/store.db", func(b []byte) []byte {
			at := next(size)
			if n%2 == 0 {
				at = at&^4095 + next(96) // a page's header and the first of its table
			}
			for i := range 1 + next(2)*40 {
				b[min(at+i, size-1)] ^= 1 << next(8)
			}
			return b
		})
		r := m.run("journal", "verify", "--data", m.path("data"))
		if r.code != exitBadInput && (r.code != 0 || r.out != sound) {
			t.Fatal(fmt.Sprint(n, ": ends with ", r.code, ": ", r.out, r.err))
		}
		if err := os.RemoveAll(m.dir); err != nil {
			t.Fatal(err)
		}
	}
}

// damaged gives a copy of the office's folder with one file spoiled.
func (o *office) damaged(t *testing.T, file string, spoil func([]byte) []byte) *machine {
	t.Helper()
	m := *o.machine
	m.t, m.dir = t, t.TempDir()
	if err := os.CopyFS(m.path("data"), os.DirFS(o.data)); err != nil {
		t.Fatal(err)
	}
	b := spoil(m.read("data" + file))
	m.write("data"+file, b)
	return &m
}
