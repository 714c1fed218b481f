package batch_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/store/bolt"
	"yinxin/seal"
	"yinxin/seal/batch"
)

const (
	greedy = "11520000MB1A00001X"
	modest = "11520000MB2A000014"
)

// stamper is a seal office that keeps its idempotency keys and remembers in which
// order it was asked.
type stamper struct {
	mu    sync.Mutex
	done  map[[32]byte]act.Done
	asked []string // jobs
	made  map[string]int
	fault func(r seal.StampRequest) error // before a stamp
	wait  func()
}

func (s *stamper) Admissible(context.Context, seal.StampRequest) error { return nil }

func (s *stamper) Stamp(_ context.Context, r seal.StampRequest, d seal.Document) (*seal.Stamped, error) {
	if s.wait != nil {
		s.wait()
	}
	content, err := io.ReadAll(io.NewSectionReader(d, 0, d.Size))
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	slot := r.Retry.Slot()
	if done, found := s.done[slot]; found {
		if done.Request != r.Retry.Request {
			return nil, act.ErrRetryMismatch
		}
		return &seal.Stamped{Stamp: seal.Stamp{ID: done.Act, Format: "file"}, Document: append([]byte("sealed "), content...)}, nil
	}
	if r.Again {
		return nil, seal.ErrNotFound
	}
	if s.fault != nil {
		if err := s.fault(r); err != nil {
			return nil, err
		}
	}
	id, err := act.NewID(time.Now(), rand.Reader)
	if err != nil {
		return nil, err
	}
	s.done[slot] = act.Done{Request: r.Retry.Request, Act: id}
	s.asked = append(s.asked, r.Job)
	s.made[r.Job+" "+r.Retry.Key]++
	return &seal.Stamped{Stamp: seal.Stamp{ID: id, Format: "file", Code: "C", SealedAt: time.Unix(1e9, 0).UTC()}, Document: append([]byte("sealed "), content...)}, nil
}

// bench is an office over a real store.
type bench struct {
	*batch.Office
	dir     string
	db      *bolt.DB
	store   batch.Store
	stamper *stamper
	workers int
	now     time.Time
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{dir: t.TempDir(), stamper: &stamper{done: map[[32]byte]act.Done{}, made: map[string]int{}}, workers: 1, now: time.Now()}
	db, err := bolt.Open(filepath.Join(b.dir, "store.db"), bolt.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	b.db, b.store = db, db.Batches()
	b.open(t)
	return b
}

func (b *bench) open(t testing.TB) {
	t.Helper()
	var err error
	b.Office, err = batch.New(t.Context(), batch.Config{Store: b.store, Seals: b.stamper, Dir: filepath.Join(b.dir, "jobs"), Clock: func() time.Time { return b.now }, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Workers: b.workers})
	if err != nil {
		t.Fatal(err)
	}
}

// run lets the jobs run until end is called or the test ends.
func (b *bench) run(t testing.TB) (end func()) {
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	office := b.Office
	go func() {
		defer close(ended)
		office.Run(ctx)
	}()
	end = sync.OnceFunc(func() {
		stop()
		<-ended
	})
	t.Cleanup(end)
	return end
}

// job makes one of n documents.
func (b *bench) job(t testing.TB, of string, n int) batch.Job {
	t.Helper()
	j, err := b.Make(t.Context(), batch.MakeRequest{Agency: of, Template: batch.Template{SealID: "52000000000001", Operator: "张三"}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := b.Feed(t.Context(), j.ID)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := f.Add(t.Context(), fmt.Sprintf("%d.pdf", i), strings.NewReader(strings.Repeat("x", i%50)), 1000); err != nil {
			t.Fatal(err)
		}
	}
	if j, err = f.Close(t.Context()); err != nil || j.Items != n {
		t.Fatalf("%v %+v", err, j)
	}
	return j
}

func (b *bench) start(t testing.TB, j batch.Job) batch.Job {
	t.Helper()
	j, err := b.Start(t.Context(), j.ID, batch.By{Key: "00000001"})
	if err != nil || j.State != batch.Running {
		t.Fatal(err, j.State)
	}
	return j
}

func (b *bench) wait(t testing.TB, id act.ID, what func(batch.Job) bool) batch.Job {
	t.Helper()
	for range 3000 {
		j, err := b.Show(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if what(j) {
			return j
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it does not come to its end")
	return batch.Job{}
}

func over(j batch.Job) bool { return j.Over() }

// One agency's hundreds do not keep another's few waiting: they are sealed among the
// first, and so is a second job of the same agency.
func TestAgenciesTakeTurns(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	many, few, second := b.job(t, greedy, 600), b.job(t, modest, 10), b.job(t, greedy, 10)
	b.start(t, many)
	b.start(t, second)
	b.start(t, few)
	end := b.run(t)
	for _, j := range []batch.Job{many, few, second} {
		if done := b.wait(t, j.ID, over); done.Sealed != j.Items {
			t.Errorf("%+v", done)
		}
	}
	end()
	if len(b.stamper.asked) != 620 {
		t.Fatalf("%d documents were sealed", len(b.stamper.asked))
	}
	// Agencies in turn: the tenth of the few is the 20th; of the second job the 40th.
	for id, most := range map[act.ID]int{few.ID: 20, second.ID: 40} {
		last := 0
		for i, job := range b.stamper.asked {
			if job == id.String() {
				last = i + 1
			}
		}
		if last > most {
			t.Errorf("ten documents wait until %d are sealed, want %d", last, most)
		}
	}
}

// While someone waits for a stamp, one document at a time is sealed; then as many as
// there are workers.
func TestWhoWaitsIsNotKeptWaiting(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.workers = 8
	b.open(t)
	var mu sync.Mutex
	at, most := 0, 0
	b.stamper.wait = func() {
		mu.Lock()
		at++
		most = max(most, at)
		mu.Unlock()
		time.Sleep(2 * time.Millisecond)
		mu.Lock()
		at--
		mu.Unlock()
	}
	j := b.job(t, greedy, 300)
	release := b.Interactive()
	b.start(t, j)
	b.run(t)
	b.wait(t, j.ID, func(j batch.Job) bool { return j.Sealed >= 20 })
	mu.Lock()
	if most != 1 {
		t.Errorf("%d documents at once beside one who waits", most)
	}
	mu.Unlock()
	release()
	release() // it may be called again
	b.wait(t, j.ID, over)
	if most < 3 {
		t.Errorf("at most %d documents at once", most)
	}
}

// What fails has its reason and can be tried again; what may pass is tried again by
// itself; a panic is one document's.
func TestWhatFails(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	tries := map[string]int{}
	frozen := true
	b.stamper.fault = func(r seal.StampRequest) error {
		tries[r.Retry.Key]++
		switch {
		case r.Retry.Key == "3.pdf":
			return fmt.Errorf("%w: it is no PDF", seal.ErrDocument)
		case r.Retry.Key == "4.pdf" && tries["4.pdf"] < 3:
			return errors.New("the disk had a bad moment, at /secret/path")
		case r.Retry.Key == "5.pdf" && frozen:
			panic("a bug")
		case strings.HasPrefix(r.Retry.Key, "1") && frozen:
			return fmt.Errorf("%w: it is frozen", seal.ErrNotInForce)
		}
		return nil
	}
	j := b.start(t, b.job(t, greedy, 20))
	b.run(t)
	j = b.wait(t, j.ID, over)
	if j.State != batch.Done || j.Failed != 13 || j.Sealed != 7 {
		t.Fatalf("%+v", j)
	}
	want := map[string]batch.Problem{"3.pdf": {Code: "BAD_DOCUMENT", Detail: "the document cannot be sealed: it is no PDF"}, "5.pdf": {Code: "INTERNAL", Detail: "an internal fault; try again"},
		"12.pdf": {Code: "REFUSED", Detail: "the seal is not in force: it is frozen"}}
	for name, p := range want {
		i, err := b.store.ItemNamed(t.Context(), j.ID, name)
		if err != nil || i.State != batch.Failed || i.Problem == nil || *i.Problem != p {
			t.Errorf("%s: %+v %+v %v", name, i, i.Problem, err)
		}
	}
	frozen = false
	if _, err := b.Retry(t.Context(), j.ID, batch.By{Key: "00000001"}); err != nil {
		t.Fatal(err)
	}
	if j = b.wait(t, j.ID, over); j.Sealed != 19 || j.Failed != 1 {
		t.Fatalf("%+v", j)
	}
	for name, n := range b.stamper.made {
		if n != 1 {
			t.Errorf("%s was sealed %d times", name, n)
		}
	}
}

// A process that ends at any moment leaves a job that goes on by itself, and each
// document is sealed once.
func TestAJobGoesOn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.workers = 4
	j := b.start(t, b.job(t, greedy, 400))
	rounds := 0
	for ; rounds < 200; rounds++ {
		b.open(t)
		end := b.run(t)
		time.Sleep(time.Duration(1+rounds) * time.Millisecond)
		end()
		now, err := b.Show(t.Context(), j.ID)
		if err != nil {
			t.Fatal(err)
		}
		if now.Over() {
			break
		}
	}
	now, err := b.Show(t.Context(), j.ID)
	if err != nil || now.State != batch.Done || now.Sealed != 400 || rounds < 2 || len(b.stamper.made) != 400 {
		t.Fatalf("after %d rounds: %+v, %d sealed: %v", rounds, now, len(b.stamper.made), err)
	}
	for name, n := range b.stamper.made {
		if n != 1 {
			t.Errorf("%s was sealed %d times", name, n)
		}
	}
}

// faulty is a store of which a write fails, and was or was not made.
type faulty struct {
	batch.Store
	mu    sync.Mutex
	every int
	made  bool
	n     int
}

var errDisk = errors.New("the disk is gone")

func (f *faulty) fails() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n++
	return f.n%f.every == 0
}

func (f *faulty) Settle(ctx context.Context, id act.ID, outcomes []batch.Outcome, now time.Time) (j batch.Job, err error) {
	bad := f.fails()
	if !bad || f.made {
		j, err = f.Store.Settle(ctx, id, outcomes, now)
	}
	if bad {
		return batch.Job{}, errDisk
	}
	return j, err
}

func (f *faulty) AddItems(ctx context.Context, id act.ID, items []batch.Item) (j batch.Job, err error) {
	bad := f.fails()
	if !bad || f.made {
		j, err = f.Store.AddItems(ctx, id, items)
	}
	if bad {
		return batch.Job{}, errDisk
	}
	return j, err
}

// Every other write fails, made or not: in the end each document is there and sealed
// once.
func TestWritesThatFail(t *testing.T) {
	t.Parallel()
	for _, made := range []bool{false, true} {
		b := newBench(t)
		b.store = &faulty{Store: b.db.Batches(), every: 2, made: made}
		b.open(t)
		j, err := b.Make(t.Context(), batch.MakeRequest{Agency: greedy, Template: batch.Template{SealID: "52000000000001", Operator: "张三"}})
		if err != nil {
			t.Fatal(err)
		}
		for tries := 0; j.Items < 50; tries++ {
			f, err := b.Feed(t.Context(), j.ID)
			if err != nil || tries > 100 {
				t.Fatal(tries, err)
			}
			for i := range 50 {
				if err := f.Add(t.Context(), fmt.Sprintf("%d.pdf", i), strings.NewReader(fmt.Sprint(i)), 10); err != nil {
					t.Fatal(err)
				}
			}
			if _, err = f.Close(t.Context()); err != nil && !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			if j, err = b.Show(t.Context(), j.ID); err != nil {
				t.Fatal(err)
			}
		}
		b.start(t, j)
		b.run(t)
		if j = b.wait(t, j.ID, over); j.Sealed != 50 || len(b.stamper.made) != 50 {
			t.Errorf("made %v: %+v, %d sealed", made, j, len(b.stamper.made))
		}
	}
}

// A document on the disk that is not the one that was taken is not sealed, and a
// sealed one is not given.
func TestADamagedDocument(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	j := b.start(t, b.job(t, greedy, 3))
	end := b.run(t)
	b.wait(t, j.ID, over)
	end()
	item, err := b.Item(t.Context(), j.ID, 3)
	if err != nil {
		t.Fatal(err)
	}
	s, closed, err := b.Document(t.Context(), j, item)
	if err != nil || string(s.Document) != "sealed xx" {
		t.Fatal(err)
	}
	if err := closed(); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(filepath.Join(b.dir, "jobs", "*", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if info, err := os.Stat(filepath.Dir(files[0])); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
	if err := os.WriteFile(files[0], []byte("xyz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Document(t.Context(), j, item); err == nil {
		t.Error("a damaged document is given as sealed")
	}
	if item.State = batch.Queued; true {
		_, _, err := b.Document(t.Context(), j, item)
		if !errors.Is(err, batch.ErrNotFound) {
			t.Errorf("one that is not sealed: %v", err)
		}
	}
}

func TestJobsEnd(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	unstarted, done, cancelled := b.job(t, greedy, 2), b.start(t, b.job(t, greedy, 2)), b.start(t, b.job(t, greedy, 2))
	if _, err := b.Cancel(t.Context(), cancelled.ID, "", "x"); !errors.Is(err, batch.ErrRefused) {
		t.Error(err)
	}
	cancelled, err := b.Cancel(t.Context(), cancelled.ID, "张三", "重复")
	if err != nil || cancelled.State != batch.Cancelled {
		t.Fatal(err, cancelled)
	}
	end := b.run(t)
	b.wait(t, done.ID, over)
	end()
	if len(b.stamper.made) != 2 {
		t.Errorf("%d documents were sealed, of a cancelled job too", len(b.stamper.made))
	}
	// What a killed upload left is nobody's.
	left := filepath.Join(b.dir, "jobs", done.ID.String(), "left.docs")
	stray := filepath.Join(b.dir, "jobs", "stray")
	if err := errors.Join(os.WriteFile(left, []byte("x"), 0o600), os.Mkdir(stray, 0o700)); err != nil {
		t.Fatal(err)
	}
	b.open(t)
	for _, path := range []string{left, stray} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is there: %v", filepath.Base(path), err)
		}
	}
	b.now = b.now.Add(batch.Kept - time.Minute)
	if err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, j := range []batch.Job{unstarted, done, cancelled} {
		if _, err := b.Show(t.Context(), j.ID); err != nil {
			t.Errorf("%s: %v", j.State, err)
		}
	}
	b.now = b.now.Add(time.Hour)
	if err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, j := range []batch.Job{unstarted, done, cancelled} {
		if _, err := b.Show(t.Context(), j.ID); !errors.Is(err, batch.ErrNotFound) {
			t.Errorf("%s: %v", j.State, err)
		}
	}
	if rest, err := os.ReadDir(filepath.Join(b.dir, "jobs")); err != nil || len(rest) != 0 {
		t.Errorf("%v %v", rest, err)
	}
}
