// Package act is the shape of everything that happens in the house: one act,
// its record, its journal leaf and its retry key, which a store commits whole
// or not at all (protocol.md 7 and 8).
//
// An office calls New with the record it wants kept, hands the Act to its
// store together with the indexes that follow from it, and answers its caller
// only when the store has returned.
package act

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/fxamacker/cbor/v2"
)

// Act is one thing done. Record is kept once, under ID, for ever; the leaf
// commits the journal to it.
type Act struct {
	ID     ID
	Leaf   Leaf
	Record []byte // deterministic CBOR
	Retry  *Retry // nil when the caller gave no idempotency key
}

// Retry is the idempotency key of an act: it belongs to the credential's
// agency, so two agencies may use the same text (protocol.md 8).
type Retry struct {
	Owner   string   // the agency of the credential
	Key     string   // the caller's Idempotency-Key
	Request [32]byte // SM3 of the request and its document
	// Lasting keys never end: a document of a batch is taken up again whenever the
	// batch is, and must not be sealed anew when a week has passed.
	Lasting bool
}

// Slot is the fixed-size key under which a store keeps the retry.
func (r Retry) Slot() [32]byte {
	return sm3.Sum(fmt.Appendf(nil, "%d:%s%s", len(r.Owner), r.Owner, r.Key))
}

// Done is what a store remembers under a retry's slot.
type Done struct {
	Request [32]byte
	Act     ID
}

var (
	// ErrRetryTaken: another act was committed under the idempotency key.
	ErrRetryTaken = errors.New("the idempotency key has been used")
	// ErrRetryMismatch: the idempotency key was used for another request.
	ErrRetryMismatch = errors.New("the idempotency key was used for another request")
	// ErrNotFound: there is no such act.
	ErrNotFound = errors.New("not in the register")
)

// RetryLife is how long a retry key is kept (protocol.md 8).
const RetryLife = 7 * 24 * time.Hour

// encoding is RFC 8949 4.2.1, so that a record has one encoding and its SM3
// in the leaf can be checked by whoever holds the fields.
var encoding = func() cbor.EncMode {
	options := cbor.CoreDetEncOptions()
	options.Time = cbor.TimeRFC3339NanoUTC // the default cuts fractions of a second off
	mode, err := options.EncMode()
	if err != nil {
		panic(err) // the options are constants of the library
	}
	return mode
}()

// decoding bounds what a stored record may make a reader allocate.
var decoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{MaxNestedLevels: 16, MaxArrayElements: 1 << 20, MaxMapPairs: 1 << 16, DupMapKey: cbor.DupMapKeyEnforcedAPF}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// Encode gives a record's deterministic CBOR.
func Encode(record any) ([]byte, error) { return encoding.Marshal(record) }

// Decode reads what Encode wrote.
func Decode(b []byte, record any) error { return decoding.Unmarshal(b, record) }

// New makes an act named name (see the constants of each office, such as
// "stamp.made") about subject. The subject must not be personal data: leaves
// go to auditors.
func New(now time.Time, random io.Reader, name, subject string, record any) (Act, error) {
	id, err := NewID(now, random)
	if err != nil {
		return Act{}, err
	}
	return NewWithID(id, now, random, name, subject, record)
}

// NewWithID is New for a record that carries its own id, as a stamp does.
func NewWithID(id ID, now time.Time, random io.Reader, name, subject string, record any) (Act, error) {
	encoded, err := Encode(record)
	if err != nil {
		return Act{}, fmt.Errorf("act %s: encode record: %w", name, err)
	}
	leaf := Leaf{Version: LeafVersion, Act: name, Time: now.UnixMilli(), Subject: subject, Record: sm3.Sum(encoded)}
	if _, err := io.ReadFull(random, leaf.Nonce[:]); err != nil {
		return Act{}, fmt.Errorf("act %s: nonce: %w", name, err)
	}
	return Act{ID: id, Leaf: leaf, Record: encoded}, nil
}
