package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"yinxin/internal/act"
)

// maxBatch bounds how many acts share a transaction, so that a burst cannot
// make the first of them wait for thousands of others.
const maxBatch = 512

// request is one act on its way into a batch.
type request struct {
	ctx context.Context // of the caller, asked once more when the act is taken up
	fn  func(*Tx) error
	err error         // owned by the committer until done is closed
	out chan struct{} // closed when err is final
}

// commit runs fn in a transaction that other callers share and returns when
// the transaction is durable. fn makes all its checks before its first put:
// an error of fn then leaves the batch as it is, while an error after a put
// makes the batch start again without fn. So fn may run more than once and
// must set its results afresh each time. An act whose context ends before the
// committer takes it up is not done, and its caller gets the context's error;
// once it is taken up the answer is waited for, because only then is it known.
func (db *DB) commit(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-db.quit:
		return ErrClosed
	default:
	}
	r := &request{ctx: ctx, fn: fn, out: make(chan struct{})}
	select {
	case db.queue <- r:
	case <-ctx.Done():
		return ctx.Err()
	case <-db.quit:
		return ErrClosed
	}
	select {
	case <-r.out:
		return r.err
	case <-db.done:
		// The committer may have answered on its way out.
		select {
		case <-r.out:
			return r.err
		default:
			return ErrClosed
		}
	}
}

// run is the committer: the only goroutine that writes.
func (db *DB) run() {
	defer close(db.done)
	for {
		select {
		case first := <-db.queue:
			db.settle(db.gather(first))
			db.fillAhead()
		case <-db.quit:
			for {
				select {
				case first := <-db.queue:
					db.settle(db.gather(first))
				default:
					return
				}
			}
		}
	}
}

// Where many act at once, a batch waits this long for more of them: a commit costs
// some twelve pages and two syncs however many acts it holds. One who acts alone
// never waits.
const (
	linger  = 2 * time.Millisecond
	crowded = 4 // acts in the batch before
)

// gather takes what is queued now and, when the last batch was of many, what comes
// within a moment.
func (db *DB) gather(first *request) []*request {
	batch := []*request{first}
	var late <-chan time.Time
	if db.last >= crowded {
		timer := time.NewTimer(linger)
		defer timer.Stop()
		late = timer.C
	}
	for r := first; r != nil && len(batch) < maxBatch; {
		if r = db.another(late); r != nil {
			batch = append(batch, r)
		}
	}
	db.last = len(batch)
	return batch
}

// another gives what is queued, or comes before it is late; nil for nothing.
func (db *DB) another(late <-chan time.Time) *request {
	select {
	case r := <-db.queue:
		return r
	default:
	}
	if late == nil {
		return nil
	}
	select {
	case r := <-db.queue:
		return r
	case <-late:
	case <-db.quit:
	}
	return nil
}

// settle commits a batch and answers each of its requests. An error that a
// request earned is told only after the commit too, since what it was judged
// by may stand in the same batch.
func (db *DB) settle(batch []*request) {
	live := make([]*request, 0, len(batch))
	for _, r := range batch {
		if r.err = r.ctx.Err(); r.err == nil {
			live = append(live, r)
		}
	}
	for len(live) > 0 {
		spoiler, err := db.attempt(live)
		if spoiler == nil {
			if err != nil && !errors.Is(err, ErrCorrupt) {
				err = fmt.Errorf("%w: %w", ErrWrite, err)
			}
			for _, r := range live {
				if err != nil {
					r.err = err
				}
			}
			break
		}
		spoiler.err = err
		rest := make([]*request, 0, len(live)-1)
		for _, r := range live {
			if r != spoiler {
				rest = append(rest, r)
			}
		}
		live = rest
	}
	for _, r := range batch {
		close(r.out)
	}
}

var errSpoiled = errors.New("a request failed after it had written")

// attempt runs the requests in one transaction. A spoiler is a request that
// failed after its first put: nothing was committed and the others go again.
func (db *DB) attempt(live []*request) (spoiler *request, err error) {
	var acts []act.ID
	err = db.update(func(btx *bbolt.Tx) error {
		acts = acts[:0]
		for _, r := range live {
			tx := &Tx{bolt: btx, rows: &db.rows}
			if r.err = guarded(r.fn, tx); r.err != nil && tx.wrote {
				spoiler = r
				return errSpoiled
			}
			acts = append(acts, tx.acts...)
		}
		return nil
	})
	if spoiler != nil {
		return spoiler, spoiler.err
	}
	if err == nil {
		err = db.readBack(acts)
	}
	return nil, err
}

// readBack looks for what was committed: bbolt's pages have no checksums, and a
// damaged one can take an act where no search finds it again.
func (db *DB) readBack(acts []act.ID) error {
	err := db.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketActs)
		for _, id := range acts {
			if b.Get(id[:]) == nil {
				return fmt.Errorf("%w: an act that was committed is not found; restore it from a backup", ErrCorrupt)
			}
		}
		return nil
	})
	if err != nil {
		db.broken = err
		return err
	}
	return nil
}

// guarded turns a panic of one act into its error: the committer serves
// everyone.
func guarded(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.wrote = true
			err = caught(p)
		}
	}()
	return fn(tx)
}
