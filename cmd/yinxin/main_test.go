package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The tests of this folder run the binary that users run. binary is where
// TestMain built it.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "yinxin-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "yinxin")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "%s%v\n", out, err)
		return 1
	}
	return m.Run()
}

// machine is a place to run commands in: its own home, state and temporary
// folder, and nothing else of the machine that the tests run on.
type machine struct {
	t   *testing.T
	dir string
	env []string
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	return &machine{t, dir, []string{"PATH=" + os.Getenv("PATH"), "USER=tester", "HOME=" + dir, "XDG_STATE_HOME=" + filepath.Join(dir, "state"), "TMPDIR=" + filepath.Join(dir, "tmp")}}
}

func (m *machine) path(name string) string { return filepath.Join(m.dir, name) }

// set gives the commands to come another environment variable.
func (m *machine) set(name, value string) {
	m.env = append(slices.DeleteFunc(m.env, func(e string) bool { return strings.HasPrefix(e, name+"=") }), name+"="+value)
}

// result of a command.
type result struct {
	code     int
	out, err string
}

// command is a run that the test starts and ends itself.
func (m *machine) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	return cmd
}

// hung is far beyond what any command of the tests takes.
const hung = 3 * time.Minute

func (m *machine) run(args ...string) result { return m.pipe(nil, args...) }

// pipe runs a command to its end. What must hold for every one is checked here:
// it ends, and if not well, with one sentence and no trace of a panic.
func (m *machine) pipe(in io.Reader, args ...string) result {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), hung)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	var out, errs bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = m.dir, m.env, in, &out, &errs
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		m.t.Fatalf("yinxin %v: %v", args, err)
	}
	if ctx.Err() != nil {
		m.t.Fatalf("yinxin %v hangs", args)
	}
	r := result{code: cmd.ProcessState.ExitCode(), out: out.String(), err: errs.String()}
	known := []int{0, 1, 2, 3, exitUsage, exitBadInput, exitRefused, exitInternal, exitNoWrite, exitInUse, exitNoRight}
	if !slices.Contains(known, r.code) || strings.Contains(r.err, "goroutine ") || strings.Contains(r.err, "panic:") {
		m.t.Fatalf("yinxin %v ends with %d: %s", args, r.code, r.err)
	}
	if r.code > 3 && (strings.Count(r.err, "\n") != 1 || !strings.HasSuffix(r.err, "\n") || !strings.HasPrefix(r.err, "yinxin")) {
		m.t.Fatalf("yinxin %v ends with %d and no single sentence: %q", args, r.code, r.err)
	}
	return r
}

// want runs a command that must end with a code and gives its standard output.
func (m *machine) want(code int, args ...string) string {
	m.t.Helper()
	r := m.run(args...)
	if r.code != code {
		m.t.Fatalf("yinxin %v ends with %d, not %d: %s%s", args, r.code, code, r.out, r.err)
	}
	return r.out
}

func (m *machine) write(name string, b []byte) string {
	m.t.Helper()
	if err := os.WriteFile(m.path(name), b, 0o600); err != nil {
		m.t.Fatal(err)
	}
	return m.path(name)
}

func (m *machine) read(name string) []byte {
	m.t.Helper()
	b, err := os.ReadFile(m.path(name))
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// contents gives every file below a folder, to see that nothing changed.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
