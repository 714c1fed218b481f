package province

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/status"
)

// lifeKind is a step in a seal's life that two officers take.
type lifeKind struct {
	kind, name string // of the request, of the act
	writes     []string
	ready      func(t *testing.T, h *house) // what must have been before
	ask        func(h *house, t *testing.T, r seal.ChangeRequest) (seal.Seal, error)
	done       func(s seal.Seal) bool
}

var lifeKinds = map[string]lifeKind{
	"change": {seal.KindChange, seal.ActVaried, []string{"intent", "certificate", "made"}, nil,
		func(h *house, t *testing.T, r seal.ChangeRequest) (seal.Seal, error) {
			return h.Seals.Vary(t.Context(), seal.VaryRequest{ChangeRequest: r, AgencyName: "示例局", Name: "更名局"})
		}, func(s seal.Seal) bool { return s.Edition == 2 && s.Name == "更名局" && len(s.Earlier) == 1 }},
	"cancel": {seal.KindCancel, seal.ActCancelled, []string{"made"}, nil, func(h *house, t *testing.T, r seal.ChangeRequest) (seal.Seal, error) {
		r.Grounds = seal.GroundsMerger
		return h.Seals.Cancel(t.Context(), r)
	}, func(s seal.Seal) bool { return s.State == status.SealCancelled && s.End.Grounds == seal.GroundsMerger }},
	"grant": {seal.KindGrant, seal.ActGranted, []string{"made"}, nil, func(h *house, t *testing.T, r seal.ChangeRequest) (seal.Seal, error) {
		return h.Seals.Grant(t.Context(), r, seal.Grant{Agency: testAgency, Officer: "王五"})
	}, func(s seal.Seal) bool { return len(s.Policy.Grants) == 1 && s.Policy.Grants[0].Officer == "王五" }},
	"destroy": {seal.KindDestroy, seal.ActDestroyed, []string{"made"}, func(t *testing.T, h *house) {
		if _, err := h.Seals.Cancel(t.Context(), seal.ChangeRequest{SealID: h.seal.ID, Who: "x", Why: "y"}); err != nil {
			t.Fatal(err)
		}
	}, func(h *house, t *testing.T, r seal.ChangeRequest) (seal.Seal, error) {
		r.Witness = "监销员"
		return h.Seals.Destroy(t.Context(), r)
	}, func(s seal.Seal) bool { return s.Destroyed != nil }},
}

// Each step that two officers take is taken once: each write fails, persisted or not,
// then the process dies.
func TestASealsLifeByTwoOfficers(t *testing.T) {
	for name, k := range lifeKinds {
		for _, write := range append([]string{""}, k.writes...) {
			for _, persisted := range []bool{false, true} {
				if write == "" && persisted {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, persisted %t", name, write, persisted), func(t *testing.T) { stepOverFault(t, k, write, persisted) })
			}
		}
	}
}

func stepOverFault(t *testing.T, k lifeKind, write string, persisted bool) {
	h := newHouse(t)
	if k.ready != nil {
		k.ready(t, h)
	}
	one, two := h.strict(t, k.kind)
	r := seal.ChangeRequest{SealID: h.seal.ID, Who: "甲", Why: "更名", By: one, Retry: &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}}}
	if _, err := k.ask(h, t, seal.ChangeRequest{SealID: h.seal.ID, Who: "甲", Why: "更名"}); !errors.Is(err, approval.ErrNoRight) {
		t.Fatalf("one without a key was enough: %v", err)
	}
	_, err := k.ask(h, t, r)
	asked := pending(t, err)
	if asked.Kind != k.kind || asked.Agency != testAgency || !strings.Contains(string(asked.Content), h.seal.ID) {
		t.Fatalf("%+v", asked)
	}
	if _, err = k.ask(h, t, r); pending(t, err).ID != asked.ID {
		t.Error("a retry asks twice")
	}
	if now, err := h.Seals.Show(t.Context(), h.seal.ID); err != nil || k.done(now) {
		t.Fatalf("it is done before anyone approved: %v", err)
	}
	if _, err := h.Approvals.Approve(t.Context(), asked.ID, one, ""); !errors.Is(err, approval.ErrSameOfficer) {
		t.Fatal(err)
	}
	issued := h.journalled(t, ca.ActIssued)
	h.failing(t, write, persisted)
	h.Seals = h.over(t, &faultySeals{write: write, persisted: persisted})
	h.approved(t, asked, two, write != "" && (write != "certificate" || !persisted))
	now, err := h.Seals.Show(t.Context(), h.seal.ID)
	if err != nil || !k.done(now) {
		t.Fatalf("%v %+v", err, now)
	}
	again, err := k.ask(h, t, r)
	if err != nil || again.Version != now.Version {
		t.Errorf("who asked gets %+v: %v", again, err)
	}
	if n := h.journalled(t, k.name); n != 1 {
		t.Errorf("it was done %d times", n)
	}
	if n := h.journalled(t, ca.ActIssued) - issued; n > 1 || (n == 1) != (k.kind == seal.KindChange) {
		t.Errorf("%d certificates were issued", n)
	}
	steps, err := h.Seals.History(t.Context(), h.seal.ID)
	if err != nil || len(steps) == 0 {
		t.Fatal(err)
	}
	if last := steps[len(steps)-1]; last.Name != k.name || last.Request != asked.ID.String() || last.Approved != two.String() || last.Who != "甲" {
		t.Errorf("%+v", last)
	}
	for _, e := range now.Editions() {
		key, err := h.Keys.Key(t.Context(), e.KeyID)
		want := hsm.Active
		switch {
		case now.Destroyed != nil:
			want = hsm.Destroyed
		case !e.Replaced.IsZero():
			want = hsm.Suspended
		}
		if err != nil || key.Info().State != want {
			t.Errorf("the key of edition %d is %s, want %s: %v", e.Number, key.Info().State, want, err)
		}
	}
}

// An application under an idempotency key is one seal over every fault.
func TestAnApplicationOverFaults(t *testing.T) {
	for _, write := range []string{"picture", "applied", "intent", "certificate", "made"} {
		for _, persisted := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, persisted %t", write, persisted), func(t *testing.T) {
				h := newHouse(t)
				h.failing(t, write, persisted)
				h.Seals = h.over(t, &faultySeals{write: write, persisted: persisted})
				wish := seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "新章", Who: "x", Why: "y", Retry: &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}}}
				issued := h.journalled(t, ca.ActIssued)
				first, err := h.Seals.Make(t.Context(), wish)
				if err == nil && (write != "certificate" || !persisted) {
					t.Fatal("the fault did nothing")
				}
				h.restart(t)
				s, err := h.Seals.Make(t.Context(), wish)
				if err != nil || first.ID != "" && first.ID != s.ID {
					t.Fatal(first.ID, s.ID, err)
				}
				if again, err := h.Seals.Make(t.Context(), wish); err != nil || again.ID != s.ID {
					t.Error(again.ID, err)
				}
				if i, m := h.journalled(t, ca.ActIssued)-issued, h.journalled(t, seal.ActMade); i != 1 || m != 2 {
					t.Errorf("%d certificates, %d seals", i, m)
				}
				h.clock.move(time.Minute)
				h.stampWith(t, s)
			})
		}
	}
}

// What a verifier says of stamps by an edition that was replaced: before that moment
// it is something to know, from then on it is as if the seal were cancelled.
func TestStampsByAReplacedEdition(t *testing.T) {
	h := newHouse(t)
	h.clock.move(time.Minute)
	good := h.stampWith(t, h.seal)
	h.clock.move(time.Minute)
	s, err := h.Seals.Renew(t.Context(), seal.VaryRequest{ChangeRequest: seal.ChangeRequest{SealID: h.seal.ID, Who: "x", Why: "y"}, AgencyName: "示例局"})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Minute)
	want(t, h.judge(t, h.stampWith(t, s).Document), verify.Valid, "")
	want(t, h.judge(t, good.Document), verify.ValidWithNotice, verify.SealCancelledAfter)
	// A copy of the old key that somebody kept signs on.
	if err := h.Keys.SetState(t.Context(), h.seal.KeyID, hsm.Active); err != nil {
		t.Fatal(err)
	}
	rogue, err := seal.NewOffice(seal.Config{Store: &staleSeals{h.Store.Seals(), h.seal}, Keys: h.Keys, CA: h.CA, TSA: h.TSA, Clock: h.o.Clock, Rand: h.o.Rand, Region: "520000",
		Maker: h.signing(ca.PurposeSealMaker), Status: h.signing(ca.PurposeStatus)})
	if err != nil {
		t.Fatal(err)
	}
	late, err := rogue.StampJSON(t.Context(), h.request(), []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	want(t, h.judge(t, late.Document), verify.NotValid, verify.SealCancelledBeforeSealing)
}

// staleSeals is a register that missed a change, and records nothing.
type staleSeals struct {
	seal.Store
	old seal.Seal
}

func (s *staleSeals) Seal(context.Context, string) (seal.Seal, error) { return s.old, nil }

func (s *staleSeals) CommitStamp(context.Context, act.Act, seal.Stamp, seal.Guard) error { return nil }
