package seal_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/verify/status"
)

// step of a seal's life: what is done after how long, and what it must give.
type step struct {
	after time.Duration
	do    string // freeze, thaw, cancel
	since time.Duration
	err   error
}

const day = 24 * time.Hour

// Whatever is done to a seal in whatever order, its answer and the region's list
// can be signed at every moment of it, and tell the state that the seal has.
func TestTheLifeOfASeal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		steps []step
		want  []string // intervals, in seconds since the first step
	}{
		"frozen":                                  {[]step{{do: "freeze"}}, []string{"frozen 0-"}},
		"frozen and thawed":                       {[]step{{do: "freeze"}, {after: time.Hour, do: "thaw"}}, []string{"frozen 0-3600"}},
		"within one second":                       {[]step{{do: "freeze"}, {after: 100 * time.Millisecond, do: "thaw"}}, []string{"frozen 0-0.1"}},
		"within one millisecond":                  {[]step{{do: "freeze"}, {do: "thaw"}}, []string{"frozen 0-0.001"}},
		"twice within one millisecond":            {[]step{{do: "freeze"}, {do: "thaw"}, {do: "freeze"}}, []string{"frozen 0-"}},
		"twice within one millisecond, and ended": {[]step{{do: "freeze"}, {do: "thaw"}, {do: "freeze"}, {do: "thaw"}, {do: "cancel"}}, []string{"cancelled 0-"}},
		"frozen again at once":                    {[]step{{do: "freeze"}, {after: 5 * time.Second, do: "thaw"}, {do: "freeze"}}, []string{"frozen 0-5", "frozen 5-"}},
		"cancelled":                               {[]step{{do: "cancel"}}, []string{"cancelled 0-"}},
		"cancelled while frozen":                  {[]step{{do: "freeze"}, {after: time.Hour, do: "cancel"}}, []string{"frozen 0-3600", "cancelled 3600-"}},
		"as of before it was frozen":              {[]step{{do: "freeze"}, {after: time.Hour, do: "cancel", since: -2 * time.Hour}}, []string{"cancelled -3600-"}},
		"as of while it was frozen":               {[]step{{do: "freeze"}, {after: time.Hour, do: "cancel", since: -time.Minute}}, []string{"frozen 0-3540", "cancelled 3540-"}},
		"as of within an earlier freeze": {[]step{{do: "freeze"}, {after: time.Hour, do: "thaw"}, {after: time.Hour, do: "freeze"}, {after: time.Hour, do: "cancel", since: -150 * time.Minute}},
			[]string{"frozen 0-1800", "cancelled 1800-"}},
		"as of the second of a thaw": {[]step{{do: "freeze"}, {after: time.Hour, do: "thaw"}, {after: time.Hour, do: "cancel", since: -time.Hour}}, []string{"frozen 0-3600", "cancelled 3600-"}},
		"what is refused": {[]step{{do: "thaw", err: seal.ErrRefused}, {do: "cancel", since: time.Hour, err: seal.ErrRefused}, {do: "cancel", since: -90 * day, err: seal.ErrRefused},
			{do: "freeze", since: -time.Hour, err: seal.ErrRefused}, {do: "freeze"}, {do: "freeze", err: seal.ErrRefused}, {do: "cancel"},
			{do: "thaw", err: seal.ErrRefused}, {do: "freeze", err: seal.ErrRefused}, {do: "cancel", err: seal.ErrRefused}}, []string{"cancelled 0-"}},
	} {
		t.Run(name, func(t *testing.T) {
			h.seal = h.make(t, seal.Policy{})
			h.clock.move(2 * day)
			start := h.clock.now().Truncate(time.Second).Add(time.Second)
			h.clock.move(start.Sub(h.clock.now()))
			for i, st := range c.steps {
				h.clock.move(st.after)
				h.step(t, i, st)
				h.checkAnswers(t)
			}
			h.clock.move(time.Second)
			h.checkAnswers(t)
			s, err := h.Show(t.Context(), h.seal.ID)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range s.Intervals {
				text := fmt.Sprintf("%s %g-", i.State, i.From.Sub(start).Seconds())
				if !i.To.IsZero() {
					text += fmt.Sprint(i.To.Sub(start).Seconds())
				}
				got = append(got, text)
			}
			if !cmp.Equal(got, c.want) {
				t.Error(cmp.Diff(c.want, got))
			}
		})
	}
}

func (h *house) step(t *testing.T, i int, st step) {
	t.Helper()
	r := h.change(h.seal)
	if st.since != 0 {
		r.Since = h.clock.now().Add(st.since)
	}
	before := h.count(t)
	s, err := map[string]func() (seal.Seal, error){
		"freeze": func() (seal.Seal, error) { return h.Freeze(t.Context(), r) },
		"thaw":   func() (seal.Seal, error) { return h.Thaw(t.Context(), r) },
		"cancel": func() (seal.Seal, error) { return h.Cancel(t.Context(), r) },
	}[st.do]()
	if !errors.Is(err, st.err) {
		t.Fatalf("step %d, %s: %v, want %v", i, st.do, err, st.err)
	}
	if st.err != nil {
		if after := h.count(t); after != before {
			t.Errorf("step %d, refused, left %v after %v", i, after, before)
		}
		return
	}
	if kept, err := h.Show(t.Context(), s.ID); err != nil || !cmp.Equal(kept, s) {
		t.Errorf("step %d: %v %s", i, err, cmp.Diff(s, kept))
	}
	h.checkChange(t, s, map[string]string{"freeze": seal.ActFrozen, "thaw": seal.ActThawed, "cancel": seal.ActCancelled}[st.do])
}

// checkChange reads who, when and why from the journal's newest leaf.
func (h *house) checkChange(t *testing.T, s seal.Seal, name string) {
	t.Helper()
	size := h.count(t).Leaves
	e, err := h.db.Journal().LeafAt(t.Context(), size-1)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := act.ParseLeaf(e.Leaf)
	if err != nil {
		t.Fatal(err)
	}
	var c seal.Change
	if err := act.Decode(e.Record, &c); err != nil {
		t.Fatal(err)
	}
	now := h.clock.now()
	if leaf.Act != name || leaf.Subject != s.ID || leaf.Time != now.UnixMilli() {
		t.Errorf("the leaf is %+v", leaf)
	}
	if c.Who != "李四" || c.Why != "丢失" || !c.At.Equal(now.Truncate(time.Second)) || c.Seal.Version != s.Version || c.Seal.State != s.State {
		t.Errorf("the record is %+v", c)
	}
}

func TestNobodyAndNoReasonChangeNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.count(t)
	for _, r := range []seal.ChangeRequest{{SealID: h.seal.ID, Why: "y"}, {SealID: h.seal.ID, Who: "x"}, {SealID: h.seal.ID, Who: "x\x00", Why: "y"}} {
		for name, do := range map[string]func() (seal.Seal, error){
			"freeze": func() (seal.Seal, error) { return h.Freeze(t.Context(), r) },
			"cancel": func() (seal.Seal, error) { return h.Cancel(t.Context(), r) },
		} {
			if _, err := do(); !errors.Is(err, seal.ErrRefused) {
				t.Errorf("%s by %q for %q: %v", name, r.Who, r.Why, err)
			}
		}
	}
	if _, err := h.Freeze(t.Context(), seal.ChangeRequest{SealID: "52000000000009", Who: "x", Why: "y"}); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("an unknown seal: %v", err)
	}
	if after := h.count(t); after != before {
		t.Errorf("something was kept: %v, then %v", before, after)
	}
}

// Two officers at once: one change happens, and the other is told.
func TestTwoChangesAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	before := h.count(t).Leaves
	var wg sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wg.Go(func() { _, errs[i] = h.Freeze(t.Context(), h.change(h.seal)) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else if !errors.Is(err, seal.ErrChanged) && !errors.Is(err, seal.ErrRefused) {
			t.Error(err)
		}
	}
	if after := h.count(t).Leaves; done != 1 || after != before+1 {
		t.Errorf("%d freezes, %d leaves", done, after-before)
	}
}

// One more interval than the list may hold would make it unreadable for all.
func TestASealIsNotFrozenWithoutEnd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.seal
	for i := range status.MaxIntervals - 1 {
		from := s.Made.Add(time.Duration(2*i) * time.Second)
		s.Intervals = append(s.Intervals, status.Interval{State: status.SealFrozen, From: from, To: from.Add(time.Second)})
	}
	s.Version++
	a, err := act.New(h.clock.now(), zeros{}, "test.changed", s.ID, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.db.Seals().CommitSeal(t.Context(), a, s, 1, nil); err != nil {
		t.Fatal(err)
	}
	h.clock.move(day)
	if _, err := h.Freeze(t.Context(), h.change(s)); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("frozen once more: %v", err)
	}
	if _, err := h.Cancel(t.Context(), h.change(s)); err != nil {
		t.Errorf("it cannot be cancelled: %v", err)
	}
	h.checkAnswers(t)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
