package batch

import (
	"context"
	"sync"
	"time"

	"yinxin/internal/act"
)

// line is who is next: the agencies with work take turns, and the jobs of each. One
// agency's ten thousand documents keep another's ten waiting for a few.
type line struct {
	mu       sync.Mutex
	changed  *sync.Cond
	agencies []*agencyTurn // the first is next
	urgent   int           // stamps that people wait for
	busy     int           // documents that are being sealed
	closed   bool
}

type agencyTurn struct {
	agency string
	jobs   []*turn // the first is next
}

// turn is a job that runs, as far as it was read.
type turn struct {
	job    Job
	items  []Item // read and not yet taken
	after  int    // number of the last one read
	whole  bool   // none is left to be read
	faults int    // since the last that was settled
	until  time.Time
	tries  map[int]int // of documents that failed for what may pass
	gone   bool
}

func (l *line) init() { l.changed = sync.NewCond(&l.mu) }

func (l *line) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changed.Broadcast()
}

// open runs begun unless the line was closed.
func (l *line) open(begun func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		begun()
	}
	return !l.closed
}

func (l *line) close(end func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	end()
}

// enter puts a job that runs at the end of its agency's, unless it stands in line.
func (l *line) enter(j Job) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Broadcast()
	of := &agencyTurn{agency: j.Agency}
	for _, a := range l.agencies {
		if a.agency == j.Agency {
			of = a
		}
	}
	for _, t := range of.jobs {
		if t.job.ID == j.ID {
			return
		}
	}
	if len(of.jobs) == 0 {
		l.agencies = append(l.agencies, of)
	}
	of.jobs = append(of.jobs, &turn{job: j, tries: map[int]int{}})
}

// leave takes a job out of the line: it is done or cancelled.
func (l *line) leave(id act.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var rest []*agencyTurn
	for _, a := range l.agencies {
		var jobs []*turn
		for _, t := range a.jobs {
			if t.job.ID == id {
				t.gone = true
				continue
			}
			jobs = append(jobs, t)
		}
		if a.jobs = jobs; len(jobs) > 0 {
			rest = append(rest, a)
		}
	}
	l.agencies = rest
}

// Interactive tells that someone waits for a stamp until release is called. As long
// as anyone does, one document at a time is sealed for all jobs: who waits is not
// kept waiting, and the jobs do not stand still.
func (o *Office) Interactive() (release func()) {
	l := &o.line
	l.mu.Lock()
	defer l.mu.Unlock()
	l.urgent++
	return sync.OnceFunc(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.urgent--; l.urgent == 0 {
			l.changed.Broadcast()
		}
	})
}

// readAhead is how many documents of a job are read at once.
const readAhead = 200

// take gives the next document, and waits for one; none when ctx ends.
func (l *line) take(ctx context.Context, read func(id act.ID, after int) ([]Item, error)) (*turn, Item, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ctx.Err() == nil {
		if l.urgent == 0 || l.busy == 0 {
			if t, item, ok := l.next(read); ok {
				l.busy++
				return t, item, true
			}
		}
		l.changed.Wait()
	}
	return nil, Item{}, false
}

// next goes round the agencies once.
func (l *line) next(read func(id act.ID, after int) ([]Item, error)) (*turn, Item, bool) {
	for range l.agencies {
		a := l.agencies[0]
		l.agencies = append(l.agencies[1:len(l.agencies):len(l.agencies)], a)
		for range a.jobs {
			t := a.jobs[0]
			a.jobs = append(a.jobs[1:len(a.jobs):len(a.jobs)], t)
			if item, ok := l.itemOf(t, read); ok {
				return t, item, true
			}
		}
	}
	return nil, Item{}, false
}

func (l *line) itemOf(t *turn, read func(id act.ID, after int) ([]Item, error)) (Item, bool) {
	if time.Now().Before(t.until) {
		return Item{}, false
	}
	if len(t.items) == 0 && !t.whole {
		items, err := read(t.job.ID, t.after)
		if err != nil {
			l.pause(t)
			return Item{}, false
		}
		if t.items, t.whole = items, len(items) < readAhead; len(items) > 0 {
			t.after = items[len(items)-1].N
		}
	}
	if len(t.items) == 0 {
		return Item{}, false
	}
	item := t.items[0]
	t.items = t.items[1:]
	return item, true
}

// A job whose documents fail for what may pass, such as a time-stamp authority that
// does not answer, waits longer each time.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Minute
)

func (l *line) pause(t *turn) {
	d := min(firstPause<<min(t.faults, 20), lastPause)
	t.faults++
	t.until = time.Now().Add(d)
	time.AfterFunc(d, l.wake)
}

// maxTries of a document that fails for what may pass.
const maxTries = 4

// back tells that a document came to its end, or puts it back to be tried again;
// given tells that it was tried often enough.
func (l *line) back(t *turn, item Item, again bool) (given bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.changed.Signal()
	l.busy--
	if !again {
		t.faults = 0
		return false
	}
	t.tries[item.N]++
	l.pause(t)
	if t.tries[item.N] >= maxTries {
		return true
	}
	t.items = append([]Item{item}, t.items...)
	return false
}
