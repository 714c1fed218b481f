package province

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yinxin/ca/tsa"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/act"
	"yinxin/internal/journal"
	"yinxin/seal"
)

// untold gives what the journal says of signatures without act, by key.
func untold(t *testing.T, p *Province) map[string]uint64 {
	t.Helper()
	out := map[string]uint64{}
	a, err := p.Journal.Audit(t.Context(), func(_ uint64, e journal.Entry, l act.Leaf) {
		if l.Act != seal.ActUnaccounted {
			return
		}
		var g softkey.UseGap
		if err := act.Decode(e.Record, &g); err != nil || g.KeyID != l.Subject || g.N == 0 {
			t.Errorf("%+v of %s, %v", g, l.Subject, err)
		}
		out[g.KeyID] += g.N
	})
	if err != nil || len(a.Faults) > 0 {
		t.Fatal(a.Faults, err)
	}
	return out
}

// balanced: the counter of each seal's key is its acts and the signatures that
// were told to be without.
func balanced(t *testing.T, p *Province, s seal.Seal, stamps uint64) {
	t.Helper()
	k, err := p.Keys.Key(t.Context(), s.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	told, err := p.Store.Seals().Accounted(t.Context(), s.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	reconciled(t, p, s, UsesAgree)
	if uses := k.Info().Uses; uses != told || told != stamps+untold(t, p)[s.KeyID] {
		t.Errorf("%d uses, %d accounted for, %d stamps, %d without act", uses, told, stamps, untold(t, p)[s.KeyID])
	}
}

// reconciled: counted anew, the register tells of a seal's key what it must.
func reconciled(t *testing.T, p *Province, s seal.Seal, want string) {
	t.Helper()
	keys, err := p.Reconcile(t.Context())
	if err != nil || len(keys) == 0 {
		t.Fatal(len(keys), err)
	}
	for _, k := range keys {
		if k.SealID == s.ID && k.State != want {
			t.Errorf("%+v, want %s", k, want)
		}
	}
	behind, _, err := p.KeyCounts(t.Context())
	if err != nil || (behind > 0) != (want == UsesBehind || want == UsesMissing) {
		t.Errorf("%d keys behind, %v, want %s", behind, err, want)
	}
}

func (h *house) reopen(t *testing.T) {
	t.Helper()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), h.o)
	if err != nil {
		t.Fatal(err)
	}
	h.Province = p
}

// What was signed and not committed is told at the next start, once.
func TestSignaturesWithoutActAreTold(t *testing.T) {
	h := newHouse(t)
	h.clock.move(time.Hour)
	for range 3 {
		h.sealJSON(t, []byte(`{"a":1}`))
	}
	h.clock.move(-10 * time.Minute)
	const lost = 4
	for range lost {
		// The time-stamp authority refuses after the seal's key has signed.
		if _, err := h.Seals.StampJSON(t.Context(), h.request(), []byte(`{"a":1}`)); !errors.Is(err, tsa.ErrClockBackwards) {
			t.Fatal(err)
		}
	}
	reconciled(t, h.Province, h.seal, UsesAhead)
	h.clock.move(10 * time.Minute)
	for range 3 { // told once, however often it is opened
		h.reopen(t)
		if got := untold(t, h.Province); len(got) != 1 || got[h.seal.KeyID] != lost {
			t.Fatalf("without act: %v, want %d of %s", got, lost, h.seal.KeyID)
		}
		balanced(t, h.Province, h.seal, 3)
	}
	h.sealJSON(t, []byte(`{"a":1}`))
	h.reopen(t)
	balanced(t, h.Province, h.seal, 4)
}

// A killed process leaves a block begun: at most as many as are left of it.
func TestAKilledProcessIsToldOf(t *testing.T) {
	h := newHouse(t)
	h.clock.move(time.Hour)
	const stamps = 5
	for range stamps {
		h.sealJSON(t, []byte(`{"a":1}`))
	}
	killed := h.o
	killed.Dir = filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(killed.Dir, os.DirFS(h.o.Dir)); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		p, err := Open(t.Context(), killed)
		if err != nil {
			t.Fatal(err)
		}
		const block = 1000
		if got := untold(t, p); got[h.seal.KeyID] != block-stamps || len(got) < 2 {
			t.Errorf("opened %d times, without act: %v", i+1, got)
		}
		balanced(t, p, h.seal, stamps)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Open(t.Context(), killed)
	if err != nil {
		t.Fatal(err)
	}
	first := untold(t, p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if p, err = Open(t.Context(), killed); err != nil {
		t.Fatal(err)
	}
	again := untold(t, p)
	if len(again) != len(first) {
		t.Errorf("told again: %v, then %v", first, again)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// Keys put back from an older copy stand behind their acts; that is no reason to
// lose the province, and nothing is told twice.
func TestAnOlderCopyOfTheKeys(t *testing.T) {
	h := newHouse(t)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	older := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(older, os.DirFS(filepath.Join(h.o.Dir, "keys"))); err != nil {
		t.Fatal(err)
	}
	p, err := Open(t.Context(), h.o)
	if err != nil {
		t.Fatal(err)
	}
	h.Province = p
	h.sealJSON(t, []byte(`{"a":1}`))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.RemoveAll(filepath.Join(h.o.Dir, "keys")), os.CopyFS(filepath.Join(h.o.Dir, "keys"), os.DirFS(older))); err != nil {
		t.Fatal(err)
	}
	if h.Province, err = Open(t.Context(), h.o); err != nil {
		t.Fatal(err)
	}
	if got := untold(t, h.Province); len(got) != 0 {
		t.Errorf("without act: %v", got)
	}
	reconciled(t, h.Province, h.seal, UsesBehind)
}

// A province that cannot be wired up is not opened half.
func TestMissingKeysAreTold(t *testing.T) {
	h := newHouse(t)
	copied := h.o
	copied.Dir = filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(copied.Dir, os.DirFS(h.o.Dir)); err != nil {
		t.Fatal(err)
	}
	lost, err := filepath.Glob(filepath.Join(copied.Dir, "keys", "*.key"))
	if err != nil || len(lost) == 0 {
		t.Fatal(len(lost), err)
	}
	for _, path := range lost {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // and it has let the folder go
		if p, err := Open(t.Context(), copied); !errors.Is(err, hsm.ErrNotFound) {
			t.Fatal(p, err)
		}
	}
}
