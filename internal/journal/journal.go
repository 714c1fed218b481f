// Package journal is the append-only journal of every act: an RFC 6962 tree
// over SM3, signed checkpoints, proofs of inclusion and consistency, and the
// audit that re-derives all of it from the leaves (protocol.md 7).
//
// The offices' store appends the leaves, each in the transaction of its act.
// New gives the Journal that watches them; Run signs checkpoints until its
// context ends; Receipt and Consistency prove; Audit re-derives.
package journal

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"yinxin/internal/act"
)

// Store is what the journal needs of a store. Leaves have been given their
// indexes by the transaction of their act, so whatever Size counts is durable
// and never changes.
type Store interface {
	// JournalSize counts the leaves.
	JournalSize(ctx context.Context) (uint64, error)
	// LeafHashes gives the hashes of the leaves from..to (exclusive).
	LeafHashes(ctx context.Context, from, to uint64) ([][32]byte, error)
	// LeafAt gives the act under an index, its leaf and its record.
	LeafAt(ctx context.Context, index uint64) (Entry, error)
	// CountActs counts the acts kept: as many as leaves, or something was removed.
	CountActs(ctx context.Context) (uint64, error)
	// Act gives leaf, record and index of an act.
	Act(ctx context.Context, id act.ID) (leaf, record []byte, index uint64, err error)
	// Tile gives the hashes of a tile of level 1 and up, as many as are kept.
	Tile(ctx context.Context, level uint, index uint64) ([][32]byte, error)
	// Checkpoint gives the newest signed checkpoint, size 0 and no note before
	// the first.
	Checkpoint(ctx context.Context) (size uint64, note []byte, err error)
	// PutCheckpoint keeps the tiles and the note durably, if the newest
	// checkpoint still is of size old; else ErrStale and nothing is kept.
	PutCheckpoint(ctx context.Context, old, size uint64, note []byte, tiles []Tile, at time.Time) error
	// Checkpoints gives the kept notes, oldest first.
	Checkpoints(ctx context.Context) ([][]byte, error)
}

// Entry is one leaf with what it stands for.
type Entry struct {
	ID     act.ID
	Hash   [32]byte
	Leaf   []byte
	Record []byte
}

// ErrStale: another process stored a checkpoint in between.
var ErrStale = errors.New("journal: the checkpoint is not the newest any more")

// ErrNotCovered: the leaf is younger than the newest checkpoint; it will be
// covered within checkpointEvery.
var ErrNotCovered = errors.New("journal: no checkpoint covers this leaf yet")

// checkpointEvery keeps the promise of protocol.md 7 that a proof is to be had
// within 2 seconds, with room for a slow disk.
const checkpointEvery = 500 * time.Millisecond

// Signer is the journal's key.
type Signer interface {
	Public() *ecdsa.PublicKey
	SignMessage(ctx context.Context, message []byte) ([]byte, error)
}

// Config of New. Origin is the journal's name in its checkpoints.
type Config struct {
	Store  Store
	Origin string
	Keys   Keys
	Clock  func() time.Time
	Log    *slog.Logger
}

// Journal signs and proves. Its methods may be called concurrently.
type Journal struct {
	c         Config
	signing   sync.Mutex // one checkpoint at a time
	verifiers atomic.Pointer[Verifiers]
}

// New checks the configuration.
func New(ctx context.Context, c Config) (*Journal, error) {
	if c.Store == nil || c.Keys == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("journal: incomplete configuration")
	}
	j := &Journal{c: c}
	if _, err := j.refresh(ctx); err != nil {
		return nil, err
	}
	return j, nil
}

// Verifiers gives what another needs to check this journal's checkpoints, as of the
// newest that it signed or audited.
func (j *Journal) Verifiers() Verifiers { return *j.verifiers.Load() }

// Run signs a checkpoint whenever leaves have come, until ctx ends.
func (j *Journal) Run(ctx context.Context) {
	tick := time.NewTicker(checkpointEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := j.Sign(ctx); err != nil && ctx.Err() == nil {
				j.c.Log.Error("journal: no checkpoint", "error", err)
			}
		}
	}
}

// Sign signs a checkpoint over all leaves there are, if any is new.
func (j *Journal) Sign(ctx context.Context) error {
	j.signing.Lock()
	defer j.signing.Unlock()
	size, err := j.c.Store.JournalSize(ctx)
	if err != nil {
		return err
	}
	old, newest, err := j.c.Store.Checkpoint(ctx)
	if err != nil {
		return err
	}
	switch {
	case size == old:
		return nil
	case size < old:
		return fmt.Errorf("journal: %d leaves are kept but %d were signed: leaves are lost", size, old)
	}
	signer, err := j.c.Keys.Signing(ctx)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	known, err := j.current(ctx, signer.Public())
	if err != nil {
		return err
	}
	if err := j.continues(ctx, known, old, newest); err != nil {
		return err
	}
	tiles, root, err := j.grow(ctx, old, size)
	if err != nil {
		return err
	}
	note, err := sign(noteSigner{known[len(known)-1], ctx, signer}, size, root)
	if err != nil {
		return err
	}
	return j.c.Store.PutCheckpoint(ctx, old, size, note, tiles, j.c.Clock())
}

// continues makes sure that what is kept still is what was signed: a checkpoint
// over altered leaves would make the alteration the journal's own word.
func (j *Journal) continues(ctx context.Context, known Verifiers, old uint64, newest []byte) error {
	if old == 0 {
		return nil
	}
	c, err := known.Open(newest)
	if err != nil {
		return err
	}
	_, root, err := j.grow(ctx, old, old)
	if err != nil {
		return err
	}
	if c.Size != old || c.Root != root {
		return fmt.Errorf("journal: the %d leaves kept are not those that were signed", old)
	}
	return nil
}

// Latest gives the newest signed checkpoint.
func (j *Journal) Latest(ctx context.Context) (note []byte, err error) {
	_, note, err = j.c.Store.Checkpoint(ctx)
	return note, err
}
