package seal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"yinxin/hsm"
	"yinxin/seal"
)

func TestGroundsOfACancellation(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for name, c := range map[string]struct {
		grounds seal.Grounds
		since   time.Duration // after its making; 0: as of now
		want    seal.Grounds  // "" where it is refused
	}{
		"none":                            {"", 0, seal.GroundsOther},
		"none, back-dated":                {"", time.Minute, seal.GroundsCompromise},
		"a merger":                        {seal.GroundsMerger, 0, seal.GroundsMerger},
		"a merger, back-dated":            {seal.GroundsMerger, time.Minute, ""},
		"a loss, back-dated":              {seal.GroundsLoss, time.Minute, seal.GroundsLoss},
		"a compromise":                    {seal.GroundsCompromise, 0, seal.GroundsCompromise},
		"a compromise, back-dated":        {seal.GroundsCompromise, time.Minute, seal.GroundsCompromise},
		"a compromise before it was made": {seal.GroundsCompromise, -day, ""},
		"a compromise to come":            {seal.GroundsCompromise, 2 * time.Hour, ""},
		"what is no grounds":              {"whim", 0, ""},
	} {
		s := h.make(t, seal.Policy{})
		h.clock.move(time.Hour)
		r := h.change(s)
		if r.Grounds = c.grounds; c.since != 0 {
			r.Since = s.Made.Add(c.since)
		}
		got, err := h.Cancel(t.Context(), r)
		if c.want == "" {
			if !errors.Is(err, seal.ErrRefused) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || got.End == nil || got.End.Grounds != c.want || got.End.Who != "李四" || !got.End.Since.Equal(r.Since) || !got.End.At.Equal(h.clock.now().Truncate(time.Millisecond)) {
			t.Errorf("%s: %v %+v", name, err, got.End)
		}
	}
}

// Of a seal that is cancelled it may come to be known that its key was misused before.
func TestACompromiseOfACancelledSeal(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	st := h.stamp(t, request(h.seal))
	h.clock.move(time.Hour)
	r := h.change(h.seal)
	r.Grounds = seal.GroundsMerger
	if _, err := h.Cancel(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Hour)
	r.Grounds, r.Since = seal.GroundsCompromise, h.clock.now().Add(-time.Minute)
	if _, err := h.Cancel(t.Context(), r); !errors.Is(err, seal.ErrRefused) {
		t.Error("as of a time after its end:", err)
	}
	r.Since = st.SealedAt.Add(-time.Second)
	s, err := h.Cancel(t.Context(), r)
	if err != nil || s.End.Grounds != seal.GroundsCompromise || len(s.Intervals) != 1 || !s.Intervals[0].From.Equal(r.Since) {
		t.Fatalf("%v %+v", err, s)
	}
	if got, err := h.Entry(t.Context(), st.ID); err != nil || got.Distrusted == nil {
		t.Errorf("%+v %v", got.Distrusted, err)
	}
	h.checkAnswers(t)
	if steps, err := h.History(t.Context(), s.ID); err != nil || len(steps) != 3 || steps[1].Seal.End.Grounds != seal.GroundsMerger {
		t.Errorf("%v %+v", err, steps)
	}
}

// stuckKeys cannot destroy: the process dies between the act and the keys.
type stuckKeys struct{ hsm.Keystore }

var errStuck = errors.New("gone")

func (stuckKeys) SetState(context.Context, string, hsm.State) error { return errStuck }

// A destroyed seal's keys are gone for ever; its record and picture stay.
func TestDestruction(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	old := h.seal
	s, err := h.Vary(t.Context(), h.vary(h.seal, "更名局"))
	if err != nil {
		t.Fatal(err)
	}
	r := h.change(s)
	r.Witness = "王五"
	if _, err := h.Destroy(t.Context(), r); !errors.Is(err, seal.ErrRefused) {
		t.Error("one in force:", err)
	}
	if _, err := h.Cancel(t.Context(), h.change(s)); err != nil {
		t.Fatal(err)
	}
	for name, witness := range map[string]string{"nobody": "", "no name": "..", "who asks": "李四", "who asks, spelt with a space": " 李 四"} {
		r := r
		r.Witness = witness
		if _, err := h.Destroy(t.Context(), r); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("before %s: %v", name, err)
		}
	}
	h.config.Keys = stuckKeys{h.keys}
	h.restart(t)
	if _, err := h.Destroy(t.Context(), r); !errors.Is(err, errStuck) {
		t.Fatal("over keys that cannot be destroyed:", err)
	}
	if h.keyState(t, s.KeyID) != hsm.Active {
		t.Fatal("the fault did nothing")
	}
	h.config.Keys = h.keys
	h.restart(t)
	if err := h.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{old.KeyID, s.KeyID} {
		if got := h.keyState(t, id); got != hsm.Destroyed {
			t.Errorf("key %s is %s", id, got)
		}
	}
	now, err := h.Show(t.Context(), s.ID)
	if err != nil || now.Destroyed == nil || now.Destroyed.Witness != "王五" || len(now.Destroyed.Keys) != 2 {
		t.Errorf("%v %+v", err, now.Destroyed)
	}
	if _, err := h.Destroy(t.Context(), r); !errors.Is(err, seal.ErrRefused) {
		t.Error("twice:", err)
	}
	for _, sum := range [][32]byte{old.SM3, s.SM3} {
		if der, err := h.db.Seals().SealDER(t.Context(), sum); err != nil || len(der) == 0 {
			t.Errorf("its picture: %v", err)
		}
	}
	h.seal = s
	h.checkAnswers(t)
}

// Keys of editions that were replaced are suspended at the next start, if the process
// died before it could.
func TestAReplacedKeyIsSuspendedAtTheNextStart(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.config.Keys = stuckKeys{h.keys}
	h.restart(t)
	s, err := h.Renew(t.Context(), h.vary(h.seal, ""))
	if err != nil || h.keyState(t, h.seal.KeyID) != hsm.Active {
		t.Fatal(err, h.keyState(t, h.seal.KeyID))
	}
	h.config.Keys = h.keys
	h.restart(t)
	if err := h.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.keyState(t, h.seal.KeyID) != hsm.Suspended || h.keyState(t, s.KeyID) != hsm.Active {
		t.Error("the old key may sign, or the new one may not")
	}
	h.clock.move(time.Second)
	h.stamp(t, request(s))
}
