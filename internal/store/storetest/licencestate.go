package storetest

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"yinxin/license"
	"yinxin/verify/status"
)

// step gives a licence another state.
func (b *licenceBench) step(t testing.TB, l license.Licence, to status.LicenceState) (license.Licence, error) {
	t.Helper()
	before := l.Version
	l.Version, l.State, l.StateSince = before+1, to, b.now.Truncate(time.Second)
	return l, b.licences.CommitState(t.Context(), b.act(t, license.ActSuspended, l.Identifier, license.Change{Licence: l}), l, before)
}

func licenceStates(t *testing.T, b *licenceBench) {
	s := b.licences
	if shard, err := s.OpenShard(t.Context()); err != nil || shard != 0 {
		t.Errorf("shard %d is open at first, %v", shard, err)
	}
	l, other := b.issued(t, 7), b.issued(t, 8)
	last := uint64(0)
	shard := func(want map[uint32]status.LicenceState, changed bool) {
		t.Helper()
		got, changes, err := s.Shard(t.Context(), 0)
		if err != nil || !same(got, want) || (changes != last) != changed {
			t.Fatalf("%v, changes %d after %d, %v", got, changes, last, err)
		}
		last = changes
	}
	shard(map[uint32]status.LicenceState{}, false)
	shard(map[uint32]status.LicenceState{}, false)
	for _, to := range []status.LicenceState{status.LicenceSuspended, status.LicenceValid, status.LicenceSuspended, status.LicenceRevoked} {
		old := l
		var err error
		if l, err = b.step(t, l, to); err != nil {
			t.Fatal(err)
		}
		want := map[uint32]status.LicenceState{l.Position: to}
		if to == status.LicenceValid {
			want = map[uint32]status.LicenceState{}
		}
		shard(want, true)
		if got, err := s.Licence(t.Context(), l.Identifier); err != nil || !same(got, l) {
			t.Fatalf("%v %s", err, diff(l, got))
		}
		before := b.size(t)
		if _, err := b.step(t, old, status.LicenceRevoked); !errors.Is(err, license.ErrChanged) {
			t.Errorf("from an old version: %v", err)
		}
		future := l
		future.Version++
		if _, err := b.step(t, future, status.LicenceRevoked); !errors.Is(err, license.ErrChanged) {
			t.Errorf("from a version to come: %v", err)
		}
		if _, err := b.step(t, l, status.LicenceUnknown); err == nil {
			t.Error("a state that no list can hold")
		}
		if b.size(t) != before {
			t.Error("what was refused is in the journal")
		}
		shard(want, false)
	}
	if got, err := s.Licence(t.Context(), other.Identifier); err != nil || !same(got, other) {
		t.Errorf("another licence changed: %v %s", err, diff(other, got))
	}
	if _, _, err := s.Shard(t.Context(), 1); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a shard never opened: %v", err)
	}
}

// licenceRace: of many who change one version one is the first, and of many who
// issue at one position.
func licenceRace(t *testing.T, b *licenceBench) {
	l := b.issued(t, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	changed, issued := 0, 0
	for n := range 16 {
		next := l
		next.Version, next.State = l.Version+1, status.LicenceRevoked
		a := b.act(t, license.ActRevoked, l.Identifier, license.Change{Licence: next})
		i := b.licence(t, 100+n)
		i.licence.Position = 99
		wg.Go(func() {
			err1 := b.licences.CommitState(t.Context(), a, next, l.Version)
			err2 := b.put(t, i)
			mu.Lock()
			defer mu.Unlock()
			if err1 == nil {
				changed++
			} else if !errors.Is(err1, license.ErrChanged) {
				t.Error(err1)
			}
			if err2 == nil {
				issued++
			} else if !errors.Is(err2, license.ErrTaken) {
				t.Error(err2)
			}
		})
	}
	wg.Wait()
	if changed != 1 || issued != 1 {
		t.Errorf("%d changes of one version, %d licences at one position", changed, issued)
	}
}

func licenceLists(t *testing.T, b *licenceBench) {
	for n := range 9 {
		l := b.issued(t, n, func(i *issue) {
			if n%3 == 0 {
				i.licence.Agency = usccB
			}
			if n%2 == 0 {
				i.licence.Type = usccA + "002"
			}
		})
		if n == 5 {
			if _, err := b.step(t, l, status.LicenceRevoked); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		f    license.Filter
		want []uint32
	}{
		"all":          {license.Filter{}, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		"an agency's":  {license.Filter{Agency: usccB}, []uint32{0, 3, 6}},
		"of a type":    {license.Filter{Type: usccA + "002"}, []uint32{0, 2, 4, 6, 8}},
		"in a state":   {license.Filter{State: status.LicenceRevoked}, []uint32{5}},
		"of both":      {license.Filter{Agency: usccB, Type: usccA + "002"}, []uint32{0, 6}},
		"none":         {license.Filter{Agency: "11110000000021135M", State: status.LicenceRevoked}, nil},
		"after a row":  {license.Filter{Cursor: "1.2.156.3005.2.000006"}, []uint32{7, 8}},
		"after no row": {license.Filter{Cursor: "1.2.156.3005.2.0000065"}, []uint32{7, 8}},
		"after all":    {license.Filter{Cursor: "1.2.156.3005.2.000008"}, nil},
	} {
		for _, limit := range []int{1, 2, 3, 9, 100} {
			f := c.f
			f.Limit = limit
			var got []uint32
			for pages := 0; ; pages++ {
				rows, next, err := b.licences.Licences(t.Context(), f)
				if err != nil || len(rows) > limit || pages > 20 {
					t.Fatalf("%s by %d: %d rows, %v", name, limit, len(rows), err)
				}
				for _, l := range rows {
					got = append(got, l.Position)
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s by %d: %v, want %v", name, limit, got, c.want)
			}
		}
	}
}

func licenceNumbers(t *testing.T, b *licenceBench) {
	s := b.licences
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint64]bool{}
	for range 4 {
		wg.Go(func() {
			last := uint64(0)
			for range 10 {
				n, err := s.NextListNumber(t.Context(), 0)
				mu.Lock()
				if err != nil || n <= last || seen[n] {
					t.Errorf("number %d after %d, %v", n, last, err)
				}
				seen[n], last = true, n
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n, err := s.NextListNumber(t.Context(), 1); err != nil || n != 1 {
		t.Errorf("the first list of another shard is number %d, %v", n, err)
	}
}
