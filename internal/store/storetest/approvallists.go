package storetest

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
)

func approvalOutcome(t *testing.T, b *bench) {
	b.officers(t)
	r := b.asked(t, zhang)
	o := approval.Outcome{At: morning.Add(time.Hour), Ref: "0a", Answer: json.RawMessage(`{"serial":"0a"}`)}
	commit := func() error {
		_, err := b.Approvals().CommitOutcome(t.Context(), b.act(t, approval.ActCarriedOut, "x", "x"), r.ID, o)
		return err
	}
	b.unchanged(t, "of a pending request", approval.ErrDecided, commit)
	want, err := b.decide(t, r, approval.StateApproved, li)
	check(t, "approved", err, nil)
	check(t, "its outcome", commit(), nil)
	want.Outcome = &o
	b.standsAs(t, "carried out", want)
	o.Failure = "another"
	b.unchanged(t, "a second outcome", approval.ErrDecided, commit)
	if open, err := b.Approvals().Unsettled(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("unsettled: %v, %v", open, err)
	}
}

func approvalLists(t *testing.T, b *bench) {
	b.officers(t)
	var all []approval.Request
	for i := range 9 {
		by := zhang
		if i%3 == 1 {
			by = stranger
		}
		r := b.asked(t, by)
		if i == 3 {
			var err error
			if r, err = b.decide(t, r, approval.StateRefused, li); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, r)
	}
	pick := func(want ...int) (out []string) {
		for _, i := range want {
			out = append(out, all[i].ID.String())
		}
		return out
	}
	for name, c := range map[string]struct {
		f    approval.Filter
		want []string
	}{
		"all": {approval.Filter{}, pick(0, 1, 2, 3, 4, 5, 6, 7, 8)}, "one agency's": {approval.Filter{Agency: usccB}, pick(1, 4, 7)},
		"refused": {approval.Filter{State: approval.StateRefused}, pick(3)}, "pending": {approval.Filter{Agency: usccA, State: approval.StatePending}, pick(0, 2, 5, 6, 8)},
		"none": {approval.Filter{Agency: usccA[:17]}, nil},
	} {
		for _, limit := range []int{100, 2, 1} {
			var got []string
			f := c.f
			f.Limit = limit
			for {
				rows, next, err := b.Approvals().Requests(t.Context(), f)
				if err != nil || len(rows) > limit {
					t.Fatal(name, err)
				}
				for _, r := range rows {
					got = append(got, r.ID.String())
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if !sameStrings(got, c.want) {
				t.Errorf("%s, by %d: %v, want %v", name, limit, got, c.want)
			}
		}
	}
	_, _, err := b.Approvals().Requests(t.Context(), approval.Filter{Cursor: "x", Limit: 1})
	check(t, "after no id", err, approval.ErrNotFound)
}

func approvalRules(t *testing.T, b *bench) {
	b.officers(t)
	if r, err := b.Approvals().Rule(t.Context(), "issue:client"); err != nil || r != (approval.Rule{}) {
		t.Fatal(r, err)
	}
	set := func(r approval.Rule) func() error {
		return func() error {
			return b.Approvals().CommitRule(t.Context(), b.act(t, approval.ActRuleSet, r.Kind, r), r, agency.ScopeAdmin)
		}
	}
	first := approval.Rule{Kind: "issue:client", SecondOfficer: false, Version: 1, By: admin, Why: "试", At: morning}
	poor := first
	poor.By = zhang
	b.unchanged(t, "by a key without the right", approval.ErrNoRight, set(poor))
	check(t, "a rule", set(first)(), nil)
	b.unchanged(t, "the same version", approval.ErrChanged, set(first))
	second := first
	second.Version, second.SecondOfficer = 2, true
	check(t, "the next version", set(second)(), nil)
	third := approval.Rule{Kind: "revoke:ca", Version: 1, By: admin, Why: "x", At: morning}
	b.unchanged(t, "by one officer, once a rule demands two", approval.ErrChanged, set(third))
	third.Approved = li
	check(t, "by two", set(third)(), nil)
	if all, err := b.Approvals().Rules(t.Context()); err != nil || !same(all, []approval.Rule{second, third}) {
		t.Errorf("%v %s", err, diff([]approval.Rule{second, third}, all))
	}
	if r, err := b.Approvals().Rule(t.Context(), "issue:client"); err != nil || !same(r, second) {
		t.Errorf("%v %s", err, diff(second, r))
	}
}

func approvalRetry(t *testing.T, b *bench) {
	b.officers(t)
	var wg sync.WaitGroup
	errs := make([]error, 8)
	type try struct {
		r approval.Request
		a act.Act
	}
	tries := make([]try, len(errs))
	for i := range tries {
		tries[i].r, tries[i].a = b.wish(t, zhang)
		tries[i].a.Retry = &act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	}
	before := b.size(t)
	for i, c := range tries {
		wg.Go(func() { errs[i] = b.Approvals().CommitAsked(t.Context(), c.a, c.r, "") })
	}
	wg.Wait()
	done, found, err := b.Approvals().Done(t.Context(), tries[0].a.Retry.Slot(), b.now)
	if err != nil || !found || b.size(t) != before+1 {
		t.Fatal(done, found, err)
	}
	for i, err := range errs {
		if won := tries[i].r.ID == done.Act; won && err != nil || !won && fmt.Sprint(err) != fmt.Sprint(act.ErrRetryTaken) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
