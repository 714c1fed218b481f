package escrow_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/catest"
	"yinxin/ca/escrow"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/store/bolt"
)

const uscc = "11520000MB1A00001X"

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

var errDisk = errors.New("the disk is gone")

// house is a key centre with its authority and the office of the second officer,
// over a real store and real keys, which can be killed and started again.
type house struct {
	*escrow.Office
	ca        *ca.Authority
	approvals *approval.Office
	agencies  *agency.Office
	t         testing.TB
	dir       string
	db        *bolt.DB
	keys      *softkey.Store
	now       time.Time
	faults    map[string]*fault
}

// fault fails the nth write of a name, persisted or not.
type fault struct {
	nth       int
	persisted bool
}

func (h *house) fault(name string, write func() error) error {
	f := h.faults[name]
	if f == nil {
		return write()
	}
	if f.nth--; f.nth != 0 {
		return write()
	}
	if f.persisted {
		if err := write(); err != nil {
			return err
		}
	}
	return errDisk
}

var (
	base string
	fill sync.Once
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if base, err = os.MkdirTemp("", "escrow"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(base)
	return m.Run()
}

// newHouse is a copy of one that was started.
func newHouse(t testing.TB) *house {
	t.Helper()
	fill.Do(func() {
		h := &house{t: t, dir: filepath.Join(base, "h"), now: noon}
		if err := os.Mkdir(h.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		h.open(true)
		if _, err := h.agencies.Add(t.Context(), agency.AddRequest{ID: uscc, Name: "示例局", Region: "520000", Who: "x"}); err != nil {
			t.Fatal(err)
		}
		h.kill()
	})
	h := &house{t: t, dir: filepath.Join(t.TempDir(), "h"), now: noon, faults: map[string]*fault{}}
	if err := os.CopyFS(h.dir, os.DirFS(filepath.Join(base, "h"))); err != nil {
		t.Fatal(err)
	}
	h.open(false)
	t.Cleanup(h.kill)
	return h
}

func (h *house) clock() time.Time { return h.now }

func (h *house) fatal(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) open(create bool) {
	h.t.Helper()
	var err error
	h.db, err = bolt.Open(filepath.Join(h.dir, "store.db"), bolt.Options{Create: create})
	h.fatal(err)
	k := softkey.Options{Dir: filepath.Join(h.dir, "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: h.clock, Iterations: 10}
	if create {
		h.keys, err = softkey.Create(k)
	} else {
		h.keys, err = softkey.Open(k)
	}
	h.fatal(err)
	log := slog.New(slog.DiscardHandler)
	h.agencies, err = agency.New(agency.Config{Store: h.db.Agencies(), Clock: h.clock, Rand: rand.Reader})
	h.fatal(err)
	h.approvals, err = approval.New(approval.Config{Store: h.db.Approvals(), Clock: h.clock, Rand: rand.Reader, Log: log})
	h.fatal(err)
	h.ca, err = ca.New(ca.Config{Store: faultyCA{h.db.CA(), h}, Gate: h.approvals, Keys: h.keys, Clock: h.clock, Rand: rand.Reader, Region: "520000", RegionName: "贵州省", BaseURL: "https://seal.example", Log: log})
	h.fatal(err)
	h.fatal(h.ca.Init(h.t.Context()))
	h.Office, err = escrow.New(escrow.Config{Store: faultyStore{h.db.Escrow(), h}, CA: h.ca, Keys: faultyKeys{h.keys, h}, Gate: h.approvals, Clock: h.clock, Rand: rand.Reader, Log: log})
	h.fatal(err)
	h.approvals.Handle(ca.KindIssue(ca.ProfilePerson), approval.Handler{Scope: agency.ScopeCertificateApprove, Do: h.issueAsked, Final: never})
	h.approvals.Handle(escrow.KindRecover, approval.Handler{Always: true, Officers: true, Scope: agency.ScopeEscrowRecover, Do: h.recoverAsked, Final: never})
	h.fatal(h.Init(h.t.Context()))
	h.fatal(h.approvals.Init(h.t.Context()))
}

func never(error) bool { return false }

func (h *house) issueAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	var asked ca.AskedIssue
	if err := approval.Content(r, &asked); err != nil {
		return approval.Made{}, err
	}
	p, err := h.Issue(ctx, asked.Request(r.Retry()))
	return approval.Made{Ref: p.ID.String(), Answer: p.ID}, err
}

func (h *house) recoverAsked(ctx context.Context, r approval.Request) (approval.Made, error) {
	done, err := h.CarryOut(ctx, r)
	return approval.Made{Ref: done.Serial, Answer: done.Serial}, err
}

func (h *house) kill() {
	if h.db != nil {
		h.db.Close()
		h.keys.Close()
	}
	h.db = nil
}

// restart is another process on the same folder, on a disk that works.
func (h *house) restart() {
	h.t.Helper()
	h.kill()
	h.faults = map[string]*fault{}
	h.open(false)
}

type faultyCA struct {
	ca.Store
	h *house
}

func (f faultyCA) PutIntent(ctx context.Context, i ca.Intent) error {
	return f.h.fault("intent", func() error { return f.Store.PutIntent(ctx, i) })
}

func (f faultyCA) CommitCertificate(ctx context.Context, a act.Act, r ca.Row) error {
	return f.h.fault("certificate", func() error { return f.Store.CommitCertificate(ctx, a, r) })
}

type faultyStore struct {
	escrow.Store
	h *house
}

func (f faultyStore) CommitBegun(ctx context.Context, a act.Act, p escrow.Pair) error {
	return f.h.fault("begun", func() error { return f.Store.CommitBegun(ctx, a, p) })
}

func (f faultyStore) CommitSettled(ctx context.Context, a act.Act, p escrow.Pair) (out escrow.Pair, err error) {
	err = f.h.fault("settled", func() error { out, err = f.Store.CommitSettled(ctx, a, p); return err })
	return out, err
}

func (f faultyStore) CommitRecovered(ctx context.Context, a act.Act, r escrow.Recovery) error {
	return f.h.fault("recovered", func() error { return f.Store.CommitRecovered(ctx, a, r) })
}

type faultyKeys struct {
	*softkey.Store
	h *house
}

func (f faultyKeys) Generate(ctx context.Context, label string, u hsm.Usage) (k hsm.Key, err error) {
	err = f.h.fault("key", func() error { k, err = f.Store.Generate(ctx, label, u); return err })
	return k, err
}

func (f faultyKeys) Envelope(ctx context.Context, id string, to *ecdsa.PublicKey) (b []byte, err error) {
	err = f.h.fault("envelope", func() error { b, err = f.Store.Envelope(ctx, id, to); return err })
	return b, err
}

// order asks for a pair.
func order(t testing.TB, k *sm2.PrivateKey, key string) ca.IssueRequest {
	r := ca.IssueRequest{Profile: ca.ProfilePerson, Agency: uscc, AgencyName: "示例局", CommonName: "李四", CSR: catest.PEM(t, k), Who: "张三", Why: "启用"}
	if key != "" {
		r.Retry = &act.Retry{Owner: uscc, Key: key, Request: [32]byte{1}}
	}
	return r
}

func (h *house) officer(name string, scopes ...string) act.Officer {
	h.t.Helper()
	_, k, err := h.agencies.CreateKey(h.t.Context(), agency.KeyRequest{Agency: uscc, Officer: name, Scopes: scopes, Who: "x"})
	h.fatal(err)
	return act.Officer{Name: name, KeyID: k.ID, Agency: uscc}
}

// certificates of the agency, by profile.
func (h *house) certificates() map[string]int {
	h.t.Helper()
	rows, _, err := h.ca.Certificates(h.t.Context(), ca.Filter{Agency: uscc})
	h.fatal(err)
	n := map[string]int{}
	for _, r := range rows {
		n[r.Profile]++
	}
	return n
}

func (h *house) want(what string, err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Errorf("%s: %v, want %v", what, err, want)
	}
}
