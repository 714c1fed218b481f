// Package statuslist packs the states of licences into the bits of a status list
// (protocol.md 5): four bits a licence, the lower half of an octet first, zlib.
//
// Pack makes the bits of a shard; Open reads them for a verifier, and State gives
// the state at a position.
package statuslist

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"io"

	"yinxin/verify/status"
)

// ErrMalformed: the bits of a list cannot be read.
var ErrMalformed = errors.New("the status list cannot be read")

// List is the states of a shard.
type List struct{ nibbles []byte }

// Pack makes the bits of a whole shard: every position not in states is valid.
func Pack(states map[uint32]status.LicenceState) ([]byte, error) {
	nibbles := make([]byte, status.ShardSize/2)
	for at, s := range states {
		n, ok := s.Nibble()
		if !ok || at >= status.ShardSize {
			return nil, fmt.Errorf("state %q at position %d cannot stand in a list", s, at)
		}
		nibbles[at/2] |= n << (4 * (at % 2))
	}
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, zlib.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(nibbles); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

// Open reads the bits of a list of count positions. It inflates no more than they
// need, whatever the stream says: a kilobyte of zlib can hold a megabyte.
func Open(bits []byte, count int) (*List, error) {
	if count <= 0 || count > status.ShardSize {
		return nil, fmt.Errorf("%w: %d positions", ErrMalformed, count)
	}
	r, err := zlib.NewReader(bytes.NewReader(bits))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	want := (count + 1) / 2
	nibbles, err := io.ReadAll(io.LimitReader(r, int64(want)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if len(nibbles) != want {
		return nil, fmt.Errorf("%w: it does not hold %d positions", ErrMalformed, count)
	}
	return &List{nibbles}, nil
}

// State gives the state at a position; ok is false outside the list, and for a
// number that stands for no state.
func (l *List) State(at uint32) (s status.LicenceState, ok bool) {
	if int64(at)/2 >= int64(len(l.nibbles)) {
		return status.LicenceUnknown, false
	}
	return status.LicenceStateOf(l.nibbles[at/2] >> (4 * (at % 2)) & 0x0f)
}
