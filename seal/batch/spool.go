package batch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
	"yinxin/internal/durable"
)

// Documents are written one after the other into the file of the call that brings
// them, which is synced before the rows that name them are committed, many at a time:
// ten thousand small documents cost some twenty syncs. What was written and not
// committed is named by no row, and is removed at the next start.

const (
	flushItems = 500      // rows of one transaction
	flushBytes = 64 << 20 // what a broken upload has to send again at most
)

// errDamaged: the bytes on the disk are not those that were taken.
var errDamaged = errors.New("the document that was sent is damaged on our disk; send it again in another job")

// spoolRoom counts what the documents of all jobs take.
type spoolRoom struct {
	mu    sync.Mutex
	used  int64
	feeds map[string]int // by agency
	free  func(dir string) (int64, error)
}

// take asks for room of n octets.
func (r *spoolRoom) take(n int64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used+n > MaxDisk {
		return fmt.Errorf("%w: the jobs of all agencies take %d octets", ErrFull, r.used)
	}
	r.used += n
	return nil
}

func (r *spoolRoom) give(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= n
}

// begin keeps a place for one that feeds; end gives it back.
func (r *spoolRoom) begin(agency string) (end func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.feeds == nil {
		r.feeds = map[string]int{}
	}
	if r.feeds[agency] >= MaxFeeds {
		return nil, fmt.Errorf("%w: the agency sends documents in %d calls already", ErrState, MaxFeeds)
	}
	r.feeds[agency]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.feeds[agency]--; r.feeds[agency] == 0 {
			delete(r.feeds, agency)
		}
	}, nil
}

// takeStock counts what there is and removes what no job knows.
func (o *Office) takeStock(ctx context.Context) error {
	known := map[string]bool{}
	err := o.everyJob(ctx, func(j Job) error {
		known[j.ID.String()] = true
		o.room.used += j.Bytes
		for _, f := range j.Files {
			known[filepath.Join(j.ID.String(), f)] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	jobs, err := os.ReadDir(o.c.Dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, j := range jobs {
		if !known[j.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(o.c.Dir, j.Name())))
			continue
		}
		files, rerr := os.ReadDir(filepath.Join(o.c.Dir, j.Name()))
		err = errors.Join(err, rerr)
		for _, f := range files {
			if name := filepath.Join(j.Name(), f.Name()); !known[name] {
				err = errors.Join(err, os.Remove(filepath.Join(o.c.Dir, name)))
			}
		}
	}
	return err
}

// Feed takes documents into a job. It is for one caller at a time, who must close it.
type Feed struct {
	Known int // documents that the job had already

	o       *Office
	job     Job
	end     func()
	file    *os.File
	name    string
	at      int64 // end of the last document that is whole
	kept    int64 // of that, committed
	pending []Item
	names   map[string][32]byte // of pending
}

// Feed begins to take documents into a job that is open.
func (o *Office) Feed(ctx context.Context, id act.ID) (*Feed, error) {
	j, err := o.c.Store.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if j.State != Open {
		return nil, fmt.Errorf("%w: it is %s and takes no documents", ErrState, j.State)
	}
	end, err := o.room.begin(j.Agency)
	if err != nil {
		return nil, err
	}
	return &Feed{o: o, job: j, end: end, names: map[string][32]byte{}}, nil
}

// GoodName tells whether a document may be called so: its name is that of a file in
// the archive that the sealed ones are given in, and is to be one on any system.
func GoodName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= MaxName && utf8.ValidString(name) && !strings.ContainsAny(name, `/\:*?"<>|`) &&
		!strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

// Add takes a document of at most limit octets. The same under the same name again is
// nothing, so that an upload that broke off can be sent again whole.
func (f *Feed) Add(ctx context.Context, name string, r io.Reader, limit int64) error {
	if !GoodName(name) {
		return fmt.Errorf("%w: a document's name is that of a file, of at most %d octets", ErrRefused, MaxName)
	}
	if f.job.Items+len(f.pending) >= MaxItems {
		return fmt.Errorf("%w: a job has at most %d documents", ErrFull, MaxItems)
	}
	if err := f.open(); err != nil {
		return err
	}
	h := sm3.New()
	size, err := io.Copy(io.MultiWriter(spoolWriter{f}, h), io.LimitReader(r, limit+1))
	if err == nil && size > limit {
		err = fmt.Errorf("%w: the document has more than %d octets", ErrTooLong, limit)
	}
	if err != nil {
		return errors.Join(err, f.takeBack(size))
	}
	item := Item{Name: name, SM3: [32]byte(h.Sum(nil)), Size: size, File: f.name, At: f.at, State: Queued}
	known, err := f.known(ctx, item)
	if known || err != nil {
		if known {
			f.Known++
		}
		return errors.Join(err, f.takeBack(size))
	}
	f.pending, f.names[name] = append(f.pending, item), item.SM3
	if f.at += size; len(f.pending) >= flushItems || f.at-f.kept >= flushBytes {
		return f.flush(ctx)
	}
	return nil
}

// ErrTooLong: a document is longer than the caller said it may be.
var ErrTooLong = errors.New("too long")

// known tells whether the job has the document.
func (f *Feed) known(ctx context.Context, item Item) (bool, error) {
	sum, found := f.names[item.Name]
	if !found {
		earlier, err := f.o.c.Store.ItemNamed(ctx, f.job.ID, item.Name)
		if errors.Is(err, ErrNotFound) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		sum = earlier.SM3
	}
	if sum != item.SM3 {
		return false, fmt.Errorf("%w: %q", ErrNameTaken, item.Name)
	}
	return true, nil
}

// open looks whether the disk has room, and makes the file if there is none yet.
func (f *Feed) open() error {
	if f.job.Bytes+f.at-f.kept > MaxBytes {
		return fmt.Errorf("%w: a job has at most %d octets", ErrFull, int64(MaxBytes))
	}
	dir := f.o.folder(f.job.ID)
	if f.file == nil {
		if err := makeFolders(f.o.c.Dir, dir); err != nil {
			return err
		}
		file, err := os.CreateTemp(dir, "*.docs") // 0600
		if err != nil {
			return fmt.Errorf("%w: %w", ErrWrite, err)
		}
		f.file, f.name = file, filepath.Base(file.Name())
	}
	free, err := f.o.room.free(dir)
	if err == nil && free < MinFree {
		err = fmt.Errorf("%w: the disk has %d octets left", ErrFull, free)
	}
	return err
}

// ErrWrite: the disk did not take a document.
var ErrWrite = errors.New("the documents cannot be written")

// spoolWriter writes into the feed's file what there is room for.
type spoolWriter struct{ f *Feed }

func (w spoolWriter) Write(p []byte) (int, error) {
	if err := w.f.o.room.take(int64(len(p))); err != nil {
		return 0, err
	}
	n, err := w.f.file.Write(p)
	if err != nil {
		w.f.o.room.give(int64(len(p) - n))
		err = fmt.Errorf("%w: %w", ErrWrite, err)
	}
	return n, err
}

// takeBack removes the last document from the file.
func (f *Feed) takeBack(size int64) error {
	f.o.room.give(size)
	err := f.file.Truncate(f.at)
	if err == nil {
		_, err = f.file.Seek(f.at, io.SeekStart)
	}
	return err
}

// flush makes what was taken durable, first the documents and then the rows.
func (f *Feed) flush(ctx context.Context) error {
	if len(f.pending) == 0 {
		return nil
	}
	if err := f.file.Sync(); err != nil {
		return fmt.Errorf("%w: %w", ErrWrite, err)
	}
	if f.kept == 0 {
		if err := durable.SyncDir(f.o.folder(f.job.ID)); err != nil {
			return fmt.Errorf("%w: %w", ErrWrite, err)
		}
	}
	j, err := f.o.c.Store.AddItems(ctx, f.job.ID, f.pending)
	if err != nil {
		return err
	}
	f.job, f.pending, f.kept = j, nil, f.at
	clear(f.names)
	return nil
}

// Close makes the documents that came whole durable and gives the job.
func (f *Feed) Close(ctx context.Context) (Job, error) {
	defer f.end()
	err := f.flush(ctx)
	f.o.room.give(f.at - f.kept) // of what could not be committed
	if f.file != nil {
		err = errors.Join(err, f.file.Close())
		if f.kept == 0 {
			err = errors.Join(err, os.Remove(f.file.Name()))
		}
	}
	return f.job, err
}

func makeFolders(root, dir string) error {
	for _, d := range []string{root, dir} {
		if err := os.Mkdir(d, 0o700); errors.Is(err, os.ErrExist) {
			continue
		} else if err != nil {
			return fmt.Errorf("%w: %w", ErrWrite, err)
		}
		if err := durable.SyncDir(filepath.Dir(d)); err != nil {
			return fmt.Errorf("%w: %w", ErrWrite, err)
		}
	}
	return nil
}
