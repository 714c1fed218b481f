package certs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

func (b *bench) regionOf(code string, change func(*RegionList)) json.RawMessage {
	b.t.Helper()
	l := b.region(code)
	change(&l)
	return b.sign(TypeRegionList, l, b.signer[code])
}

func (b *bench) schemeOf(n uint64, change func(*SchemeList), by ...*entity) json.RawMessage {
	b.t.Helper()
	l := b.scheme(n)
	change(&l)
	return b.sign(TypeSchemeList, l, by...)
}

func sequences(t testing.TB, b *Bundle) (scheme uint64, before []uint64, regions map[string]uint64) {
	t.Helper()
	for _, raw := range b.History {
		before = append(before, draft(t, raw).List().Sequence)
	}
	regions = map[string]uint64{}
	for _, raw := range b.Regions {
		st, err := ParseStatement(raw)
		var l RegionList
		if err == nil {
			err = st.Decode(&l)
		}
		if err != nil {
			t.Fatal(err)
		}
		regions[l.Iss] = l.Sequence
	}
	return draft(t, b.Scheme).List().Sequence, before, regions
}

// TestWhatABundleBecomes: each case is what a province that holds list 12 is given.
func TestWhatABundleBecomes(t *testing.T) {
	b := newBench(t)
	k := b.offline
	as, raise := func(*SchemeList) {}, func(l *RegionList) { l.Sequence++ }
	fourth := listSigner(t, "第四")
	rekeyed := func(l *SchemeList) { l.Keys = raws([]*entity{k[0], fourth, k[2]}) }
	by4 := func(l *SchemeList) { l.Regions[0].Keys = raws([]*entity{fourth}) }
	only := func(raw ...json.RawMessage) *Bundle { return &Bundle{Scheme: raw[0], Regions: raw[1:]} }
	have := b.bundle(12)
	r52 := func(change func(*RegionList)) *Bundle { return only(have.Scheme, b.regionOf("520000", change)) }
	lost := b.schemeOf(13, rekeyed, k[0], fourth, k[2]) // k[1] is lost: two of the old keys are left
	for name, c := range map[string]struct {
		next   *Bundle
		want   error
		scheme uint64
		region uint64 // of 520000
	}{
		"itself":                              {have, nil, 12, 7},
		"the next list":                       {only(b.schemeOf(13, as, k[0], k[2])), nil, 13, 7},
		"the next list with a region's":       {only(b.schemeOf(13, as, k[0], k[2]), b.regionOf("520000", raise)), nil, 13, 8},
		"by one key":                          {only(b.schemeOf(13, as, k[0])), ErrSignature, 0, 0},
		"by one key, twice":                   {only(b.schemeOf(13, as, k[0], k[0])), ErrMalformed, 0, 0},
		"by strangers":                        {only(b.schemeOf(13, func(l *SchemeList) { l.K, l.Keys = 1, raws([]*entity{fourth}) }, fourth)), ErrSignature, 0, 0},
		"a key lost and replaced":             {only(lost), nil, 13, 7},
		"other keys, by the new ones alone":   {only(b.schemeOf(13, func(l *SchemeList) { l.K, l.Keys = 1, raws([]*entity{fourth}) }, fourth)), ErrSignature, 0, 0},
		"other keys, by one of the old":       {only(b.schemeOf(13, rekeyed, k[0], fourth)), ErrSignature, 0, 0},
		"other keys, one number too far":      {only(b.schemeOf(14, rekeyed, k[0], fourth, k[2])), ErrCannotFollow, 0, 0},
		"over the list between":               {&Bundle{History: []json.RawMessage{lost}, Scheme: b.schemeOf(14, rekeyed, fourth, k[2])}, nil, 14, 7},
		"over the list between, which is not": {only(b.schemeOf(14, rekeyed, fourth, k[2])), ErrSignature, 0, 0},
		"older":                               {b.bundle(11), ErrRollback, 0, 0},
		"older, with a newer region":          {only(b.bundle(11).Scheme, b.regionOf("520000", raise)), nil, 12, 8},
		"another list 12":                     {only(b.schemeOf(12, func(l *SchemeList) { l.Regions[0].URL = "https://elsewhere" }, k[0], k[1])), ErrTwoLists, 0, 0},
		"list 12 with another two signatures": {only(b.schemeOf(12, as, k[1], k[2])), nil, 12, 7},
		"a region's newer list":               {r52(raise), nil, 12, 8},
		"a region's older list":               {r52(func(l *RegionList) { l.Sequence-- }), ErrRollback, 0, 0},
		"another list 7 of a region":          {r52(func(l *RegionList) { l.Name = "x" }), ErrTwoLists, 0, 0},
		"a region's list by another's key": {only(have.Scheme, b.sign(TypeRegionList, func() RegionList {
			l := b.region("520000")
			l.Sequence = 8
			return l
		}(), b.signer["440000"])), ErrSignature, 0, 0},
		"a region drops a service":      {r52(func(l *RegionList) { l.Sequence++; l.Services = l.Services[:1] }), ErrTakenBack, 0, 0},
		"a region ends a service":       {r52(func(l *RegionList) { l.Sequence++; l.Services[1].History = until(Withdrawn, noon) }), nil, 12, 8},
		"a region drops another region": {only(b.schemeOf(13, func(l *SchemeList) { l.Regions = l.Regions[1:] }, k[0], k[1])), nil, 13, 0},
		"a region's key is replaced": {only(b.schemeOf(13, func(l *SchemeList) { l.Regions[0].Keys = raws([]*entity{fourth}) }, k[0], k[1])), nil, 13,
			0},
		"a region's key is replaced, and its list signed anew": {only(b.schemeOf(13, by4, k[0], k[1]), b.sign(TypeRegionList, b.region("520000"), fourth)), nil, 13, 7},
		"another list 7 by the new key": {only(b.schemeOf(13, by4, k[0], k[1]), b.sign(TypeRegionList, func() RegionList {
			l := b.region("520000")
			l.Name = "x"
			return l
		}(), fourth)), ErrTwoLists, 0, 0},
		"a list before it by the new key": {only(b.schemeOf(13, by4, k[0], k[1]), b.sign(TypeRegionList, func() RegionList {
			l := b.region("520000")
			l.Sequence--
			return l
		}(), fourth)), nil, 13, 0},
		"the new key drops a service": {only(b.schemeOf(13, by4, k[0], k[1]), b.sign(TypeRegionList, func() RegionList {
			l := b.region("520000")
			l.Sequence, l.Services = 8, l.Services[:1]
			return l
		}(), fourth)), ErrTakenBack, 0, 0},
		"a certificate that is none": {r52(func(l *RegionList) {
			l.Sequence++
			l.Services = append(l.Services, RegionService{Type: ServiceTSA, Name: "x", Certificate: []byte{1}, History: until(Withdrawn, noon)})
		}), ErrMalformed, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := have.Advance(c.next)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			scheme, _, regions := sequences(t, got)
			if scheme != c.scheme || regions["520000"] != c.region {
				t.Errorf("scheme %d, regions %v", scheme, regions)
			}
			if _, err := got.Open(TrustOptions{Anchors: []string{anchorOf(t, b.scheme(12))}, At: noon}); err != nil {
				t.Errorf("whoever trusted list 12 is not led to it: %v", err)
			}
		})
	}
	if scheme, _, regions := sequences(t, have); scheme != 12 || regions["520000"] != 7 {
		t.Error("what was at hand was changed")
	}
}

func until(end ServiceState, at time.Time) []ServiceStatus {
	return []ServiceStatus{{Granted, noon.Add(-30 * day)}, {end, at}}
}

// TestWhatARegionMayNotTakeBack: at no time may a newer list show a better state.
func TestWhatARegionMayNotTakeBack(t *testing.T) {
	g := func(more ...ServiceStatus) []ServiceStatus {
		return append([]ServiceStatus{{Granted, noon.Add(-30 * day)}}, more...)
	}
	w, d := ServiceStatus{Withdrawn, noon}, ServiceStatus{Distrusted, noon}
	moved := func(s ServiceStatus, by time.Duration) ServiceStatus { return ServiceStatus{s.State, s.Since.Add(by)} }
	for name, c := range map[string]struct {
		was, now []ServiceStatus
		better   bool
	}{
		"the same":                      {g(w), g(w), false},
		"withdrawn":                     {g(), g(w), false},
		"distrusted":                    {g(), g(d), false},
		"distrusted after all":          {g(w), g(w, moved(d, day)), false},
		"distrusted since before":       {g(w), g(moved(d, -day)), false},
		"granted again":                 {g(w), g(), true},
		"distrust ended":                {g(d), g(), true},
		"distrust made a withdrawal":    {g(d), g(w), true},
		"withdrawn a second later":      {g(w), g(moved(w, time.Second)), true},
		"distrusted a second later":     {g(d), g(moved(d, time.Second)), true},
		"distrusted later, not before":  {g(w), g(moved(d, day)), true},
		"granted a second earlier":      {g(), []ServiceStatus{{Granted, noon.Add(-30*day - time.Second)}}, true},
		"granted later":                 {g(), []ServiceStatus{{Granted, noon.Add(-29 * day)}}, false},
		"distrust made later, withdrew": {g(moved(d, day)), g(w, moved(d, day)), false},
	} {
		if got := better(c.was, c.now); got != c.better {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestManyChangesOfKeys: 32 changes, of each of which two lists are kept, fit into
// the 64 lists of a history; another anchor is needed then.
func TestManyChangesOfKeys(t *testing.T) {
	b := newBench(t)
	keys := []*entity{listSigner(t, "甲"), listSigner(t, "乙")}
	by := func(i int) func(*SchemeList) {
		return func(l *SchemeList) { l.K, l.Keys = 1, raws(keys[i%2:i%2+1]) }
	}
	n := uint64(1)
	at := &Bundle{Scheme: b.schemeOf(n, by(0), keys[0]), Regions: []json.RawMessage{}}
	first := anchorOf(t, draft(t, at.Scheme).List())
	step := func(i int, signers ...*entity) error {
		n++
		next, err := at.Advance(&Bundle{Scheme: b.schemeOf(n, by(i), signers...)})
		if err == nil {
			at = next
		}
		return err
	}
	changes := 0
	for i := 1; ; i++ {
		// Some lists with the same keys, which a history does without.
		for range 2 {
			if err := step(i-1, keys[(i-1)%2]); err != nil {
				t.Fatal(err)
			}
		}
		if err := step(i, keys...); err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			break
		}
		changes++
	}
	if len(at.History) > maxHistoryLists || changes != maxHistoryLists/2 {
		t.Fatalf("%d changes, %d lists", changes, len(at.History))
	}
	file, err := at.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseBundle(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.Open(TrustOptions{Anchors: []string{first}, At: noon}); err != nil {
		t.Error(err)
	}
	// From a later anchor on it is shorter.
	anchors, err := back.Anchors()
	if err != nil || len(anchors) != changes+1 || anchors[0] != first {
		t.Fatal(len(anchors), err)
	}
	late, err := back.From(anchors[1])
	if err != nil || len(late.History) >= len(back.History) {
		t.Fatal(err)
	}
	if _, err := back.From("00" + first[2:]); !errors.Is(err, ErrUnknownAnchor) {
		t.Error(err)
	}
}

// A chain over 5,000 lists with the same keys keeps one list per thousand numbers.
func TestLongRunsAreShortened(t *testing.T) {
	b := newBench(t)
	at := b.bundle(1)
	for n := uint64(501); n <= 5001; n += 500 {
		next, err := at.Advance(&Bundle{Scheme: b.schemeOf(n, func(*SchemeList) {}, b.offline[:2]...)})
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
	if scheme, before, _ := sequences(t, at); scheme != 5001 || len(before) != 0 {
		t.Error(fmt.Sprint(before)) // the anchor is the same: the newest stands for itself
	}
}

func TestMerge(t *testing.T) {
	b := newBench(t)
	open := func(at time.Time, bundle *Bundle) *Trust {
		trust, err := bundle.Open(TrustOptions{At: at})
		if err != nil && !errors.Is(err, ErrTrustExpired) {
			t.Fatal(err)
		}
		return trust
	}
	own := open(noon, &Bundle{Scheme: b.bundle(12).Scheme, Regions: b.bundle(12).Regions[:1]})
	short := b.schemeOf(3, func(l *SchemeList) { l.Exp = noon.Add(day) }, b.offline[:2]...)
	other := open(noon, &Bundle{Scheme: short, Regions: []json.RawMessage{b.regionOf("520000", func(l *RegionList) { l.Sequence = 99 }), b.regionOf("440000", func(*RegionList) {})}})
	m := Merge(own, other)
	var codes []string
	for code := range m.Regions {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	if !slices.Equal(codes, []string{"440000", "520000"}) || m.Regions["520000"].Sequence != 7 || m.SchemeSequence != 12 || m.Expired {
		t.Errorf("%v %+v", codes, m)
	}
	// The other scheme ends first, and takes its own region alone with it.
	if !m.Regions["440000"].Expires.Equal(noon.Add(day)) || !m.Regions["520000"].Expires.Equal(noon.Add(ListLife)) || !m.SchemeExpires.Equal(noon.Add(ListLife)) {
		t.Errorf("%s %s %s", m.Regions["440000"].Expires, m.Regions["520000"].Expires, m.SchemeExpires)
	}
	if other.Regions["440000"].Expires.Equal(noon.Add(day)) {
		t.Error("what was merged was changed")
	}
}

func FuzzAdvance(f *testing.F) {
	b := newBench(f)
	have := b.bundle(12)
	for _, next := range []*Bundle{b.bundle(13), b.bundle(11), {Scheme: have.Scheme, Regions: []json.RawMessage{b.regionOf("520000", func(l *RegionList) { l.Sequence = 8 })}}} {
		file, err := next.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Add([]byte(have.Scheme))
	was, _, regions := sequences(f, have)
	f.Fuzz(func(t *testing.T, raw []byte) {
		next, err := ParseSchemeOrBundle(raw)
		if err != nil {
			return
		}
		got, err := have.Advance(next)
		if err != nil {
			return
		}
		// Nothing that anyone writes can lead back.
		scheme, _, now := sequences(t, got)
		if scheme < was {
			t.Fatal(scheme)
		}
		for code, n := range now {
			if n < regions[code] {
				t.Fatal(code, n)
			}
		}
	})
}
