package seal_test

import (
	"errors"
	"testing"
	"time"

	"yinxin/internal/agency"
	"yinxin/seal"
)

// What changes between the signature and the commit: nothing was sealed, there
// is no trace but of the change, the quota is whole and the retry key is free.
func TestAChangeBetweenSignatureAndCommit(t *testing.T) {
	t.Parallel()
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
