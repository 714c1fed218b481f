package journal

import (
	"bytes"
	"context"
	"fmt"

	"github.com/transparency-dev/merkle/proof"

	"yinxin/internal/act"
)

// Receipt proves that an act is in the journal: leaf, place, path and the
// signed checkpoint it leads to.
type Receipt struct {
	Index      uint64   `json:"index"`
	Leaf       []byte   `json:"leaf"`
	Proof      [][]byte `json:"proof"`
	Checkpoint string   `json:"checkpoint"`
}

// Receipt of an act; ErrNotCovered until a checkpoint covers it.
func (j *Journal) Receipt(ctx context.Context, id act.ID) (Receipt, error) {
	leaf, _, index, err := j.c.Store.Act(ctx, id)
	if err != nil {
		return Receipt{}, err
	}
	size, note, err := j.c.Store.Checkpoint(ctx)
	if err != nil {
		return Receipt{}, err
	}
	r := Receipt{Index: index, Leaf: leaf}
	if index >= size {
		return r, ErrNotCovered
	}
	r.Checkpoint = string(note)
	r.Proof, err = j.Inclusion(ctx, index, size)
	return r, err
}

// Inclusion proves that leaf index is in the tree of a size that was signed.
func (j *Journal) Inclusion(ctx context.Context, index, size uint64) ([][]byte, error) {
	if err := j.within(ctx, size); err != nil {
		return nil, err
	}
	nodes, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, err
	}
	return j.prove(ctx, nodes)
}

// Consistency proves that the tree of size second goes on from that of first.
func (j *Journal) Consistency(ctx context.Context, first, second uint64) ([][]byte, error) {
	if err := j.within(ctx, second); err != nil {
		return nil, err
	}
	nodes, err := proof.Consistency(first, second)
	if err != nil {
		return nil, err
	}
	return j.prove(ctx, nodes)
}

// within keeps anyone from asking for proofs over a tree that was never signed.
func (j *Journal) within(ctx context.Context, size uint64) error {
	signed, _, err := j.c.Store.Checkpoint(ctx)
	if err == nil && size > signed {
		return fmt.Errorf("%w: size %d, signed %d", ErrNotCovered, size, signed)
	}
	return err
}

// Tile gives what is public of a tile: at most 256 hashes and only those that
// the newest checkpoint covers.
func (j *Journal) Tile(ctx context.Context, level uint, index uint64) ([]byte, error) {
	const levels = 8 // 2^64 leaves
	size, _, err := j.c.Store.Checkpoint(ctx)
	if err != nil {
		return nil, err
	}
	if level >= levels || index >= 1<<56 {
		return nil, ErrNotCovered
	}
	end := min((index+1)*tileWidth, size>>(tileHeight*level))
	if index*tileWidth >= end {
		return nil, ErrNotCovered
	}
	hs, err := j.hashes(ctx, level, index*tileWidth, end)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, h := range hs {
		out.Write(h[:])
	}
	return out.Bytes(), nil
}

// CheckReceipt verifies a receipt against a journal's keys (Verifiers, or one
// Verifier) and gives its leaf.
func CheckReceipt(v interface {
	Open(signed []byte) (Checkpoint, error)
}, r Receipt) (act.Leaf, error) {
	c, err := v.Open([]byte(r.Checkpoint))
	if err != nil {
		return act.Leaf{}, err
	}
	leaf, err := act.ParseLeaf(r.Leaf)
	if err != nil {
		return act.Leaf{}, err
	}
	hash := act.LeafHash(r.Leaf)
	return leaf, proof.VerifyInclusion(Hasher{}, r.Index, c.Size, hash[:], r.Proof, c.Root[:])
}

// CheckConsistency verifies that the second checkpoint goes on from the first.
func CheckConsistency(first, second Checkpoint, path [][]byte) error {
	return proof.VerifyConsistency(Hasher{}, first.Size, second.Size, path, first.Root[:], second.Root[:])
}
