package main

import (
	"encoding/hex"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"yinxin/internal/act"
	"yinxin/internal/testlong"
)

// syscallLine is one call of the trace with its end: strace prints a call that
// another thread's interrupts in two parts.
type syscallLine struct {
	name, args string
	begin, end int // lines of the trace; end is where it had succeeded
}

var (
	traceWhole   = regexp.MustCompile(`^\d+ +(\w+)\((.*)\) += (-?\d+)`)
	traceBegin   = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	traceResumed = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>.*\) += (-?\d+)`)
)

// readTrace gives the calls that succeeded.
func readTrace(text string) []syscallLine {
	var all []syscallLine
	open := map[string]syscallLine{}
	for n, line := range strings.Split(text, "\n") {
		if m := traceWhole.FindStringSubmatch(line); m != nil {
			if !strings.HasPrefix(m[3], "-") {
				all = append(all, syscallLine{m[1], m[2], n, n})
			}
		} else if m := traceBegin.FindStringSubmatch(line); m != nil {
			open[m[1]] = syscallLine{m[2], m[3], n, 0}
		} else if m := traceResumed.FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[3], "-") {
			c := open[m[1]]
			c.end = n
			all = append(all, c)
		}
	}
	return all
}

// traced is the text that strace -xx prints for these octets.
func traced(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		s.WriteString(`\x` + hex.EncodeToString([]byte{c}))
	}
	return s.String()
}

// TestNoAnswerBeforeItsCommitIsSynced: design.md, what must never happen, 2, as
// the kernel sees it. The page that holds an act is written, synced, then bbolt's
// meta page that makes it count, synced again, and only then the answer.
func TestNoAnswerBeforeItsCommitIsSynced(t *testing.T) {
	t.Parallel()
	strace := testlong.Tool(t, "strace", "strace")
	o := newOffice(t)
	trace := o.path("trace")
	p := o.serveUnder([]string{strace, "-f", "-xx", "-s", "65536", "-o", trace, "-e", "trace=fdatasync,fsync,write,writev,sendto,sendmsg,pwrite64"})
	c := o.client(p)
	var ids []string
	for n := range testlong.Count(6, 60) {
		a, err := c.stamp(order{seal: o.seal, matter: "m", pdf: n%2 == 0})
		if err != nil || a.status != http.StatusOK {
			t.Fatal(a.status, string(a.body), err)
		}
		ids = append(ids, a.id)
	}
	// The tracer passes no signal on: the server itself is asked to end.
	if err := stopTraced(p); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	calls := readTrace(string(text))
	for _, id := range ids {
		checkOrder(t, calls, id)
	}
}

// stopTraced ends the tracer, which lets the server go on, and then the server.
func stopTraced(p *process) error {
	server, err := childOf(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	if err := syscall.Kill(server, syscall.SIGTERM); err != nil {
		return err
	}
	return p.cmd.Wait()
}

func checkOrder(t *testing.T, calls []syscallLine, id string) {
	t.Helper()
	parsed, err := act.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	record, answer := traced(parsed[:]), traced([]byte(id))
	steps := []struct {
		what string
		is   func(c syscallLine) bool
	}{
		{"the act's page is written", func(c syscallLine) bool { return c.name == "pwrite64" && strings.Contains(c.args, record) }},
		{"it is synced", func(c syscallLine) bool { return c.name == "fdatasync" }},
		{"the meta page is written", func(c syscallLine) bool {
			return c.name == "pwrite64" && (strings.HasSuffix(c.args, ", 4096, 0") || strings.HasSuffix(c.args, ", 4096, 4096"))
		}},
		{"it is synced", func(c syscallLine) bool { return c.name == "fdatasync" }},
	}
	at := -1
	for _, s := range steps {
		next := -1
		for _, c := range calls {
			if c.begin > at && s.is(c) && (next < 0 || c.end < next) {
				next = c.end
			}
		}
		if next < 0 {
			t.Fatalf("stamp %s: the trace does not show that %s", id, s.what)
		}
		at = next
	}
	answered := false
	for _, c := range calls {
		if (c.name == "write" || c.name == "writev" || c.name == "sendto" || c.name == "sendmsg") && strings.Contains(c.args, answer) && strings.Contains(c.args, traced([]byte("HTTP/1.1 2"))) {
			answered = true
			if c.begin < at {
				t.Errorf("stamp %s: its answer is written in line %d, its commit is synced in line %d", id, c.begin, at)
			}
		}
	}
	if !answered {
		t.Errorf("stamp %s: the trace shows no answer", id)
	}
}
