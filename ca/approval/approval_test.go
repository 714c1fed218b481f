package approval_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
)

func TestWithoutARuleAnActPasses(t *testing.T) {
	h := newHouse(t)
	ref, err := h.Pass(t.Context(), wish(act.Officer{Name: "x"}, "k"))
	if ref != "" || err != nil || h.journalled(approval.ActAsked) != 0 {
		t.Error(ref, err)
	}
	a := wish(act.Officer{Name: "x"}, "")
	a.Kind = "unknown"
	_, err = h.Pass(t.Context(), a)
	h.want("a kind that nobody carries out", err, approval.ErrRefused)
}

func TestTwoOfficers(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang, li := h.officer("张三"), h.officer("李四")
	r := h.ask(zhang, "k")
	if again := h.ask(zhang, "k"); again.ID != r.ID {
		t.Error("a retry asks twice")
	}
	if string(r.Content) != `{"what":"it"}` || r.State != approval.StatePending || r.By != zhang || !r.At.Equal(noon) || !r.Expires.Equal(noon.Add(approval.Life)) {
		t.Errorf("%+v", r)
	}
	if h.journalled(did) != 0 {
		t.Fatal("it was done before it was approved")
	}
	done, err := h.Approve(t.Context(), r.ID, li, "同意")
	if err != nil || done.State != approval.StateApproved || done.Outcome == nil || done.Decided.By != li || h.journalled(did) != 1 {
		t.Fatalf("%+v %v", done, err)
	}
	if ref, err := h.Pass(t.Context(), wish(zhang, "k")); err != nil || ref != done.Outcome.Ref {
		t.Errorf("polled: %q %v", ref, err)
	}
	other := wish(zhang, "k")
	other.Retry.Request = [32]byte{2}
	_, err = h.Pass(t.Context(), other)
	h.want("another request under the key", err, approval.ErrRetryMismatch)
	_, err = h.Approve(t.Context(), r.ID, h.officer("王五"), "")
	h.want("approved twice", err, approval.ErrDecided)
	h.restart()
	if n := h.journalled(did); n != 1 {
		t.Errorf("it was done %d times", n)
	}
}

// A key that stands for another office's act opens no gate: neither for a request
// that differs nor, where the key is forgotten a moment later, for the same one.
func TestAKeyThatWasUsedElsewherePassesNothing(t *testing.T) {
	h := newHouse(t)
	h.strict()
	a, err := act.New(h.now, rand.Reader, "stamp.made", "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	wanted := wish(h.officer("张三"), "k")
	a.Retry = &act.Retry{Owner: wanted.Retry.Owner, Key: wanted.Retry.Key, Request: [32]byte{9}}
	if err := h.db.Commit(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	ref, err := h.Pass(t.Context(), wanted)
	h.want("another's key passes with "+ref, err, approval.ErrRetryMismatch)
	wanted.Retry.Request = a.Retry.Request
	ref, err = h.Pass(t.Context(), wanted)
	h.want("the same request passes with "+ref, err, act.ErrRetryTaken)
	h.now = noon.Add(act.RetryLife + time.Minute)
	_, err = h.Pass(t.Context(), wanted)
	h.want("forgotten", err, approval.ErrPending)
}

// Whoever could be the one who asked is not the second officer.
func TestTheSecondOfficerIsAnother(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang := h.officer("Zhang San")
	r := h.ask(zhang, "")
	for name, by := range map[string]act.Officer{
		"the same key": zhang, "the same name by another key": h.officer("Zhang San"), "in other letters": h.officer("ZHANG san"), "with other spaces": h.officer("Zhang\u00b7San"),
	} {
		_, err := h.Approve(t.Context(), r.ID, by, "")
		h.want(name, err, approval.ErrSameOfficer)
	}
	for name, by := range map[string]act.Officer{
		"nobody": {}, "a name without a key": {Name: "李四"}, "a key without a name": {KeyID: zhang.KeyID, Agency: uscc},
		"no such key": {Name: "李四", KeyID: "00000000", Agency: uscc}, "without the scope": h.officer("赵六", agency.ScopeStamp),
	} {
		_, err := h.Approve(t.Context(), r.ID, by, "")
		h.want(name, err, approval.ErrNoRight)
	}
	if h.show(r.ID).State != approval.StatePending || h.journalled(approval.ActApproved) != 0 {
		t.Error("it was decided")
	}
	_, err := h.Pass(t.Context(), wish(act.Officer{Name: "x"}, ""))
	h.want("asked without a key", err, approval.ErrNoRight)
}

// A key that ends between the asking and the decision decides nothing.
func TestAnOfficersKeyThatEnded(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang, li := h.officer("张三"), h.officer("李四")
	r := h.ask(zhang, "")
	if _, err := h.agencies().Revoke(t.Context(), li.KeyID, "x", "离职"); err != nil {
		t.Fatal(err)
	}
	_, err := h.Approve(t.Context(), r.ID, li, "")
	h.want("a revoked key", err, approval.ErrNoRight)
	wang := h.officer("王五")
	if err := h.agencies().Close(t.Context(), uscc, "x", "撤销"); err != nil {
		t.Fatal(err)
	}
	_, err = h.Approve(t.Context(), r.ID, wang, "")
	h.want("of a closed agency", err, approval.ErrNoRight)
}

func TestTheClock(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang, li := h.officer("张三"), h.officer("李四")
	r, late := h.ask(zhang, ""), h.ask(zhang, "")
	h.now = noon.Add(-time.Minute)
	_, err := h.Approve(t.Context(), r.ID, li, "")
	h.want("a clock before the asking", err, approval.ErrClock)
	h.now = noon.Add(approval.Life - time.Second)
	if _, err := h.Approve(t.Context(), r.ID, li, ""); err != nil {
		t.Error("the last second:", err)
	}
	h.now = noon.Add(approval.Life)
	_, err = h.Approve(t.Context(), late.ID, li, "")
	h.want("too late", err, approval.ErrExpired)
	// It is written down at once: a clock that goes back does not revive it.
	h.now = noon.Add(time.Hour)
	for range 2 {
		_, err = h.Approve(t.Context(), late.ID, li, "")
		h.want("with the clock back", err, approval.ErrExpired)
		h.restart()
	}
	if got := h.show(late.ID); got.State != approval.StateExpired || h.journalled(approval.ActExpired) != 1 || h.journalled(did) != 1 {
		t.Errorf("%+v", got)
	}
}

// Expiry is written down by whoever looks, once.
func TestSettleExpires(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang := h.officer("张三")
	for range approval.MaxPending {
		h.ask(zhang, "")
	}
	_, err := h.Pass(t.Context(), wish(zhang, ""))
	h.want("one too many", err, approval.ErrTooMany)
	h.now = noon.Add(approval.Life)
	for range 2 {
		if err := h.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := h.journalled(approval.ActExpired); n != approval.MaxPending {
		t.Errorf("%d expired", n)
	}
	h.ask(zhang, "")
}

// What a rule refuses is refused for ever, and told; what the disk refuses is
// done later.
func TestWhatCannotBeCarriedOut(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang, li := h.officer("张三"), h.officer("李四")
	r := h.ask(zhang, "k")
	h.rule = errRule
	done, err := h.Approve(t.Context(), r.ID, li, "")
	if err != nil || done.Outcome == nil || done.Outcome.Failure != errRule.Error() {
		t.Fatalf("%+v %v", done, err)
	}
	_, err = h.Pass(t.Context(), wish(zhang, "k"))
	if h.want("polled", err, approval.ErrNotGranted); !strings.Contains(err.Error(), errRule.Error()) {
		t.Error(err)
	}
	h.rule = errDisk
	second := h.ask(zhang, "l")
	done, err = h.Approve(t.Context(), second.ID, li, "")
	if err != nil || done.State != approval.StateApproved || done.Outcome != nil {
		t.Fatalf("%+v %v", done, err)
	}
	_, err = h.Pass(t.Context(), wish(zhang, "l"))
	h.want("polled meanwhile", err, approval.ErrPending)
	h.rule = nil
	if err := h.Settle(t.Context()); err != nil || h.show(second.ID).Outcome == nil || h.journalled(did) != 1 {
		t.Error(err, h.show(second.ID))
	}
}

// Nobody knows, a week later, whether an approved act was done: its retry key is
// forgotten. It is not done a second time.
func TestWhatWasApprovedLongAgoIsNotCarriedOut(t *testing.T) {
	h := newHouse(t)
	h.strict()
	r := h.ask(h.officer("张三"), "")
	h.faults = map[string]bool{"outcome": false}
	if _, err := h.Approve(t.Context(), r.ID, h.officer("李四"), ""); err != nil || h.journalled(did) != 1 {
		t.Fatal(err)
	}
	h.now = noon.Add(act.RetryLife + time.Hour)
	h.restart()
	if got := h.show(r.ID); got.Outcome == nil || got.Outcome.Failure == "" || h.journalled(did) != 1 {
		t.Errorf("%+v, done %d times", got, h.journalled(did))
	}
}

// Approved, refused, withdrawn and approved again, all at once, many times: one
// decision stands, and what is approved is done once.
func TestARaceOfOfficers(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang, li, wang := h.officer("张三"), h.officer("李四"), h.officer("王五")
	approved := 0
	for range 20 {
		r := h.ask(zhang, "")
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := map[approval.State]int{}
		for i := range 8 {
			wg.Go(func() {
				var got approval.Request
				var err error
				switch i % 4 {
				case 0:
					got, err = h.Refuse(t.Context(), r.ID, wang, "不")
				case 1:
					got, err = h.Withdraw(t.Context(), r.ID, zhang, "")
				default:
					got, err = h.Approve(t.Context(), r.ID, li, "")
				}
				if err == nil {
					mu.Lock()
					won[got.State]++
					mu.Unlock()
				} else if !errors.Is(err, approval.ErrDecided) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		got := h.show(r.ID)
		if len(won) != 1 || won[got.State] != 1 {
			t.Fatalf("it is %s: %v", got.State, won)
		}
		if got.State == approval.StateApproved {
			approved++
		}
		if h.journalled(did) != approved {
			t.Fatalf("%d approved, %d done", approved, h.journalled(did))
		}
	}
}

func TestConcurrentAsking(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang := h.officer("张三")
	ids := make([]act.ID, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = h.ask(zhang, "k").ID })
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatal(ids)
		}
	}
}

func TestBounds(t *testing.T) {
	h := newHouse(t)
	h.strict()
	zhang, li := h.officer("张三"), h.officer("李四")
	for name, spoil := range map[string]func(*act.Asked){
		"no reason": func(a *act.Asked) { a.Why = "" }, "a long reason": func(a *act.Asked) { a.Why = strings.Repeat("x", approval.MaxWhy+1) },
		"no text": func(a *act.Asked) { a.Why = "\xff" }, "nobody": func(a *act.Asked) { a.By.Name = "" },
		"long content": func(a *act.Asked) { a.Content = strings.Repeat("x", approval.MaxContent) },
	} {
		a := wish(zhang, "")
		spoil(&a)
		if _, err := h.Pass(t.Context(), a); !errors.Is(err, approval.ErrRefused) && !errors.Is(err, approval.ErrNoRight) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r := h.ask(zhang, "")
	_, err := h.Refuse(t.Context(), r.ID, li, "")
	h.want("refused without a reason", err, approval.ErrRefused)
	_, err = h.Approve(t.Context(), r.ID, li, strings.Repeat("x", approval.MaxWhy+1))
	h.want("a long reason", err, approval.ErrRefused)
	_, err = h.Approve(t.Context(), act.ID{1}, li, "")
	h.want("an unknown request", err, approval.ErrNotFound)
	var into struct{}
	h.want("a member that would not be done", approval.Content(r, &into), approval.ErrRefused)
}
