package bolt

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
)

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

// hold keeps the committer busy until release is called, so that what a test
// queues meanwhile is one batch.
func hold(t *testing.T, db *DB) (release func()) {
	t.Helper()
	busy, free := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- db.commit(context.Background(), func(*Tx) error { close(busy); <-free; return nil })
	}()
	<-busy
	return func() {
		t.Helper()
		close(free)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func waitQueued(db *DB, n int) {
	for len(db.queue) < n {
		time.Sleep(100 * time.Microsecond)
	}
}

// Whatever one act of a batch does, the others of the same batch are committed
// whole and in the order in which they came.
func TestOneBatchOfGoodAndBad(t *testing.T) {
	errRefused := errors.New("refused")
	for name, bad := range map[string]func(tx *Tx, a act.Act) error{
		"refused before its first put": func(*Tx, act.Act) error { return errRefused },
		"refused after its puts": func(tx *Tx, a act.Act) error {
			return errors.Join(tx.act(a), tx.put(bucketCounters, []byte("x"), []byte("y")), errRefused)
		},
		"panics before its first put": func(*Tx, act.Act) error { panic("boom") },
		"panics after its puts": func(tx *Tx, a act.Act) error {
			if err := tx.act(a); err != nil {
				return err
			}
			panic("boom")
		},
		"puts what bbolt refuses": func(tx *Tx, a act.Act) error {
			return errors.Join(tx.act(a), tx.put(bucketCounters, nil, []byte("y")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			db := fresh(t)
			release := hold(t, db)
			const n = 30
			acts, errs, runs := make([]act.Act, n), make([]error, n), make([]int, n)
			var wg sync.WaitGroup
			for i := range n {
				acts[i] = newAct(t, i, nil)
				wg.Go(func() {
					errs[i] = db.commit(context.Background(), func(tx *Tx) error {
						runs[i]++
						if i%7 == 3 {
							return bad(tx, acts[i])
						}
						return tx.act(acts[i])
					})
				})
				waitQueued(db, i+1)
			}
			release()
			wg.Wait()
			index := uint64(0)
			for i := range n {
				_, _, at, err := db.Act(t.Context(), acts[i].ID)
				if i%7 == 3 {
					if errs[i] == nil || errors.Is(errs[i], ErrWrite) || !errors.Is(err, ErrNotFound) {
						t.Errorf("bad act %d: %v; kept: %v", i, errs[i], err)
					}
					continue
				}
				if errs[i] != nil || err != nil || at != index {
					t.Errorf("good act %d: %v; kept at %d, want %d: %v", i, errs[i], at, index, err)
				}
				index++
			}
			if size, err := db.Journal().JournalSize(t.Context()); err != nil || size != index {
				t.Errorf("%d leaves of %d, %v", size, index, err)
			}
			if err := db.bolt.View(func(tx *bbolt.Tx) error {
				if tx.Bucket(bucketCounters).Get([]byte("x")) != nil {
					t.Error("a put of a refused act is there")
				}
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

// An act that was judged by what another of its batch wrote is told so only
// once that is durable.
func TestAnActSeesThoseBeforeItInItsBatch(t *testing.T) {
	db := fresh(t)
	release := hold(t, db)
	retry := &act.Retry{Owner: "a", Key: "k", Request: [32]byte{1}}
	first, second := newAct(t, 1, retry), newAct(t, 2, retry)
	answers := make([]chan error, 2)
	for i, a := range []act.Act{first, second} {
		answers[i] = make(chan error, 1)
		go func() { answers[i] <- db.Commit(context.Background(), a) }()
		waitQueued(db, i+1)
	}
	release()
	if err := <-answers[1]; !errors.Is(err, ErrRetryTaken) {
		t.Fatal(err)
	}
	if done, found, err := db.Done(t.Context(), retry.Slot(), time.Now()); err != nil || !found || done.Act != first.ID {
		t.Fatal("the second was told before the first was kept", done, found, err)
	}
	if err := <-answers[0]; err != nil {
		t.Fatal(err)
	}
}

func TestAnActWhoseContextEnded(t *testing.T) {
	db := fresh(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 { // with room in the queue, too
		if err := db.Commit(ended, newAct(t, 0, nil)); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}

	// Ended while it waits: it is not done.
	release := hold(t, db)
	waiting, cancel := context.WithCancel(t.Context())
	a, answer := newAct(t, 1, nil), make(chan error, 1)
	go func() { answer <- db.Commit(waiting, a) }()
	waitQueued(db, 1)
	cancel()
	release()
	if err := <-answer; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}

	// Ended once it was taken up: the answer is what became of it.
	taken, cancel := context.WithCancel(t.Context())
	b := newAct(t, 2, nil)
	if err := db.commit(taken, func(tx *Tx) error { cancel(); return tx.act(b) }); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := db.Act(t.Context(), b.ID); err != nil {
		t.Fatal(err)
	}
	if size, err := db.Journal().JournalSize(t.Context()); err != nil || size != 1 {
		t.Fatalf("%d leaves, %v", size, err)
	}
}
