package crl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
)

var errDisk = errors.New("the disk failed")

// faulty fails the nth publication, persisted or not.
type faulty struct {
	crl.Store
	left      int
	persisted bool
}

func (f *faulty) Publish(ctx context.Context, scope string, after uint64, lists ...crl.List) error {
	if f.left--; f.left != 0 {
		return f.Store.Publish(ctx, scope, after, lists...)
	}
	if f.persisted {
		if err := f.Store.Publish(ctx, scope, after, lists...); err != nil {
			return err
		}
	}
	return errDisk
}

// full is a store with many revocations on a disk that is full.
type full struct {
	crl.Store
	made  int // lists that were begun
	fails bool
}

func (f *full) Revoked(_ context.Context, _, _, after string, _ int) (out []ca.Revocation, err error) {
	if after == "" {
		f.made++
	}
	for i := range 500 {
		out = append(out, ca.Revocation{Serial: fmt.Sprintf("4%031x", i), At: noon, Reason: certs.ReasonSuperseded})
	}
	return out, nil
}

func (f *full) Publish(ctx context.Context, scope string, after uint64, lists ...crl.List) error {
	if f.fails {
		return errDisk
	}
	return f.Store.Publish(ctx, scope, after, lists...)
}

// Whoever asks while the disk is full gets the list that stands, and cannot have a long
// one made over and over that nobody will keep.
func TestALongListThatFailsIsNotMadeAgainAtOnce(t *testing.T) {
	o := open(t)
	store := &full{}
	o.wrap = func(s crl.Store) crl.Store { store.Store = s; return store }
	o.lists = o.publisher()
	ask := func(want int) crl.List {
		t.Helper()
		l, err := o.lists.List(t.Context(), "root")
		if err != nil || l.Entries != 500 || store.made != want {
			t.Fatalf("%d entries, made %d times, not %d: %v", l.Entries, store.made, want, err)
		}
		return l
	}
	first := ask(1)
	o.now, store.fails = o.now.Add(10*time.Second), true
	for range 10 {
		ask(2)
	}
	o.now = o.now.Add(5 * time.Second)
	ask(3)
	o.now, store.fails = o.now.Add(5*time.Second), false
	if l := ask(4); l.Number <= first.Number {
		t.Error("it is not published again")
	}
	// One that has ended is tried whatever failed.
	o.now, store.fails = o.now.Add(crl.Life+time.Second), true
	for i := range 2 {
		if _, err := o.lists.List(t.Context(), "root"); !errors.Is(err, errDisk) || store.made != 5+i {
			t.Errorf("%v, made %d times", err, store.made)
		}
	}
}

// Each write of a round of publications fails once, persisted or not, and then the
// process dies. Register, journal and lists agree afterwards, and numbers have risen.
func TestPublicationFaults(t *testing.T) {
	for _, write := range []int{1, 2, 3, 40} {
		for _, persisted := range []bool{false, true} {
			t.Run(fmt.Sprintf("write %d, persisted %t", write, persisted), func(t *testing.T) {
				o := open(t)
				o.lists.Publish(t.Context())
				serial := o.issue()
				o.revoke(serial, certs.ReasonKeyCompromise, time.Time{})
				before := o.header("issuing")
				o.now = o.now.Add(time.Hour)
				o.wrap = func(s crl.Store) crl.Store { return &faulty{s, write, persisted} }
				o.lists = o.publisher()
				o.lists.Publish(t.Context())
				// A list that stands is whole, whatever the publisher was told.
				for _, name := range []string{"root", "issuing", "issuing-delta", "issuing-40", "issuing-" + ca.Shard(serial.Text(16))} {
					l, err := o.db.CRLs().List(t.Context(), name)
					if err != nil {
						t.Fatal(err)
					}
					o.read(l)
				}
				o.wrap = nil
				o.restart()
				o.now = o.now.Add(time.Second)
				o.agree(serial.Text(16), before.Number)
			})
		}
	}
}

// agree wants every list of this second to hold what the register holds.
func (o *office) agree(serial string, before uint64) {
	t := o.t
	t.Helper()
	for name, want := range map[string]int{"issuing": 1, "issuing-delta": 1, "issuing-" + ca.Shard(serial): 1, "root": 0} {
		l := o.fresh(name)
		_, has := reasons(o.read(l))[serial]
		if l.Number <= before || l.Entries != want || has != (want == 1) {
			t.Errorf("%s: number %d after %d, %d entries", name, l.Number, before, l.Entries)
		}
	}
	row, err := o.Certificate(t.Context(), serial)
	if err != nil || row.State(o.now) != ca.StateRevoked {
		t.Error(err)
	}
	size, err := o.db.Journal().JournalSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if acts, err := o.db.Journal().CountActs(t.Context()); err != nil || acts != size {
		t.Errorf("%d acts under %d leaves: %v", acts, size, err)
	}
}

// Two publishers on one register never go back behind each other.
func TestTwoPublishers(t *testing.T) {
	o := open(t)
	other := o.publisher()
	var wg sync.WaitGroup
	for _, p := range []*crl.Publisher{o.lists, other} {
		for _, name := range []string{"issuing", "issuing-delta", "issuing-40"} {
			wg.Go(func() {
				last := crl.Header{}
				for range 20 {
					l, err := p.Fresh(t.Context(), name, noon)
					if err != nil && !errors.Is(err, crl.ErrStale) {
						t.Error(name, err)
						return
					}
					if err == nil && (l.Number < last.Number || l.Changes < last.Changes) {
						t.Errorf("%s: %d after %d", name, l.Number, last.Number)
					}
					if err == nil {
						last = l.Header
					}
				}
			})
		}
	}
	for range 10 {
		o.revoke(o.issue(), certs.ReasonSuperseded, time.Time{})
	}
	wg.Wait()
	if l := o.fresh("issuing"); l.Entries != 10 {
		t.Errorf("%d entries", l.Entries)
	}
}

// What is revoked while a list is being made is in it or in the next, and a list
// always has as many entries as it says that it knows of.
func TestRevokedMeanwhile(t *testing.T) {
	o := open(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 10 {
				o.revoke(o.issue(), certs.ReasonSuperseded, time.Time{})
			}
		})
	}
	for range 30 {
		if l := o.fresh("issuing"); uint64(l.Entries) != l.Changes {
			t.Errorf("%d entries of %d revocations", l.Entries, l.Changes)
		}
	}
	wg.Wait()
	if l := o.fresh("issuing"); l.Entries != 40 {
		t.Errorf("%d entries", l.Entries)
	}
}

// blind is a store that cannot be read, in one place or another.
type blind struct {
	crl.Store
	header, count bool
}

func (b *blind) Header(ctx context.Context, name string) (crl.Header, error) {
	if b.header {
		return crl.Header{}, errDisk
	}
	return b.Store.Header(ctx, name)
}

func (b *blind) RevokedCount(ctx context.Context, scope string) (uint64, error) {
	if b.count {
		return 0, errDisk
	}
	return b.Store.RevokedCount(ctx, scope)
}

// Lists that are not made since nobody can tell whether they are due are told of too.
func TestARegisterThatCannotBeReadIsTold(t *testing.T) {
	for _, b := range []blind{{header: true}, {count: true}} {
		o := open(t)
		sees := &blind{}
		o.wrap = func(s crl.Store) crl.Store { sees.Store = s; return sees }
		p := o.publisher()
		p.Publish(t.Context())
		sees.header, sees.count = b.header, b.count
		o.now = o.now.Add(time.Minute)
		o.log.Reset()
		p.Publish(t.Context())
		sees.header, sees.count = false, false
		if _, _, failed, err := p.Status(t.Context()); err != nil || failed == 0 || !strings.Contains(o.log.String(), errDisk.Error()) {
			t.Errorf("header %t, count %t: %d failures, log %q, %v", b.header, b.count, failed, o.log.String(), err)
		}
	}
}
