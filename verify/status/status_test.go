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
