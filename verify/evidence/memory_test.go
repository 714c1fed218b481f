package evidence

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"yinxin/certs"
)

func trustOf(scheme, region uint64) *certs.Trust {
	return &certs.Trust{SchemeSequence: scheme, Regions: map[string]*certs.Region{"520000": {Code: "520000", Sequence: region}}}
}

func TestMemoryOnlyRises(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	if seen, err := Remembered("a"); err != nil || len(seen) != 0 {
		t.Fatal(seen, err)
	}
	for _, trust := range []*certs.Trust{trustOf(7, 3), trustOf(5, 9), trustOf(1, 1)} {
		if err := Remember("a", trust); err != nil {
			t.Fatal(err)
		}
	}
	seen, err := Remembered("a")
	if d := cmp.Diff(map[string]uint64{certs.SchemeIssuer: 7, "520000": 9}, seen); err != nil || d != "" {
		t.Error(err, d)
	}
	// Another scheme is not raised by it.
	if seen, err := Remembered("b"); err != nil || len(seen) != 0 {
		t.Error(seen, err)
	}
}

// TestMemoryOfManyAtOnce: many programs verify at the same time, and none undoes
// what another has seen.
func TestMemoryOfManyAtOnce(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", t.TempDir())
	var wg sync.WaitGroup
	const n = 40
	for i := range uint64(n) {
		wg.Go(func() {
			if err := Remember("a", trustOf(i+1, n-i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	seen, err := Remembered("a")
	if d := cmp.Diff(map[string]uint64{certs.SchemeIssuer: n, "520000": n}, seen); err != nil || d != "" {
		t.Error(err, d)
	}
}

func TestNowhereToRemember(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/dev/null")
	if _, err := Remembered("a"); !errors.Is(err, ErrNoMemory) {
		t.Error(err)
	}
	if err := Remember("a", trustOf(1, 1)); !errors.Is(err, ErrNoMemory) {
		t.Error(err)
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "")
	if _, err := Remembered("a"); !errors.Is(err, ErrNoMemory) {
		t.Error(err)
	}
}

// TestDamagedMemoryIsNotForgotten: damaging it must not be a way to bring an old
// list back.
func TestDamagedMemoryIsNotForgotten(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_STATE_HOME", dir)
	if err := Remember("a", trustOf(7, 3)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "yinxin", "trust.json"), []byte(`{"a": {`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Remembered("a"); err == nil || errors.Is(err, ErrNoMemory) {
		t.Error(err)
	}
	if err := Remember("a", trustOf(1, 1)); err == nil || errors.Is(err, ErrNoMemory) {
		t.Error(err)
	}
}
