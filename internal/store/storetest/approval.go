package storetest

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
)

// Approval is the conformance suite of an approval.Store.
func Approval(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"asked": approvalAsked, "who may ask": approvalAskers, "too many": approvalTooMany, "decided": approvalDecided, "who may decide": approvalDeciders,
		"race": approvalRace, "expired": approvalExpired, "outcome": approvalOutcome, "lists": approvalLists, "rules": approvalRules, "retry": approvalRetry,
	})
}

// The officers of the suite: two of one agency, one of another, a program.
var (
	zhang    = act.Officer{Name: "张三", KeyID: "0000000a", Agency: usccA}
	li       = act.Officer{Name: "李四", KeyID: "0000000b", Agency: usccA}
	stranger = act.Officer{Name: "王五", KeyID: "0000000c", Agency: usccB}
	program  = act.Officer{Name: "张三", KeyID: "0000000d", Agency: usccA, Unverified: true}
	admin    = act.Officer{Name: "赵六", KeyID: "0000000e", Agency: usccB}
)

const approve = agency.ScopeCertificateApprove

// officers enters the agencies and the keys of the officers.
func (b *bench) officers(t testing.TB) {
	t.Helper()
	b.added(t, usccA, usccB)
	for o, scopes := range map[act.Officer][]string{zhang: {approve}, li: {approve}, stranger: {approve}, program: {approve}, admin: {agency.ScopeAdmin}} {
		k := newKey(o.KeyID, o.Agency)
		if k.Scopes = scopes; o != program {
			k.Officer = o.Name
		}
		check(t, "a key", b.Agencies().AddKey(t.Context(), k, b.act(t, agency.ActKeyCreated, k.ID, k.ID)), nil)
	}
}

// wish is a request of an officer, and the act that keeps it.
func (b *bench) wish(t testing.TB, by act.Officer) (approval.Request, act.Act) {
	t.Helper()
	id := b.act(t, "x", "x", "x").ID
	r := approval.Request{ID: id, Kind: "issue:client", Agency: by.Agency, Content: json.RawMessage(`{"commonName":"业务系统"}`), By: by, Why: "启用",
		At: morning, Expires: morning.Add(approval.Life), State: approval.StatePending}
	a := b.act(t, approval.ActAsked, id.String(), r)
	a.ID = id
	return r, a
}

func (b *bench) asked(t testing.TB, by act.Officer) approval.Request {
	t.Helper()
	r, a := b.wish(t, by)
	b.kept(t, "a request", a, func() error { return b.Approvals().CommitAsked(t.Context(), a, r, "") })
	return r
}

func (b *bench) decide(t testing.TB, r approval.Request, to approval.State, by act.Officer) (approval.Request, error) {
	t.Helper()
	a := b.act(t, approval.ActApproved, r.ID.String(), "x")
	return b.Approvals().CommitDecision(t.Context(), a, r.ID, approval.Decision{State: to, By: by, Why: "同意", At: morning.Add(time.Minute)}, approve)
}

func (b *bench) standsAs(t testing.TB, what string, want approval.Request) {
	t.Helper()
	if got, err := b.Approvals().Request(t.Context(), want.ID); err != nil || !same(got, want) {
		t.Errorf("%s: %v %s", what, err, diff(want, got))
	}
}

func approvalAsked(t *testing.T, b *bench) {
	b.officers(t)
	_, err := b.Approvals().Request(t.Context(), act.ID{1})
	check(t, "an unknown request", err, approval.ErrNotFound)
	r := b.asked(t, zhang)
	b.standsAs(t, "asked", r)
	if open, err := b.Approvals().Unsettled(t.Context()); err != nil || !same(open, []approval.Request{r}) {
		t.Errorf("%v %s", err, diff([]approval.Request{r}, open))
	}
}

func approvalAskers(t *testing.T, b *bench) {
	b.officers(t)
	stranger := zhang
	stranger.KeyID = "0000000f"
	other := zhang
	other.Name = "李四"
	posing, shy := program, zhang
	posing.Unverified, shy.Unverified = false, true
	client := act.Officer{Name: "EST", Agency: usccA, Unverified: true, Certificate: "ab"}
	nowhere, verified, withKey := client, client, client
	nowhere.Agency, verified.Unverified, withKey.KeyID = "nobody", false, program.KeyID
	for name, c := range map[string]struct {
		by        act.Officer
		of, scope string
		want      error
	}{
		"an officer": {zhang, usccA, approve, nil}, "a program": {program, usccA, "", nil}, "a program where an officer must": {program, usccA, approve, approval.ErrNoRight},
		"a scope that the key lacks": {zhang, usccA, agency.ScopeEscrowRecover, approval.ErrNoRight}, "another agency's": {zhang, usccB, "", approval.ErrNoRight},
		"an administrator": {admin, usccA, approve, nil}, "no such key": {stranger, usccA, "", approval.ErrNoRight}, "under another's name": {other, usccA, "", approval.ErrNoRight},
		"a program whose name passes for verified": {posing, usccA, "", approval.ErrNoRight}, "an officer whose name does not": {shy, usccA, "", approval.ErrNoRight},
		"a client certificate": {client, usccA, "", nil}, "one where an officer must": {client, usccA, approve, approval.ErrNoRight}, "one for another agency": {client, usccB, "", approval.ErrNoRight},
		"one of no agency": {nowhere, nowhere.Agency, "", approval.ErrNoRight}, "one that passes for a person": {verified, usccA, "", approval.ErrNoRight}, "one with a key": {withKey, usccA, "", approval.ErrNoRight},
	} {
		r, a := b.wish(t, c.by)
		r.Agency = c.of
		do := func() error { return b.Approvals().CommitAsked(t.Context(), a, r, c.scope) }
		if c.want == nil {
			b.kept(t, name, a, do)
		} else {
			b.unchanged(t, name, c.want, do)
		}
	}
	check(t, "a key ends", b.Agencies().RevokeKey(t.Context(), zhang.KeyID, morning, b.act(t, agency.ActKeyRevoked, "x", "x")), nil)
	r, a := b.wish(t, zhang)
	b.unchanged(t, "a key that has ended", approval.ErrNoRight, func() error { return b.Approvals().CommitAsked(t.Context(), a, r, "") })
}

func approvalTooMany(t *testing.T, b *bench) {
	b.officers(t)
	first := b.asked(t, zhang)
	for range approval.MaxPending - 1 {
		r, a := b.wish(t, zhang)
		check(t, "a request", b.Approvals().CommitAsked(t.Context(), a, r, ""), nil)
	}
	r, a := b.wish(t, zhang)
	b.unchanged(t, "one too many", approval.ErrTooMany, func() error { return b.Approvals().CommitAsked(t.Context(), a, r, "") })
	b.asked(t, stranger)
	if _, err := b.decide(t, first, approval.StateRefused, li); err != nil {
		t.Fatal(err)
	}
	check(t, "once one is decided", b.Approvals().CommitAsked(t.Context(), a, r, ""), nil)
}

func approvalDecided(t *testing.T, b *bench) {
	b.officers(t)
	for to, by := range map[approval.State]act.Officer{approval.StateApproved: li, approval.StateRefused: li, approval.StateWithdrawn: zhang} {
		r := b.asked(t, zhang)
		got, err := b.decide(t, r, to, by)
		want := r
		want.State, want.Decided = to, &approval.Decision{State: to, By: by, Why: "同意", At: morning.Add(time.Minute)}
		if err != nil || !same(got, want) {
			t.Fatalf("%s: %v %s", to, err, diff(want, got))
		}
		b.standsAs(t, string(to), want)
		for _, again := range []approval.State{approval.StateApproved, approval.StateRefused, approval.StateWithdrawn} {
			b.unchanged(t, "again", approval.ErrDecided, func() error { _, err := b.decide(t, r, again, by); return err })
		}
		b.standsAs(t, string(to)+" for ever", want)
	}
	open, err := b.Approvals().Unsettled(t.Context())
	if err != nil || len(open) != 1 || open[0].State != approval.StateApproved {
		t.Errorf("unsettled: %v, %v", open, err)
	}
}

func approvalDeciders(t *testing.T, b *bench) {
	b.officers(t)
	r := b.asked(t, zhang)
	renamed := zhang
	renamed.KeyID = li.KeyID // 李四's key in 张三's hand, under his own name
	for name, c := range map[string]struct {
		by   act.Officer
		to   approval.State
		want error
	}{
		"who asked": {zhang, approval.StateApproved, approval.ErrSameOfficer}, "the same name by another key": {program, approval.StateApproved, approval.ErrSameOfficer},
		"another agency's": {stranger, approval.StateApproved, approval.ErrNoRight}, "another's key": {renamed, approval.StateRefused, approval.ErrNoRight},
		"withdrawn by another": {li, approval.StateWithdrawn, approval.ErrNoRight}, "a program": {act.Officer{Name: "x", KeyID: program.KeyID, Agency: usccA}, approval.StateRefused, approval.ErrNoRight},
		"an unknown key":       {act.Officer{Name: "李四", KeyID: "ffffffff", Agency: usccA}, approval.StateApproved, approval.ErrNoRight},
		"a client certificate": {act.Officer{Name: "EST", Agency: usccA, Unverified: true, Certificate: "ab"}, approval.StateApproved, approval.ErrNoRight},
		"one that withdraws":   {act.Officer{Name: "EST", Agency: usccA, Unverified: true, Certificate: "ab"}, approval.StateWithdrawn, approval.ErrNoRight},
	} {
		b.unchanged(t, name, c.want, func() error { _, err := b.decide(t, r, c.to, c.by); return err })
	}
	check(t, "a key ends", b.Agencies().RevokeKey(t.Context(), li.KeyID, morning, b.act(t, agency.ActKeyRevoked, "x", "x")), nil)
	b.unchanged(t, "by a key that has ended", approval.ErrNoRight, func() error { _, err := b.decide(t, r, approval.StateApproved, li); return err })
	b.standsAs(t, "after all that", r)
	if got, err := b.decide(t, r, approval.StateApproved, admin); err != nil || got.State != approval.StateApproved {
		t.Error("an administrator:", got, err)
	}
}

// approvalRace: approved, refused and withdrawn at once: one of the three.
func approvalRace(t *testing.T, b *bench) {
	b.officers(t)
	for range 20 {
		r := b.asked(t, zhang)
		tries := map[approval.State]act.Officer{approval.StateApproved: li, approval.StateRefused: admin, approval.StateWithdrawn: zhang}
		acts := map[approval.State]act.Act{}
		for to := range tries {
			acts[to] = b.act(t, "x", "x", "x")
		}
		before := b.size(t)
		var wg sync.WaitGroup
		var mu sync.Mutex
		errs := map[approval.State]error{}
		for to, by := range tries {
			wg.Go(func() {
				_, err := b.Approvals().CommitDecision(t.Context(), acts[to], r.ID, approval.Decision{State: to, By: by, At: morning}, approve)
				mu.Lock()
				defer mu.Unlock()
				errs[to] = err
			})
		}
		wg.Wait()
		got, err := b.Approvals().Request(t.Context(), r.ID)
		if err != nil || errs[got.State] != nil || b.size(t) != before+1 {
			t.Fatalf("it is %s: %v, %v", got.State, errs, err)
		}
		for to, err := range errs {
			if to != got.State {
				check(t, "the others", err, approval.ErrDecided)
			}
		}
	}
}

func approvalExpired(t *testing.T, b *bench) {
	b.officers(t)
	r := b.asked(t, zhang)
	expire := func(at time.Time) func() error {
		return func() error {
			_, err := b.Approvals().CommitExpired(t.Context(), b.act(t, approval.ActExpired, "x", "x"), r.ID, at)
			return err
		}
	}
	b.unchanged(t, "before its time", approval.ErrDecided, expire(r.Expires.Add(-time.Second)))
	late := func(at time.Time) func() error {
		return func() error {
			a := b.act(t, "x", "x", "x")
			_, err := b.Approvals().CommitDecision(t.Context(), a, r.ID, approval.Decision{State: approval.StateApproved, By: li, At: at}, approve)
			return err
		}
	}
	b.unchanged(t, "approved too late", approval.ErrExpired, late(r.Expires))
	b.unchanged(t, "approved before it was asked", approval.ErrClock, late(r.At.Add(-time.Second)))
	check(t, "its time", expire(r.Expires)(), nil)
	b.unchanged(t, "again", approval.ErrDecided, expire(r.Expires))
	b.unchanged(t, "approved by a clock that went back", approval.ErrExpired, late(r.At))
	if open, err := b.Approvals().Unsettled(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("unsettled: %v, %v", open, err)
	}
}
