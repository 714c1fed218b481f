package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/hsm"
	"yinxin/seal"
	"yinxin/seal/face"
	"yinxin/seal/ses"
	"yinxin/verify/status"
)

// vary asks for another name, with a face that shows it; "" for neither.
func (h *house) vary(s seal.Seal, name string) seal.VaryRequest {
	r := seal.VaryRequest{ChangeRequest: seal.ChangeRequest{SealID: s.ID, Who: "李四", Why: "更名"}, AgencyName: "示例局", Name: name}
	if name != "" {
		r.Face = &face.Spec{Shape: face.Round}
	}
	return r
}

func (h *house) keyState(t *testing.T, id string) hsm.State {
	t.Helper()
	k, err := h.keys.Key(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return k.Info().State
}

// A change makes another SESeal under the same code, on another key; the old one is
// replaced from that moment on, in the answer and in the list, and signs no more.
func TestAChangedSealHasAnotherEdition(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.stamp(t, request(h.seal))
	h.clock.move(time.Hour)
	changed := h.clock.now().UTC().Truncate(time.Millisecond)
	s, err := h.Vary(t.Context(), h.vary(h.seal, "更名局"))
	if err != nil {
		t.Fatal(err)
	}
	if s.ID != h.seal.ID || s.Edition != 2 || s.Name != "更名局" || s.SM3 == h.seal.SM3 || s.KeyID == h.seal.KeyID || s.CertSerial == h.seal.CertSerial || s.State != status.SealInForce || !s.Made.Equal(h.seal.Made) {
		t.Errorf("%+v", s)
	}
	der, err := h.db.Seals().SealDER(t.Context(), s.SM3)
	if err != nil {
		t.Fatal(err)
	}
	if parsed, err := ses.ParseSeal(der); err != nil || parsed.ID != s.ID || parsed.Name != "更名局" {
		t.Errorf("its SESeal: %v", err)
	}
	if h.keyState(t, h.seal.KeyID) != hsm.Suspended || h.keyState(t, s.KeyID) != hsm.Active {
		t.Error("the old key may sign, or the new one may not")
	}
	h.clock.move(time.Minute)
	second := h.stamp(t, request(s))
	if second.SealSM3 != s.SM3 || second.SealVersion != s.Version || first.SealSM3 != h.seal.SM3 {
		t.Error("the stamps are not of their editions")
	}
	for _, c := range []struct {
		seal seal.Seal
		at   time.Time
		want status.SealState
	}{{h.seal, changed.Add(-time.Millisecond), status.SealInForce}, {h.seal, changed, status.SealReplaced}, {h.seal, h.clock.now(), status.SealReplaced}, {s, h.clock.now(), status.SealInForce}} {
		if a := h.status(t, c.seal, c.at, ""); a.State != c.want || a.Version != s.Version {
			t.Errorf("%x at %s: %+v, want %s", c.seal.SM3[:4], c.at, a, c.want)
		}
	}
	l := h.list(t)
	want := []status.ListedSeal{{ID: s.ID, Version: 1, Seal: hex.EncodeToString(h.seal.SM3[:]), Intervals: []status.Interval{{State: status.SealReplaced, From: changed}}}}
	if !cmp.Equal(l.Seals, want) {
		t.Error(cmp.Diff(want, l.Seals))
	}
}

// A retry of a stamp by an edition that was replaced since gives the same bytes, also
// when its key is destroyed and the process another.
func TestARetryOfAnOldEdition(t *testing.T) {
	t.Parallel()
	for name, stamp := range kinds {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			r := request(h.seal)
			r.Retry = retry("k", 1)
			first, _, err := stamp(t, h, r)
			if err != nil {
				t.Fatal(err)
			}
			again := func(when string) {
				t.Helper()
				if got, _, err := stamp(t, h, r); err != nil || !bytes.Equal(got, first) {
					t.Errorf("%s: %d octets for %d, %v", when, len(got), len(first), err)
				}
			}
			h.clock.move(time.Minute)
			v := h.vary(h.seal, "另一个名称")
			v.PNG, v.Face, v.WidthMM, v.HeightMM = uploaded(t, 30, 30), nil, 30, 30
			if _, err := h.Vary(t.Context(), v); err != nil {
				t.Fatal(err)
			}
			again("after a change")
			h.restart(t)
			again("after a change and a restart")
			c := h.change(h.seal)
			if _, err := h.Cancel(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			c.Witness = "王五"
			if _, err := h.Destroy(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			again("after its keys were destroyed")
			h.restart(t)
			again("after that and a restart")
		})
	}
}

func TestARenewalChangesNothingThatIsSeen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.clock.move(2 * 365 * day)
	v := h.vary(h.seal, "")
	s, err := h.Renew(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	if s.Name != h.seal.Name || s.WidthMM != h.seal.WidthMM || s.Edition != 2 || !s.ValidTo.After(h.seal.ValidTo) {
		t.Errorf("%+v", s)
	}
	v.Name = "x"
	if _, err := h.Renew(t.Context(), v); !errors.Is(err, seal.ErrRefused) {
		t.Error("a renewal that changes the name:", err)
	}
	h.clock.move(time.Second)
	h.stamp(t, request(s))
}

// Under an idempotency key a change is one, whatever is asked again and when.
func TestAChangeIsMadeOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	v := h.vary(h.seal, "更名局")
	v.Retry = retry("change", 1)
	s, err := h.Vary(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	before := h.count(t)
	for range 2 {
		if again, err := h.Vary(t.Context(), v); err != nil || again.Edition != 2 || again.SM3 != s.SM3 {
			t.Errorf("again: edition %d, %v", again.Edition, err)
		}
		h.restart(t)
	}
	if after := h.count(t); after != before {
		t.Errorf("left %v after %v", after, before)
	}
	v.Retry = retry("change", 2)
	if _, err := h.Vary(t.Context(), v); !errors.Is(err, seal.ErrRetryMismatch) {
		t.Error("another request under the key:", err)
	}
}

func TestWhatIsNotChanged(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	frozen, cancelled := h.make(t, seal.Policy{}), h.make(t, seal.Policy{})
	if _, err := h.Freeze(t.Context(), h.change(frozen)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Cancel(t.Context(), h.change(cancelled)); err != nil {
		t.Fatal(err)
	}
	before := h.count(t)
	for name, c := range map[string]func(*seal.VaryRequest){
		"a frozen seal":      func(v *seal.VaryRequest) { v.SealID = frozen.ID },
		"a cancelled seal":   func(v *seal.VaryRequest) { v.SealID = cancelled.ID },
		"nobody asks":        func(v *seal.VaryRequest) { v.Who = "" },
		"no grounds":         func(v *seal.VaryRequest) { v.Why = "" },
		"too large":          func(v *seal.VaryRequest) { v.WidthMM, v.HeightMM = 61, 61 },
		"no picture":         func(v *seal.VaryRequest) { v.Face, v.PNG = nil, []byte("x") },
		"a name of controls": func(v *seal.VaryRequest) { v.Name = "\x1b" },
		"back-dated":         func(v *seal.VaryRequest) { v.Since = h.clock.now() },
	} {
		v := h.vary(h.seal, "更名局")
		c(&v)
		if _, err := h.Vary(t.Context(), v); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	v := h.vary(seal.Seal{ID: "52000000000099"}, "x")
	if _, err := h.Vary(t.Context(), v); !errors.Is(err, seal.ErrNotFound) {
		t.Error("no such seal:", err)
	}
	if after := h.count(t); after != before {
		t.Errorf("left %v after %v", after, before)
	}
}

// The intervals of a seal are told of each of its editions: a freeze concerns all, and
// a compromise as of a time before the change says more than that one was replaced.
func TestIntervalsOfEditions(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	at := func(d time.Duration) time.Time { return time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC).Add(d) }
	h.clock.move(at(time.Hour).Sub(h.clock.now()))
	step := func(do func() (seal.Seal, error)) seal.Seal {
		t.Helper()
		s, err := do()
		if err != nil {
			t.Fatal(err)
		}
		h.clock.move(time.Hour)
		return s
	}
	step(func() (seal.Seal, error) { return h.Freeze(t.Context(), h.change(h.seal)) })
	step(func() (seal.Seal, error) { return h.Thaw(t.Context(), h.change(h.seal)) })
	r := request(h.seal)
	early := h.stamp(t, r) // at 3 h
	h.clock.move(time.Hour)
	second := step(func() (seal.Seal, error) { return h.Vary(t.Context(), h.vary(h.seal, "二")) }) // at 4 h
	late := h.stamp(t, r)                                                                         // at 5 h
	h.clock.move(time.Hour)
	frozen := status.Interval{State: status.SealFrozen, From: at(time.Hour), To: at(2 * time.Hour)}
	check := func(when string, s seal.Seal, want ...status.Interval) {
		t.Helper()
		if got := h.status(t, s, time.Time{}, "").Intervals; !cmp.Equal(got, want) {
			t.Errorf("%s: %s", when, cmp.Diff(want, got))
		}
	}
	check("the old edition", h.seal, frozen, status.Interval{State: status.SealReplaced, From: at(4 * time.Hour)})
	check("the new one", second, frozen)
	c := h.change(h.seal)
	c.Grounds, c.Since = seal.GroundsCompromise, at(2*time.Hour+30*time.Minute)
	step(func() (seal.Seal, error) { return h.Cancel(t.Context(), c) })
	end := status.Interval{State: status.SealCancelled, From: c.Since}
	check("the old edition, compromised before the change", h.seal, frozen, end)
	check("the new one, compromised", second, frozen, end)
	// The register says so of each stamp.
	for name, st := range map[string]seal.Stamped{"before the change": early, "after it": late} {
		if got, err := h.Entry(t.Context(), st.ID); err != nil || got.Distrusted == nil || *got.Distrusted != end {
			t.Errorf("%s: %+v %v", name, got.Distrusted, err)
		}
	}
	rows, _, err := h.Entries(t.Context(), seal.Filter{SealID: h.seal.ID, Limit: 9})
	if err != nil || len(rows) != 2 || rows[0].Distrusted == nil || rows[1].Distrusted == nil {
		t.Errorf("%v %+v", err, rows)
	}
}

// A seal cancelled as of now leaves its stamps what they are.
func TestStampsBeforeTheEndAreNotDistrusted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	st := h.stamp(t, request(h.seal))
	h.clock.move(time.Second)
	if _, err := h.Cancel(t.Context(), h.change(h.seal)); err != nil {
		t.Fatal(err)
	}
	if got, err := h.ByCode(t.Context(), st.Code); err != nil || got.Distrusted != nil {
		t.Errorf("%+v %v", got.Distrusted, err)
	}
}
