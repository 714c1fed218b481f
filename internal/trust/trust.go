// Package trust keeps what a data folder says of its own region and whom it trusts
// beside itself (protocol.md 3).
//
// New opens the Office. Bundle gives what the province publishes, made and signed
// when it is asked for; Trust what its own verifier judges by. Add, Import and
// Remove are the acts of an operator on the schemes of others, HandOver the one that
// gives the province's own scheme to offline keys. Holder is the machine of someone
// who keeps such a key; it needs no data folder.
package trust

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"yinxin/certs"
	"yinxin/internal/act"
)

var (
	// ErrRefused: a rule refuses the act; the message says which.
	ErrRefused = errors.New("refused")
	// ErrNotTrusted: no scheme that is trusted leads to the bundle.
	ErrNotTrusted = errors.New("no scheme that is trusted here leads to it")
	// ErrNothingNewer: what was to be imported is known already.
	ErrNothingNewer = errors.New("nothing in it is newer than what is kept")
	// ErrStale: a list of this sequence or a higher one is kept.
	ErrStale = errors.New("a newer list is kept")
	// ErrChanged: another act came between.
	ErrChanged = errors.New("what is trusted was changed meanwhile")
	// ErrNotNamed: the scheme list does not name the key that signs this region's list.
	ErrNotNamed = errors.New("the scheme list does not name this region's list key")
	// ErrNoKey: nothing can be published until a key is renewed.
	ErrNoKey = errors.New("the key that signs the lists may sign no more")
)

// Names of acts in the journal.
const (
	ActAdded      = "trust.added"
	ActRemoved    = "trust.removed"
	ActImported   = "trust.imported"
	ActFollowed   = "trust.followed"    // a newer list, got from a region
	ActHandedOver = "trust.handed-over" // the own scheme, to offline keys
	ActRekeyed    = "trust.rekeyed"     // the own scheme, to the next key of its own
)

// Own names the province's own scheme.
const Own = "own"

// Scheme is a scheme that is or was trusted. Its row is never removed, and is the
// memory of the highest sequence seen.
type Scheme struct {
	Name     string    `cbor:"1,keyasint" json:"name"`        // Own, or the fingerprint of first trust
	Revision uint64    `cbor:"2,keyasint" json:"revision"`    // counts the acts on the row
	History  [][]byte  `cbor:"3,keyasint,omitempty" json:"-"` // scheme lists that lead to Newest
	Newest   []byte    `cbor:"4,keyasint,omitempty" json:"-"` // empty: the province signs its own
	Since    time.Time `cbor:"5,keyasint" json:"since"`       // first trust
	Who      string    `cbor:"6,keyasint" json:"who"`         // of the last act
	Why      string    `cbor:"7,keyasint" json:"why"`         // of the last act
	Removed  time.Time `cbor:"8,keyasint,omitempty" json:"removed,omitzero"`
}

func (s Scheme) trusted() bool { return len(s.Newest) > 0 && s.Removed.IsZero() }

// List is a signed list as it is kept, by its name: a region's code, or "scheme" for
// the scheme list that the province signs itself.
type List struct {
	Name     string `cbor:"1,keyasint"`
	Sequence uint64 `cbor:"2,keyasint"`
	Raw      []byte `cbor:"3,keyasint"`
}

// Store keeps schemes and lists. Every write is durable on return, whole or not at
// all.
type Store interface {
	// Schemes gives every row in the order of names.
	Schemes(ctx context.Context) ([]Scheme, error)
	// CommitScheme puts a row, lists of its regions and the act. It fails with
	// ErrChanged unless the row's revision is one more than that of the row kept (1
	// for a new one), and with ErrStale if a list is older than the one kept.
	CommitScheme(ctx context.Context, a act.Act, s Scheme, lists []List) error
	// Lists gives the newest lists kept under a scheme, in the order of names.
	Lists(ctx context.Context, scheme string) ([]List, error)
	// PutList keeps a list; ErrStale unless its sequence is above that of the one kept.
	PutList(ctx context.Context, scheme string, l List) error
}

// Source is what the office asks of the province.
type Source interface {
	// State tells of what the others give: as long as it is the same, so are they.
	State(ctx context.Context) (string, error)
	// Services are all that the region has ever had, with their histories.
	Services(ctx context.Context) ([]certs.RegionService, error)
	// ListSigners and SchemeSigners are the keys that may sign the region's list and
	// the province's own scheme list, newest first.
	ListSigners(ctx context.Context) ([]certs.StatementSigner, error)
	SchemeSigners(ctx context.Context) ([]certs.StatementSigner, error)
}

// Config of an Office.
type Config struct {
	Store             Store
	Source            Source
	Clock             func() time.Time
	Rand              io.Reader
	Log               *slog.Logger
	Region, Name, URL string
}

// Office may be used concurrently.
type Office struct {
	c Config

	mu   sync.Mutex // held while lists are made: one at a time has the next sequence
	view *view      // nil after an act
}

// New checks the configuration.
func New(c Config) (*Office, error) {
	if c.Store == nil || c.Source == nil || c.Clock == nil || c.Rand == nil || c.Log == nil || c.Region == "" {
		return nil, errors.New("trust: incomplete configuration")
	}
	return &Office{c: c}, nil
}

func (o *Office) now() time.Time { return o.c.Clock().UTC().Truncate(time.Second) }

// maxGrounds bounds what is said of who did something and why.
const maxGrounds = 500
