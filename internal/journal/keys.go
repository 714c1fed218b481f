package journal

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// Keys is what the journal asks about its own keys, which are renewed while it runs.
type Keys interface {
	// Signing gives the key that signs now.
	Signing(ctx context.Context) (Signer, error)
	// Known gives every key that ever signed, oldest first, the present one last.
	Known(ctx context.Context) ([]*ecdsa.PublicKey, error)
}

// Verifiers are a journal's keys, oldest first: a note signed years ago is checked
// by the key of then.
type Verifiers []*Verifier

// maxKeys bounds what every note is held against; a key lives for two years.
const maxKeys = 100

// NewVerifiers names the keys of one journal.
func NewVerifiers(origin string, keys []*ecdsa.PublicKey) (Verifiers, error) {
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("journal: %d keys", len(keys))
	}
	out := make(Verifiers, 0, len(keys))
	for _, k := range keys {
		v, err := NewVerifier(origin, k)
		if err != nil {
			return nil, err
		}
		for _, other := range out {
			if other.hash == v.hash { // note finds keys by their id
				return nil, errors.New("journal: two of its keys have one id")
			}
		}
		out = append(out, v)
	}
	return out, nil
}

// Open reads a note and checks that one of the journal's keys signed it.
func (vs Verifiers) Open(signed []byte) (Checkpoint, error) {
	c, _, err := vs.open(signed)
	return c, err
}

// open tells by which key, too.
func (vs Verifiers) open(signed []byte) (Checkpoint, int, error) {
	list := make([]note.Verifier, len(vs))
	for i, v := range vs {
		list[i] = v
	}
	c, hash, err := openNote(signed, note.VerifierList(list...))
	if err != nil {
		return Checkpoint{}, 0, err
	}
	for i, v := range vs {
		if v.hash == hash && v.name == c.Origin {
			return c, i, nil
		}
	}
	return Checkpoint{}, 0, errors.New("journal: not a checkpoint of this journal")
}

// current are the verifiers, asked for again when another key signs than the last
// that is known.
func (j *Journal) current(ctx context.Context, signs *ecdsa.PublicKey) (Verifiers, error) {
	if known := *j.verifiers.Load(); known[len(known)-1].key.Equal(signs) {
		return known, nil
	}
	fresh, err := j.refresh(ctx)
	if err == nil && !fresh[len(fresh)-1].key.Equal(signs) {
		err = errors.New("journal: the key that signs is not the newest that is known")
	}
	return fresh, err
}

func (j *Journal) refresh(ctx context.Context) (Verifiers, error) {
	keys, err := j.c.Keys.Known(ctx)
	if err != nil {
		return nil, err
	}
	vs, err := NewVerifiers(j.c.Origin, keys)
	if err != nil {
		return nil, err
	}
	j.verifiers.Store(&vs)
	return vs, nil
}
