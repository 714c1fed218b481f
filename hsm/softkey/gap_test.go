package softkey

import (
	"os"
	"path/filepath"
	"testing"

	"yinxin/hsm"
)

// killed gives the folder as it stands now, which is what a killed process
// leaves.
func killed(t *testing.T, dir string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return copied
}

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(options(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func told(t *testing.T, s *Store) (n uint64) {
	t.Helper()
	gaps, err := s.Unaccounted(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gaps {
		n += g.N
	}
	return n
}

func use(t *testing.T, s *Store, id string, times int) {
	t.Helper()
	k, err := s.Key(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for range times {
		if _, err := k.SignMessage(t.Context(), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
}

// What was told is not told again by a start after a clean end, used since or
// not: the counter would then be less than what the journal explains.
func TestAGapIsToldOnce(t *testing.T) {
	for _, after := range []int{0, 5} {
		s, dir := create(t)
		k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
		if err != nil {
			t.Fatal(err)
		}
		id := k.Info().ID
		use(t, s, id, 3)
		dir = killed(t, dir)
		again := open(t, dir)
		if n := told(t, again); n != useBlock {
			t.Fatalf("%d after a kill", n)
		}
		if n := told(t, again); n != 0 {
			t.Fatalf("%d told twice", n)
		}
		use(t, again, id, after)
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		last := open(t, dir)
		if n := told(t, last); n != 0 {
			t.Errorf("%d told again after a clean end, %d uses since", n, after)
		}
		if k, err := last.Key(t.Context(), id); err != nil || k.Info().Uses != useBlock+uint64(after) {
			t.Errorf("%d uses are counted, %v", k.Info().Uses, err)
		}
	}
}

// A change of state is no use: whatever comes after it, nothing is unaccounted.
func TestAChangeOfStateLeavesNoGap(t *testing.T) {
	for _, kill := range []bool{false, true} {
		s, dir := create(t)
		k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
		if err != nil {
			t.Fatal(err)
		}
		use(t, s, k.Info().ID, 3)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir)
		if err := s.SetState(t.Context(), k.Info().ID, hsm.Suspended); err != nil {
			t.Fatal(err)
		}
		if kill {
			dir = killed(t, dir)
		} else if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir)
		if n := told(t, again); n != 0 {
			t.Errorf("kill %t: %d told", kill, n)
		}
		if k, err := again.Key(t.Context(), k.Info().ID); err != nil || k.Info().Uses != 3 || k.Info().State != hsm.Suspended {
			t.Errorf("kill %t: %+v, %v", kill, k.Info(), err)
		}
	}
}

// What a suspended key left of its block when the process was killed is told.
func TestAKeyInUseIsSuspendedAndTheProcessKilled(t *testing.T) {
	s, dir := create(t)
	k, err := s.Generate(t.Context(), "x", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	use(t, s, k.Info().ID, 3)
	if err := s.SetState(t.Context(), k.Info().ID, hsm.Destroyed); err != nil {
		t.Fatal(err)
	}
	if n := told(t, open(t, killed(t, dir))); n != useBlock {
		t.Fatalf("%d told", n)
	}
}
