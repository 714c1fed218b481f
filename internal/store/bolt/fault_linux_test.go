package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"yinxin/internal/act"
	"yinxin/internal/journal"
)

// A disk that fails is made in a process of its own: by a limit on the size of
// files, where growing the file fails, and by a full file system, where writing
// its pages does.
const faultChild = "YINXIN_TEST_FAULT"

func TestADiskThatFails(t *testing.T) {
	for _, kind := range []string{"limit", "full"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			cmd := exec.Command(os.Args[0], "-test.run=^TestFaultChild$", "-test.v")
			cmd.Env = append(os.Environ(), faultChild+"="+kind, "YINXIN_TEST_DIR="+dir)
			if kind == "full" {
				cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
			}
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.EPERM) {
				t.Skip("SKIPPED: only root can mount a small file system")
			}
			if err != nil || !bytes.Contains(out, []byte("--- PASS: TestFaultChild")) {
				t.Fatalf("%v\n%s", err, out)
			}
			// What a crash at the moment of the failure leaves.
			checkKept(t, open(t, filepath.Join(dir, "crashed.db"), false), filepath.Join(dir, "told"))
		})
	}
}

// told is what the callers of one store were answered.
type told struct {
	mu        sync.Mutex
	ok, wrong []act.ID
}

func (o *told) add(id act.ID, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err == nil {
		o.ok = append(o.ok, id)
	} else {
		o.wrong = append(o.wrong, id)
	}
}

func (o *told) write(t *testing.T, path string) {
	t.Helper()
	var b strings.Builder
	for _, id := range o.ok {
		fmt.Fprintln(&b, "ok", id)
	}
	for _, id := range o.wrong {
		fmt.Fprintln(&b, "no", id)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkKept holds a store against what its callers were told.
func checkKept(t *testing.T, db *DB, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept := uint64(0)
	for line := range strings.Lines(string(b)) {
		word, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		id, err := act.ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		_, _, _, err = db.Act(t.Context(), id)
		if word == "ok" {
			kept++
		}
		if (word == "ok") != (err == nil) || err != nil && !errors.Is(err, ErrNotFound) {
			t.Errorf("act %s was told %s; kept: %v", id, word, err)
		}
	}
	checkWhole(t, db.Journal(), kept)
}

// checkWhole counts acts and leaves and reads each.
func checkWhole(t *testing.T, s journal.Store, want uint64) {
	t.Helper()
	size, err := s.JournalSize(t.Context())
	if err != nil || size != want {
		t.Errorf("%d leaves, want %d: %v", size, want, err)
	}
	if n, err := s.CountActs(t.Context()); err != nil || n != want {
		t.Errorf("%d acts, want %d: %v", n, want, err)
	}
	for i := range size {
		if _, err := s.LeafAt(t.Context(), i); err != nil {
			t.Error(err)
		}
	}
}

func TestFaultChild(t *testing.T) {
	kind, dir := os.Getenv(faultChild), os.Getenv("YINXIN_TEST_DIR")
	if kind == "" {
		t.Skip("run by TestADiskThatFails")
	}
	path := filepath.Join(dir, "store.db")
	fail, mend := limitFiles, func() error { return unlimitFiles() }
	if kind == "full" {
		path = filepath.Join(dir, "small", "store.db")
		fail = func() error { return nil } // it is small from the start
		mend = func() error { return unix.Mount("none", filepath.Dir(path), "tmpfs", unix.MS_REMOUNT, "size=16m") }
		if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o700), unix.Mount("none", filepath.Dir(path), "tmpfs", 0, "size=400k")); err != nil {
			t.Fatal(err)
		}
	}
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := fail(); err != nil {
		t.Fatal(err)
	}
	var answers told
	fill(t, db, &answers)
	if err := mend(); err != nil {
		t.Fatal(err)
	}
	// Before anything else is written: the file as it stood when the disk failed.
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "crashed.db"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	answers.write(t, filepath.Join(dir, "told"))
	checkKept(t, db, filepath.Join(dir, "told"))

	// The same process goes on once there is room.
	for i := range 50 {
		a := bigAct(t, i)
		err := db.Commit(t.Context(), a)
		answers.add(a.ID, err)
		if err != nil {
			t.Fatalf("after there was room again: %v", err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	after := filepath.Join(t.TempDir(), "told")
	answers.write(t, after)
	checkKept(t, open(t, path, false), after)
}

// fill commits until the disk has failed each writer a few times.
func fill(t *testing.T, db *DB, answers *told) {
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			failed := 0
			for i := 0; failed < 3; i++ {
				if i == 10_000 {
					t.Error("the disk never failed")
					return
				}
				a := bigAct(t, w<<16|i)
				err := db.Commit(context.Background(), a)
				answers.add(a.ID, err)
				if err == nil {
					continue
				}
				if failed++; !errors.Is(err, ErrWrite) {
					t.Errorf("told %v", err)
				}
			}
		})
	}
	wg.Wait()
	if len(answers.ok) == 0 || len(answers.wrong) == 0 {
		t.Errorf("%d kept, %d failed", len(answers.ok), len(answers.wrong))
	}
}

// bigAct has a record of several pages, so that a full disk is met halfway
// through the pages of one commit.
func bigAct(t *testing.T, n int) act.Act {
	a := newAct(t, n, nil)
	a.Record = bytes.Repeat([]byte{byte(n)}, 9000)
	return a
}

func limitFiles() error {
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: unix.RLIM_INFINITY})
}

func unlimitFiles() error {
	return unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
}
