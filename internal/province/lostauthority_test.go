package province

import (
	"errors"
	"slices"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/trust"
	"yinxin/seal"
	"yinxin/verify"
)

// whoever trusts an anchor is led to what is published now.
func (h *house) opens(t *testing.T, anchor string) *certs.Trust {
	t.Helper()
	b, err := h.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Open(certs.TrustOptions{Anchors: []string{anchor}, At: h.clock.now()})
	if err != nil || got.Regions["520000"] == nil {
		t.Fatalf("%s opens nothing: %v", anchor, err)
	}
	return got
}

// The scheme's key is renewed in its time: every anchor that was ever published leads
// to the list of today, and every bundle takes it for its successor.
func TestTheSchemesKeyIsRenewed(t *testing.T) {
	h := newHouse(t)
	var anchors []string
	var bundles []*certs.Bundle
	keep := func() {
		t.Helper()
		b, err := h.Bundle(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		anchor, err := b.Anchor()
		if err != nil {
			t.Fatal(err)
		}
		anchors, bundles = append(anchors, anchor), append(bundles, b)
	}
	keep()
	for _, wait := range []time.Duration{30 * time.Hour, time.Second, 700 * 24 * time.Hour} {
		h.clock.move(wait)
		h.reopen(t)
		if _, err := h.CA.Renew(t.Context(), ca.PurposeScheme, "test", "its two years"); err != nil {
			t.Fatal(err)
		}
		keep()
		h.reopen(t)
		for i, anchor := range anchors {
			h.opens(t, anchor)
			if _, err := bundles[i].Advance(bundles[len(bundles)-1]); err != nil {
				t.Errorf("list %d refuses its successor: %v", i, err)
			}
		}
	}
	slices.Sort(anchors)
	if n := len(slices.Compact(anchors)); n != 4 {
		t.Errorf("%d anchors", n)
	}
	// Renewed twice before anyone asked for a list.
	for range 2 {
		h.clock.move(time.Second)
		if _, err := h.CA.Renew(t.Context(), ca.PurposeScheme, "test", "again"); err != nil {
			t.Fatal(err)
		}
	}
	for _, anchor := range anchors {
		h.opens(t, anchor)
	}
	h.sound(t)
	// After its end nothing can be published, and a new key is a new beginning.
	h.clock.move(3 * 365 * 24 * time.Hour)
	h.reopen(t)
	if _, err := h.Bundle(t.Context()); !errors.Is(err, trust.ErrNoKey) {
		t.Fatal("a key that has ended signs:", err)
	}
	if _, err := h.CA.Renew(t.Context(), ca.PurposeScheme, "test", "too late"); err != nil {
		t.Fatal(err)
	}
	h.reopen(t)
	b, err := h.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := b.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	h.opens(t, anchor)
	if _, err := b.Open(certs.TrustOptions{Anchors: anchors, At: h.clock.now()}); !errors.Is(err, certs.ErrUnknownAnchor) {
		t.Error("a key that had ended leads on:", err)
	}
}

// The issuing CA's key was in other hands since a time: what it issued since is
// revoked and the seals under it stamp no more; with a new one, and services and seals under that, the
// province goes on, whether or not the services had been issued before that time.
func TestTheIssuingCAIsLost(t *testing.T) {
	for name, before := range map[string]time.Duration{"since before the services": 24 * time.Hour, "since after": 0} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			old := h.sealJSON(t, []byte(`{"n":1}`))
			h.valid(t, "before", old)
			h.clock.move(time.Hour)
			since := h.clock.now().Add(-before)
			h.clock.move(time.Hour)
			if _, err := h.RevokeBehind(t.Context(), ca.Suspect{Issuer: "issuing", Since: since}, "test", "lost"); err != nil {
				t.Fatal(err)
			}
			if done, err := h.CA.RenewServices(t.Context(), "test", "lost"); !errors.Is(err, ca.ErrRefused) || len(done) != 0 {
				t.Fatal("services were renewed by a lost authority:", done, err)
			}
			h.clock.move(time.Minute)
			if _, err := h.CA.Renew(t.Context(), ca.PurposeIssuing, "test", "lost"); err != nil {
				t.Fatal(err)
			}
			done, err := h.CA.RenewServices(t.Context(), "test", "lost")
			if err != nil || len(done) != 6 {
				t.Fatal(len(done), err)
			}
			for _, row := range done {
				if row.Issuer != "issuing.2" || row.Replaces == "" {
					t.Errorf("%+v", row)
				}
			}
			if again, err := h.CA.RenewServices(t.Context(), "test", "lost"); err != nil || len(again) != 0 {
				t.Error("renewed again:", again, err)
			}
			if err := h.tryJSON(t, `{"n":2}`); !errors.Is(err, seal.ErrNotInForce) {
				t.Error("a seal under the lost authority stamps on:", err)
			}
			h.clock.move(time.Second)
			h.seal = h.makeSeal(t)
			h.clock.move(time.Second)
			h.valid(t, "by a new seal", h.sealJSON(t, []byte(`{"n":3}`)))
			if r := h.judge(t, old); r.Verdict != verify.CannotConfirm {
				t.Errorf("sealed before: %s", r.JSON())
			}
			if s := h.service(t, "issuing").History; s[len(s)-1].State != certs.Distrusted {
				t.Errorf("%+v", s)
			}
			h.reopen(t)
			h.sound(t)
		})
	}
}
