package approval_test

import (
	"errors"
	"fmt"
	"testing"

	"yinxin/ca/approval"
	"yinxin/internal/agency"
)

// Every write of a request's life fails once, persisted or not; then the process
// dies. After the restart and what people would do next, the request was decided
// once and carried out once.
func TestFaults(t *testing.T) {
	for _, write := range []string{"asked", "decision", "act", "outcome"} {
		for _, persisted := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, persisted %t, restart %t", write, persisted, restart), func(t *testing.T) {
					h := newHouse(t)
					h.strict()
					h.liveOverFault(write, persisted, restart)
				})
			}
		}
	}
}

func (h *house) liveOverFault(write string, persisted, restart bool) {
	t := h.t
	zhang, li := h.officer("张三"), h.officer("李四")
	h.faults[write] = persisted
	again := func() {
		if restart {
			h.restart()
		}
	}
	_, err := h.Pass(t.Context(), wish(zhang, "k"))
	if !errors.Is(err, approval.ErrPending) && !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	again()
	r := h.ask(zhang, "k")
	done, err := h.Approve(t.Context(), r.ID, li, "")
	if err != nil && !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	again()
	if err != nil {
		// The officer was told that it failed, and tries again.
		if _, err = h.Approve(t.Context(), r.ID, li, ""); err != nil && (!errors.Is(err, approval.ErrDecided) || !persisted) {
			t.Fatal(err)
		}
	}
	if err := h.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.restart()
	done = h.show(r.ID)
	if done.State != approval.StateApproved || done.Outcome == nil || done.Outcome.Failure != "" {
		t.Errorf("%+v", done)
	}
	for name, want := range map[string]int{approval.ActAsked: 1, approval.ActApproved: 1, did: 1, approval.ActCarriedOut: 1} {
		if n := h.journalled(name); n != want {
			t.Errorf("%d of %s in the journal", n, name)
		}
	}
	if ref, err := h.Pass(t.Context(), wish(zhang, "k")); err != nil || ref != done.Outcome.Ref {
		t.Errorf("the retry after the restart: %q %v", ref, err)
	}
}

func TestFaultsOfExpiry(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		h := newHouse(t)
		h.strict()
		r := h.ask(h.officer("张三"), "")
		h.now = noon.Add(approval.Life)
		h.faults["expired"] = persisted
		if err := h.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.restart()
		if got := h.show(r.ID); got.Decided == nil || got.State != approval.StateExpired || h.journalled(approval.ActExpired) != 1 {
			t.Errorf("persisted %t: %+v", persisted, got)
		}
	}
}

// A change of a rule by two officers, over the faults of its writes.
func TestFaultsOfRules(t *testing.T) {
	for _, write := range []string{"decision", "rule", "outcome"} {
		for _, persisted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, persisted %t", write, persisted), func(t *testing.T) {
				h := newHouse(t)
				h.strict()
				one, two := h.officer("甲", agency.ScopeAdmin), h.officer("乙", agency.ScopeAdmin)
				_, err := h.SetRule(t.Context(), kind, false, one, "放开", nil)
				var p *approval.Pending
				if !errors.As(err, &p) {
					t.Fatal(err)
				}
				h.faults[write] = persisted
				if _, err := h.Approve(t.Context(), p.Request.ID, two, ""); err != nil {
					if _, err := h.Approve(t.Context(), p.Request.ID, two, ""); err != nil && !errors.Is(err, approval.ErrDecided) {
						t.Fatal(err)
					}
				}
				h.restart()
				rules, err := h.Rules(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rules {
					if r.Kind == kind && (r.SecondOfficer || r.Version != 2 || r.By != one || r.Approved != two) {
						t.Errorf("%+v", r)
					}
				}
				if n := h.journalled(approval.ActRuleSet); n != 2 || h.show(p.Request.ID).Outcome == nil {
					t.Errorf("%d changes of a rule in the journal", n)
				}
			})
		}
	}
}

func TestRules(t *testing.T) {
	h := newHouse(t)
	one, two := h.officer("甲", agency.ScopeAdmin), h.officer("乙", agency.ScopeAdmin)
	_, err := h.SetRule(t.Context(), kind, true, h.officer("丙"), "x", nil)
	h.want("without the right", err, approval.ErrNoRight)
	if _, err := h.SetRule(t.Context(), kind, true, one, "x", nil); err != nil {
		t.Fatal(err)
	}
	// Two changes wait; once one is carried out the other is of a rule that is gone.
	var ids []approval.Request
	for range 2 {
		_, err := h.SetRule(t.Context(), kind, false, one, "x", nil)
		var p *approval.Pending
		if !errors.As(err, &p) {
			t.Fatal(err)
		}
		ids = append(ids, p.Request)
	}
	if r, err := h.Approve(t.Context(), ids[0].ID, two, ""); err != nil || r.Outcome == nil || r.Outcome.Failure != "" {
		t.Fatal(r, err)
	}
	if r, err := h.Approve(t.Context(), ids[1].ID, two, ""); err != nil || r.Outcome == nil || r.Outcome.Failure == "" {
		t.Error("the second:", r, err)
	}
}
