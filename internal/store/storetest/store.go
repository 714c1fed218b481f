// Package storetest is the conformance suite of a store: Core, CA, Approval, CRL, Escrow,
// Outside, Seal, License, Journal, Trust and Agency hold it to the contract that the
// offices declare. Each is given
// a function that makes an empty store.
package storetest

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/companion"
	"yinxin/ca/crl"
	"yinxin/ca/escrow"
	"yinxin/ca/outside"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/journal"
	"yinxin/internal/trust"
	"yinxin/seal"
)

// Store is a whole store, as a province holds one. What one office commits is in
// the journal and takes the retry keys of all.
type Store interface {
	// Commit keeps an act that changes nothing but the journal. It fails with
	// act.ErrRetryTaken if the act's retry key has been used.
	Commit(ctx context.Context, a act.Act) error
	// Act gives an act's leaf, record and journal index, or act.ErrNotFound.
	Act(ctx context.Context, id act.ID) (leaf, record []byte, index uint64, err error)
	// Done tells which act was committed under a retry slot within act.RetryLife.
	Done(ctx context.Context, slot [32]byte, now time.Time) (act.Done, bool, error)
	// SweepRetries forgets retry keys older than act.RetryLife, looking at up to
	// limit of them from a slot on; next is where to go on, nil at the end.
	SweepRetries(ctx context.Context, now time.Time, from []byte, limit int) (next []byte, err error)
	// NewestAct gives the time of the newest act, zero if there is none.
	NewestAct(ctx context.Context) (time.Time, error)

	CA() ca.Store
	CRLs() crl.Store
	Seals() seal.Store
	Agencies() agency.Store
	Approvals() approval.Store
	Escrow() escrow.Store
	Companions() companion.Store
	Journal() journal.Store
	Trust() trust.Store
	Outside() outside.Store
}

// morning is when the acts of the suite happen: a store has no clock.
var morning = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

type bench struct {
	Store
	now time.Time
}

// suite runs each test on a store of its own.
func suite(t *testing.T, fresh func(testing.TB) Store, tests map[string]func(*testing.T, *bench)) {
	for name, run := range tests {
		t.Run(name, func(t *testing.T) { run(t, &bench{fresh(t), morning}) })
	}
}

// exact sees what time.Time.Equal does not: a time in the machine's own zone.
var exact = cmp.Comparer(func(a, b time.Time) bool { return a == b })

func same(a, b any) bool { return cmp.Equal(a, b, exact) }

func diff(a, b any) string { return cmp.Diff(a, b, exact) }

// act makes an act a millisecond after the one before.
func (b *bench) act(t testing.TB, name, subject string, record any) act.Act {
	t.Helper()
	b.now = b.now.Add(time.Millisecond)
	a, err := act.New(b.now, rand.Reader, name, subject, record)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// size is the journal's, and the count of acts, which must agree.
func (b *bench) size(t testing.TB) uint64 {
	t.Helper()
	size, err := b.Journal().JournalSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if acts, err := b.Journal().CountActs(t.Context()); err != nil || acts != size {
		t.Fatalf("%d acts under %d leaves, %v", acts, size, err)
	}
	return size
}

// unchanged runs what must fail and leave the journal as it was.
func (b *bench) unchanged(t testing.TB, what string, want error, do func() error) {
	t.Helper()
	before := b.size(t)
	check(t, what, do(), want)
	if after := b.size(t); after != before {
		t.Errorf("%s: it failed and left %d leaves", what, after-before)
	}
}

// kept runs what must be kept under one leaf.
func (b *bench) kept(t testing.TB, what string, a act.Act, do func() error) {
	t.Helper()
	before := b.size(t)
	check(t, what, do(), nil)
	_, record, index, err := b.Act(t.Context(), a.ID)
	if err != nil || index != before || string(record) != string(a.Record) || b.size(t) != before+1 {
		t.Errorf("%s: its act is at %d, want %d: %v", what, index, before, err)
	}
}
