// Package agency knows the agencies (单位) of the region and the bearer keys that
// speak for them.
//
// New gives the Office. Add enters an agency, CreateKey gives it a key whose
// secret is shown once, and Authenticate tells a request's Caller from its bearer
// key; Caller.May is then asked for each act. Every change is an act in the
// journal (protocol.md 8).
package agency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"yinxin/certs"
	"yinxin/internal/act"
)

// The acts of this office, as they stand in the journal.
const (
	ActAgencyAdded  = "agency.added"
	ActAgencyClosed = "agency.closed"
	ActKeyCreated   = "key.created"
	ActKeyRevoked   = "key.revoked"
	ActKeyRotated   = "key.rotated"
)

// State of an agency.
type State string

const (
	Active State = "active"
	Closed State = "closed" // its keys speak for nobody any more
)

// Agency is a unit that seals and issues. ID is its unified social credit code
// (统一社会信用代码).
type Agency struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Region  string    `json:"region"` // GB/T 2260, six digits
	State   State     `json:"state"`
	Created time.Time `json:"created"`
}

var (
	// ErrNotFound: no such agency or key.
	ErrNotFound = errors.New("no such agency or key")
	// ErrExists: the agency has been entered before.
	ErrExists = errors.New("the agency is in the register already")
	// ErrKeyExists: another key has the id; the office draws again.
	ErrKeyExists = errors.New("a key with this id exists")
	// ErrClosed: the agency was closed.
	ErrClosed = errors.New("the agency is closed")
	// ErrRevoked: the key has ended already.
	ErrRevoked = errors.New("the key is revoked")
	// ErrInvalid: what was asked for breaks a rule; the message says which.
	ErrInvalid = errors.New("not acceptable")
)

// Store keeps agencies and keys. Each change commits its row and its act in one
// transaction, durable on return; the conditions named are checked inside it.
type Store interface {
	// AddAgency fails with ErrExists when the id is taken.
	AddAgency(ctx context.Context, a Agency, done act.Act) error
	// CloseAgency fails with ErrNotFound, or ErrClosed when closed already.
	CloseAgency(ctx context.Context, id string, done act.Act) error
	Agency(ctx context.Context, id string) (Agency, error)
	// Agencies are in order of id.
	Agencies(ctx context.Context) ([]Agency, error)
	// AddKey fails with ErrNotFound or ErrClosed for its agency, ErrKeyExists
	// for its id.
	AddKey(ctx context.Context, k APIKey, done act.Act) error
	// RevokeKey sets Revoked once: ErrNotFound, or ErrRevoked when it is set and
	// not after at. A key in its grace may be ended earlier than its grace.
	RevokeKey(ctx context.Context, id string, at time.Time, done act.Act) error
	// RotateKey adds next and sets the old key's Revoked to until, together or
	// not at all, with the errors of both.
	RotateKey(ctx context.Context, old string, until time.Time, next APIKey, done act.Act) error
	Key(ctx context.Context, id string) (APIKey, error)
	// Keys are those of one agency in order of id, or all for "".
	Keys(ctx context.Context, agency string) ([]APIKey, error)
}

// Config of an Office.
type Config struct {
	Store Store
	Clock func() time.Time
	Rand  io.Reader
}

// Office keeps the register of agencies and their keys. It is safe for
// concurrent use.
type Office struct {
	store Store
	clock func() time.Time
	rand  io.Reader
	keys  *keyCache
}

// New makes the office.
func New(c Config) (*Office, error) {
	if c.Store == nil || c.Clock == nil || c.Rand == nil {
		return nil, errors.New("agency: a store, a clock and a random source are needed")
	}
	return &Office{store: c.Store, clock: c.Clock, rand: c.Rand, keys: newKeyCache()}, nil
}

// MaxName bounds a unit's name: the longest real ones have some sixty characters,
// and a name goes into certificates and faces.
const MaxName = 200

// AddRequest names an agency to enter, and who enters it.
type AddRequest struct {
	ID, Name, Region string
	Who              string
}

// Add enters an agency.
func (o *Office) Add(ctx context.Context, r AddRequest) (Agency, error) {
	switch {
	case !certs.USCCValid(r.ID):
		return Agency{}, fmt.Errorf("%w: %q is not a unified social credit code (GB 32100)", ErrInvalid, clip(r.ID))
	case !plainName(r.Name):
		return Agency{}, fmt.Errorf("%w: an agency's name has 1 to %d octets of printable text", ErrInvalid, MaxName)
	case !regionCode(r.Region):
		return Agency{}, fmt.Errorf("%w: %q is not a region's six digits (GB/T 2260)", ErrInvalid, clip(r.Region))
	}
	a := Agency{ID: r.ID, Name: r.Name, Region: r.Region, State: Active, Created: o.now()}
	done, err := act.New(o.clock(), o.rand, ActAgencyAdded, a.ID, struct {
		Agency Agency `cbor:"agency"`
		Who    string `cbor:"who"`
	}{a, r.Who})
	if err != nil {
		return Agency{}, err
	}
	if err := o.store.AddAgency(ctx, a, done); err != nil {
		return Agency{}, fmt.Errorf("add agency %s: %w", a.ID, err)
	}
	return a, nil
}

// Close ends an agency: its keys speak for nobody from now on. What it sealed
// and issued stays what it is.
func (o *Office) Close(ctx context.Context, id, who, why string) error {
	done, err := act.New(o.clock(), o.rand, ActAgencyClosed, id, struct {
		ID  string    `cbor:"id"`
		At  time.Time `cbor:"at"`
		Who string    `cbor:"who"`
		Why string    `cbor:"why"`
	}{id, o.now(), who, why})
	if err != nil {
		return err
	}
	if err := o.store.CloseAgency(ctx, id, done); err != nil {
		return fmt.Errorf("close agency %s: %w", clip(id), err)
	}
	o.keys.forgetAll()
	return nil
}

// Show gives one agency.
func (o *Office) Show(ctx context.Context, id string) (Agency, error) {
	return o.store.Agency(ctx, id)
}

// List gives all agencies in order of id.
func (o *Office) List(ctx context.Context) ([]Agency, error) { return o.store.Agencies(ctx) }

// now is what goes into rows: UTC and whole seconds, as the records keep times.
func (o *Office) now() time.Time { return o.clock().UTC().Truncate(time.Second) }

func plainName(s string) bool {
	return s != "" && len(s) <= MaxName && utf8.ValidString(s) && strings.TrimSpace(s) == s &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func regionCode(s string) bool {
	return len(s) == 6 && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}
