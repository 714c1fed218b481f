package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/verify"
)

// trusted are the flags that judge an office's stamps without asking anyone
// but the evidence file.
func (o *office) trusted(more ...string) []string {
	return append([]string{"--offline", "--trust", o.bundle, "--trust-anchor", o.anchor}, more...)
}

// stampsOf gives how many stamps are found, all of which must hold but for the
// status that nobody was asked for.
func (o *office) stampsOf(file string, flags ...string) int {
	o.t.Helper()
	r := judge(o.machine, 2, file, o.trusted(flags...)...)
	wantCodes(o.t, r, verify.StatusUnavailable)
	for _, s := range r.Stamps {
		if s.Seal.ID != o.seal || s.TimeSource != "timestamp" {
			o.t.Errorf("%s: %+v", file, s)
		}
	}
	return len(r.Stamps)
}

func TestStampsOneAfterAnother(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, kind := range []string{"pdf", "json"} {
		last := "decision." + kind
		for n := 1; n <= 3; n++ {
			next := strings.Repeat("again.", n) + kind
			o.stamp(last, next, "--page", "1", "--x", "20", "--y", []string{"20", "80", "140"}[n-1], "--reason", "联合行文")
			if got := o.stampsOf(next); got != n {
				t.Fatalf("%s bears %d stamps", next, got)
			}
			last = next
		}
		// In place: the file that is read is the one that is replaced.
		o.stamp(last, last, "--page", "2")
		if got := o.stampsOf(last); got != 4 {
			t.Fatalf("%s bears %d stamps", last, got)
		}
	}
	if !bytes.HasPrefix(o.read("again.pdf"), decisionPDF) {
		t.Error("sealing changed the document's own bytes")
	}
}

// TestPlaceIsWhereItWasOrdered: what the command line says reaches the page.
// Where on it the face is drawn, seal/pdf proves by rendering.
func TestPlaceIsWhereItWasOrdered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for n, place := range [][]string{{"--page", "1"}, {"--page", "2"}, {"--page", "-1"}, {"--x", "10"}, {"--y", "10"}} {
		out := string(rune('a'+n)) + ".pdf"
		o.stamp("decision.pdf", out, place...)
		o.stampsOf(out)
	}
	rect := func(name string) string {
		_, after, _ := bytes.Cut(o.read(name)[len(decisionPDF):], []byte("/Rect"))
		r, _, _ := bytes.Cut(after, []byte("]"))
		return string(r)
	}
	if rect("a.pdf") != rect("c.pdf") || rect("a.pdf") == rect("d.pdf") || rect("a.pdf") == rect("e.pdf") {
		t.Error("rectangles:", rect("a.pdf"), rect("c.pdf"), rect("d.pdf"), rect("e.pdf"))
	}
	for _, place := range [][]string{{"--page", "0"}, {"--page", "3"}, {"--page", "-3"}, {"--x", "400"}, {"--y", "-50"}, {"--x", "NaN"}} {
		o.want(exitBadInput, append([]string{"seal", "stamp", "--seal", o.seal, "decision.pdf", "-o", "x.pdf"}, place...)...)
	}
}

func TestDetached(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	file := bytes.Repeat([]byte("any file\n"), 300_000) // longer than what is read at once
	o.write("any", file)
	o.write("other", append(bytes.Clone(file), '\n'))
	o.stamp("any", "any.ses", "--detached")
	o.stampsOf("any", "--stamp", "any.ses")
	for name, want := range map[string]verify.Code{"other": verify.Altered, "decision.pdf": verify.Altered} {
		if r := judge(o.machine, 1, name, o.trusted("--stamp", "any.ses")...); r.Reasons[0].Code != want {
			t.Errorf("%s: %v", name, r.Reasons)
		}
	}
	// A stamp of another kind of document is none of this file's.
	o.stamp("decision.pdf", "sealed.pdf")
	o.stamp("decision.pdf", "pdf.ses", "--detached")
	o.stampsOf("decision.pdf", "--stamp", "pdf.ses")
	o.want(3, append([]string{"verify", "any.ses"}, o.trusted()...)...)
	for name, b := range map[string][]byte{"empty": {}, "text": []byte("no stamp"), "cut": o.read("any.ses")[:500], "long": append(o.read("any.ses"), 0)} {
		o.write(name+".ses", b)
		if r := judge(o.machine, 1, "any", o.trusted("--stamp", name+".ses")...); r.Reasons[0].Code != verify.StampMalformed {
			t.Errorf("%s: %s %v", name, r.Verdict, r.Reasons)
		}
	}
	o.write("huge.ses", make([]byte, verify.MaxDetached+1))
	o.want(exitBadInput, append([]string{"verify", "any", "--stamp", "huge.ses"}, o.trusted()...)...)
}

// TestAnswersForMachines: with --json standard output is JSON, unless it is the
// document that was asked for.
func TestAnswersForMachines(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	var stamped struct{ StampID, SealID, VerificationCode string }
	text := o.want(0, "seal", "stamp", "--json", "--seal", o.seal, "decision.json", "-o", "sealed.json")
	if err := json.Unmarshal([]byte(text), &stamped); err != nil || stamped.StampID == "" || stamped.SealID != o.seal || stamped.VerificationCode == "" {
		t.Error(text, err)
	}
	o.stampsOf("sealed.json")
	var exported struct{ TrustAnchor string }
	text = o.want(0, "trust", "export", "--json", "-o", "again.json")
	if err := json.Unmarshal([]byte(text), &exported); err != nil || exported.TrustAnchor != o.anchor {
		t.Error(text, err)
	}
	for _, args := range [][]string{{"trust", "export"}, {"seal", "list"}, {"seal", "show", o.seal}, {"agency", "list"}, {"key", "list"}, {"ca", "list"}, {"license", "list"}, {"license", "type"},
		{"journal", "verify"}, {"version"}, {"seal", "stamp", "--seal", o.seal, "decision.json", "-o", "-"}} {
		if text := o.want(0, append(args, "--json")...); !json.Valid([]byte(text)) {
			t.Errorf("%v: %s", args, text)
		}
	}
}

func TestPipes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for name, doc := range map[string][]byte{"x.pdf": decisionPDF, "x.json": decisionJSON} {
		r := o.pipe(bytes.NewReader(doc), "seal", "stamp", "--seal", o.seal, "-", "-o", "-")
		if r.code != 0 {
			t.Fatal(r.err)
		}
		o.write(name, []byte(r.out))
		o.stampsOf(name)
		v := o.pipe(strings.NewReader(r.out), append([]string{"verify", "-"}, o.trusted()...)...)
		if v.code != 2 || !strings.Contains(v.out, string(verify.StatusUnavailable)) {
			t.Error(name, v.code, v.out, v.err)
		}
	}
	// A document that is sealed while the other command waits for it.
	if v := o.pipe(&late{make: func() string {
		nextSecond()
		return o.want(0, "seal", "stamp", "--seal", o.seal, "decision.json", "-o", "-")
	}}, append([]string{"verify", "-"}, o.trusted()...)...); v.code != 2 || strings.Contains(v.out, string(verify.SealedAfterCheck)) {
		t.Error(v.code, v.out, v.err)
	}
	if r := o.pipe(strings.NewReader(""), "seal", "stamp", "--seal", o.seal, "-", "-o", "-"); r.code != exitBadInput || r.out != "" {
		t.Error(r.code, r.out, r.err)
	}
	if left, err := os.ReadDir(o.path("tmp")); err != nil || len(left) > 0 {
		t.Error("what was read from a pipe was left:", left, err)
	}
}

// late makes what it gives when it is first asked.
type late struct {
	make func() string
	text *strings.Reader
}

func (l *late) Read(p []byte) (int, error) {
	if l.text == nil {
		l.text = strings.NewReader(l.make())
	}
	return l.text.Read(p)
}

// TestOutputIsWholeOrNotThere: a reader of the name sees the old file or the
// new one, and a device is written to, not replaced.
func TestOutputIsWholeOrNotThere(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.write("real.pdf", []byte("old"))
	if err := os.Symlink("real.pdf", o.path("link.pdf")); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(o.path("real.pdf"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	o.stamp("decision.pdf", "link.pdf")
	if b, err := io.ReadAll(old); err != nil || string(b) != "old" {
		t.Errorf("the old file was written into: %q %v", b, err)
	}
	if info, err := os.Lstat(o.path("link.pdf")); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Error("the link was replaced:", err)
	}
	o.stampsOf("real.pdf")
	o.stamp("decision.pdf", "/dev/null")
	if info, err := os.Stat("/dev/null"); err != nil || info.Mode().Type()&os.ModeDevice == 0 {
		t.Fatal("/dev/null was replaced:", err)
	}
	if left, err := filepath.Glob(o.path(".yinxin-*")); err != nil || len(left) > 0 {
		t.Error("left:", left, err)
	}
	// What did not reach anyone is not called done, and the register knows of it.
	r := o.run("seal", "stamp", "--seal", o.seal, "decision.pdf", "-o", "/dev/full")
	if r.code != exitNoWrite || !strings.Contains(r.err, "register") {
		t.Error(r.code, r.err)
	}
	if r := o.run("seal", "stamp", "--seal", o.seal, "decision.json", "-o", "nothing/x"); r.code != exitNoWrite || strings.Contains(r.err, "register") {
		t.Error(r.code, r.err)
	}
}

// TestKilledWhileItWrites: whenever a command dies, its output is whole or is
// not there.
func TestKilledWhileItWrites(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.write("any.json", []byte(`{"a":"`+strings.Repeat("x", 4<<20)+`"}`))
	for n := range 6 {
		cmd := o.command("seal", "stamp", "--seal", o.seal, "any.json", "-o", "sealed.json")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(n) * 25 * time.Millisecond)
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if _, err := os.Stat(o.path("sealed.json")); err == nil {
			o.stampsOf("sealed.json")
		}
		if err := os.RemoveAll(o.path("sealed.json")); err != nil {
			t.Fatal(err)
		}
	}
	o.want(0, "journal", "verify")
}
