// Package license is the licence office (证照管理): the register of electronic
// licences, the life of each, and what the office says of them to others. NewOffice
// opens it over a store; Define enters a type, Issue issues a licence as a sealed
// JSON document, Suspend, Resume and Revoke are its life; Status and StatusList are
// the signed answers, Picture the QR code to print.
package license

import (
	"context"
	"errors"
	"time"

	"yinxin/internal/act"
	"yinxin/license/metadata"
	"yinxin/seal"
	"yinxin/verify/status"
)

var (
	ErrNotFound      = errors.New("no such licence or licence type")
	ErrRefused       = errors.New("refused")
	ErrExists        = errors.New("the licence type is defined already")
	ErrNoRight       = errors.New("the caller may not act for this licence")
	ErrRetryMismatch = act.ErrRetryMismatch
	// ErrChanged: the licence changed between two acts; look again.
	ErrChanged = errors.New("the licence was changed by someone else in between")
	// ErrTaken: the identifier or the position in the status list has been used;
	// the office draws again.
	ErrTaken = errors.New("the identifier or its position has been used")
)

// Names of acts in the journal.
const (
	ActDefined   = "licence-type.defined"
	ActIssued    = "licence.issued"
	ActSuspended = "licence.suspended"
	ActResumed   = "licence.resumed"
	ActRevoked   = "licence.revoked"
)

// Type is a kind of licence (证照类型).
type Type struct {
	Code    string    `cbor:"1,keyasint" json:"code"` // 21 characters: USCC of the defining organ, sequence
	Name    string    `cbor:"2,keyasint" json:"name"`
	Defined time.Time `cbor:"3,keyasint" json:"defined"`
	Who     string    `cbor:"4,keyasint" json:"-"`
}

// Licence is a row of the register. It holds the holder masked: the name stands in
// the document alone.
type Licence struct {
	Identifier string              `cbor:"1,keyasint" json:"identifier"` // GB/T 36904
	Version    uint64              `cbor:"2,keyasint" json:"version"`    // of the row
	Type       string              `cbor:"3,keyasint" json:"typeCode"`
	Name       string              `cbor:"4,keyasint" json:"name"`
	Number     string              `cbor:"5,keyasint" json:"number"`
	Agency     string              `cbor:"6,keyasint" json:"agency"` // USCC of the issuing authority
	AgencyName string              `cbor:"7,keyasint" json:"agencyName"`
	Holder     string              `cbor:"8,keyasint" json:"holderMasked"`
	Issued     string              `cbor:"9,keyasint" json:"issued"` // 2006-01-02
	From       string              `cbor:"10,keyasint" json:"validFrom"`
	To         string              `cbor:"11,keyasint" json:"validTo"` // empty: no end
	State      status.LicenceState `cbor:"12,keyasint" json:"state"`
	StateSince time.Time           `cbor:"13,keyasint" json:"stateSince"`
	Shard      uint32              `cbor:"14,keyasint" json:"shard"`
	Position   uint32              `cbor:"15,keyasint" json:"position"`
	Code       string              `cbor:"16,keyasint" json:"verificationCode"`
	Stamp      act.ID              `cbor:"17,keyasint" json:"stampId"`
	SM3        [32]byte            `cbor:"18,keyasint" json:"-"` // of the sealed document
	Made       time.Time           `cbor:"19,keyasint" json:"made"`
}

// Over tells whether the licence's last day has passed.
func (l Licence) Over(at time.Time) bool {
	_, to := (&metadata.Licence{From: l.From, To: l.To}).Term()
	return !to.IsZero() && !at.Before(to)
}

// Change is a step in a licence's life: the record of its act.
type Change struct {
	Licence Licence   `cbor:"1,keyasint"`
	Who     string    `cbor:"2,keyasint"`
	Why     string    `cbor:"3,keyasint"`
	At      time.Time `cbor:"4,keyasint"`
}

// Filter of a list. Cursor is the last identifier seen.
type Filter struct {
	Agency, Type string
	State        status.LicenceState
	Cursor       string
	Limit        int
}

// Store keeps the register. Every write is durable on return, whole or not at
// all; nothing is ever deleted.
type Store interface {
	// CommitType fails with ErrExists if the code is defined.
	CommitType(ctx context.Context, a act.Act, t Type) error
	Type(ctx context.Context, code string) (Type, error)
	Types(ctx context.Context) ([]Type, error)
	// CommitIssue keeps a licence, its sealed document and the stamp on it, which
	// is refused for the reasons of seal.Store.CommitStamp. ErrTaken if identifier
	// or position has ever been used.
	CommitIssue(ctx context.Context, a act.Act, l Licence, document []byte, c seal.Commit) error
	// CommitState keeps a new version of a licence if the present one is of
	// version before, else ErrChanged.
	CommitState(ctx context.Context, a act.Act, l Licence, before uint64) error
	Licence(ctx context.Context, identifier string) (Licence, error)
	// Document gives the sealed document.
	Document(ctx context.Context, identifier string) ([]byte, error)
	ByCode(ctx context.Context, code string) (Licence, error)
	// ByAct finds what an act issued, ErrNotFound for an act of another kind.
	ByAct(ctx context.Context, id act.ID) (Licence, error)
	// Licences lists in the order of identifiers, after the cursor. A store may stop
	// before f.Limit rows are found; next is the cursor to go on from, "" at the end.
	Licences(ctx context.Context, f Filter) (rows []Licence, next string, err error)
	// OpenShard gives the shard that new licences go into: a new one once half of
	// the positions of the last are used, so that a free one is soon found.
	OpenShard(ctx context.Context) (uint32, error)
	// Shard gives the states in a shard that are not valid, and a count that
	// changes with each of them; ErrNotFound for a shard never opened.
	Shard(ctx context.Context, shard uint32) (states map[uint32]status.LicenceState, changes uint64, err error)
	// NextListNumber of a shard only rises.
	NextListNumber(ctx context.Context, shard uint32) (uint64, error)
	Done(ctx context.Context, slot [32]byte, now time.Time) (act.Done, bool, error)
}
