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
	"yinxin/internal/agency"
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
	a, err := act.New(h.clock.now(), rand.Reader, "seal.policy", s.ID, now)
	if err != nil {
		return err
	}
	return h.db.Seals().CommitSeal(h.context(), a, now, before, nil)
}

// Whoever may not stamp is refused before the key signs anything.
func TestWhoMayNotStamp(t *testing.T) {
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
	before := h.count(t)
	if _, err := h.StampJSON(t.Context(), request(s), decision); !errors.Is(err, seal.ErrQuota) {
		t.Errorf("the third: %v", err)
	}
	if after := h.count(t); after != before {
		t.Errorf("the third left %v after %v", after, before)
	}
	h.clock.move(2 * time.Minute) // midnight
	h.stamp(t, request(s))
	h.stamp(t, request(s))
	if _, err := h.StampJSON(t.Context(), request(s), decision); !errors.Is(err, seal.ErrQuota) {
		t.Errorf("the third of the next day: %v", err)
	}
}

// What changes between the signature and the commit: nothing was sealed, there
// is no trace but of the change, the quota is whole and the retry key is free.
func TestAChangeBetweenSignatureAndCommit(t *testing.T) {
	h := newHouse(t)
	if _, err := h.agencies.Add(t.Context(), agency.AddRequest{ID: stranger, Name: "他局", Region: "520000", Who: "x"}); err != nil {
		t.Fatal(err)
	}
	_, bearer, err := h.agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: stranger, Scopes: []string{agency.ScopeStamp}, Who: "x"})
	if err != nil {
		t.Fatal(err)
	}
	policy := seal.Policy{PerDay: 1, Agencies: []string{stranger}}
	for _, c := range []struct {
		name   string
		change func(s seal.Seal) error
		leaves uint64
		again  error // of the same request afterwards
		undo   func(s seal.Seal) error
	}{
		{"nothing", func(seal.Seal) error { return nil }, 0, nil, nil},
		{"frozen", func(s seal.Seal) error { _, err := h.Freeze(h.context(), h.change(s)); return err }, 1, seal.ErrNotInForce, nil},
		{"frozen and thawed", func(s seal.Seal) error {
			if _, err := h.Freeze(h.context(), h.change(s)); err != nil {
				return err
			}
			_, err := h.Thaw(h.context(), h.change(s))
			return err
		}, 2, nil, func(seal.Seal) error { h.clock.move(time.Second); return nil }},
		{"cancelled", func(s seal.Seal) error { _, err := h.Cancel(h.context(), h.change(s)); return err }, 1, seal.ErrNotInForce, nil},
		{"its policy", func(s seal.Seal) error { return h.setPolicy(s, policy) }, 1, nil, nil},
		{"its certificate revoked", h.revoke, 1, seal.ErrNotInForce, nil},
		{"the bearer key revoked", func(seal.Seal) error { _, err := h.agencies.Revoke(h.context(), bearer.ID, "x", "y"); return err }, 1, seal.ErrChanged, nil},
		{"the agency closed", func(seal.Seal) error { return h.agencies.Close(h.context(), stranger, "x", "y") }, 1, seal.ErrChanged, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := h.make(t, policy)
			h.clock.move(time.Minute)
			r := request(s)
			r.Agency, r.Key, r.Retry = stranger, bearer.ID, retry(c.name, 1)
			before := h.count(t)
			h.tsa.during(func() error { return c.change(s) })
			out, err := h.StampJSON(t.Context(), r, decision)
			h.tsa.during(nil)
			if c.name == "nothing" {
				if err != nil || h.count(t).Stamps != before.Stamps+1 {
					t.Fatal("nothing changed, and nothing was sealed", err)
				}
				return
			}
			if !errors.Is(err, seal.ErrChanged) || out.Document != nil || out.Token != nil {
				t.Fatalf("%v, %d octets", err, len(out.Document))
			}
			if after := h.count(t); after.Stamps != before.Stamps || after.Leaves != before.Leaves+c.leaves {
				t.Errorf("left %v after %v, want %d leaves more", after, before, c.leaves)
			}
			if _, found, err := h.db.Done(t.Context(), r.Retry.Slot(), h.clock.now()); found || err != nil {
				t.Error("the retry key is taken", err)
			}
			if c.undo != nil {
				if err := c.undo(s); err != nil {
					t.Fatal(err)
				}
			}
			// The quota of one is still whole where the seal may be used.
			if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, c.again) {
				t.Errorf("again: %v, want %v", err, c.again)
			}
		})
	}
}

func TestTheRegisterFindsAStamp(t *testing.T) {
	h := newHouse(t)
	other := h.make(t, seal.Policy{Agencies: []string{stranger}})
	h.clock.move(time.Minute)
	var made []seal.Stamped
	for i, r := range []seal.StampRequest{request(h.seal), request(other), request(other), request(h.seal)} {
		if i == 1 {
			r.Agency = stranger
		}
		if i > 1 {
			r.Matter, r.Reason, r.Expected = "000101", "事由", 2
		}
		made = append(made, h.stamp(t, r))
		h.clock.move(time.Minute)
	}
	for i, want := range made {
		got, err := h.Entry(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		byCode, err := h.ByCode(t.Context(), want.Code)
		if err != nil {
			t.Fatal(err)
		}
		checkSame(t, got, want.Stamp)
		checkSame(t, byCode, want.Stamp)
		if !got.SealedAt.Equal(h.clock.now().Add(time.Duration(i-len(made)) * time.Minute).Truncate(time.Second)) {
			t.Errorf("stamp %d was sealed at %s", i, got.SealedAt)
		}
	}
	second, last := made[1].SealedAt, made[3].SealedAt
	for name, c := range map[string]struct {
		f    seal.Filter
		want []int
	}{
		"all":          {seal.Filter{}, []int{0, 1, 2, 3}},
		"of a seal":    {seal.Filter{SealID: other.ID}, []int{1, 2}},
		"of an agency": {seal.Filter{Agency: owner}, []int{0, 2, 3}},
		"of a matter":  {seal.Filter{Matter: "000101"}, []int{2, 3}},
		"from":         {seal.Filter{From: second}, []int{1, 2, 3}},
		"to":           {seal.Filter{To: second}, []int{0, 1}},
		"between":      {seal.Filter{From: second, To: last.Add(-time.Second)}, []int{1, 2}},
		"after":        {seal.Filter{Cursor: made[1].ID.String()}, []int{2, 3}},
		"all of it":    {seal.Filter{SealID: other.ID, Agency: stranger, Matter: "000101"}, nil},
	} {
		for limit := 1; limit <= 5; limit++ {
			got := h.pages(t, c.f, limit)
			if len(got) != len(c.want) {
				t.Errorf("%s by %d: %d rows, want %d", name, limit, len(got), len(c.want))
				continue
			}
			for i, row := range got {
				checkSame(t, row, made[c.want[i]].Stamp)
			}
		}
	}
	if _, err := h.Entry(t.Context(), act.ID{}); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("an unknown stamp: %v", err)
	}
	if _, err := h.ByCode(t.Context(), "0"); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("an unknown code: %v", err)
	}
	if _, _, err := h.Entries(t.Context(), seal.Filter{Cursor: "x", Limit: 1}); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("a cursor that is none: %v", err)
	}
}

// pages reads a list to its end.
func (h *house) pages(t *testing.T, f seal.Filter, limit int) (all []seal.Stamp) {
	t.Helper()
	f.Limit = limit
	for {
		rows, next, err := h.Entries(t.Context(), f)
		if err != nil || len(rows) > limit {
			t.Fatal(len(rows), err)
		}
		all = append(all, rows...)
		if next == "" {
			return all
		}
		f.Cursor = next
	}
}
