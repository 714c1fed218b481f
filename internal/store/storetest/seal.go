package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/verify/status"
)

// Seal is the conformance suite of a seal.Store. It needs the other offices'
// stores too: a stamp's guard asks for certificates and callers.
func Seal(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"numbers": sealNumbers, "life": sealLife, "lists": sealLists, "ended": sealEnded, "race": sealRace, "retry": sealRetry,
		"stamp": stampKept, "increment": stampIncrement, "guard": stampGuard, "quota": stampQuota, "series": stampSeries, "series whole": stampSeriesWhole, "series quota": stampSeriesQuota, "register": stampRegister, "accounted": stampAccounted, "tally": stampTally,
		"request": requestKept, "requests": requestLists, "imported": requestAnswered, "pending": requestPending,
		"whole": sealWhole, "steps": sealSteps, "filters": sealFilters, "applied": sealApplied, "grant": grantQuota, "use": stampUse,
	})
}

func newSeal(n int) seal.Seal {
	return seal.Seal{ID: fmt.Sprintf("520000%08d", n), Version: 1, Agency: usccA, Name: "某市行政审批局", State: status.SealInForce, SM3: [32]byte{byte(n), 1},
		ValidFrom: morning, ValidTo: morning.AddDate(3, 0, 0), KeyID: fmt.Sprint("key", n), CertSerial: "01", WidthMM: 42, HeightMM: 40,
		Policy: seal.Policy{Agencies: []string{usccB}, Matters: []string{"000101"}, PerDay: 5}, Made: morning, Edition: 1}
}

// make puts a seal into the register.
func (b *bench) make(t testing.TB, s seal.Seal) seal.Seal {
	t.Helper()
	a := b.act(t, seal.ActMade, s.ID, seal.Change{Seal: s, Who: "x", Why: "y", At: morning})
	b.kept(t, "a seal", a, func() error { return b.Seals().CommitSeal(t.Context(), a, s, 0, []byte("der of "+s.ID)) })
	return s
}

// change puts a new version of it there.
func (b *bench) change(t testing.TB, s seal.Seal, intervals ...status.Interval) seal.Seal {
	t.Helper()
	before := s.Version
	s.Version, s.Intervals = before+1, intervals
	a := b.act(t, seal.ActFrozen, s.ID, seal.Change{Seal: s, Who: "x", Why: "y", At: morning})
	b.kept(t, "a change", a, func() error { return b.Seals().CommitSeal(t.Context(), a, s, before, nil) })
	return s
}

func frozen(from, to time.Duration) status.Interval {
	i := status.Interval{State: status.SealFrozen, From: morning.Add(from)}
	if to > 0 {
		i.To = morning.Add(to)
	}
	return i
}

func sealNumbers(t *testing.T, b *bench) {
	for _, region := range []string{"520000", "5200"} {
		for want := uint64(1); want < 4; want++ {
			if n, err := b.Seals().NextSeal(t.Context(), region); err != nil || n != want {
				t.Errorf("seal %d of %s, want %d: %v", n, region, want, err)
			}
		}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[string]bool{}
	for range 4 {
		wg.Go(func() {
			last := uint64(0)
			for range 20 {
				serial, err1 := b.Seals().NextSeal(t.Context(), "110000")
				list, err2 := b.Seals().NextListNumber(t.Context())
				mu.Lock()
				one, two := fmt.Sprint("seal", serial), fmt.Sprint("list", list)
				if err := errors.Join(err1, err2); err != nil || seen[one] || seen[two] || list <= last {
					t.Errorf("seal %d, list %d: %v", serial, list, err)
				}
				seen[one], seen[two], last = true, true, list
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func sealLife(t *testing.T, b *bench) {
	store := b.Seals()
	want := newSeal(1)
	for _, before := range []uint64{1, 2} {
		a := b.act(t, seal.ActMade, want.ID, want)
		b.unchanged(t, "a version of nothing", seal.ErrNotFound, func() error { return store.CommitSeal(t.Context(), a, want, before, nil) })
	}
	b.make(t, want)
	stands := func(when string) {
		t.Helper()
		if got, err := store.Seal(t.Context(), want.ID); err != nil || !same(got, want) {
			t.Fatalf("%s: %v %s", when, err, diff(want, got))
		}
		if got, err := store.SealBySM3(t.Context(), want.SM3); err != nil || !same(got, want) {
			t.Fatalf("%s, by its SM3: %v %s", when, err, diff(want, got))
		}
		if der, err := store.SealDER(t.Context(), want.SM3); err != nil || !bytes.Equal(der, []byte("der of "+want.ID)) {
			t.Fatalf("%s: its SESeal is %q, %v", when, der, err)
		}
	}
	stands("made")
	part := []byte("what stands in many stamps")
	for range 2 { // again is nothing
		check(t, "a part is kept", store.KeepPart(t.Context(), part), nil)
		if got, err := store.SealDER(t.Context(), sm3.Sum(part)); err != nil || !bytes.Equal(got, part) {
			t.Fatalf("a part is %q, %v", got, err)
		}
	}
	stands("with a part beside it")
	other := want
	other.SM3, other.Name = [32]byte{99}, "另一枚"
	for name, before := range map[string]uint64{"made again": 0, "from a version to come": 2} {
		a := b.act(t, seal.ActMade, want.ID, other)
		b.unchanged(t, name, seal.ErrChanged, func() error { return store.CommitSeal(t.Context(), a, other, before, []byte("x")) })
		stands(name)
		_, err := store.SealDER(t.Context(), other.SM3)
		check(t, "the SESeal of what was not made", err, seal.ErrNotFound)
	}
	want = b.change(t, want, frozen(time.Hour, 0))
	want.State = status.SealFrozen
	want = b.change(t, want, frozen(time.Hour, 2*time.Hour), frozen(3*time.Hour, 0))
	stands("changed")
	a := b.act(t, seal.ActThawed, want.ID, want)
	b.unchanged(t, "from an old version", seal.ErrChanged, func() error { return store.CommitSeal(t.Context(), a, want, 1, nil) })
	_, err := store.Seal(t.Context(), "52000000000099")
	check(t, "an unknown seal", err, seal.ErrNotFound)
	_, err = store.SealBySM3(t.Context(), [32]byte{98})
	check(t, "an unknown SM3", err, seal.ErrNotFound)
}

func sealLists(t *testing.T, b *bench) {
	for _, n := range []int{5, 1, 3, 2, 4} {
		s := newSeal(n)
		if n%2 == 0 {
			s.Agency = usccB
		}
		b.make(t, s)
	}
	id := func(n int) string { return newSeal(n).ID }
	for name, c := range map[string]struct {
		agency, cursor string
		limit          int
		want           []string
	}{
		"all":            {"", "", 10, []string{id(1), id(2), id(3), id(4), id(5)}},
		"two":            {"", "", 2, []string{id(1), id(2)}},
		"after":          {"", id(2), 2, []string{id(3), id(4)}},
		"one agency's":   {usccB, "", 10, []string{id(2), id(4)}},
		"of it, after":   {usccB, id(2), 10, []string{id(4)}},
		"after the last": {"", id(5), 10, nil},
		"nobody's":       {"11110000000021135", "", 10, nil},
	} {
		rows, next, err := b.Seals().Seals(t.Context(), seal.SealFilter{Agency: c.agency, Cursor: c.cursor, Limit: c.limit})
		var got []string
		for _, r := range rows {
			got = append(got, r.ID)
		}
		if err != nil || !sameStrings(got, c.want) {
			t.Errorf("%s: %v, want %v, %v", name, got, c.want, err)
		}
		if more := len(got) == c.limit && got[len(got)-1] != id(5); more != (next != "") || more && next != got[len(got)-1] {
			t.Errorf("%s: go on from %q after %v", name, next, got)
		}
	}
}

// sealEnded: whoever was ever out of force is listed for ever, and each change of
// such a seal is counted.
func sealEnded(t *testing.T, b *bench) {
	ended := func(want ...string) uint64 {
		t.Helper()
		rows, changes, err := b.Seals().Ended(t.Context())
		var got []string
		for _, r := range rows {
			got = append(got, r.ID)
			if now, err := b.Seals().Seal(t.Context(), r.ID); err != nil || !same(now, r) {
				t.Errorf("it is listed otherwise than it stands: %v %s", err, diff(now, r))
			}
		}
		if err != nil || !sameStrings(got, want) {
			t.Errorf("ended: %v, want %v, %v", got, want, err)
		}
		return changes
	}
	one, two := b.make(t, newSeal(1)), b.make(t, newSeal(2))
	before := ended()
	two = b.change(t, two) // nothing that the list tells
	if n := ended(); n != before {
		t.Errorf("%d changes after %d", n, before)
	}
	for _, step := range []func(){
		func() { one = b.change(t, one, frozen(time.Hour, 0)) },
		func() { one = b.change(t, one, frozen(time.Hour, 2*time.Hour)) },
		func() { one = b.change(t, one, frozen(time.Hour, 2*time.Hour)) }, // another policy, say
	} {
		step()
		n := ended(one.ID)
		if n <= before {
			t.Errorf("%d changes after %d", n, before)
		}
		before = n
	}
	b.change(t, two, frozen(time.Hour, 0))
	ended(one.ID, two.ID)
}

// sealRace: of many changes of one version, one is kept.
func sealRace(t *testing.T, b *bench) {
	s := b.make(t, newSeal(1))
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		next := s
		next.Version, next.Name = 2, fmt.Sprint(i)
		a := b.act(t, seal.ActFrozen, s.ID, next)
		wg.Go(func() { errs[i] = b.Seals().CommitSeal(t.Context(), a, next, 1, nil) })
	}
	wg.Wait()
	now, err := b.Seals().Seal(t.Context(), s.ID)
	if err != nil || b.size(t) != 2 {
		t.Fatal(err)
	}
	for i, err := range errs {
		if won := now.Name == fmt.Sprint(i); won && err != nil || !won && !errors.Is(err, seal.ErrChanged) {
			t.Errorf("%d: %v", i, err)
		}
	}
}

func sealRetry(t *testing.T, b *bench) {
	taken := b.act(t, "test.act", "x", 1)
	taken.Retry = &act.Retry{Owner: usccA, Key: "k"}
	check(t, "another office's act", b.Commit(t.Context(), taken), nil)
	s := newSeal(1)
	a := b.act(t, seal.ActMade, s.ID, s)
	a.Retry = taken.Retry
	b.unchanged(t, "under its key", act.ErrRetryTaken, func() error { return b.Seals().CommitSeal(t.Context(), a, s, 0, []byte("der")) })
	_, err := b.Seals().Seal(t.Context(), s.ID)
	check(t, "the seal", err, seal.ErrNotFound)
	if done, found, err := b.Seals().Done(t.Context(), taken.Retry.Slot(), b.now); err != nil || !found || done.Act != taken.ID {
		t.Error(done, found, err)
	}
}
