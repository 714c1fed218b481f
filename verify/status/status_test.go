package status

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func goodSeal() SealStatus {
	return SealStatus{
		Head: Head{Iss: "520000", Iat: noon, Exp: noon.Add(time.Hour)},
		ID:   "52010000000001", Seal: strings.Repeat("0a", 32), At: noon.Add(-time.Hour), State: SealInForce, AsOf: noon,
		Intervals: []Interval{{State: SealFrozen, From: noon.Add(-9 * time.Hour), To: noon.Add(-8 * time.Hour)}},
	}
}

func TestSealStatusValidate(t *testing.T) {
	if err := goodSeal().Validate(); err != nil {
		t.Fatalf("a good answer is refused: %v", err)
	}
	open := Interval{State: SealFrozen, From: noon.Add(-2 * time.Hour)}
	bad := map[string]func(*SealStatus){
		"no region":            func(s *SealStatus) { s.Iss = "" },
		"ends at once":         func(s *SealStatus) { s.Exp = s.Iat },
		"upper-case hex":       func(s *SealStatus) { s.Seal = strings.ToUpper(s.Seal) },
		"short hex":            func(s *SealStatus) { s.Seal = "0a" },
		"at after asOf":        func(s *SealStatus) { s.At = noon.Add(time.Second) },
		"asOf after iat":       func(s *SealStatus) { s.AsOf = noon.Add(time.Second) },
		"state is not history": func(s *SealStatus) { s.Intervals = append(s.Intervals, open) },
		"unknown interval":     func(s *SealStatus) { s.Intervals[0].State = "lost" },
		"in force interval":    func(s *SealStatus) { s.Intervals[0].State = SealInForce },
		"out of order":         func(s *SealStatus) { s.Intervals = append(s.Intervals, s.Intervals[0]) },
		"after an open one": func(s *SealStatus) {
			s.Intervals = []Interval{{State: SealFrozen, From: noon.Add(-9 * time.Hour)}, open}
			s.State = SealFrozen
		},
		"cancelled, then ended": func(s *SealStatus) { s.Intervals[0].State = SealCancelled },
		"long nonce":            func(s *SealStatus) { s.Nonce = strings.Repeat("n", MaxNonce+1) },
	}
	for name, change := range bad {
		s := goodSeal()
		change(&s)
		if s.Validate() == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestStateAt(t *testing.T) {
	h := []Interval{
		{State: SealFrozen, From: noon, To: noon.Add(time.Hour)},
		{State: SealCancelled, From: noon.Add(2 * time.Hour)},
	}
	for _, c := range []struct {
		after time.Duration
		want  SealState
	}{
		{-1, SealInForce}, {0, SealFrozen}, {time.Hour - 1, SealFrozen}, {time.Hour, SealInForce},
		{2 * time.Hour, SealCancelled}, {2000 * time.Hour, SealCancelled},
	} {
		if got := StateAt(h, noon.Add(c.after)); got != c.want {
			t.Errorf("at noon%+v: %s, want %s", c.after, got, c.want)
		}
	}
}

func TestSealListValidate(t *testing.T) {
	l := SealList{Head: goodSeal().Head, Number: 3, AsOf: noon, Seals: []ListedSeal{
		{ID: "52010000000001", Version: 1, Seal: strings.Repeat("0a", 32), Intervals: goodSeal().Intervals}}}
	if err := l.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(l.Find(strings.Repeat("0a", 32))) != 1 || l.Find(strings.Repeat("0b", 32)) != nil {
		t.Error("Find gives the wrong seal")
	}
	l.Seals = append(l.Seals, l.Seals[0])
	if l.Validate() == nil {
		t.Error("a seal twice: accepted")
	}
	l.Seals = []ListedSeal{{ID: "x", Seal: strings.Repeat("0a", 32)}}
	if l.Validate() == nil {
		t.Error("a seal without an interval: accepted")
	}
}

// What a list may not say: each is a list that would hide or invent an end.
func TestSealListsThatContradictThemselves(t *testing.T) {
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	frozen := func(from, to int) Interval { return Interval{State: SealFrozen, From: hour(from), To: hour(to)} }
	one := func(intervals ...Interval) func(*SealList) {
		return func(l *SealList) { l.Seals[0].Intervals = intervals }
	}
	for name, c := range map[string]struct {
		change func(*SealList)
		good   bool
	}{
		"as it is":              {func(*SealList) {}, true},
		"of nothing":            {func(l *SealList) { l.Seals = nil }, true},
		"no time":               {func(l *SealList) { l.AsOf = time.Time{} }, false},
		"known later than iat":  {func(l *SealList) { l.AsOf = noon.Add(time.Second) }, false},
		"no region":             {func(l *SealList) { l.Iss = "" }, false},
		"no end":                {func(l *SealList) { l.Exp = time.Time{} }, false},
		"no SM3":                {func(l *SealList) { l.Seals[0].Seal = "" }, false},
		"upper-case SM3":        {func(l *SealList) { l.Seals[0].Seal = strings.Repeat("0A", 32) }, false},
		"too many intervals":    {one(make([]Interval, MaxIntervals+1)...), false},
		"two in order":          {one(frozen(-9, -8), frozen(-8, -7)), true},
		"they overlap":          {one(frozen(-9, -7), frozen(-8, -6)), false},
		"out of order":          {one(frozen(-5, -4), frozen(-9, -8)), false},
		"ends as it begins":     {one(frozen(-9, -9)), false},
		"ends before it begins": {one(frozen(-8, -9)), false},
		"begins in the future":  {one(Interval{State: SealFrozen, From: hour(1)}), false},
		"ends in the future":    {one(frozen(-9, 1)), false},
		"begins never":          {one(Interval{State: SealFrozen, To: hour(-1)}), false},
		"lasts":                 {one(frozen(-9, -8), Interval{State: SealFrozen, From: hour(-1)}), true},
		"lasts, then another":   {one(Interval{State: SealFrozen, From: hour(-9)}, frozen(-2, -1)), false},
		"frozen, cancelled":     {one(frozen(-9, -8), Interval{State: SealCancelled, From: hour(-8)}), true},
		"cancelled, thawed":     {one(Interval{State: SealCancelled, From: hour(-9), To: hour(-8)}), false},
		"cancelled, frozen":     {one(Interval{State: SealCancelled, From: hour(-9)}, frozen(-2, -1)), false},
		"replaced":              {one(Interval{State: SealReplaced, From: hour(-9)}), true},
		"unknown":               {one(Interval{State: SealUnknown, From: hour(-9)}), false},
	} {
		l := SealList{Head: goodSeal().Head, Number: 3, AsOf: noon, Seals: []ListedSeal{{ID: "52010000000001", Version: 1, Seal: strings.Repeat("0a", 32), Intervals: goodSeal().Intervals}}}
		c.change(&l)
		if err := l.Validate(); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLicence(t *testing.T) {
	for n := byte(0); n < 16; n++ {
		s, ok := LicenceStateOf(n)
		if ok != (n <= 6) {
			t.Errorf("number %d: ok=%v", n, ok)
		}
		if back, ok := s.Nibble(); ok && back != n {
			t.Errorf("number %d comes back as %d", n, back)
		}
	}
	l := LicenceStatus{Head: goodSeal().Head, Identifier: "1.2.156.3005.2.x", State: LicenceRevoked, StateSince: noon, AsOf: noon}
	if err := l.Validate(); err != nil {
		t.Fatal(err)
	}
	l.SupersededBy = "y"
	if l.Validate() == nil {
		t.Error("a revoked licence with a successor: accepted")
	}
	if (StatusList{Head: l.Head, AsOf: noon, Count: ShardSize + 1, Bits: []byte{1}}).Validate() == nil {
		t.Error("a shard too large: accepted")
	}
}

// The head's members stand beside the others, as protocol.md 1 wants them, and a
// time that is not there is not written as year 1.
func TestJSON(t *testing.T) {
	b, err := json.Marshal(goodSeal())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"iss":"520000"`, `"iat":"2026-11-23T12:00:00Z"`, `"state":"in_force"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s lacks %s", b, want)
		}
	}
	b, _ = json.Marshal(Interval{State: SealFrozen, From: noon})
	if strings.Contains(string(b), `"to"`) {
		t.Errorf("an open interval is written %s", b)
	}
}
