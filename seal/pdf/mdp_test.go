package pdf

import (
	"bytes"
	"strings"
	"testing"
)

func certified(t testing.TB, level int, lock *Lock) []byte {
	o := options(t, 0)
	o.Certify, o.Lock = level, lock
	return seal(t, sample(t, "unsigned/minimal.pdf"), o)
}

func further(t testing.TB, b []byte) []byte { return evilStamp(t, b, func(*increment) {}) }

// What may follow each certification and each lock. A further stamp is written past our
// own refusal; its field's name is "evil".
func TestPermissions(t *testing.T) {
	for name, c := range map[string]struct {
		b                       []byte
		further, evidence, edit bool // leave the first stamp good
	}{
		"no certification":     {certified(t, 0, nil), true, true, false},
		"nothing is permitted": {certified(t, 1, nil), false, true, false},
		"forms":                {certified(t, 2, nil), true, true, false},
		"forms and comments":   {certified(t, 3, nil), true, true, false},
		"all is locked":        {certified(t, 0, &Lock{Action: "All"}), false, true, false},
		"it is locked":         {certified(t, 0, &Lock{Action: "Include", Fields: []string{"name", "evil"}}), false, true, false},
		"others are locked":    {certified(t, 0, &Lock{Action: "Include", Fields: []string{"name", "evi"}}), true, true, false},
		"all others":           {certified(t, 0, &Lock{Action: "Exclude", Fields: []string{"name"}}), false, true, false},
		"all but it":           {certified(t, 2, &Lock{Action: "Exclude", Fields: []string{"evil"}}), true, true, false},
	} {
		kept := augmented(t, augmented(t, c.b, Addition{Evidence: pieces(1)}), Addition{TokenSize: 2048})
		for what, after := range map[string]struct {
			b    []byte
			good bool
		}{
			"alone":            {c.b, true},
			"a further stamp":  {further(t, c.b), c.further},
			"evidence":         {kept, c.evidence},
			"stamped after it": {further(t, kept), c.further && c.evidence},
			"an edit":          {update(t, c.b, "4", text(evil)), c.edit},
		} {
			s := stamps(t, after.b)[0]
			if got := len(s.Problems) == 0 && !s.ContentAdded; got != after.good {
				t.Errorf("%s, %s: %v %v", name, what, s.Problems, s.LaterChanges)
			}
		}
	}
	if s := stamps(t, certified(t, 2, nil))[0]; s.Certifies != 2 {
		t.Errorf("certifies %d", s.Certifies)
	}
	edited := stamps(t, update(t, certified(t, 2, nil), "4", text(evil)))[0]
	if !strings.Contains(strings.Join(edited.LaterChanges, "; "), "a seal does not") {
		t.Errorf("it is not told that a seal permits less: %v", edited.LaterChanges)
	}
}

// Certifications that contradict themselves or one another.
func TestPermissionsThatContradict(t *testing.T) {
	b := certified(t, 2, nil)
	if s := stamps(t, b)[0]; len(s.Problems) > 0 {
		t.Fatal(s.Problems)
	}
	second := options(t, 8)
	second.Certify = 1
	late := certifiedPastRefusal(t, seal(t, sample(t, "unsigned/minimal.pdf"), options(t, 0)), second)
	twice := certifiedPastRefusal(t, b, second)
	ref := func(from, to string) []byte {
		if !bytes.Contains(b, []byte(from)) {
			t.Fatalf("no %q", from)
		}
		return bytes.Replace(b, []byte(from), []byte(to), 1)
	}
	for name, c := range map[string]struct {
		b   []byte
		sig int
	}{
		"certified by the second":   {late, 1},
		"certified twice":           {twice, 1},
		"permission 4":              {ref("/P 2 /V /1.2", "/P 4 /V /1.2"), 0},
		"permission 0":              {ref("/P 2 /V /1.2", "/P 0 /V /1.2"), 0},
		"permission of no number":   {ref("/P 2 /V /1.2", "/P/x /V /1.2"), 0},
		"another one named":         {ref("/DocMDP 5 0 R", "/DocMDP 4 0 R"), 0},
		"named, and none certifies": {ref("/TransformMethod /DocMDP", "/TransformMethod /Nothing"), 0},
		"no array of transforms":    {ref("/Reference [", "/Reference ("), -1},
	} {
		f, err := Open(bytes.NewReader(c.b), int64(len(c.b)))
		if err != nil {
			continue
		}
		all, err := f.Stamps()
		if err != nil {
			continue
		}
		if c.sig < 0 || len(all[c.sig].Problems) == 0 {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

// certifiedPastRefusal writes what Layout refuses.
func certifiedPastRefusal(t testing.TB, b []byte, o Options) []byte {
	t.Helper()
	f := open(t, b)
	face, err := NewFace(o.Face.PNG, o.Face.WidthMM, o.Face.HeightMM)
	if err != nil {
		t.Fatal(err)
	}
	at, err := f.placeAll(o, face)
	if err != nil {
		t.Fatal(err)
	}
	n := newIncrement(f)
	if err := n.stamp(at, face, "second", o); err != nil {
		t.Fatal(err)
	}
	l := &Layout{f: f, from: n.holeFrom, to: n.holeTo}
	if l.inc, err = n.finish(); err != nil {
		t.Fatal(err)
	}
	inc, err := l.Increment(token(1500))
	if err != nil {
		t.Fatal(err)
	}
	return append(bytes.Clone(b), inc...)
}
