package approval_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/store/bolt"
)

const (
	uscc = "11520000MB1A00001X"
	kind = "test:act"
	did  = "test.done" // the act that a request of the kind carries out
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

var errDisk = errors.New("the disk is gone")

// house is an office over a real store, which can be killed and started again.
// What it carries out is an act of its own.
type house struct {
	*approval.Office
	t      *testing.T
	path   string
	db     *bolt.DB
	now    time.Time
	faults map[string]bool // name of a write -> whether it is persisted; each fails once
	rule   error           // what carrying out is refused by
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "store.db"), now: noon, faults: map[string]bool{}}
	h.open(true)
	t.Cleanup(func() { h.db.Close() })
	agencies := h.agencies()
	if _, err := agencies.Add(t.Context(), agency.AddRequest{ID: uscc, Name: "示例局", Region: "520000", Who: "x"}); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) clock() time.Time { return h.now }

func (h *house) agencies() *agency.Office {
	h.t.Helper()
	o, err := agency.New(agency.Config{Store: h.db.Agencies(), Clock: h.clock, Rand: rand.Reader})
	if err != nil {
		h.t.Fatal(err)
	}
	return o
}

func (h *house) open(create bool) {
	h.t.Helper()
	var err error
	if h.db, err = bolt.Open(h.path, bolt.Options{Create: create}); err != nil {
		h.t.Fatal(err)
	}
	h.Office, err = approval.New(approval.Config{Store: faulty{h.db.Approvals(), h}, Clock: h.clock, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		h.t.Fatal(err)
	}
	h.Handle(kind, approval.Handler{Scope: agency.ScopeCertificateApprove, Do: h.carryOut, Final: func(err error) bool { return errors.Is(err, errRule) }})
	if err := h.Init(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// restart is another process on the same file.
func (h *house) restart() {
	h.t.Helper()
	if err := h.db.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.open(false)
}

var errRule = errors.New("a rule refuses it")

// carryOut commits one act, as an office would.
func (h *house) carryOut(ctx context.Context, r approval.Request) (approval.Made, error) {
	if h.rule != nil {
		return approval.Made{}, h.rule
	}
	a, err := act.New(h.now, rand.Reader, did, "x", r.Content)
	if err != nil {
		return approval.Made{}, err
	}
	a.Retry = r.Retry()
	err = h.fault("act", func() error { return h.db.Commit(ctx, a) })
	if errors.Is(err, act.ErrRetryTaken) {
		var d act.Done
		d, _, err = h.db.Done(ctx, a.Retry.Slot(), h.now)
		a.ID = d.Act
	}
	return approval.Made{Ref: a.ID.String(), Answer: map[string]string{"act": a.ID.String()}}, err
}

// fault fails a write once, persisted or not.
func (h *house) fault(name string, write func() error) error {
	persisted, there := h.faults[name]
	if !there {
		return write()
	}
	delete(h.faults, name)
	if persisted {
		if err := write(); err != nil {
			return err
		}
	}
	return errDisk
}

// faulty is a store whose writes may fail.
type faulty struct {
	approval.Store
	h *house
}

func (f faulty) CommitAsked(ctx context.Context, a act.Act, r approval.Request, scope string) error {
	return f.h.fault("asked", func() error { return f.Store.CommitAsked(ctx, a, r, scope) })
}

func (f faulty) CommitDecision(ctx context.Context, a act.Act, id act.ID, d approval.Decision, scope string) (r approval.Request, err error) {
	err = f.h.fault("decision", func() error { r, err = f.Store.CommitDecision(ctx, a, id, d, scope); return err })
	return r, err
}

func (f faulty) CommitExpired(ctx context.Context, a act.Act, id act.ID, at time.Time) (r approval.Request, err error) {
	err = f.h.fault("expired", func() error { r, err = f.Store.CommitExpired(ctx, a, id, at); return err })
	return r, err
}

func (f faulty) CommitOutcome(ctx context.Context, a act.Act, id act.ID, o approval.Outcome) (r approval.Request, err error) {
	err = f.h.fault("outcome", func() error { r, err = f.Store.CommitOutcome(ctx, a, id, o); return err })
	return r, err
}

func (f faulty) CommitRule(ctx context.Context, a act.Act, r approval.Rule, scope string) error {
	return f.h.fault("rule", func() error { return f.Store.CommitRule(ctx, a, r, scope) })
}

// officer makes a person's key.
func (h *house) officer(name string, scopes ...string) act.Officer {
	h.t.Helper()
	if len(scopes) == 0 {
		scopes = []string{agency.ScopeCertificateApprove}
	}
	_, k, err := h.agencies().CreateKey(h.t.Context(), agency.KeyRequest{Agency: uscc, Officer: name, Scopes: scopes, Who: "x"})
	if err != nil {
		h.t.Fatal(err)
	}
	return act.Officer{Name: name, KeyID: k.ID, Agency: uscc}
}

// strict makes the kind need a second officer.
func (h *house) strict() {
	h.t.Helper()
	if _, err := h.SetRule(h.t.Context(), kind, true, h.officer("管理员", agency.ScopeAdmin), "双人", nil); err != nil {
		h.t.Fatal(err)
	}
}

func wish(by act.Officer, key string) act.Asked {
	a := act.Asked{Kind: kind, Agency: uscc, Content: map[string]string{"what": "it"}, By: by, Why: "启用"}
	if key != "" {
		a.Retry = &act.Retry{Owner: uscc, Key: key, Request: [32]byte{1}}
	}
	return a
}

// ask keeps a request.
func (h *house) ask(by act.Officer, key string) approval.Request {
	h.t.Helper()
	_, err := h.Pass(h.t.Context(), wish(by, key))
	var p *approval.Pending
	if !errors.As(err, &p) || !errors.Is(err, approval.ErrPending) {
		h.t.Fatal(err)
	}
	return p.Request
}

func (h *house) show(id act.ID) approval.Request {
	h.t.Helper()
	r, err := h.Show(h.t.Context(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// journalled counts the journal's leaves of an act.
func (h *house) journalled(name string) (n int) {
	h.t.Helper()
	j := h.db.Journal()
	size, err := j.JournalSize(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for i := range size {
		e, err := j.LeafAt(h.t.Context(), i)
		if err != nil {
			h.t.Fatal(err)
		}
		l, err := act.ParseLeaf(e.Leaf)
		if err != nil {
			h.t.Fatal(err)
		}
		if l.Act == name {
			n++
		}
	}
	return n
}

func (h *house) want(what string, err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Errorf("%s: %v, want %v", what, err, want)
	}
}
