package act

import (
	"bytes"
	"errors"

	"github.com/emmansun/gmsm/sm3"
	"github.com/fxamacker/cbor/v2"
)

// LeafVersion is the first field of every leaf.
const LeafVersion = 1

// MaxLeaf bounds an encoded leaf: act and subject are short names.
const MaxLeaf = 512

// Leaf is what the journal commits to: an array in this order in
// deterministic CBOR (protocol.md 7). The nonce keeps a published hash from
// being matched against guessed records.
type Leaf struct {
	_       struct{} `cbor:",toarray"`
	Version uint
	Act     string
	Time    int64 // ms since 1970
	Subject string
	Record  [32]byte // SM3 of the record's bytes
	Nonce   [16]byte
}

// Encode gives the leaf's bytes.
func (l Leaf) Encode() ([]byte, error) {
	b, err := encoding.Marshal(l)
	if err == nil && len(b) > MaxLeaf {
		return nil, errors.New("leaf: act or subject too long")
	}
	return b, err
}

// ParseLeaf reads exactly one leaf, in the one encoding that it has.
func ParseLeaf(b []byte) (Leaf, error) {
	var l Leaf
	if len(b) > MaxLeaf {
		return l, errors.New("leaf: too long")
	}
	if err := cbor.Unmarshal(b, &l); err != nil {
		return l, err
	}
	if l.Version != LeafVersion {
		return l, errors.New("leaf: unknown version")
	}
	if again, err := l.Encode(); err != nil || !bytes.Equal(again, b) {
		return l, errors.New("leaf: not in deterministic CBOR")
	}
	return l, nil
}

// LeafHash is RFC 6962 2.1 over SM3: H(00 || leaf).
func LeafHash(encoded []byte) [32]byte {
	h := sm3.New()
	h.Write([]byte{0})
	h.Write(encoded)
	var out [32]byte
	h.Sum(out[:0])
	return out
}
