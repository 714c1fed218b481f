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
