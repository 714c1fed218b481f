package durable

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yinxin/internal/testlong"
)

func alone(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

func TestWriteFileReplaces(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, content := range []string{"one", "", "a longer content than before"} {
		if err := WriteFile(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("%q, want %q: %v", got, content, err)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %s, %v", info.Mode(), err)
	}
	// A file that others could read does not stay so.
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("x")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %s, %v", info.Mode(), err)
	}
	alone(t, dir, "file")
}

func TestWhatFailsLeavesTheOldContentAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "taken", "by a folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(filepath.Join(dir, "taken"), []byte("x")); err == nil {
		t.Error("a folder was replaced")
	}
	alone(t, dir, "taken")
	if err := WriteFile(filepath.Join(dir, "none", "file"), []byte("x")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
	if err := SyncDir(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder was synced: %v", err)
	}
}

func content(n int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%07d\n", n), 4096) }

func whole(b []byte) bool { return len(b) == 8*4096 && bytes.Equal(b, bytes.Repeat(b[:8], 4096)) }

func TestManyWritersLeaveOneContent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	var wg sync.WaitGroup
	for n := range 20 {
		wg.Go(func() {
			if err := WriteFile(path, content(n)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if b, err := os.ReadFile(path); err != nil || !whole(b) {
		t.Errorf("%d octets of several writers, %v", len(b), err)
	}
	alone(t, dir, "file")
}

// Killed at any moment, the file is one content or another, whole.
func TestKilledWhileWriting(t *testing.T) {
	if path := os.Getenv("YINXIN_TEST_DURABLE"); path != "" {
		for n := 0; ; n++ {
			if err := WriteFile(path, content(n)); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	if err := WriteFile(path, content(0)); err != nil {
		t.Fatal(err)
	}
	for range testlong.Count(5, 100) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
		cmd.Env = append(os.Environ(), "YINXIN_TEST_DURABLE="+path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		for err == nil { // until it has begun
			now, err := os.ReadFile(path)
			if err != nil || !whole(now) {
				t.Fatalf("%d octets seen, %v", len(now), err)
			}
			if !bytes.Equal(now, before) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if b, err := os.ReadFile(path); err != nil || !whole(b) {
			t.Fatalf("%d octets left, %v", len(b), err)
		}
	}
}
