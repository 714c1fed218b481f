package journal_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/transparency-dev/merkle/compact"

	"yinxin/internal/act"
	"yinxin/internal/journal"
)

type key struct{ *sm2.PrivateKey }

func (k key) Public() *ecdsa.PublicKey { return &k.PublicKey }
func (k key) SignMessage(_ context.Context, m []byte) ([]byte, error) {
	return k.PrivateKey.SignWithSM2(rand.Reader, nil, m)
}
func (k key) Signing(context.Context) (journal.Signer, error) { return k, nil }
func (k key) Known(context.Context) ([]*ecdsa.PublicKey, error) {
	return []*ecdsa.PublicKey{k.Public()}, nil
}

// memory is a store for the tests of the tree alone; the real one is tested
// with the same calls in internal/store/bolt.
type memory struct {
	key key

	mu      sync.Mutex // for TestRunSignsWhatHasCome alone: Run is a goroutine of its own
	entries []journal.Entry
	tiles   map[string][32]byte
	size    uint64
	notes   [][]byte
}

func (m *memory) JournalSize(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(len(m.entries)), nil
}
func (m *memory) CountActs(context.Context) (uint64, error) { return uint64(len(m.entries)), nil }
func (m *memory) LeafHashes(_ context.Context, from, to uint64) (out [][32]byte, _ error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries[from:to] {
		out = append(out, e.Hash)
	}
	return out, nil
}
func (m *memory) LeafAt(_ context.Context, i uint64) (journal.Entry, error) { return m.entries[i], nil }
func (m *memory) Act(_ context.Context, id act.ID) ([]byte, []byte, uint64, error) {
	for i, e := range m.entries {
		if e.ID == id {
			return e.Leaf, e.Record, uint64(i), nil
		}
	}
	return nil, nil, 0, errors.New("no such act")
}
func (m *memory) Tile(_ context.Context, level uint, index uint64) (out [][32]byte, _ error) {
	for i := index * 256; i < (index+1)*256; i++ {
		h, ok := m.tiles[fmt.Sprint(level, i)]
		if !ok {
			break
		}
		out = append(out, h)
	}
	return out, nil
}
func (m *memory) Checkpoint(context.Context) (uint64, []byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size == 0 {
		return 0, nil, nil
	}
	return m.size, m.notes[len(m.notes)-1], nil
}
func (m *memory) PutCheckpoint(_ context.Context, old, size uint64, note []byte, tiles []journal.Tile, _ time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old != m.size {
		return journal.ErrStale
	}
	for _, t := range tiles {
		for i, h := range t.Hashes {
			m.tiles[fmt.Sprint(t.Level, t.From+uint64(i))] = h
		}
	}
	m.size, m.notes = size, append(m.notes, note)
	return nil
}
func (m *memory) Checkpoints(context.Context) ([][]byte, error) { return m.notes, nil }

func (m *memory) add(t *testing.T, n int) {
	t.Helper()
	for range n {
		a, err := act.New(time.Now(), rand.Reader, "test.act", fmt.Sprint(len(m.entries)), map[string]int{"n": len(m.entries)})
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := a.Leaf.Encode()
		if err != nil {
			t.Fatal(err)
		}
		m.mu.Lock()
		m.entries = append(m.entries, journal.Entry{ID: a.ID, Hash: act.LeafHash(leaf), Leaf: leaf, Record: a.Record})
		m.mu.Unlock()
	}
}

// signed tells how many leaves are under how many notes.
func (m *memory) signed() (size uint64, notes int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size, len(m.notes)
}

func config(s journal.Store, k key) journal.Config {
	return journal.Config{Store: s, Origin: "yinxin/520000", Keys: k, Clock: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func newJournal(t *testing.T) (*journal.Journal, *memory) {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := &memory{key: key{k}, tiles: map[string][32]byte{}}
	j, err := journal.New(t.Context(), config(m, m.key))
	if err != nil {
		t.Fatal(err)
	}
	return j, m
}

// rootOf folds all leaves by the library alone, without our tiles.
func rootOf(t *testing.T, m *memory, n uint64) [32]byte {
	t.Helper()
	f := compact.RangeFactory{Hash: journal.Hasher{}.HashChildren}
	r := f.NewEmptyRange(0)
	for _, e := range m.entries[:n] {
		if err := r.Append(journal.Hasher{}.HashLeaf(e.Leaf), nil); err != nil {
			t.Fatal(err)
		}
	}
	b, err := r.GetRootHash(nil)
	if err != nil {
		t.Fatal(err)
	}
	return [32]byte(b)
}

func TestEveryLeafIsProvenAtEverySize(t *testing.T) {
	j, m := newJournal(t)
	ctx := t.Context()
	var before journal.Checkpoint
	for _, grow := range []int{1, 1, 3, 250, 1, 1, 300, 7, 70000} {
		m.add(t, grow)
		if err := j.Sign(ctx); err != nil {
			t.Fatal(err)
		}
		note, err := j.Latest(ctx)
		if err != nil {
			t.Fatal(err)
		}
		c, err := j.Verifiers().Open(note)
		if err != nil {
			t.Fatal(err)
		}
		n := uint64(len(m.entries))
		if c.Size != n || c.Root != rootOf(t, m, n) {
			t.Fatalf("size %d: the checkpoint is not that of the leaves", n)
		}
		for i := uint64(0); i < n; i += 1 + n/50 {
			r := journal.Receipt{Index: i, Leaf: m.entries[i].Leaf, Checkpoint: string(note)}
			if r.Proof, err = j.Inclusion(ctx, i, n); err != nil {
				t.Fatal(err)
			}
			if _, err := journal.CheckReceipt(j.Verifiers(), r); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
			r.Leaf = m.entries[(i+1)%n].Leaf
			if _, err := journal.CheckReceipt(j.Verifiers(), r); err == nil && n > 1 {
				t.Fatalf("leaf %d of %d: another leaf was accepted", i, n)
			}
		}
		if before.Size > 0 {
			path, err := j.Consistency(ctx, before.Size, n)
			if err != nil {
				t.Fatal(err)
			}
			if err := journal.CheckConsistency(before, c, path); err != nil {
				t.Fatal(err)
			}
		}
		before = c
	}
	if a, err := j.Audit(ctx, nil); err != nil || len(a.Faults) > 0 {
		t.Fatal(a.Faults, err)
	}
}

func TestAuditFindsWhatAThiefWouldDo(t *testing.T) {
	for name, crime := range map[string]func(m *memory){
		"record altered": func(m *memory) { m.entries[5].Record = append(m.entries[5].Record, 0) },
		"leaf altered":   func(m *memory) { m.entries[5].Leaf[10] ^= 1 },
		"leaf and hash altered": func(m *memory) {
			m.entries[5].Leaf[len(m.entries[5].Leaf)-1] ^= 1
			m.entries[5].Hash = act.LeafHash(m.entries[5].Leaf)
		},
		"act removed":       func(m *memory) { m.entries = append(m.entries[:5], m.entries[6:]...) },
		"last act removed":  func(m *memory) { m.entries = m.entries[:len(m.entries)-1] },
		"two acts swapped":  func(m *memory) { m.entries[5], m.entries[6] = m.entries[6], m.entries[5] },
		"checkpoint forged": func(m *memory) { m.notes[0][30] ^= 1 },
	} {
		t.Run(name, func(t *testing.T) {
			j, m := newJournal(t)
			m.add(t, 20)
			if err := j.Sign(t.Context()); err != nil {
				t.Fatal(err)
			}
			crime(m)
			a, err := j.Audit(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Faults) == 0 {
				t.Fatal("the audit saw nothing")
			}
		})
	}
}

func TestLostLeavesAreNeverSignedOver(t *testing.T) {
	j, m := newJournal(t)
	m.add(t, 4)
	if err := j.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.entries = m.entries[:3]
	if err := j.Sign(t.Context()); err == nil || !strings.Contains(err.Error(), "lost") {
		t.Fatalf("signed over lost leaves: %v", err)
	}
}

func TestForeignKeyCannotSign(t *testing.T) {
	j, m := newJournal(t)
	other, _ := newJournal(t)
	m.add(t, 1)
	if err := j.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	note, _ := j.Latest(t.Context())
	if _, err := other.Verifiers().Open(note); err == nil {
		t.Fatal("a note was accepted under another key")
	}
}
