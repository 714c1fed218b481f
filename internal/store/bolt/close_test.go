package bolt

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"

	"yinxin/internal/act"
)

// Each caller of a store being closed gets an answer that is true: kept, or
// ErrClosed and not kept.
func TestCloseWhileQueued(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	release := hold(t, db)
	const n = 3 * maxBatch / 2 // more than the queue holds
	acts, errs := make([]act.Act, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		acts[i] = newAct(t, i, nil)
		wg.Go(func() { errs[i] = db.Commit(context.Background(), acts[i]) })
	}
	waitQueued(db, maxBatch)
	for range 3 {
		wg.Go(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
			if _, err := db.Journal().JournalSize(t.Context()); err == nil {
				t.Error("Close returned before the file was let go")
			}
		})
	}
	<-db.quit
	release()
	wg.Wait()
	db = open(t, path, false)
	kept := 0
	for i, a := range acts {
		_, _, _, err := db.Act(t.Context(), a.ID)
		switch {
		case errs[i] == nil && err == nil:
			kept++
		case errors.Is(errs[i], ErrClosed) && errors.Is(err, ErrNotFound):
		default:
			t.Errorf("act %d was told %v; kept: %v", i, errs[i], err)
		}
	}
	if kept < maxBatch {
		t.Errorf("%d kept of the %d that were queued", kept, maxBatch)
	}
}

// A panic in bbolt's own commit is told to everyone, and holds nobody: what it
// left in memory is not known, so nothing is written after it.
func TestAPanicInsideTheCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db, err := Open(path, Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	kept := newAct(t, 1, nil)
	if err := db.Commit(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	if err := db.commit(t.Context(), func(tx *Tx) error {
		tx.bolt.OnCommit(func() { panic("boom") })
		return nil
	}); err == nil {
		t.Error("told that it was kept")
	}
	later := newAct(t, 2, nil)
	if err := db.Commit(t.Context(), later); err == nil {
		t.Error("it goes on writing")
	}
	if _, _, _, err := db.Act(t.Context(), kept.ID); err != nil {
		t.Errorf("nothing can be read any more: %v", err)
	}
	if err := db.Close(); err == nil {
		t.Error("Close says that all is well")
	}
	db = open(t, path, false)
	if _, _, _, err := db.Act(t.Context(), kept.ID); err != nil {
		t.Error(err)
	}
	if _, _, _, err := db.Act(t.Context(), later.ID); !errors.Is(err, ErrNotFound) {
		t.Errorf("kept after it was refused: %v", err)
	}
}
