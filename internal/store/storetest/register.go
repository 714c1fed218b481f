package storetest

import (
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/seal"
)

// stampRegister: the list is whole, in order, by any filter and any page.
func stampRegister(t *testing.T, b *bench) {
	seals := []seal.Seal{b.sealed(t, 1), b.sealed(t, 2)}
	var all []seal.Stamp
	for i := range 12 {
		other := b.act(t, "test.act", "x", i)
		check(t, "another act", b.Commit(t.Context(), other), nil)
		b.now = b.now.Add(time.Minute)
		d := b.draft(t, seals[i%2])
		if i%3 == 0 {
			d.stamp.Agency, d.stamp.Matter, d.stamp.Operator = usccB, "", "李四"
		}
		if i%4 == 1 {
			d.stamp.Format, d.stamp.Key = "json", "00000001"
		}
		again := b.act(t, seal.ActStamped, d.stamp.SealID, d.stamp)
		again.ID = d.stamp.ID
		d.act = again
		check(t, "a stamp", b.commit(t, d), nil)
		all = append(all, d.stamp)
	}
	for name, f := range map[string]seal.Filter{
		"all": {}, "of a seal": {SealID: seals[1].ID}, "of who asked": {Agency: usccB}, "of the seals' owner": {Agency: seals[0].Agency}, "of neither": {Agency: "11330000MB1234567X"},
		"of an officer": {Operator: "李四"}, "of the beginning of a name": {Operator: "李"}, "of an officer and a seal": {Operator: "张三", SealID: seals[1].ID},
		"of an officer and an agency": {Operator: "张三", Agency: usccB}, "of a format": {Format: "json"}, "of a key": {Key: "00000001", Agency: usccA}, "of a matter": {Matter: "000101"}, "from": {From: all[4].SealedAt},
		"to": {To: all[7].SealedAt}, "of all these": {SealID: seals[0].ID, Agency: usccA, Matter: "000101", From: all[2].SealedAt, To: all[10].SealedAt},
		"of no seal": {SealID: "52000000000099"}, "of the beginning of a seal's id": {SealID: "5200000000000"},
	} {
		var want []act.ID
		for _, s := range all {
			if (f.SealID == "" || f.SealID == s.SealID) && (f.Agency == "" || f.Agency == s.Agency || f.Agency == seals[0].Agency) && (f.Matter == "" || f.Matter == s.Matter) &&
				(f.Operator == "" || f.Operator == s.Operator) && (f.Format == "" || f.Format == s.Format) && (f.Key == "" || f.Key == s.Key) &&
				(f.From.IsZero() || !s.SealedAt.Before(f.From)) && (f.To.IsZero() || !s.SealedAt.After(f.To)) {
				want = append(want, s.ID)
			}
		}
		for _, f.Limit = range []int{1, 3, 100} {
			var got []act.ID
			for f.Cursor = ""; ; {
				rows, next, err := b.Seals().Stamps(t.Context(), f)
				if err != nil || len(rows) > f.Limit {
					t.Fatalf("%s: %d rows of %d, %v", name, len(rows), f.Limit, err)
				}
				for _, r := range rows {
					got = append(got, r.ID)
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if !same(got, want) {
				t.Errorf("%s, by %d: %d rows, want %d", name, f.Limit, len(got), len(want))
			}
		}
	}
	_, _, err := b.Seals().Stamps(t.Context(), seal.Filter{Cursor: "x", Limit: 1})
	check(t, "a cursor that is none", err, seal.ErrNotFound)
}

// stampAccounted: a key's uses are its stamps and what was told to be without act.
func stampAccounted(t *testing.T, b *bench) {
	s, other := b.sealed(t, 1), b.sealed(t, 2)
	told := func(s seal.Seal, want uint64) {
		t.Helper()
		if n, err := b.Seals().Accounted(t.Context(), s.KeyID); err != nil || n != want {
			t.Errorf("key %s: %d uses, want %d: %v", s.KeyID, n, want, err)
		}
	}
	told(s, 0)
	for range 3 {
		check(t, "a stamp", b.commit(t, b.draft(t, s)), nil)
	}
	bad := b.draft(t, s)
	bad.guard.SealVersion++
	check(t, "a stamp that failed", b.commit(t, bad), seal.ErrChanged)
	told(s, 3)
	a := b.act(t, seal.ActUnaccounted, s.KeyID, 997)
	b.kept(t, "signatures without act", a, func() error { return b.Seals().CommitUnaccounted(t.Context(), a, s.KeyID, 997) })
	told(s, 1000)
	told(other, 0)
	again := b.act(t, seal.ActUnaccounted, s.KeyID, 5)
	again.ID = a.ID
	if err := b.Seals().CommitUnaccounted(t.Context(), again, s.KeyID, 5); err == nil {
		t.Error("one act told twice")
	}
	told(s, 1000)
}

// FillStamps makes n stamps of one agency and officer with one seal, for what is
// measured or opened again, and gives the last.
func FillStamps(t testing.TB, s Store, n int) seal.Stamp {
	t.Helper()
	b := &bench{s, morning}
	made := b.sealed(t, 1)
	var last draft
	for at := 0; at < n; {
		var wg sync.WaitGroup
		for range min(n-at, 500) {
			last = b.draft(t, made)
			at++
			one := last
			wg.Go(func() {
				if err := b.commit(t, one); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	return last.stamp
}

// stampTally: counted anew from the acts, each key has what was entered for it.
func stampTally(t *testing.T, b *bench) {
	s, other := b.sealed(t, 1), b.sealed(t, 2)
	for i := range 5 {
		check(t, "a stamp", b.commit(t, b.draft(t, []seal.Seal{s, other}[i%2])), nil)
	}
	bad := b.draft(t, s)
	bad.guard.SealVersion++
	check(t, "a stamp that failed", b.commit(t, bad), seal.ErrChanged)
	gap := struct {
		KeyID string
		N     uint64
	}{s.KeyID, 997}
	a := b.act(t, seal.ActUnaccounted, s.KeyID, gap)
	check(t, "signatures without act", b.Seals().CommitUnaccounted(t.Context(), a, s.KeyID, gap.N), nil)
	got, err := b.Seals().Tally(t.Context())
	want := map[string]seal.Tally{s.KeyID: {Stamps: 3, Unaccounted: 997}, other.KeyID: {Stamps: 2}}
	if err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
	for id, n := range got {
		if told, err := b.Seals().Accounted(t.Context(), id); err != nil || told != n.Stamps+n.Requests+n.Unaccounted {
			t.Errorf("%s: %d told, counted %+v: %v", id, told, n, err)
		}
	}
}
