package journal_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/emmansun/gmsm/sm3"
	"github.com/transparency-dev/merkle/proof"

	"yinxin/internal/journal"
	"yinxin/internal/testlong"
)

// treeHash is RFC 6962 2.1 as it is written there: MTH(D[n]).
func treeHash(leaves [][32]byte) [32]byte {
	switch n := len(leaves); n {
	case 0:
		return sm3.Sum(nil)
	case 1:
		return leaves[0]
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		left, right := treeHash(leaves[:k]), treeHash(leaves[k:])
		return sm3.Sum(slices.Concat([]byte{1}, left[:], right[:]))
	}
}

// sizes are those where tiles begin and end, and random ones.
func sizes(r *rand.Rand, most int) (out []uint64) {
	for _, n := range []int{1, 2, 3, 255, 256, 257, 511, 512, 513, 767, 1023, 1024, 1025, most} {
		out = append(out, uint64(n))
	}
	for range testlong.Count(40, 300) {
		out = append(out, 1+r.Uint64N(uint64(most)))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestProofsOfAnySize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	j, m := newJournal(t)
	// Signed in steps of any length: how a tile came to be must not matter.
	most := testlong.Count(2600, 66_000)
	for len(m.entries) < most {
		m.add(t, min(1+r.IntN(400), most-len(m.entries)))
		if err := j.Sign(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	var leaves [][32]byte
	for _, e := range m.entries {
		leaves = append(leaves, e.Hash)
	}
	all := sizes(r, most)
	for _, n := range all {
		root := treeHash(leaves[:n])
		for range 4 {
			i := r.Uint64N(n)
			checkInclusion(t, r, j, leaves, i, n, root)
		}
		checkInclusion(t, r, j, leaves, 0, n, root)
		checkInclusion(t, r, j, leaves, n-1, n, root)
		first := all[r.IntN(len(all))]
		checkConsistency(t, j, leaves, min(first, n), n, root)
		checkConsistency(t, j, leaves, n, n, root)
	}
}

func checkInclusion(t *testing.T, r *rand.Rand, j *journal.Journal, leaves [][32]byte, i, n uint64, root [32]byte) {
	t.Helper()
	path, err := j.Inclusion(t.Context(), i, n)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(i, n uint64, leaf []byte, path [][]byte, root []byte) error {
		return proof.VerifyInclusion(journal.Hasher{}, i, n, leaf, path, root)
	}
	leaf := leaves[i][:]
	if err := verify(i, n, leaf, path, root[:]); err != nil {
		t.Fatalf("leaf %d of %d: %v", i, n, err)
	}
	other := leaves[(i+1)%uint64(len(leaves))][:]
	for name, err := range map[string]error{
		"another leaf":  verify(i, n, other, path, root[:]),
		"another root":  verify(i, n, leaf, path, other),
		"another place": verify((i+1)%max(n, 2), n, leaf, path, root[:]),
		"one hash more": verify(i, n, leaf, append(slices.Clone(path), other), root[:]),
	} {
		if err == nil {
			t.Fatalf("leaf %d of %d: %s was accepted", i, n, name)
		}
	}
	if len(path) == 0 {
		return
	}
	spoilt := slices.Clone(path)
	k := r.IntN(len(spoilt))
	spoilt[k] = slices.Clone(spoilt[k])
	spoilt[k][r.IntN(32)] ^= 1 << r.IntN(8)
	if verify(i, n, leaf, spoilt, root[:]) == nil || verify(i, n, leaf, path[1:], root[:]) == nil {
		t.Fatalf("leaf %d of %d: a spoilt path was accepted", i, n)
	}
}

func checkConsistency(t *testing.T, j *journal.Journal, leaves [][32]byte, m, n uint64, root [32]byte) {
	t.Helper()
	path, err := j.Consistency(t.Context(), m, n)
	if err != nil {
		t.Fatal(err)
	}
	before := treeHash(leaves[:m])
	first, second := journal.Checkpoint{Size: m, Root: before}, journal.Checkpoint{Size: n, Root: root}
	if err := journal.CheckConsistency(first, second, path); err != nil {
		t.Fatalf("%d to %d: %v", m, n, err)
	}
	first.Root[7] ^= 1
	if journal.CheckConsistency(first, second, path) == nil {
		t.Fatalf("%d to %d: another beginning was accepted", m, n)
	}
	first.Root[7] ^= 1
	second.Root[7] ^= 1
	if journal.CheckConsistency(first, second, path) == nil {
		t.Fatalf("%d to %d: another end was accepted", m, n)
	}
}

func TestNothingIsProvenBeyondWhatWasSigned(t *testing.T) {
	j, m := newJournal(t)
	m.add(t, 300)
	if err := j.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.add(t, 300) // kept, and not signed yet
	for name, ask := range map[string]func() ([][]byte, error){
		"a size not signed":          func() ([][]byte, error) { return j.Inclusion(t.Context(), 0, 301) },
		"a size without end":         func() ([][]byte, error) { return j.Inclusion(t.Context(), 0, 1<<63) },
		"consistency beyond it":      func() ([][]byte, error) { return j.Consistency(t.Context(), 1, 600) },
		"a leaf beyond the size":     func() ([][]byte, error) { return j.Inclusion(t.Context(), 300, 300) },
		"a leaf far beyond":          func() ([][]byte, error) { return j.Inclusion(t.Context(), 1<<62, 300) },
		"a leaf of nothing":          func() ([][]byte, error) { return j.Inclusion(t.Context(), 0, 0) },
		"consistency that goes back": func() ([][]byte, error) { return j.Consistency(t.Context(), 300, 200) },
	} {
		if path, err := ask(); err == nil {
			t.Errorf("%s: a proof of %d hashes", name, len(path))
		}
	}
	if _, err := j.Receipt(t.Context(), m.entries[300].ID); !errors.Is(err, journal.ErrNotCovered) {
		t.Errorf("a receipt of a leaf that nothing covers: %v", err)
	}
	for name, c := range map[string]struct {
		level uint
		index uint64
		want  int
	}{
		"first leaves": {0, 0, 256}, "the rest": {0, 1, 44}, "beyond": {0, 2, -1}, "a level up": {1, 0, 1}, "two up": {2, 0, -1},
		"no such level": {8, 0, -1}, "far out": {0, 1 << 56, -1}, "as far as it goes": {7, 1<<64 - 1, -1},
	} {
		b, err := j.Tile(t.Context(), c.level, c.index)
		if c.want < 0 && !errors.Is(err, journal.ErrNotCovered) || c.want >= 0 && (err != nil || len(b) != 32*c.want) {
			t.Errorf("%s: %d octets, %v", name, len(b), err)
		}
	}
}

// What was altered under a checkpoint never comes under the next one.
func TestAlteredLeavesAreNeverSignedOver(t *testing.T) {
	for name, alter := range map[string]func(m *memory){
		"a leaf of the last tile": func(m *memory) { m.entries[len(m.entries)-1].Hash[0] ^= 1 },
		"a hash of a kept tile": func(m *memory) {
			h := m.tiles["1 1"]
			h[0] ^= 1
			m.tiles["1 1"] = h
		},
		"the checkpoint": func(m *memory) {
			n := m.notes[len(m.notes)-1]
			n[len(n)-10] ^= 1
		},
		"the size beside it": func(m *memory) { m.size-- },
	} {
		t.Run(name, func(t *testing.T) {
			j, m := newJournal(t)
			m.add(t, 600)
			if err := j.Sign(t.Context()); err != nil {
				t.Fatal(err)
			}
			signed := len(m.notes)
			alter(m)
			m.add(t, 10)
			if err := j.Sign(t.Context()); err == nil || len(m.notes) != signed {
				t.Fatal("a checkpoint was signed over it")
			}
		})
	}
}
