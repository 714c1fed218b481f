package journal

import (
	"bytes"
	"context"
	"fmt"

	"github.com/emmansun/gmsm/sm3"
	"github.com/transparency-dev/merkle/compact"

	"yinxin/internal/act"
)

// Audit is what the audit found. Faults is empty when all is well; it stops
// growing at maxFaults, since one removed row shifts everything after it.
type Audit struct {
	Leaves      uint64   `json:"leaves"`
	Signed      uint64   `json:"signed"` // leaves under the newest checkpoint
	Checkpoints int      `json:"checkpoints"`
	Root        []byte   `json:"root"` // at Signed
	Faults      []string `json:"faults"`
}

const maxFaults = 20

func (a *Audit) fault(format string, args ...any) {
	if len(a.Faults) < maxFaults {
		a.Faults = append(a.Faults, fmt.Sprintf(format, args...))
	}
}

// Audit re-derives the tree from the leaves, finds each act's record and
// checks every kept checkpoint against the tree as it was at its size. See
// is told of each leaf, so that a caller can count or export; it may be nil.
func (j *Journal) Audit(ctx context.Context, see func(index uint64, e Entry, l act.Leaf)) (Audit, error) {
	var a Audit
	due, err := j.signedRoots(ctx, &a)
	if err != nil {
		return a, err
	}
	size, err := j.c.Store.JournalSize(ctx)
	if err != nil {
		return a, err
	}
	a.Leaves = size
	tree := ranges.NewEmptyRange(0)
	tiles := tileAudit{journal: j, audit: &a}
	for i := uint64(0); i < size; i++ {
		if err := ctx.Err(); err != nil {
			return a, err
		}
		e, err := j.c.Store.LeafAt(ctx, i)
		if err != nil {
			a.fault("leaf %d: %v", i, err)
		}
		if l, ok := a.entry(i, e); ok && see != nil {
			see(i, e, l)
		}
		if err := tree.Append(e.Hash[:], nil); err != nil {
			return a, err
		}
		a.compare(tree, due[i+1])
		if i < a.Signed {
			if err := tiles.add(ctx, 0, e.Hash); err != nil {
				return a, err
			}
		}
	}
	for s := range due {
		if s > size {
			a.fault("a checkpoint of %d leaves was signed, %d are kept: leaves were removed", s, size)
		}
	}
	acts, err := j.c.Store.CountActs(ctx)
	if err != nil {
		return a, err
	}
	if acts != size {
		a.fault("%d acts are kept under %d leaves", acts, size)
	}
	return a, nil
}

// entry checks one leaf against its act.
func (a *Audit) entry(i uint64, e Entry) (act.Leaf, bool) {
	if act.LeafHash(e.Leaf) != e.Hash {
		a.fault("leaf %d: its hash is not that of its bytes", i)
		return act.Leaf{}, false
	}
	l, err := act.ParseLeaf(e.Leaf)
	if err != nil {
		a.fault("leaf %d: %v", i, err)
		return l, false
	}
	if sm3.Sum(e.Record) != l.Record {
		a.fault("leaf %d: the record of %s %s is not the one journaled", i, l.Act, l.Subject)
		return l, false
	}
	return l, true
}

// signedRoots opens every kept checkpoint: size → root.
func (j *Journal) signedRoots(ctx context.Context, a *Audit) (map[uint64][][32]byte, error) {
	notes, err := j.c.Store.Checkpoints(ctx)
	if err != nil {
		return nil, err
	}
	known, err := j.refresh(ctx)
	if err != nil {
		return nil, err
	}
	due, newestKey := map[uint64][][32]byte{}, 0
	for _, n := range notes {
		c, key, err := known.open(n)
		if err != nil {
			a.fault("checkpoint: %v", err)
			continue
		}
		if key < newestKey { // a key's time ends with its successor's first note
			a.fault("the checkpoint of %d leaves was signed by a key that had been replaced", c.Size)
		}
		newestKey = max(newestKey, key)
		a.Checkpoints++
		due[c.Size] = append(due[c.Size], c.Root)
		if c.Size >= a.Signed {
			a.Signed, a.Root = c.Size, append([]byte(nil), c.Root[:]...)
		}
	}
	newest, _, err := j.c.Store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if newest < a.Signed {
		a.fault("the newest checkpoint is of %d leaves, and one of %d was signed before: it was rolled back", newest, a.Signed)
	}
	return due, nil
}

func (a *Audit) compare(tree *compact.Range, roots [][32]byte) {
	for _, want := range roots {
		got, err := tree.GetRootHash(nil)
		if err != nil || !bytes.Equal(got, want[:]) {
			a.fault("the checkpoint of %d leaves has another root than the leaves", tree.End())
		}
	}
}

// tileAudit holds the kept tiles, from which proofs are made, against the hashes
// that the leaves give.
type tileAudit struct {
	journal *Journal
	audit   *Audit
	levels  []tileLevel
}

// tileLevel is the tile of a level that is being filled.
type tileLevel struct {
	index  uint64
	hashes [][32]byte
	kept   [][32]byte // what the store has of it
}

func (t *tileAudit) add(ctx context.Context, level uint, h [32]byte) (err error) {
	if int(level) == len(t.levels) {
		t.levels = append(t.levels, tileLevel{})
	}
	l := &t.levels[level]
	if level > 0 {
		if len(l.hashes) == 0 {
			if l.kept, err = t.journal.c.Store.Tile(ctx, level, l.index); err != nil {
				return err
			}
		}
		if n := len(l.hashes); n >= len(l.kept) || l.kept[n] != h {
			t.audit.fault("hash %d of tile %d of level %d is not that of the leaves", n, l.index, level)
		}
	}
	if l.hashes = append(l.hashes, h); len(l.hashes) < tileWidth {
		return nil
	}
	full := fold(l.hashes)
	l.hashes, l.index = l.hashes[:0], l.index+1
	return t.add(ctx, level+1, full)
}
