package storetest

import (
	"sync"
	"testing"
	"time"

	"yinxin/ca/escrow"
	"yinxin/internal/act"
)

// Escrow is the conformance suite of an escrow.Store.
func Escrow(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"begun": escrowBegun, "settled": escrowSettled, "race": escrowRace, "retry": escrowRetry, "lists": escrowLists, "recovery": escrowRecovery,
	})
}

// pair is one to be begun, and the act that does.
func (b *bench) pair(t testing.TB, agency string) (escrow.Pair, act.Act) {
	t.Helper()
	id := b.act(t, "x", "x", "x").ID
	p := escrow.Pair{ID: id, Agency: agency, AgencyName: "某局", Profile: "person", CommonName: "李四", CSR: []byte("csr"), Who: "张三", Why: "启用", KeyID: "k" + id.String(),
		Begun: morning, State: escrow.StateBegun}
	a := b.act(t, escrow.ActBegun, id.String(), p)
	a.ID = id
	return p, a
}

func (b *bench) begun(t testing.TB, agency string) escrow.Pair {
	t.Helper()
	p, a := b.pair(t, agency)
	b.kept(t, "a pair", a, func() error { return b.Escrow().CommitBegun(t.Context(), a, p) })
	return p
}

// delivered is the pair as it will stand.
func delivered(p escrow.Pair) escrow.Pair {
	p.State, p.Settled = escrow.StateDelivered, morning.Add(time.Second)
	p.Delivery = escrow.Delivery{Signing: "0a" + p.KeyID, Encryption: "0b" + p.KeyID, Response: []byte("der")}
	return p
}

func (b *bench) settle(t testing.TB, p escrow.Pair) (escrow.Pair, error) {
	t.Helper()
	return b.Escrow().CommitSettled(t.Context(), b.act(t, escrow.ActDelivered, p.ID.String(), p), p)
}

func escrowBegun(t *testing.T, b *bench) {
	_, err := b.Escrow().Pair(t.Context(), act.ID{1})
	check(t, "an unknown pair", err, escrow.ErrNotFound)
	p := b.begun(t, usccA)
	if got, err := b.Escrow().Pair(t.Context(), p.ID); err != nil || !same(got, p) {
		t.Errorf("%v %s", err, diff(p, got))
	}
	if open, err := b.Escrow().Unsettled(t.Context()); err != nil || !same(open, []escrow.Pair{p}) {
		t.Errorf("%v %s", err, diff([]escrow.Pair{p}, open))
	}
	_, err = b.Escrow().PairOf(t.Context(), "")
	check(t, "a pair without certificates", err, escrow.ErrNotFound)
}

func escrowSettled(t *testing.T, b *bench) {
	p, _ := b.pair(t, usccA)
	b.unchanged(t, "what was not begun", escrow.ErrNotFound, func() error { _, err := b.settle(t, delivered(p)); return err })
	given, gone := delivered(b.begun(t, usccA)), b.begun(t, usccA)
	gone.State, gone.Failure, gone.Settled = escrow.StateAbandoned, "why", morning
	for _, want := range []escrow.Pair{given, gone} {
		if got, err := b.settle(t, want); err != nil || !same(got, want) {
			t.Fatalf("%v %s", err, diff(want, got))
		}
		if got, err := b.Escrow().Pair(t.Context(), want.ID); err != nil || !same(got, want) {
			t.Errorf("%v %s", err, diff(want, got))
		}
		other := delivered(want)
		other.Delivery.Response = []byte("another")
		b.unchanged(t, "again", escrow.ErrSettled, func() error {
			got, err := b.settle(t, other)
			if !same(got, want) {
				t.Errorf("it does not give what stands: %s", diff(want, got))
			}
			return err
		})
	}
	for _, serial := range []string{given.Delivery.Signing, given.Delivery.Encryption} {
		if got, err := b.Escrow().PairOf(t.Context(), serial); err != nil || !same(got, given) {
			t.Errorf("%v %s", err, diff(given, got))
		}
	}
	if open, err := b.Escrow().Unsettled(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("unsettled: %v, %v", open, err)
	}
}

func escrowRace(t *testing.T, b *bench) {
	for range 20 {
		p := b.begun(t, usccA)
		gone := p
		gone.State = escrow.StateAbandoned
		tries := []escrow.Pair{delivered(p), gone, delivered(p)}
		acts := []act.Act{b.act(t, "x", "x", 1), b.act(t, "x", "x", 2), b.act(t, "x", "x", 3)}
		before := b.size(t)
		var wg sync.WaitGroup
		errs := make([]error, len(tries))
		for i := range tries {
			wg.Go(func() { _, errs[i] = b.Escrow().CommitSettled(t.Context(), acts[i], tries[i]) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				check(t, "the others", err, escrow.ErrSettled)
			}
		}
		if won != 1 || b.size(t) != before+1 {
			t.Fatal(errs)
		}
	}
}

func escrowRetry(t *testing.T, b *bench) {
	p, a := b.pair(t, usccA)
	a.Retry = &act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	check(t, "a pair", b.Escrow().CommitBegun(t.Context(), a, p), nil)
	if done, found, err := b.Escrow().Done(t.Context(), a.Retry.Slot(), b.now); err != nil || !found || done.Act != p.ID {
		t.Fatal(done, found, err)
	}
	second, again := b.pair(t, usccA)
	again.Retry = a.Retry
	b.unchanged(t, "under a key that was used", act.ErrRetryTaken, func() error { return b.Escrow().CommitBegun(t.Context(), again, second) })
}

func escrowLists(t *testing.T, b *bench) {
	var all []escrow.Pair
	for i := range 6 {
		of := usccA
		if i%3 == 1 {
			of = usccB
		}
		p := b.begun(t, of)
		if i == 2 {
			var err error
			if p, err = b.settle(t, delivered(p)); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, p)
	}
	for name, c := range map[string]struct {
		f    escrow.Filter
		want []int
	}{
		"all": {escrow.Filter{}, []int{0, 1, 2, 3, 4, 5}}, "one agency's": {escrow.Filter{Agency: usccB}, []int{1, 4}},
		"delivered": {escrow.Filter{State: escrow.StateDelivered}, []int{2}}, "none": {escrow.Filter{Agency: usccA[:17]}, nil},
	} {
		for _, limit := range []int{100, 2, 1} {
			var got, want []string
			for _, i := range c.want {
				want = append(want, all[i].ID.String())
			}
			f := c.f
			f.Limit = limit
			for {
				rows, next, err := b.Escrow().Pairs(t.Context(), f)
				if err != nil || len(rows) > limit {
					t.Fatal(name, err)
				}
				for _, p := range rows {
					got = append(got, p.ID.String())
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if !sameStrings(got, want) {
				t.Errorf("%s, by %d: %v, want %v", name, limit, got, want)
			}
		}
	}
	_, _, err := b.Escrow().Pairs(t.Context(), escrow.Filter{Cursor: "x", Limit: 1})
	check(t, "after no id", err, escrow.ErrNotFound)
}

func escrowRecovery(t *testing.T, b *bench) {
	_, err := b.Escrow().Recovery(t.Context(), act.ID{1})
	check(t, "an unknown one", err, escrow.ErrNotFound)
	var all []escrow.Recovery
	for range 2 {
		id := b.act(t, "x", "x", "x").ID
		r := escrow.Recovery{ID: id, Serial: "0a", Agency: usccA, KeyID: "k", Recipient: []byte{4}, Envelope: []byte("der"), Asked: "张三", Approved: "李四", Why: "遗失", Case: "(2026)1号", At: morning}
		commit := func() error {
			return b.Escrow().CommitRecovered(t.Context(), b.act(t, escrow.ActRecovered, "0a", r), r)
		}
		check(t, "a recovery", commit(), nil)
		b.unchanged(t, "again", escrow.ErrRecovered, commit)
		if got, err := b.Escrow().Recovery(t.Context(), id); err != nil || !same(got, r) {
			t.Errorf("%v %s", err, diff(r, got))
		}
		all = append(all, r)
	}
	if got, err := b.Escrow().Recoveries(t.Context(), "0a"); err != nil || !same(got, all) {
		t.Errorf("%v %s", err, diff(all, got))
	}
	if got, err := b.Escrow().Recoveries(t.Context(), "0"); err != nil || len(got) != 0 {
		t.Errorf("of another: %v, %v", got, err)
	}
}
