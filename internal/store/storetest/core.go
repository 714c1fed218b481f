package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
)

// Core is the conformance suite of what all offices share: an act, its leaf and
// its retry key, whole or not at all (protocol.md 7 and 8).
func Core(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"act": coreAct, "twice": coreTwice, "order": coreOrder, "retry": coreRetry, "life of a retry": coreRetryLife, "a lasting retry": coreLasting,
		"one of many": coreOneOfMany, "sweep": coreSweep, "cancelled": coreCancelled, "too long": coreTooLong, "newest": coreNewest,
	})
}

func check(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
}

func coreAct(t *testing.T, b *bench) {
	for i := range 3 {
		a := b.act(t, "test.act", "主体", map[string]int{"n": i})
		b.kept(t, "an act", a, func() error { return b.Commit(t.Context(), a) })
		leaf, record, index, err := b.Act(t.Context(), a.ID)
		want, _ := a.Leaf.Encode()
		if err != nil || !bytes.Equal(leaf, want) || !bytes.Equal(record, a.Record) || index != uint64(i) {
			t.Fatalf("%d: leaf %x at %d, %v", i, leaf, index, err)
		}
		// What was handed out is the caller's own.
		leaf[0], record[0] = ^leaf[0], ^record[0]
		if again, same, _, err := b.Act(t.Context(), a.ID); err != nil || !bytes.Equal(again, want) || !bytes.Equal(same, a.Record) {
			t.Fatal("the store's bytes can be changed from outside", err)
		}
	}
	_, _, _, err := b.Act(t.Context(), act.ID{})
	check(t, "an unknown act", err, act.ErrNotFound)
}

func coreTwice(t *testing.T, b *bench) {
	a := b.act(t, "test.act", "x", "first")
	check(t, "once", b.Commit(t.Context(), a), nil)
	before := b.size(t)
	again := b.act(t, "test.act", "x", "second")
	again.ID = a.ID
	if err := b.Commit(t.Context(), again); err == nil {
		t.Error("an act's id was used twice")
	}
	if _, record, _, err := b.Act(t.Context(), a.ID); err != nil || !bytes.Equal(record, a.Record) || b.size(t) != before {
		t.Error("the first act was touched", err)
	}
}

// coreOrder: leaves have the order of the commits, without a gap, under many
// writers.
func coreOrder(t *testing.T, b *bench) {
	const writers, each = 8, 25
	acts := make([][]act.Act, writers)
	for w := range acts {
		for i := range each {
			acts[w] = append(acts[w], b.act(t, "test.act", fmt.Sprint(w), i))
		}
	}
	var wg sync.WaitGroup
	for _, mine := range acts {
		wg.Go(func() {
			for _, a := range mine {
				if err := b.Commit(context.Background(), a); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := b.size(t); n != writers*each {
		t.Fatalf("%d leaves", n)
	}
	seen := map[uint64]bool{}
	for _, mine := range acts {
		before := uint64(0)
		for i, a := range mine {
			_, _, index, err := b.Act(t.Context(), a.ID)
			if err != nil || seen[index] || index >= writers*each || i > 0 && index <= before {
				t.Fatalf("act %d at %d after %d: %v", i, index, before, err)
			}
			seen[index], before = true, index
		}
	}
}

func coreRetry(t *testing.T, b *bench) {
	slotOf := func(owner, key string) [32]byte { return act.Retry{Owner: owner, Key: key}.Slot() }
	if _, found, err := b.Done(t.Context(), slotOf("a", "k"), b.now); found || err != nil {
		t.Fatal("a key that nobody used is known", err)
	}
	a := b.act(t, "test.act", "x", 1)
	a.Retry = &act.Retry{Owner: "a", Key: "k", Request: [32]byte{7}}
	check(t, "the first", b.Commit(t.Context(), a), nil)
	done, found, err := b.Done(t.Context(), slotOf("a", "k"), b.now)
	if err != nil || !found || done != (act.Done{Request: [32]byte{7}, Act: a.ID}) {
		t.Fatal(done, found, err)
	}
	for _, request := range [][32]byte{{7}, {8}} {
		second := b.act(t, "test.act", "x", 2)
		second.Retry = &act.Retry{Owner: "a", Key: "k", Request: request}
		b.unchanged(t, "the second", act.ErrRetryTaken, func() error { return b.Commit(t.Context(), second) })
		_, _, _, err := b.Act(t.Context(), second.ID)
		check(t, "the second act", err, act.ErrNotFound)
	}
	for _, other := range []act.Retry{{Owner: "b", Key: "k"}, {Owner: "ak", Key: ""}, {Owner: "a", Key: "K"}} {
		if _, found, err := b.Done(t.Context(), other.Slot(), b.now); found || err != nil {
			t.Errorf("%+v is taken, %v", other, err)
		}
	}
}

// coreRetryLife: a key is remembered for act.RetryLife, as long as it is not
// swept and no longer even then, and may be used again afterwards.
func coreRetryLife(t *testing.T, b *bench) {
	retry := &act.Retry{Owner: "a", Key: "k", Request: [32]byte{7}}
	a := b.act(t, "test.act", "x", 1)
	a.Retry = retry
	check(t, "the first", b.Commit(t.Context(), a), nil)
	for after, want := range map[time.Duration]bool{act.RetryLife: true, act.RetryLife + time.Millisecond: false} {
		if _, found, err := b.Done(t.Context(), retry.Slot(), a.ID.Time().Add(after)); found != want || err != nil {
			t.Errorf("after %s it is known: %v, %v", after, found, err)
		}
	}
	b.now = b.now.Add(act.RetryLife - 2*time.Millisecond)
	within := b.act(t, "test.act", "x", 2)
	within.Retry = retry
	b.unchanged(t, "within its life", act.ErrRetryTaken, func() error { return b.Commit(t.Context(), within) })
	b.now = b.now.Add(time.Minute)
	after := b.act(t, "test.act", "x", 3)
	after.Retry = retry
	check(t, "after its life", b.Commit(t.Context(), after), nil)
	if done, found, err := b.Done(t.Context(), retry.Slot(), b.now); err != nil || !found || done.Act != after.ID {
		t.Errorf("the newer act is not the one remembered: %v %v %v", done, found, err)
	}
}

func coreOneOfMany(t *testing.T, b *bench) {
	var acts []act.Act
	for i := range 30 {
		a := b.act(t, "test.act", "x", i)
		a.Retry = &act.Retry{Owner: "a", Key: "k", Request: [32]byte{byte(i)}}
		acts = append(acts, a)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(acts))
	for i, a := range acts {
		wg.Go(func() { errs[i] = b.Commit(context.Background(), a) })
	}
	wg.Wait()
	done, found, err := b.Done(t.Context(), acts[0].Retry.Slot(), b.now)
	if err != nil || !found || b.size(t) != 1 {
		t.Fatal(found, err)
	}
	for i, err := range errs {
		if won := acts[i].ID == done.Act; won && (err != nil || done.Request != acts[i].Retry.Request) || !won && !errors.Is(err, act.ErrRetryTaken) {
			t.Errorf("act %d: %v", i, err)
		}
	}
}

func coreSweep(t *testing.T, b *bench) {
	const old, young = 25, 10
	var slots [][32]byte
	keep := func(n int) {
		for range n {
			a := b.act(t, "test.act", "x", len(slots))
			a.Retry = &act.Retry{Owner: "a", Key: fmt.Sprint(len(slots))}
			check(t, "an act", b.Commit(t.Context(), a), nil)
			slots = append(slots, a.Retry.Slot())
		}
	}
	keep(old)
	before := b.now
	b.now = b.now.Add(time.Hour)
	keep(young)
	size := b.size(t)
	now := before.Add(act.RetryLife + time.Minute)
	calls := 0
	for from := []byte(nil); ; calls++ {
		next, err := b.SweepRetries(t.Context(), now, from, 4)
		if err != nil || calls > old+young {
			t.Fatal("the sweep does not end", err)
		}
		if next == nil {
			break
		}
		from = next
	}
	if calls < (old+young)/4 {
		t.Errorf("%d keys in %d calls of 4", old+young, calls+1)
	}
	for i, slot := range slots {
		// Asked as of then, when each was young: only the sweep can have taken it.
		if _, found, err := b.Done(t.Context(), slot, before); err != nil || found != (i >= old) {
			t.Errorf("key %d is known: %v, %v", i, found, err)
		}
	}
	if b.size(t) != size {
		t.Error("the sweep touched the journal")
	}
}

func coreCancelled(t *testing.T, b *bench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 10 {
		a := b.act(t, "test.act", "x", 1)
		b.unchanged(t, "with a context that has ended", context.Canceled, func() error { return b.Commit(ctx, a) })
	}
}

func coreTooLong(t *testing.T, b *bench) {
	a := b.act(t, "test.act", string(bytes.Repeat([]byte("x"), act.MaxLeaf)), 1)
	a.Retry = &act.Retry{Owner: "a", Key: "k"}
	before := b.size(t)
	if err := b.Commit(t.Context(), a); err == nil || b.size(t) != before {
		t.Errorf("a leaf too long: %v", err)
	}
	if _, found, err := b.Done(t.Context(), a.Retry.Slot(), b.now); found || err != nil {
		t.Error("its key is taken", err)
	}
}

func coreNewest(t *testing.T, b *bench) {
	if at, err := b.NewestAct(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("of none: %s, %v", at, err)
	}
	for range 3 {
		a := b.act(t, "test.act", "x", 1)
		check(t, "an act", b.Commit(t.Context(), a), nil)
		if at, err := b.NewestAct(t.Context()); err != nil || !at.Equal(b.now) {
			t.Errorf("%s, want %s: %v", at, b.now, err)
		}
	}
}

// coreLasting: a key that lasts is known for ever, whatever is swept.
func coreLasting(t *testing.T, b *bench) {
	retry := &act.Retry{Owner: "a", Key: "k", Request: [32]byte{7}, Lasting: true}
	a := b.act(t, "test.act", "x", 1)
	a.Retry = retry
	check(t, "the first", b.Commit(t.Context(), a), nil)
	b.now = b.now.Add(10 * act.RetryLife)
	_, err := b.SweepRetries(t.Context(), b.now, nil, 10)
	check(t, "a sweep", err, nil)
	done, found, err := b.Done(t.Context(), retry.Slot(), b.now)
	if err != nil || !found || done != (act.Done{Request: [32]byte{7}, Act: a.ID}) {
		t.Fatal(done, found, err)
	}
	for _, lasting := range []bool{true, false} {
		second := b.act(t, "test.act", "x", 2)
		second.Retry = &act.Retry{Owner: "a", Key: "k", Request: [32]byte{7}, Lasting: lasting}
		b.unchanged(t, "the second", act.ErrRetryTaken, func() error { return b.Commit(t.Context(), second) })
	}
}
