package bolt

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
)

func open(t testing.TB, path string, create bool) *DB {
	t.Helper()
	db, err := Open(path, Options{Create: create})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func fresh(t testing.TB) *DB { return open(t, filepath.Join(t.TempDir(), "store.db"), true) }

func newAct(t testing.TB, n int, retry *act.Retry) act.Act {
	t.Helper()
	a, err := act.New(time.Now(), rand.Reader, "test.act", fmt.Sprint(n), map[string]int{"n": n})
	if err != nil {
		t.Fatal(err)
	}
	a.Retry = retry
	return a
}

func TestGroupCommitKeepsTheGoodAndDropsTheBad(t *testing.T) {
	db := fresh(t)
	errRefused := errors.New("refused")
	var wg sync.WaitGroup
	for i := range 300 {
		a := newAct(t, i, nil)
		wg.Go(func() {
			err := db.commit(t.Context(), func(tx *Tx) error {
				switch i % 3 {
				case 1: // refused before it wrote
					return errRefused
				case 2: // refused after it wrote: all of it must go
					if err := tx.act(a); err != nil {
						return err
					}
					return errRefused
				}
				return tx.act(a)
			})
			if (i%3 == 0) != (err == nil) || err != nil && !errors.Is(err, errRefused) {
				t.Errorf("act %d: %v", i, err)
			}
			_, _, _, err = db.Act(t.Context(), a.ID)
			if (i%3 == 0) != (err == nil) {
				t.Errorf("act %d kept: %v", i, err)
			}
		})
	}
	wg.Wait()
	s := db.Journal()
	size, err := s.JournalSize(t.Context())
	if err != nil || size != 100 {
		t.Fatalf("%d leaves, %v", size, err)
	}
	if n, err := s.CountActs(t.Context()); err != nil || n != 100 {
		t.Fatalf("%d acts, %v", n, err)
	}
	for i := range size {
		if _, err := s.LeafAt(t.Context(), i); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAPanicIsTheActsOwn(t *testing.T) {
	db := fresh(t)
	if err := db.commit(t.Context(), func(*Tx) error { panic("boom") }); err == nil {
		t.Fatal("no error")
	}
	a := newAct(t, 1, nil)
	if err := db.commit(t.Context(), func(tx *Tx) error { return tx.act(a) }); err != nil {
		t.Fatal(err)
	}
}

func TestAnIdempotencyKeyDoesItsActOnce(t *testing.T) {
	db := fresh(t)
	retry := &act.Retry{Owner: "a", Key: "k", Request: [32]byte{1}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i := range 50 {
		a := newAct(t, i, retry)
		wg.Go(func() {
			err := db.commit(t.Context(), func(tx *Tx) error { return tx.act(a) })
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			} else if !errors.Is(err, ErrRetryTaken) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done != 1 {
		t.Fatalf("done %d times", done)
	}
	if _, found, _ := db.Done(t.Context(), retry.Slot(), time.Now()); !found {
		t.Fatal("the key is not remembered")
	}
	if _, found, _ := db.Done(t.Context(), retry.Slot(), time.Now().Add(act.RetryLife+time.Hour)); found {
		t.Fatal("the key is remembered for ever")
	}
	if next, err := db.SweepRetries(t.Context(), time.Now().Add(act.RetryLife+time.Hour), nil, 10); err != nil || next != nil {
		t.Fatal(next, err)
	}
	if _, found, _ := db.Done(t.Context(), retry.Slot(), time.Now()); found {
		t.Fatal("swept but there")
	}
}

func TestASecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	open(t, path, true)
	if _, err := Open(path, Options{}); !errors.Is(err, ErrInUse) {
		t.Fatal(err)
	}
}

func TestNoFileAndForeignFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none.db"), Options{}); !errors.Is(err, ErrMissing) {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "none.db")); err == nil {
		t.Fatal("a file was made")
	}
	foreign := filepath.Join(dir, "foreign.db")
	if err := os.WriteFile(foreign, []byte("not a database"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(foreign, Options{}); !errors.Is(err, ErrCorrupt) {
		t.Fatal(err)
	}
}

// Each damage must be told: the older meta page looks like a whole database
// that lacks the last acknowledged acts.
func TestDamageIsToldNeverPassedOver(t *testing.T) {
	made := filepath.Join(t.TempDir(), "store.db")
	db, err := Open(made, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		a := newAct(t, i, nil)
		if err := db.commit(context.Background(), func(tx *Tx) error { return tx.act(a) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, damage := range map[string]func(b []byte) []byte{
		"first meta zeroed":   func(b []byte) []byte { clear(b[:page]); return b },
		"second meta zeroed":  func(b []byte) []byte { clear(b[page : 2*page]); return b },
		"bit of first meta":   func(b []byte) []byte { b[pageHeader+20] ^= 1; return b },
		"bit of second meta":  func(b []byte) []byte { b[page+pageHeader+50] ^= 1; return b },
		"half of it":          func(b []byte) []byte { return b[:len(b)/2] },
		"three pages":         func(b []byte) []byte { return b[:3*page] },
		"empty":               func([]byte) []byte { return nil },
		"ten bytes":           func(b []byte) []byte { return b[:10] },
		"both metas of zeros": func(b []byte) []byte { clear(b[:2*page]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			if err := os.WriteFile(path, damage(append([]byte(nil), whole...)), 0o600); err != nil {
				t.Fatal(err)
			}
			if db, err := Open(path, Options{}); !errors.Is(err, ErrCorrupt) {
				if db != nil {
					db.Close()
				}
				t.Fatalf("opened: %v", err)
			}
		})
	}
}

func TestAfterCloseNothingIsTakenUp(t *testing.T) {
	db, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.commit(t.Context(), func(*Tx) error { return nil }); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

// BenchmarkCommit is the store alone: acts a second from 32 writers.
func BenchmarkCommit(b *testing.B) {
	db := fresh(b)
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			a := newAct(b, 1, nil)
			if err := db.commit(context.Background(), func(tx *Tx) error { return tx.act(a) }); err != nil {
				b.Error(err)
			}
		}
	})
}
