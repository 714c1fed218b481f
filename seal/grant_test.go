package seal_test

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/seal"
)

func (h *house) grant(t *testing.T, s seal.Seal, g seal.Grant) seal.Seal {
	t.Helper()
	out, err := h.Grant(t.Context(), h.change(s), g)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Each bound of a grant bounds, and a request needs one grant that covers it.
func TestWhatAGrantAllows(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.make(t, seal.Policy{Closed: true})
	h.clock.move(time.Minute)
	now := h.clock.now().Truncate(time.Second)
	for _, g := range []seal.Grant{
		{Agency: stranger, Officer: "王五"},
		{Agency: stranger, Key: "0000000a", Matters: []string{"m1", "m2"}},
		{Agency: stranger, Officer: "赵六", From: now.Add(time.Hour), To: now.Add(2 * time.Hour)},
		{Agency: owner, Matters: []string{"m3"}},
	} {
		s = h.grant(t, s, g)
	}
	for _, c := range []struct {
		name string
		r    seal.StampRequest
		wait time.Duration
		want string // id of the grant, "" for none
	}{
		{"the officer by their key", seal.StampRequest{Agency: stranger, Officer: "王五", Key: "00000001"}, 0, "1"},
		{"a program that names the officer", seal.StampRequest{Agency: stranger, Operator: "王五", Key: "00000001"}, 0, ""},
		{"the officer's name of another agency", seal.StampRequest{Agency: owner, Officer: "王五", Key: "00000001"}, 0, ""},
		{"the key, for its matter", seal.StampRequest{Agency: stranger, Key: "0000000a", Matter: "m2"}, 0, "2"},
		{"the key, for another matter", seal.StampRequest{Agency: stranger, Key: "0000000a", Matter: "m3"}, 0, ""},
		{"another key", seal.StampRequest{Agency: stranger, Key: "0000000b", Matter: "m2"}, 0, ""},
		{"before its time", seal.StampRequest{Agency: stranger, Officer: "赵六"}, 0, ""},
		{"the owner of a closed seal", seal.StampRequest{Agency: owner}, 0, ""},
		{"the owner, as granted", seal.StampRequest{Agency: owner, Matter: "m3"}, 0, "4"},
		{"within its time", seal.StampRequest{Agency: stranger, Officer: "赵六"}, time.Hour, "3"},
		{"after its time", seal.StampRequest{Agency: stranger, Officer: "赵六"}, 2 * time.Hour, ""},
	} {
		h.clock.move(now.Add(c.wait).Sub(h.clock.now()))
		c.r.SealID = s.ID
		if c.r.Operator == "" {
			c.r.Operator = "x"
		}
		// The keys are nobody's here: the guard would look for them.
		key := c.r.Key
		out, err := h.StampJSON(t.Context(), c.r, decision)
		switch {
		case c.want == "" && !errors.Is(err, seal.ErrNoRight):
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && key != "" && !errors.Is(err, seal.ErrChanged):
			t.Errorf("%s: %v", c.name, err) // admitted, and the commit did not find the key
		case c.want != "" && key == "" && (err != nil || out.Grant != c.want):
			t.Errorf("%s: by %q, %v", c.name, out.Grant, err)
		}
	}
}

// A grant's quota is its own, whoever else stamps and however many at once.
func TestAGrantsQuota(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.grant(t, h.seal, seal.Grant{Agency: stranger, PerDay: 3})
	theirs := request(s)
	theirs.Agency = stranger
	var wg sync.WaitGroup
	errs := make([]error, 12)
	for i := range errs {
		wg.Go(func() { _, errs[i] = h.StampJSON(h.context(), theirs, decision) })
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else if !errors.Is(err, seal.ErrQuota) {
			t.Error(err)
		}
	}
	if made != 3 {
		t.Errorf("%d stamps", made)
	}
	h.stamp(t, request(s)) // the owner's are not counted
	s = h.grant(t, s, seal.Grant{ID: "1", Agency: stranger, PerDay: 4})
	if len(s.Policy.Grants) != 1 {
		t.Fatalf("%+v", s.Policy.Grants)
	}
	h.stamp(t, theirs)
	if _, err := h.StampJSON(t.Context(), theirs, decision); !errors.Is(err, seal.ErrQuota) {
		t.Error("the fifth:", err)
	}
	h.clock.move(day)
	h.stamp(t, theirs)
}

// A grant that ends between the signature and the commit: nothing was sealed.
func TestAGrantThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.grant(t, h.seal, seal.Grant{Agency: stranger})
	theirs := request(s)
	theirs.Agency = stranger
	h.stamp(t, theirs)
	h.tsa.during(func() error { _, err := h.Ungrant(h.context(), h.change(s), "1"); return err })
	before := h.count(t)
	if _, err := h.StampJSON(t.Context(), theirs, decision); !errors.Is(err, seal.ErrChanged) {
		t.Error(err)
	}
	h.tsa.during(nil)
	if after := h.count(t); after.Stamps != before.Stamps || after.Leaves != before.Leaves+1 {
		t.Errorf("left %v after %v", after, before)
	}
	if _, err := h.StampJSON(t.Context(), theirs, decision); !errors.Is(err, seal.ErrNoRight) {
		t.Error("afterwards:", err)
	}
	// The number of one that ended is never another's.
	if s = h.grant(t, s, seal.Grant{Agency: stranger}); s.Policy.Grants[0].ID != "2" {
		t.Errorf("%+v", s.Policy.Grants)
	}
	steps, err := h.History(t.Context(), s.ID)
	if err != nil || len(steps) != 4 || steps[1].Grant == nil || steps[2].Grant == nil || steps[2].Grant.ID != "1" || steps[2].Grant.Agency != stranger {
		t.Errorf("%v %+v", err, steps)
	}
}

func TestWhatIsNotGranted(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	now := h.clock.now()
	for name, g := range map[string]seal.Grant{
		"no agency": {}, "no code of an agency": {Agency: "x"}, "an end before the beginning": {Agency: stranger, From: now, To: now},
		"a matter of controls": {Agency: stranger, Matters: []string{"\x00"}}, "an unknown grant": {ID: "9", Agency: stranger}, "a key's id too long": {Agency: stranger, Key: strings.Repeat("0", 65)},
	} {
		if _, err := h.Grant(t.Context(), h.change(h.seal), g); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, p := range map[string]seal.Policy{
		"grants in it": {Grants: []seal.Grant{{Agency: stranger}}}, "a host": {Networks: []string{"10.0.0.1/8"}}, "no network": {Networks: []string{"x"}}, "an empty matter": {Matters: []string{""}},
	} {
		if _, err := h.SetPolicy(t.Context(), h.change(h.seal), p); !errors.Is(err, seal.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s := h.seal
	for i := range seal.MaxGrants {
		s = h.grant(t, s, seal.Grant{Agency: stranger, Officer: fmt.Sprint(i)})
	}
	if _, err := h.Grant(t.Context(), h.change(s), seal.Grant{Agency: stranger}); !errors.Is(err, seal.ErrRefused) {
		t.Error("one too many:", err)
	}
}

// Older rows' policies are grants in effect, and bound all that are given since.
func TestOlderPoliciesAreGrants(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.make(t, seal.Policy{Agencies: []string{stranger}, Matters: []string{"m"}, PerDay: 2})
	h.clock.move(time.Minute)
	if all := s.InEffect(); len(all) != 2 || all[0].Agency != owner || all[1].Agency != stranger {
		t.Fatalf("%+v", all)
	}
	s = h.grant(t, s, seal.Grant{Agency: owner, Officer: "王五"})
	r := request(s)
	r.Officer = "王五"
	if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, seal.ErrNoRight) {
		t.Error("for no matter of the seal:", err)
	}
	r.Matter = "m"
	h.stamp(t, r)
	r.Agency = stranger
	h.stamp(t, r)
	if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, seal.ErrQuota) {
		t.Error("the third:", err)
	}
	s, err := h.SetPolicy(t.Context(), h.change(s), seal.Policy{})
	if err != nil || len(s.Policy.Grants) != 1 || s.Policy.PerDay != 0 {
		t.Fatalf("%v %+v", err, s.Policy)
	}
	if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, seal.ErrNoRight) {
		t.Error("the agency that the policy let in:", err)
	}
}

// A bearer key stamps from the networks that the seal lists (protocol.md 8).
func TestNetworksOfBearerKeys(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	s := h.make(t, seal.Policy{Networks: []string{"10.1.0.0/16", "fd00::/8"}})
	h.clock.move(time.Minute)
	for from, want := range map[string]error{"10.1.2.3": seal.ErrChanged, "::ffff:10.1.2.3": seal.ErrChanged, "fd00::1": seal.ErrChanged, "10.2.0.1": seal.ErrNoRight, "": seal.ErrNoRight} {
		r := request(s)
		r.Key = "00000001" // nobody's: the commit looks for it, so admitted ends with ErrChanged
		if from != "" {
			r.From = netip.MustParseAddr(from)
		}
		if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, want) {
			t.Errorf("from %q: %v, want %v", from, err, want)
		}
	}
	h.stamp(t, request(s)) // without a bearer key
}
