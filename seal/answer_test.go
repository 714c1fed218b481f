package seal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/seal"
	"yinxin/verify/status"
)

// open reads a statement, checks that it is signed by the status signer's key,
// and holds it to the rules that a verifier has.
func open[T interface{ Validate() error }](t *testing.T, h *house, raw []byte, typ string) (out T) {
	t.Helper()
	st, err := certs.ParseStatement(raw)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := h.ca.Purpose(t.Context(), ca.PurposeStatus)
	if err != nil {
		t.Fatal(err)
	}
	if st.Type != typ || st.Issuer != "520000" {
		t.Fatalf("a statement %s of %s", st.Type, st.Issuer)
	}
	if err := st.SignedBy(signer.Certificate); err != nil {
		t.Fatal(err)
	}
	if err := st.Decode(&out); err != nil {
		t.Fatal(err)
	}
	if err := out.Validate(); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(st.Payload, []byte("+08:00")) {
		t.Errorf("times that are not UTC: %s", st.Payload)
	}
	return out
}

func (h *house) status(t *testing.T, s seal.Seal, at time.Time, nonce string) status.SealStatus {
	t.Helper()
	raw, err := h.Status(t.Context(), s.ID, s.SM3, at, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return open[status.SealStatus](t, h, raw, certs.TypeSealStatus)
}

func (h *house) list(t *testing.T) status.SealList {
	t.Helper()
	raw, err := h.SealList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return open[status.SealList](t, h, raw, certs.TypeSealList)
}

// checkAnswers: the answer and the list can be signed now, and agree with the
// register.
func (h *house) checkAnswers(t *testing.T) {
	t.Helper()
	s, err := h.Show(t.Context(), h.seal.ID)
	if err != nil {
		t.Fatal(err)
	}
	now := h.clock.now()
	want := status.StateAt(s.Intervals, now)
	answer, listed := h.status(t, h.seal, now, ""), h.list(t).Find(hex.EncodeToString(h.seal.SM3[:]))
	if answer.State != want || answer.Version != s.Version {
		t.Errorf("the answer says %s of version %d, the register %s of %d", answer.State, answer.Version, want, s.Version)
	}
	if got := status.StateAt(listed, now); got != want {
		t.Errorf("the list says %s, the register %s", got, want)
	}
	if s.State != status.SealInForce && s.State != want {
		t.Errorf("the seal is %s and its history says %s", s.State, want)
	}
}

func TestAnAnswerSaysWhatWasAskedAndNoMore(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.clock.move(30 * day)
	now := h.clock.now()
	fresh := h.status(t, h.seal, time.Time{}, "abc")
	if fresh.State != status.SealInForce || fresh.Nonce != "abc" || fresh.ID != h.seal.ID || !fresh.AsOf.Equal(now.Truncate(time.Millisecond)) || !fresh.At.Equal(fresh.AsOf) {
		t.Errorf("asked of now: %+v", fresh)
	}
	if _, offset := fresh.At.Zone(); offset != 0 {
		t.Error("a time that is not UTC")
	}
	// The very moment, which the clock of an answer in milliseconds has not reached.
	if a := h.status(t, h.seal, now, ""); !a.At.Equal(now) || a.AsOf.Before(now) {
		t.Errorf("asked of this moment: %+v", a)
	}
	for name, at := range map[string]time.Time{"a millisecond ahead": now.Add(time.Millisecond), "tomorrow": now.Add(day)} {
		if _, err := h.Status(t.Context(), h.seal.ID, h.seal.SM3, at, ""); !errors.Is(err, seal.ErrFuture) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Status(t.Context(), h.seal.ID, h.seal.SM3, now, strings.Repeat("n", status.MaxNonce+1)); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("a long nonce: %v", err)
	}
}

// A seal is known by its id and the SM3 of its bytes together.
func TestAnUnknownSealIsUnknown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.make(t, seal.Policy{})
	for name, s := range map[string]seal.Seal{
		"no such SM3":      {ID: h.seal.ID, SM3: [32]byte{1}},
		"no such id":       {ID: "52000000000099", SM3: h.seal.SM3},
		"another seal's":   {ID: h.seal.ID, SM3: other.SM3},
		"another region's": {ID: "11000000000001", SM3: h.seal.SM3},
	} {
		if a := h.status(t, s, time.Time{}, ""); a.State != status.SealUnknown || len(a.Intervals) != 0 || a.Version != 0 {
			t.Errorf("%s: %+v", name, a)
		}
	}
	if _, err := h.Status(t.Context(), "", h.seal.SM3, time.Time{}, ""); !errors.Is(err, seal.ErrRefused) {
		t.Errorf("no id: %v", err)
	}
}

// Every interval is told for ever, also of a seal that is long in force again.
func TestAFreezeIsNeverForgotten(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.clock.move(day)
	frozen := h.clock.now()
	if _, err := h.Freeze(t.Context(), h.change(h.seal)); err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Hour)
	if _, err := h.Thaw(t.Context(), h.change(h.seal)); err != nil {
		t.Fatal(err)
	}
	h.clock.move(300 * day)
	for at, want := range map[time.Duration]status.SealState{-time.Minute: status.SealInForce, time.Minute: status.SealFrozen, time.Hour: status.SealInForce} {
		if a := h.status(t, h.seal, frozen.Add(at), ""); a.State != want || len(a.Intervals) != 1 {
			t.Errorf("%s after the freeze: %+v", at, a)
		}
	}
	if l := h.list(t); len(l.Seals) != 1 || len(l.Seals[0].Intervals) != 1 {
		t.Errorf("the list: %+v", l)
	}
}

// The list is made anew for every second and every change, under a number that
// only rises; within a second it is the same bytes.
func TestTheListIsNeverOlderThanItsSecond(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first, err := h.SealList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := h.SealList(t.Context()); err != nil || string(again) != string(first) {
		t.Error("within one second the list is another", err)
	}
	before := h.list(t)
	if _, err := h.Freeze(t.Context(), h.change(h.seal)); err != nil {
		t.Fatal(err)
	}
	changed := h.list(t)
	if len(before.Seals) != 0 || len(changed.Seals) != 1 || changed.Number <= before.Number {
		t.Errorf("before %+v, after %+v", before, changed)
	}
	h.clock.move(time.Second)
	if later := h.list(t); later.Number <= changed.Number || !later.AsOf.After(changed.AsOf) {
		t.Errorf("a second later: %+v", later)
	}
}
