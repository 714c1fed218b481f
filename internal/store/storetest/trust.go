package storetest

import (
	"strconv"
	"sync"
	"testing"

	"yinxin/internal/trust"
)

// Trust is the conformance suite of a trust.Store.
func Trust(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"schemes": trustSchemes, "lists": trustLists, "together": trustTogether, "race": trustRace, "apart": trustApart,
	})
}

func schemeRow(name string, revision uint64) trust.Scheme {
	return trust.Scheme{Name: name, Revision: revision, History: [][]byte{{1}, {2}}, Newest: []byte{3}, Since: morning, Who: "张三", Why: "两省互认"}
}

func (b *bench) schemes(t *testing.T, want ...trust.Scheme) {
	t.Helper()
	if got, err := b.Trust().Schemes(t.Context()); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
}

func (b *bench) lists(t *testing.T, scheme string, want ...trust.List) {
	t.Helper()
	if got, err := b.Trust().Lists(t.Context(), scheme); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
}

func trustSchemes(t *testing.T, b *bench) {
	b.schemes(t)
	first := schemeRow("aa", 1)
	a := b.act(t, trust.ActAdded, "aa", first)
	b.kept(t, "first trust", a, func() error { return b.Trust().CommitScheme(t.Context(), a, first, nil) })
	for _, revision := range []uint64{0, 1, 3} {
		row := schemeRow("aa", revision)
		again := b.act(t, trust.ActImported, "aa", row)
		b.unchanged(t, "a revision that is not the next", trust.ErrChanged, func() error { return b.Trust().CommitScheme(t.Context(), again, row, nil) })
	}
	second := schemeRow("aa", 2)
	second.Removed, second.Why = morning, "不再互认"
	a = b.act(t, trust.ActRemoved, "aa", second)
	b.kept(t, "removed", a, func() error { return b.Trust().CommitScheme(t.Context(), a, second, nil) })
	own := schemeRow(trust.Own, 1)
	own.History, own.Newest = nil, nil
	a = b.act(t, trust.ActRekeyed, trust.Own, own)
	b.kept(t, "another", a, func() error { return b.Trust().CommitScheme(t.Context(), a, own, nil) })
	b.schemes(t, second, own)
}

func trustLists(t *testing.T, b *bench) {
	put := func(name string, n uint64, raw string) error {
		return b.Trust().PutList(t.Context(), "aa", trust.List{Name: name, Sequence: n, Raw: []byte(raw)})
	}
	size := b.size(t)
	check(t, "the first", put("520000", 7, "x"), nil)
	check(t, "another region's", put("440000", 9, "y"), nil)
	for _, n := range []uint64{0, 6, 7} {
		check(t, "not above the one kept", put("520000", n, "z"), trust.ErrStale)
	}
	check(t, "above", put("520000", 8, "w"), nil)
	b.lists(t, "aa", trust.List{Name: "440000", Sequence: 9, Raw: []byte("y")}, trust.List{Name: "520000", Sequence: 8, Raw: []byte("w")})
	if b.size(t) != size {
		t.Error("a list is a leaf in the journal")
	}
}

// trustTogether: the row, its lists and the act are kept whole or not at all.
func trustTogether(t *testing.T, b *bench) {
	row := schemeRow("aa", 1)
	seven, nine := trust.List{Name: "520000", Sequence: 7, Raw: []byte("x")}, trust.List{Name: "440000", Sequence: 9, Raw: []byte("y")}
	a := b.act(t, trust.ActAdded, "aa", row)
	b.kept(t, "with lists", a, func() error {
		return b.Trust().CommitScheme(t.Context(), a, row, []trust.List{seven, nine})
	})
	b.lists(t, "aa", nine, seven)
	next := schemeRow("aa", 2)
	ten, six := trust.List{Name: "440000", Sequence: 10, Raw: []byte("z")}, trust.List{Name: "520000", Sequence: 6}
	a = b.act(t, trust.ActImported, "aa", next)
	b.unchanged(t, "one list older", trust.ErrStale, func() error {
		return b.Trust().CommitScheme(t.Context(), a, next, []trust.List{ten, six})
	})
	b.schemes(t, row)
	b.lists(t, "aa", nine, seven)
	a = b.act(t, trust.ActImported, "aa", next)
	b.kept(t, "one list as it was", a, func() error {
		return b.Trust().CommitScheme(t.Context(), a, next, []trust.List{ten, seven})
	})
	b.lists(t, "aa", ten, seven)
}

// trustRace: of many acts upon one revision one is kept, and of many lists of one
// sequence one.
func trustRace(t *testing.T, b *bench) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	acts, lists := 0, 0
	for i := range 10 {
		row := schemeRow("aa", 1)
		row.Why = strconv.Itoa(i)
		a := b.act(t, trust.ActAdded, "aa", row)
		wg.Go(func() {
			err := b.Trust().CommitScheme(t.Context(), a, row, nil)
			other := b.Trust().PutList(t.Context(), "aa", trust.List{Name: "520000", Sequence: 5, Raw: []byte{byte(i)}})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				acts++
			}
			if other == nil {
				lists++
			}
		})
	}
	wg.Wait()
	if acts != 1 || lists != 1 || b.size(t) != 1 {
		t.Errorf("%d acts, %d lists, %d leaves", acts, lists, b.size(t))
	}
}

// trustApart: schemes whose names begin alike do not mix.
func trustApart(t *testing.T, b *bench) {
	for _, scheme := range []string{"a", "aa", "ab"} {
		check(t, scheme, b.Trust().PutList(t.Context(), scheme, trust.List{Name: "a", Sequence: 1, Raw: []byte(scheme)}), nil)
	}
	b.lists(t, "a", trust.List{Name: "a", Sequence: 1, Raw: []byte("a")})
	b.lists(t, "b")
}
