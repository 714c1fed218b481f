package journal

import (
	"context"
	"errors"

	"github.com/emmansun/gmsm/sm3"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
)

// The tree is kept in tiles of eight levels (the layout of C2SP tlog-tiles):
// a tile of level L holds up to 256 hashes of height 8L. Level 0 is the leaf
// hashes themselves; a hash of a higher level is kept once its 256 below are
// complete and then never changes. Whatever lies between is computed.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// Tile is hashes to be kept at a level, beginning at position From.
type Tile struct {
	Level  uint
	From   uint64
	Hashes [][32]byte
}

// Hasher is RFC 6962 2.1 over SM3, for github.com/transparency-dev/merkle.
type Hasher struct{}

// EmptyRoot is the hash of nothing.
func (Hasher) EmptyRoot() []byte { h := sm3.Sum(nil); return h[:] }

// HashLeaf is H(00 || leaf).
func (Hasher) HashLeaf(leaf []byte) []byte {
	h := sm3.New()
	h.Write([]byte{0})
	h.Write(leaf)
	return h.Sum(nil)
}

// HashChildren is H(01 || left || right).
func (Hasher) HashChildren(l, r []byte) []byte {
	h := sm3.New()
	h.Write([]byte{1})
	h.Write(l)
	h.Write(r)
	return h.Sum(nil)
}

// Size is the length of a hash.
func (Hasher) Size() int { return sm3.Size }

var ranges = compact.RangeFactory{Hash: Hasher{}.HashChildren}

// grow computes the tiles completed between two sizes, and the root.
func (j *Journal) grow(ctx context.Context, old, size uint64) (tiles []Tile, root [32]byte, err error) {
	fresh := map[uint]Tile{}
	get := func(level uint, from, to uint64) ([][32]byte, error) {
		t, ok := fresh[level]
		if !ok || to <= t.From {
			return j.hashes(ctx, level, from, to)
		}
		var kept [][32]byte
		if from < t.From {
			var err error
			if kept, err = j.hashes(ctx, level, from, t.From); err != nil {
				return nil, err
			}
			from = t.From
		}
		if to > t.From+uint64(len(t.Hashes)) {
			return nil, errTree
		}
		return append(kept, t.Hashes[from-t.From:to-t.From]...), nil
	}
	for level := uint(1); size>>(tileHeight*level) > 0; level++ {
		t := Tile{Level: level, From: old >> (tileHeight * level)}
		for i := t.From; i < size>>(tileHeight*level); i++ {
			below, err := get(level-1, i*tileWidth, (i+1)*tileWidth)
			if err != nil {
				return nil, root, err
			}
			t.Hashes = append(t.Hashes, fold(below))
		}
		if len(t.Hashes) > 0 {
			tiles = append(tiles, t)
			fresh[level] = t
		}
	}
	r := ranges.NewEmptyRange(0)
	for _, id := range compact.RangeNodes(0, size, nil) {
		h, err := node(get, id)
		if err != nil {
			return nil, root, err
		}
		sub, err := ranges.NewRange(id.Index<<id.Level, (id.Index+1)<<id.Level, [][]byte{h[:]})
		if err != nil {
			return nil, root, err
		}
		if err := r.AppendRange(sub, nil); err != nil {
			return nil, root, err
		}
	}
	b, err := r.GetRootHash(nil)
	copy(root[:], b)
	return tiles, root, err
}

var errTree = errors.New("journal: a hash of the tree is missing")

// hashes gives from..to of a level, whether leaves or kept tiles.
func (j *Journal) hashes(ctx context.Context, level uint, from, to uint64) ([][32]byte, error) {
	if level == 0 {
		return j.c.Store.LeafHashes(ctx, from, to)
	}
	tile, err := j.c.Store.Tile(ctx, level, from/tileWidth)
	if err != nil {
		return nil, err
	}
	first := from / tileWidth * tileWidth
	if to > first+uint64(len(tile)) {
		return nil, errTree
	}
	return tile[from-first : to-first], nil
}

// node gives any complete node of the tree from the tile level below it.
func node(get func(level uint, from, to uint64) ([][32]byte, error), id compact.NodeID) ([32]byte, error) {
	within := id.Level % tileHeight
	below, err := get(id.Level/tileHeight, id.Index<<within, (id.Index+1)<<within)
	if err != nil {
		return [32]byte{}, err
	}
	return fold(below), nil
}

// fold hashes a power of two of hashes to one.
func fold(hs [][32]byte) [32]byte {
	level := append([][32]byte(nil), hs...)
	for len(level) > 1 {
		for i := range len(level) / 2 {
			copy(level[i][:], Hasher{}.HashChildren(level[2*i][:], level[2*i+1][:]))
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// prove gathers the nodes of a proof.
func (j *Journal) prove(ctx context.Context, nodes proof.Nodes) ([][]byte, error) {
	get := func(level uint, from, to uint64) ([][32]byte, error) { return j.hashes(ctx, level, from, to) }
	hs := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		h, err := node(get, id)
		if err != nil {
			return nil, err
		}
		hs[i] = h[:]
	}
	return nodes.Rehash(hs, Hasher{}.HashChildren)
}
