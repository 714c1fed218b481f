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
