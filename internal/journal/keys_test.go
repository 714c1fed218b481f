package journal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"

	"yinxin/internal/journal"
)

// renewed is a journal's key and those before it.
type renewed struct {
	keys []key
	ends error // instead of a key to sign with
}

func (r *renewed) renew(t *testing.T) {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	r.keys = append(r.keys, key{k})
}

func (r *renewed) Signing(context.Context) (journal.Signer, error) {
	return r.keys[len(r.keys)-1], r.ends
}

func (r *renewed) Known(context.Context) (out []*ecdsa.PublicKey, _ error) {
	for _, k := range r.keys {
		out = append(out, k.Public())
	}
	return out, nil
}

func rotating(t *testing.T) (*renewed, *memory, *journal.Journal) {
	t.Helper()
	r, m := &renewed{}, &memory{tiles: map[string][32]byte{}}
	r.renew(t)
	c := config(m, r.keys[0])
	c.Keys = r
	j, err := journal.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r, m, j
}

func grow(t *testing.T, m *memory, j *journal.Journal) {
	t.Helper()
	m.add(t, 3)
	if err := j.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func audit(t *testing.T, j *journal.Journal) journal.Audit {
	t.Helper()
	a, err := j.Audit(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Three keys sign one journal: it goes on from the old note, the audit opens every
// note, and so does a journal that was opened later.
func TestTheKeyIsRenewed(t *testing.T) {
	r, m, j := rotating(t)
	var receipts []journal.Receipt
	for range 3 {
		grow(t, m, j)
		receipt, err := j.Receipt(t.Context(), m.entries[len(m.entries)-1].ID)
		if err != nil {
			t.Fatal(err)
		}
		receipts = append(receipts, receipt)
		r.renew(t)
	}
	grow(t, m, j)
	c := config(m, r.keys[0])
	c.Keys = r
	later, err := journal.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range []*journal.Journal{j, later} {
		if a := audit(t, j); len(a.Faults) > 0 || a.Checkpoints != 4 || a.Signed != 12 {
			t.Fatalf("%+v", a)
		}
		for _, receipt := range receipts {
			if _, err := journal.CheckReceipt(j.Verifiers(), receipt); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Each note is the one key's and no other's.
	for i, v := range j.Verifiers() {
		for n, note := range m.notes {
			if _, err := v.Open(note); (err == nil) != (i == n) {
				t.Errorf("note %d by key %d: %v", n, i, err)
			}
		}
	}
}

func TestAReplacedKeySignsNoMore(t *testing.T) {
	r, m, j := rotating(t)
	grow(t, m, j)
	r.renew(t)
	grow(t, m, j)
	// Whoever holds the old key signs the next note with it.
	stolen := &renewed{keys: []key{r.keys[1], r.keys[0]}}
	c := config(m, r.keys[0])
	c.Keys = stolen
	thief, err := journal.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	grow(t, m, thief)
	if a := audit(t, j); len(a.Faults) != 1 || !strings.Contains(a.Faults[0], "replaced") {
		t.Fatalf("%q", a.Faults)
	}
}

func TestAKeyNobodyKnows(t *testing.T) {
	r, m, j := rotating(t)
	grow(t, m, j)
	known := slices.Clone(r.keys)
	r.renew(t)
	grow(t, m, j)
	// The register forgot the first key: its notes cannot be checked, which is told.
	r.keys = r.keys[1:]
	if a := audit(t, j); len(a.Faults) != 1 || a.Checkpoints != 1 {
		t.Fatalf("%+v", a)
	}
	r.keys = known
	if a := audit(t, j); len(a.Faults) != 1 || a.Checkpoints != 1 {
		t.Fatalf("%+v", a)
	}
}

func TestNoCheckpointByAKeyThatEnded(t *testing.T) {
	r, m, j := rotating(t)
	grow(t, m, j)
	r.ends = errors.New("revoked")
	m.add(t, 1)
	if err := j.Sign(t.Context()); !errors.Is(err, r.ends) {
		t.Fatal(err)
	}
	if _, n := m.signed(); n != 1 {
		t.Fatalf("%d notes", n)
	}
	r.ends = nil
	r.renew(t)
	grow(t, m, j)
	if a := audit(t, j); len(a.Faults) > 0 {
		t.Fatalf("%q", a.Faults)
	}
}

func TestVerifiersRefuse(t *testing.T) {
	r, _, _ := rotating(t)
	one := r.keys[0].Public()
	for name, keys := range map[string][]*ecdsa.PublicKey{"none": nil, "one twice": {one, one}, "too many": make([]*ecdsa.PublicKey, 101)} {
		if _, err := journal.NewVerifiers("yinxin/520000", keys); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
