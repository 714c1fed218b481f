package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"yinxin/internal/act"
	"yinxin/seal"
)

// Stamper is the seal office.
type Stamper interface {
	Stamp(ctx context.Context, r seal.StampRequest, d seal.Document) (*seal.Stamped, error)
	// Admissible asks what is asked of every stamp before its document is looked at.
	Admissible(ctx context.Context, r seal.StampRequest) error
}

// Config of New. Dir is the folder of the jobs' documents.
type Config struct {
	Store   Store
	Seals   Stamper
	Dir     string
	Clock   func() time.Time
	Rand    io.Reader
	Log     *slog.Logger
	Workers int // 0: as many as fill the processors while commits wait for the disk
}

// Office runs the jobs. Its methods may be called concurrently.
type Office struct {
	c Config

	sealed, failed atomic.Uint64

	room spoolRoom

	turning sync.Mutex // a change of a job's state goes with its place in the line
	line    line
	ended   chan outcomeOf
	heavy   chan struct{} // places of large documents

	running sync.WaitGroup
	stop    context.CancelFunc // guarded by line.mu
}

// perCore workers: each waits for the disk most of its time, and those that wait
// share a commit.
const perCore = 4

// A document takes memory beyond its own bytes, a JSON one some twelve times: of the
// large ones few are worked on at once.
const (
	heavy     = 1 << 20
	mostHeavy = 2
)

// New opens the jobs of a data folder; documents that no job knows are removed.
func New(ctx context.Context, c Config) (*Office, error) {
	if c.Store == nil || c.Seals == nil || c.Dir == "" || c.Clock == nil || c.Rand == nil || c.Log == nil {
		return nil, errors.New("batch: incomplete configuration")
	}
	if c.Workers == 0 {
		c.Workers = perCore * runtime.GOMAXPROCS(0)
	}
	o := &Office{c: c, ended: make(chan outcomeOf, c.Workers), heavy: make(chan struct{}, mostHeavy)}
	o.room.free = freeSpace
	o.line.init()
	return o, o.takeStock(ctx)
}

func (o *Office) now() time.Time { return o.c.Clock().UTC().Truncate(time.Second) }

// everyJob gives all jobs of all agencies.
func (o *Office) everyJob(ctx context.Context, do func(Job) error) error {
	const page = 500
	for cursor := ""; ; {
		rows, next, err := o.c.Store.Jobs(ctx, "", cursor, page)
		if err != nil {
			return err
		}
		for _, j := range rows {
			if err := do(j); err != nil {
				return err
			}
		}
		if cursor = next; next == "" {
			return nil
		}
	}
}

// MakeRequest begins a job.
type MakeRequest struct {
	Agency   string
	By       By
	Template Template
	Retry    *act.Retry
}

// Make begins a job that takes documents until it is started. With a retry it gives
// the job that was made under it, in whatever state.
func (o *Office) Make(ctx context.Context, r MakeRequest) (Job, error) {
	if earlier, found, err := o.made(ctx, r.Retry); found || err != nil {
		return earlier, err
	}
	sample, err := r.Template.Request(act.ID{}, r.Agency, r.By, "x", [32]byte{})
	if err != nil {
		return Job{}, err
	}
	// What the seal office refuses is told now and not ten thousand times.
	if err := o.c.Seals.Admissible(ctx, sample); err != nil {
		return Job{}, err
	}
	full := o.c.Clock().UTC()
	j := Job{Agency: r.Agency, By: r.By, Template: r.Template, State: Open, Made: full.Truncate(time.Second)}
	if j.ID, err = act.NewID(full, o.c.Rand); err != nil {
		return Job{}, err
	}
	a, err := act.NewWithID(j.ID, full, o.c.Rand, ActMade, r.Template.SealID, j)
	if err != nil {
		return Job{}, err
	}
	a.Retry = r.Retry
	if err := o.c.Store.CommitJob(ctx, a, j); err != nil {
		if earlier, found, again := o.made(ctx, r.Retry); found || errors.Is(again, ErrRetryMismatch) {
			return earlier, again
		}
		return Job{}, err
	}
	return j, nil
}

func (o *Office) made(ctx context.Context, r *act.Retry) (Job, bool, error) {
	if r == nil {
		return Job{}, false, nil
	}
	done, found, err := o.c.Store.Done(ctx, r.Slot(), o.c.Clock())
	if err != nil || !found {
		return Job{}, false, err
	}
	if done.Request != r.Request {
		return Job{}, false, ErrRetryMismatch
	}
	j, err := o.c.Store.Job(ctx, done.Act)
	if errors.Is(err, ErrNotFound) { // of another kind of act
		err = ErrRetryMismatch
	}
	return j, err == nil, err
}

// Show gives a job.
func (o *Office) Show(ctx context.Context, id act.ID) (Job, error) { return o.c.Store.Job(ctx, id) }

// List gives jobs of an agency, or of all for "", after the cursor.
func (o *Office) List(ctx context.Context, agency, cursor string, limit int) ([]Job, string, error) {
	return o.c.Store.Jobs(ctx, agency, cursor, limit)
}

// Items gives documents of a job after a number, of one state or of all for "".
func (o *Office) Items(ctx context.Context, id act.ID, state ItemState, after, limit int) ([]Item, error) {
	return o.c.Store.Items(ctx, id, state, after, limit)
}

// EachItem gives every document of a job after a number, page by page.
func (o *Office) EachItem(ctx context.Context, id act.ID, state ItemState, after int, do func(Item) error) error {
	const page = 500
	for {
		rows, err := o.c.Store.Items(ctx, id, state, after, page)
		if err != nil {
			return err
		}
		for _, i := range rows {
			if err := do(i); err != nil {
				return err
			}
			after = i.N
		}
		if len(rows) < page {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// startable refuses an officer whose own key would make stamps in another's name.
func (o *Office) startable(ctx context.Context, id act.ID, by By) error {
	j, err := o.c.Store.Job(ctx, id)
	if err == nil && by.Officer != "" && by.Officer != j.Template.Operator {
		err = fmt.Errorf("%w: its stamps name %s, and no other officer starts it", ErrRefused, j.Template.Operator)
	}
	return err
}

// Start lets a job run.
func (o *Office) Start(ctx context.Context, id act.ID, by By) (Job, error) {
	if err := o.startable(ctx, id, by); err != nil {
		return Job{}, err
	}
	o.turning.Lock()
	defer o.turning.Unlock()
	j, err := o.c.Store.StartJob(ctx, id, by, o.now())
	if err == nil && j.State == Running {
		o.line.enter(j)
	}
	return j, err
}

// Retry lets the failed documents of a job that is done be tried again.
func (o *Office) Retry(ctx context.Context, id act.ID, by By) (Job, error) {
	if err := o.startable(ctx, id, by); err != nil {
		return Job{}, err
	}
	o.turning.Lock()
	defer o.turning.Unlock()
	j, err := o.c.Store.Requeue(ctx, id, by, o.now())
	if err == nil {
		o.line.enter(j)
	}
	return j, err
}

// Cancel ends a job: what was taken up comes to its end, the rest is not sealed.
func (o *Office) Cancel(ctx context.Context, id act.ID, who, why string) (Job, error) {
	j, err := o.c.Store.Job(ctx, id)
	if err != nil {
		return j, err
	}
	if !plain(who) || !plain(why) {
		return j, fmt.Errorf("%w: who cancels and why must be said", ErrRefused)
	}
	a, err := act.New(o.c.Clock(), o.c.Rand, ActCancelled, j.ID.String(), struct {
		Who string `cbor:"1,keyasint"`
		Why string `cbor:"2,keyasint"`
	}{who, why})
	if err != nil {
		return j, err
	}
	o.turning.Lock()
	defer o.turning.Unlock()
	if j, err = o.c.Store.CancelJob(ctx, a, id, o.now()); err == nil {
		o.line.leave(id)
	}
	return j, err
}

// plain is a text that can stand in the journal.
func plain(s string) bool {
	return s != "" && len(s) <= 2000 && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// Counts tells how many documents were sealed and how many failed since the start.
func (o *Office) Counts() (sealed, failed uint64) { return o.sealed.Load(), o.failed.Load() }

// folder of a job's documents.
func (o *Office) folder(id act.ID) string { return filepath.Join(o.c.Dir, id.String()) }

// Run works jobs off until ctx ends, and then lets what was taken up come to its end.
func (o *Office) Run(ctx context.Context) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if !o.line.open(func() { o.running.Add(1); o.stop = stop }) {
		return
	}
	defer o.running.Done()
	err := o.everyJob(ctx, func(j Job) error {
		if j.State == Running {
			o.line.enter(j)
		}
		return nil
	})
	if err != nil {
		o.c.Log.Error("the jobs were not read; those of before wait for the next start", "error", err)
	}
	defer context.AfterFunc(ctx, o.line.wake)()
	var workers, settler sync.WaitGroup
	for range o.c.Workers {
		workers.Go(func() { o.work(ctx) })
	}
	settler.Go(func() { o.settle(context.WithoutCancel(ctx)) })
	o.tidy(ctx)
	workers.Wait()
	close(o.ended)
	settler.Wait()
}

// Close waits for Run to end. No job is run after it.
func (o *Office) Close() {
	o.line.close(func() {
		if o.stop != nil {
			o.stop()
		}
	})
	o.running.Wait()
}

// tidy removes jobs whose time is over, now and every hour.
func (o *Office) tidy(ctx context.Context) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := o.Sweep(ctx); err != nil && ctx.Err() == nil {
			o.c.Log.Error("jobs that are over were not removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep removes the jobs whose time is over, with their documents.
func (o *Office) Sweep(ctx context.Context) error {
	var old []Job
	now := o.c.Clock()
	err := o.everyJob(ctx, func(j Job) error {
		if end := j.Expires(); !end.IsZero() && now.After(end) {
			old = append(old, j)
		}
		return nil
	})
	for _, j := range old {
		err = errors.Join(err, o.forget(ctx, j))
	}
	return err
}

// forget removes the rows first: a document without a row is removed at the next
// start.
func (o *Office) forget(ctx context.Context, j Job) error {
	o.turning.Lock()
	defer o.turning.Unlock()
	const chunk = 5000
	for more := true; more; {
		var err error
		if more, err = o.c.Store.Forget(ctx, j.ID, chunk); err != nil {
			return err
		}
	}
	o.room.give(j.Bytes)
	return os.RemoveAll(o.folder(j.ID))
}
