package seal_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/seal"
)

func (h *house) uses(t testing.TB, s seal.Seal) uint64 {
	t.Helper()
	k, err := h.keys.Key(t.Context(), s.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	return k.Info().Uses
}

func (h *house) revoke(s seal.Seal) error {
	_, err := h.ca.Revoke(h.context(), ca.RevokeRequest{Serial: s.CertSerial, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"})
	return err
}

// setPolicy makes a new version of a seal, as an office that changes rights does.
func (h *house) setPolicy(s seal.Seal, p seal.Policy) error {
	now, err := h.Show(h.context(), s.ID)
	if err != nil {
		return err
	}
	before := now.Version
	now.Policy = p
	now.Version++
	a, err := act.New(h.clock.now(), rand.Reader, seal.ActPolicy, s.ID, seal.Change{Seal: now, Who: "x", Why: "y"})
	if err != nil {
		return err
	}
	return h.db.Seals().CommitSeal(h.context(), a, now, before, nil)
}

// Whoever may not stamp is refused before the key signs anything.
func TestWhoMayNotStamp(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	frozen, cancelled, revoked := h.make(t, seal.Policy{}), h.make(t, seal.Policy{}), h.make(t, seal.Policy{})
	h.clock.move(time.Minute)
	matters := h.make(t, seal.Policy{Matters: []string{"000101", "000102"}})
	shared := h.make(t, seal.Policy{Agencies: []string{stranger}})
	if _, err := h.Freeze(t.Context(), h.change(frozen)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Cancel(t.Context(), h.change(cancelled)); err != nil {
		t.Fatal(err)
	}
	if err := h.revoke(revoked); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		seal seal.Seal
		ask  func(r *seal.StampRequest)
		want error
	}{
		"its owner":             {h.seal, func(*seal.StampRequest) {}, nil},
		"another agency":        {h.seal, func(r *seal.StampRequest) { r.Agency = stranger }, seal.ErrNoRight},
		"no agency":             {h.seal, func(r *seal.StampRequest) { r.Agency = "" }, seal.ErrNoRight},
		"an agency let in":      {shared, func(r *seal.StampRequest) { r.Agency = stranger }, nil},
		"nobody":                {h.seal, func(r *seal.StampRequest) { r.Operator = "" }, seal.ErrRefused},
		"a name of controls":    {h.seal, func(r *seal.StampRequest) { r.Operator = "张\x1b三" }, seal.ErrRefused},
		"an operator too long":  {h.seal, func(r *seal.StampRequest) { r.Operator = strings.Repeat("三", 101) }, seal.ErrRefused},
		"a reason too long":     {h.seal, func(r *seal.StampRequest) { r.Reason = strings.Repeat("三", 501) }, seal.ErrRefused},
		"minus one seal":        {h.seal, func(r *seal.StampRequest) { r.Expected = -1 }, seal.ErrRefused},
		"a hundred and one":     {h.seal, func(r *seal.StampRequest) { r.Expected = 101 }, seal.ErrRefused},
		"a matter of the seal":  {matters, func(r *seal.StampRequest) { r.Matter = "000102" }, nil},
		"another matter":        {matters, func(r *seal.StampRequest) { r.Matter = "000103" }, seal.ErrNoRight},
		"no matter":             {matters, func(*seal.StampRequest) {}, seal.ErrNoRight},
		"a frozen seal":         {frozen, func(*seal.StampRequest) {}, seal.ErrNotInForce},
		"a cancelled seal":      {cancelled, func(*seal.StampRequest) {}, seal.ErrNotInForce},
		"a revoked certificate": {revoked, func(*seal.StampRequest) {}, seal.ErrNotInForce},
		"no such seal":          {seal.Seal{ID: "52000000000099", KeyID: h.seal.KeyID}, func(*seal.StampRequest) {}, seal.ErrNotFound},
	} {
		r := request(c.seal)
		c.ask(&r)
		before, uses := h.count(t), h.uses(t, c.seal)
		_, err := h.StampJSON(t.Context(), r, decision)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		after := h.count(t)
		if c.want != nil && (after != before || h.uses(t, c.seal) != uses) {
			t.Errorf("%s: refused, and left %v after %v, %d signatures", name, after, before, h.uses(t, c.seal)-uses)
		}
		if c.want == nil && (after.Stamps != before.Stamps+1 || after.Leaves != before.Leaves+1) {
			t.Errorf("%s: stamped, and left %v after %v", name, after, before)
		}
	}
	h.clock.move(3*365*day + time.Hour)
	if _, err := h.StampJSON(t.Context(), request(h.seal), decision); !errors.Is(err, seal.ErrNotInForce) {
		t.Errorf("an expired seal: %v", err)
	}
	h.clock.move(-4 * 365 * day)
	if _, err := h.StampJSON(t.Context(), request(h.seal), decision); !errors.Is(err, seal.ErrNotInForce) {
		t.Errorf("before it was valid: %v", err)
	}
}

func TestAThawedSealStampsFromTheNextSecond(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, err := h.Freeze(t.Context(), h.change(h.seal)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Thaw(t.Context(), h.change(h.seal)); err != nil {
		t.Fatal(err)
	}
	if _, err := h.StampJSON(t.Context(), request(h.seal), decision); !errors.Is(err, seal.ErrNotInForce) {
		t.Errorf("within the interval that its history will show: %v", err)
	}
	h.clock.move(time.Second)
	s := h.stamp(t, request(h.seal))
	now, err := h.Show(t.Context(), h.seal.ID)
	if err != nil || s.Claimed.Before(now.Intervals[0].To) || s.SealVersion != now.Version {
		t.Errorf("stamped at %s, thawed at %s: %v", s.Claimed, now.Intervals[0].To, err)
	}
}

func TestANewPolicyHoldsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.stamp(t, request(h.seal))
	if err := h.setPolicy(h.seal, seal.Policy{Matters: []string{"000101"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.StampJSON(t.Context(), request(h.seal), decision); !errors.Is(err, seal.ErrNoRight) {
		t.Errorf("under the old policy: %v", err)
	}
	r := request(h.seal)
	r.Matter = "000101"
	h.stamp(t, r)
}

// A quota is of a day in Beijing, and what was not sealed does not count.
func TestAQuotaIsOfADay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.make(t, seal.Policy{PerDay: 2})
	// Two minutes before midnight in Beijing.
	h.clock.move(time.Date(2026, 11, 24, 15, 58, 0, 0, time.UTC).Sub(h.clock.now()))
	h.stamp(t, request(s))
	h.tsa.during(func() error { return errors.New("no time today") })
	for range 5 {
		if _, err := h.StampJSON(t.Context(), request(s), decision); err == nil {
			t.Fatal("stamped without a time")
		}
	}
	h.tsa.during(nil)
	h.stamp(t, request(s))
	before, uses := h.count(t), h.uses(t, s)
	if _, err := h.StampJSON(t.Context(), request(s), decision); !errors.Is(err, seal.ErrQuota) {
		t.Errorf("the third: %v", err)
	}
	if after := h.count(t); after != before || h.uses(t, s) != uses {
		t.Errorf("the third left %v after %v, %d signatures", after, before, h.uses(t, s)-uses)
	}
	h.clock.move(2 * time.Minute) // midnight
	h.stamp(t, request(s))
	h.stamp(t, request(s))
	if _, err := h.StampJSON(t.Context(), request(s), decision); !errors.Is(err, seal.ErrQuota) {
		t.Errorf("the third of the next day: %v", err)
	}
}
