package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
	"yinxin/seal"
)

// outcomeOf is an outcome with its job.
type outcomeOf struct {
	job act.ID
	Outcome
}

// work seals one document after the other.
func (o *Office) work(ctx context.Context) {
	read := func(id act.ID, after int) ([]Item, error) {
		items, err := o.c.Store.Items(ctx, id, Queued, after, readAhead)
		if err != nil {
			o.c.Log.Error("a job's documents were not read", "job", id.String(), "error", err)
		}
		return items, err
	}
	for {
		t, item, ok := o.line.take(ctx, read)
		if !ok {
			return
		}
		// What was taken up comes to its end: a key that has signed would else have
		// signed for nothing.
		stamped, err := o.stamp(context.WithoutCancel(ctx), t.job, item)
		out := Outcome{N: item.N}
		if err == nil {
			out.Stamp = &stamped.Stamp
		} else {
			p, final := Explain(err)
			if !final {
				o.c.Log.Error("a document of a job was not sealed", "job", t.job.ID.String(), "item", item.N, "error", err)
			}
			if given := o.line.back(t, item, !final); !final && !given {
				continue
			}
			out.Problem = &p
			o.failed.Add(1)
			o.ended <- outcomeOf{t.job.ID, out}
			continue
		}
		o.line.back(t, item, false)
		o.sealed.Add(1)
		o.ended <- outcomeOf{t.job.ID, out}
	}
}

// stamp seals one document. A panic is its fault alone.
func (o *Office) stamp(ctx context.Context, j Job, item Item) (s *seal.Stamped, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("a panic with a %T", p)
		}
	}()
	if item.Size > heavy {
		o.heavy <- struct{}{}
		defer func() { <-o.heavy }()
	}
	in, r, err := o.read(j, item)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }() // it was only read
	return o.c.Seals.Stamp(ctx, r, in.Document)
}

// spooled is a document of a job, open.
type spooled struct {
	seal.Document
	*os.File
}

// read opens a document, checks that it is the one that was taken, and asks for its
// stamp.
func (o *Office) read(j Job, item Item) (s spooled, r seal.StampRequest, err error) {
	s.File, err = os.Open(filepath.Join(o.folder(j.ID), filepath.Base(item.File)))
	if errors.Is(err, os.ErrNotExist) {
		err = errDamaged
	}
	if err != nil {
		return s, r, err
	}
	h, part := sm3.New(), io.NewSectionReader(s.File, item.At, item.Size)
	n, err := io.Copy(h, part)
	if err == nil && (n != item.Size || [32]byte(h.Sum(nil)) != item.SM3) {
		err = errDamaged
	}
	if err == nil {
		s.Document = seal.Document{ReaderAt: part, Size: item.Size, Prefix: h, Detached: j.Template.Detached}
		r, err = j.Template.Request(j.ID, j.Agency, j.By, item.Name, item.SM3)
	}
	if err != nil {
		return s, r, errors.Join(err, s.File.Close())
	}
	return s, r, nil
}

// Document gives a sealed document of a job, laid out again from what was sent and
// the register: the same octets each time. It streams from a file that close closes.
func (o *Office) Document(ctx context.Context, j Job, item Item) (s *seal.Stamped, close func() error, err error) {
	if item.State != Sealed {
		return nil, nil, ErrNotFound
	}
	in, r, err := o.read(j, item)
	if err != nil {
		return nil, nil, err
	}
	r.Again = true
	if s, err = o.c.Seals.Stamp(ctx, r, in.Document); err != nil {
		return nil, nil, errors.Join(err, in.Close())
	}
	return s, in.Close, nil
}

// Item gives a document's row.
func (o *Office) Item(ctx context.Context, id act.ID, n int) (Item, error) {
	return o.c.Store.Item(ctx, id, n)
}

// SealedName is the name of a document when it is sealed: a detached stamp is a file
// beside it.
func (j Job) SealedName(name string) string {
	if j.Template.Detached {
		return name + ".ses"
	}
	return name
}

// Outcomes are gathered for a moment: the stamps are durable, and rows that a kill
// kept from being written are found again by their keys.
const (
	gatherFor  = 100 * time.Millisecond
	gatherMost = 500
)

// settle writes outcomes until the workers have ended.
func (o *Office) settle(ctx context.Context) {
	for first := range o.ended {
		batch := map[act.ID][]Outcome{first.job: {first.Outcome}}
		late := time.After(gatherFor)
		for n, more := 1, true; more && n < gatherMost; n++ {
			select {
			case out, ok := <-o.ended:
				if more = ok; ok {
					batch[out.job] = append(batch[out.job], out.Outcome)
				}
			case <-late:
				more = false
			}
		}
		for id, outcomes := range batch {
			o.enter(ctx, id, outcomes)
		}
	}
}

// enter writes outcomes of a job. If the store takes nothing more, the next start
// finds the stamps by their keys.
func (o *Office) enter(ctx context.Context, id act.ID, outcomes []Outcome) {
	const tries = 3
	o.turning.Lock()
	defer o.turning.Unlock()
	var j Job
	var err error
	for range tries {
		if j, err = o.c.Store.Settle(ctx, id, outcomes, o.now()); err == nil {
			break
		}
	}
	if err != nil {
		o.c.Log.Error("what came of a job's documents was not written; the next start does it", "job", id.String(), "documents", len(outcomes), "error", err)
		return
	}
	if j.Over() {
		o.line.leave(id)
	}
}
