package crl

import (
	"context"
	"errors"
	"time"

	"yinxin/ca"
)

// Header is what there is to know of a published list without its bytes.
type Header struct {
	Name    string    `cbor:"1,keyasint"` // issuing, issuing-4a, issuing-delta: as in its address
	Number  uint64    `cbor:"2,keyasint"`
	This    time.Time `cbor:"3,keyasint"`
	Next    time.Time `cbor:"4,keyasint"`
	Entries int       `cbor:"5,keyasint"`
	Changes uint64    `cbor:"6,keyasint"` // of its scope that it knows of (ca.Store.RevokedCount)
	Base    Base      `cbor:"7,keyasint"` // of a full list and of a delta
	SM3     [32]byte  `cbor:"8,keyasint"` // of the DER
}

// Base is the full list that deltas build on.
type Base struct {
	Number  uint64    `cbor:"1,keyasint"`
	Changes uint64    `cbor:"2,keyasint"`
	This    time.Time `cbor:"3,keyasint"`
}

// List is a published list.
type List struct {
	Header
	DER []byte
}

// Changed is what stands now of a certificate whose revocation was changed.
type Changed struct {
	Serial     string
	At         time.Time      // of the newest change
	Revocation *ca.Revocation // nil: released
}

// ErrStale: another publisher came first.
var ErrStale = errors.New("another list was published in between")

// Store is what the publisher needs of a store. A scope is what one sequence of
// numbers is for: an issuer's name for its full list and deltas, the name with "-"
// and the shard for a shard.
type Store interface {
	// Header tells of the list that stands under a name, List gives it;
	// ca.ErrNotFound before the first.
	Header(ctx context.Context, name string) (Header, error)
	List(ctx context.Context, name string) (List, error)
	// Number is that of the newest list of a scope, 0 before the first.
	Number(ctx context.Context, scope string) (uint64, error)
	// Publish keeps lists of one scope, which have one number, in place of those of
	// their names. It is durable on return, and whole or not at all. ErrStale, and
	// nothing is kept, if the scope's newest number is not after any more, or if a
	// list would take the place of one that is newer or knows of more changes.
	Publish(ctx context.Context, scope string, after uint64, lists ...List) error
	// RevokedCount is that of ca.Store.
	RevokedCount(ctx context.Context, scope string) (uint64, error)
	// Revoked gives up to limit of an issuer's revoked certificates in the order of
	// their serials, beginning behind the serial after; of a shard if it is not "".
	Revoked(ctx context.Context, issuer, shard, after string, limit int) ([]ca.Revocation, error)
	// Since tells what stands of each certificate, by serial, that was changed after
	// the first n changes of the issuer's, and gives the scope's count, both as of one
	// moment.
	Since(ctx context.Context, issuer, shard string, n uint64) ([]Changed, uint64, error)
	// NewestAct gives the time of the newest act of the house, zero before the first.
	NewestAct(ctx context.Context) (time.Time, error)
}
