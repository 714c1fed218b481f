package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/internal/durable"
	"yinxin/internal/province"
	"yinxin/internal/sheet"
	"yinxin/internal/store/bolt"
	"yinxin/seal"
	"yinxin/seal/batch"
)

// batchFile is what a run of `seal batch` leaves for the next, which goes on: the
// job's id and name of each document make its idempotency key.
type batchFile struct {
	Job     act.ID         `json:"job"`
	Request batch.Template `json:"request"`
}

const (
	batchFileName = ".yinxin-batch.json"
	maxBatchFile  = 64 << 10
)

// batchRow is what came of a document.
type batchRow struct {
	Name    string `json:"name"`
	State   string `json:"state"` // done, kept (from an earlier run) or failed
	StampID string `json:"stampId,omitempty"`
	Code    string `json:"verificationCode,omitempty"`
	Problem string `json:"problem,omitempty"`
	code    int    // exit code of the problem
}

const (
	rowDone   = "done"
	rowKept   = "kept"
	rowFailed = "failed"
)

var batchSheet = sheet.Columns[batchRow]{Header: []string{"name", "state", "stampId", "verificationCode", "problem"},
	Cells: func(r batchRow) []string { return []string{r.Name, r.State, r.StampID, r.Code, r.Problem} }}

// batchRun seals files one by one, some at once.
type batchRun struct {
	c      *call
	p      *province.Province
	job    batchFile
	agency string
	by     batch.By
	out    string
	heavy  chan struct{} // places of large documents, as seal/batch has them
}

func runBatch(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := seal.StampRequest{}
	place := c.withUse(&r)
	detached := c.flags.Bool("detached", false, "write the stamps alone, for any files")
	out := c.flags.String("o", "", "output `folder`")
	job := c.flags.String("job", "", "`file` by which the next run goes on, "+batchFileName+" in the output folder by default")
	report := c.flags.String("report", "", "write a csv `file` of all documents")
	if err := c.parse(1, -1); err != nil {
		return err
	}
	if err := need("seal", r.SealID, "o", *out); err != nil {
		return err
	}
	if err := place.read(&r); err != nil {
		return err
	}
	docs, err := batchDocuments(c.args, *out)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return noWrite(*out, err)
	}
	if *job == "" {
		*job = filepath.Join(*out, batchFileName)
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		s, err := p.Seals.Show(ctx, r.SealID)
		if err != nil {
			return err
		}
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		r.Operator, r.Agency = by.String(), s.Agency // the operator of the data folder acts for the owner
		if by.Known() {
			r.Agency, r.Key, r.Officer, r.From = by.Agency, by.KeyID, by.Name, loopback
		}
		if err := p.Seals.Admissible(ctx, r); err != nil {
			return err
		}
		run := &batchRun{c: c, p: p, agency: r.Agency, by: batch.ByOf(r), out: *out, heavy: make(chan struct{}, 2)}
		if run.job, err = openBatch(*job, batch.TemplateOf(r, *detached)); err != nil {
			return err
		}
		if err := run.dropLeft(docs); err != nil {
			return err
		}
		table, err := c.openReport(*report)
		if err != nil {
			return err
		}
		defer table.drop()
		began := time.Now()
		rows := run.all(ctx, docs)
		if err := syncAll(*out); err != nil {
			return noWrite(*out, err)
		}
		if err := table.write(func(w io.Writer) error { return writeBatchTable(w, rows) }); err != nil {
			return err
		}
		return c.endBatch(ctx, run.job.Job, docs, rows, time.Since(began))
	})
}

// openReport is openOutput where a file was named, and nothing else.
func (c *call) openReport(path string) (*output, error) {
	if path == "" {
		return &output{name: "no report", stream: io.Discard}, nil
	}
	return c.openOutput(path)
}

func writeBatchTable(w io.Writer, rows []batchRow) error {
	s, err := sheet.New(w, batchSheet, sheet.Options{Format: sheet.CSV})
	for _, r := range rows {
		if err == nil {
			err = s.Put(r)
		}
	}
	if err != nil {
		return err
	}
	return s.End()
}

// openBatch reads the file that an earlier run left, or writes one. It is durable
// before the first stamp: without it the next run would seal everything anew.
func openBatch(path string, t batch.Template) (f batchFile, err error) {
	b, err := readSmall(path, maxBatchFile)
	if errors.Is(err, os.ErrNotExist) {
		if f.Job, err = act.NewID(time.Now(), rand.Reader); err != nil {
			return f, err
		}
		f.Request = t
		if b, err = json.MarshalIndent(f, "", " "); err != nil {
			return f, err
		}
		if err := durable.WriteFile(path, append(b, '\n')); err != nil {
			return f, noWrite(path, err)
		}
		return f, nil
	}
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(b, &f); err != nil || f.Job == (act.ID{}) {
		return f, badInput(path, errors.New("it is not what seal batch wrote"))
	}
	// Compared as they are written: the file knows no nil from empty.
	was, err := json.Marshal(f.Request)
	if err != nil {
		return f, err
	}
	is, err := json.Marshal(t)
	if err != nil {
		return f, err
	}
	if !bytes.Equal(was, is) {
		return f, badInput(path, errors.New("it is of a batch with another seal, operator or order; name another -o or --job for a new one"))
	}
	return f, nil
}

// all seals the documents, as many at once as fill the processors while commits wait
// for the disk.
func (b *batchRun) all(ctx context.Context, docs []batchDocument) []batchRow {
	const perCore = 4
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	progress := b.c.newProgress(len(docs))
	defer progress.end()
	next := make(chan batchDocument)
	go func() {
		defer close(next)
		for _, d := range docs {
			select {
			case next <- d:
			case <-ctx.Done():
				return
			}
		}
	}()
	var mu sync.Mutex
	var rows []batchRow
	var workers sync.WaitGroup
	for range perCore * runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for d := range next {
				row, err := b.one(context.WithoutCancel(ctx), d)
				if err != nil {
					row.State = rowFailed
					row.code, row.Problem = explain(err)
				}
				if errors.Is(err, bolt.ErrWrite) || errors.Is(err, hsm.ErrWrite) || errors.As(err, new(*noWriteError)) {
					stop() // the others would fail too
				}
				mu.Lock()
				rows = append(rows, row)
				mu.Unlock()
				progress.add(row.State)
			}
		})
	}
	workers.Wait()
	slices.SortFunc(rows, func(a, b batchRow) int { return strings.Compare(a.Name, b.Name) })
	return rows
}

// one seals a document and writes it, unless an earlier run did. A panic is one
// document's fault.
func (b *batchRun) one(ctx context.Context, d batchDocument) (row batchRow, err error) {
	row.Name = d.name
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("an internal fault, please report it: %v", p)
		}
	}()
	in, err := openInput(b.c, d.path)
	if err != nil {
		return row, err
	}
	defer in.close()
	const heavy = 1 << 20
	if in.size > heavy {
		b.heavy <- struct{}{}
		defer func() { <-b.heavy }()
	}
	h := sm3.New()
	if _, err := io.Copy(h, io.NewSectionReader(in, 0, in.size)); err != nil {
		return row, badInput(d.path, err)
	}
	r, err := b.job.Request.Request(b.job.Job, b.agency, b.by, d.name, [32]byte(h.Sum(nil)))
	if err != nil {
		return row, err
	}
	doc := seal.Document{ReaderAt: in, Size: in.size, Prefix: h, Detached: b.job.Request.Detached}
	target := filepath.Join(b.out, filepath.FromSlash(batch.Job{Template: b.job.Request}.SealedName(d.name)))
	if done, err := b.kept(ctx, r, doc, target); done != nil || err != nil {
		if done != nil {
			row.State, row.StampID, row.Code = rowKept, done.ID.String(), done.Code
		}
		return row, err
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return row, noWrite(target, err)
	}
	to, err := b.c.openOutput(target) // before the stamp: a name that cannot be written must not cost one
	if err != nil {
		return row, err
	}
	defer to.drop()
	to.synced = syncsAtOnce
	done, err := b.p.Seals.Stamp(ctx, r, doc)
	if err != nil {
		return row, err
	}
	row.State, row.StampID, row.Code = rowDone, done.ID.String(), done.Code
	return row, to.put(done)
}

// kept gives the stamp of a document whose output an earlier run wrote. The two are
// compared octet by octet: outputs are synced at the end of a run, and a power cut
// before it may have left one short.
func (b *batchRun) kept(ctx context.Context, r seal.StampRequest, doc seal.Document, target string) (*seal.Stamped, error) {
	info, err := os.Stat(target)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil // openOutput tells what is wrong with it
	}
	r.Again = true
	done, err := b.p.Seals.Stamp(ctx, r, doc)
	switch {
	case errors.Is(err, seal.ErrNotFound):
		return nil, nil
	case err != nil || done.Size() != info.Size():
		return nil, err
	}
	f, err := os.Open(target)
	if err != nil {
		return nil, noWrite(target, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	switch _, err := done.WriteTo(&comparer{with: f}); {
	case errors.Is(err, errDiffers):
		return nil, nil
	case err != nil:
		return nil, err
	}
	return done, nil
}

var errDiffers = errors.New("the output is not what the register gives")

// comparer takes what is the same as what it reads.
type comparer struct {
	with io.Reader
	b    []byte
}

func (c *comparer) Write(p []byte) (int, error) {
	c.b = slices.Grow(c.b[:0], len(p))[:len(p)]
	if _, err := io.ReadFull(c.with, c.b); err != nil || !bytes.Equal(c.b, p) {
		return 0, errDiffers
	}
	return len(p), nil
}
