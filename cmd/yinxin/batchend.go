package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"

	"yinxin/internal/act"
)

// progress tells how far a long run is: on a terminal in one line that is written
// over, else in a line now and then.
type progress struct {
	mu           sync.Mutex
	w            io.Writer
	terminal     bool
	total        int
	done, failed int
	began, told  time.Time
}

const (
	tellTerminal = 200 * time.Millisecond
	tellLog      = 10 * time.Second
)

func (c *call) newProgress(total int) *progress {
	f, ok := c.err.(*os.File)
	now := time.Now()
	return &progress{w: c.err, terminal: ok && term.IsTerminal(int(f.Fd())), total: total, began: now, told: now}
}

func (p *progress) add(state string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if state == rowFailed {
		p.failed++
	} else {
		p.done++
	}
	every := tellLog
	if p.terminal {
		every = tellTerminal
	}
	if now := time.Now(); now.Sub(p.told) >= every {
		p.told = now
		p.tell(now)
	}
}

func (p *progress) tell(now time.Time) {
	n, took := p.done+p.failed, now.Sub(p.began)
	rate := float64(n) / took.Seconds()
	left := time.Duration(float64(p.total-n) / max(rate, 0.001) * float64(time.Second)).Round(time.Second)
	text := fmt.Sprintf("%d of %d done, %d failed, %.0f a second, %s left", p.done, p.total, p.failed, rate, left)
	if p.terminal {
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		return
	}
	fmt.Fprintln(p.w, text)
}

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// failedDocuments ends a batch of which some were not sealed, with the worst exit
// code of them.
type failedDocuments struct {
	code int
	text string
}

func (f *failedDocuments) Error() string { return f.text }

// worst first: what is to be looked after on this machine goes before what a document
// or a rule is about.
var worst = []int{exitInternal, exitNoWrite, exitInUse, exitNoRight, exitRefused, exitUsage, exitBadInput}

// batchAnswer is the summary as JSON.
type batchAnswer struct {
	Job       act.ID     `json:"job"`
	Documents int        `json:"documents"`
	Done      int        `json:"done"`
	Kept      int        `json:"kept"` // of those, by an earlier run
	Failed    []batchRow `json:"failed"`
	Seconds   float64    `json:"seconds"`
}

// endBatch prints the summary and gives the exit code.
func (c *call) endBatch(ctx context.Context, job act.ID, docs []batchDocument, rows []batchRow, took time.Duration) error {
	a := batchAnswer{Job: job, Documents: len(docs), Failed: []batchRow{}, Seconds: took.Seconds()}
	code := len(worst)
	for _, r := range rows {
		switch r.State {
		case rowFailed:
			a.Failed = append(a.Failed, r)
			code = min(code, slices.Index(worst, r.code))
		case rowKept:
			a.Kept++
			fallthrough
		default:
			a.Done++
		}
	}
	err := c.print(a, func(w io.Writer) {
		for _, r := range a.Failed {
			fmt.Fprintf(w, "failed  %s  %s\n", plain(r.Name), r.Problem)
		}
		fmt.Fprintf(w, "documents %d, sealed %d (%d of them before), failed %d, in %s\n", a.Documents, a.Done, a.Kept, len(a.Failed), took.Round(time.Millisecond))
	})
	switch {
	case err != nil:
		return err
	case len(a.Failed) > 0:
		return &failedDocuments{worst[max(code, 0)], fmt.Sprintf("%d of %d documents were not sealed, %s among them; run it again when that is mended, what is sealed is not sealed again", a.Documents-a.Done, a.Documents, plain(a.Failed[0].Name))}
	case ctx.Err() != nil:
		return &failedDocuments{exitInternal, fmt.Sprintf("it was interrupted after %d of %d documents; run it again, it goes on", a.Done, a.Documents)}
	}
	return nil
}
