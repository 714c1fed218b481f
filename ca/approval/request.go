package approval

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/internal/act"
)

const (
	// Life of a request that nobody decides: whoever approves after that would
	// approve what nobody wants any more.
	Life = 7 * 24 * time.Hour
	// MaxPending bounds what an agency may have waiting: a program gone wild would
	// bury what its officers must read.
	MaxPending = 100
	// MaxContent bounds what a request holds: the longest certification request
	// (ca.MaxRequest) in PEM, and names.
	MaxContent = 32 << 10
	// MaxAnswer bounds what carrying out may leave in the register.
	MaxAnswer = 64 << 10
	// MaxWhy bounds grounds: they stand in the journal for ever.
	MaxWhy = 1000
	// carryLife is how long after its approval a request may still be carried out:
	// its retry key is forgotten after act.RetryLife, and with it that it was done.
	carryLife = act.RetryLife - 24*time.Hour
)

// State of a request.
type State string

// The states. Nothing leads back to pending.
const (
	StatePending   State = "pending"
	StateApproved  State = "approved"
	StateRefused   State = "refused"
	StateWithdrawn State = "withdrawn"
	StateExpired   State = "expired"
)

// Request is an act that was asked for. Its id is that of the act that asked.
type Request struct {
	ID      act.ID          `cbor:"1,keyasint" json:"id"`
	Kind    string          `cbor:"2,keyasint" json:"kind"`
	Agency  string          `cbor:"3,keyasint" json:"agency"`
	Content json.RawMessage `cbor:"4,keyasint" json:"content"`
	By      act.Officer     `cbor:"5,keyasint" json:"askedBy"`
	Why     string          `cbor:"6,keyasint" json:"why"`
	At      time.Time       `cbor:"7,keyasint" json:"askedAt"`
	Expires time.Time       `cbor:"8,keyasint" json:"expires"`
	State   State           `cbor:"9,keyasint" json:"state"`
	Decided *Decision       `cbor:"10,keyasint,omitempty" json:"decided,omitempty"`
	Outcome *Outcome        `cbor:"11,keyasint,omitempty" json:"outcome,omitempty"`
}

// Decision is who made a request what it is, when and why. An expiry has no
// officer.
type Decision struct {
	State State       `cbor:"1,keyasint" json:"state"`
	By    act.Officer `cbor:"2,keyasint" json:"by"`
	Why   string      `cbor:"3,keyasint,omitempty" json:"why,omitempty"`
	At    time.Time   `cbor:"4,keyasint" json:"at"`
}

// Outcome is what carrying out an approved request came to: what it made, or why
// it never will.
type Outcome struct {
	At      time.Time       `cbor:"1,keyasint" json:"at"`
	Ref     string          `cbor:"2,keyasint,omitempty" json:"ref,omitempty"`
	Answer  json.RawMessage `cbor:"3,keyasint,omitempty" json:"answer,omitempty"`
	Failure string          `cbor:"4,keyasint,omitempty" json:"failure,omitempty"`
}

// Filter of a list; Cursor is the id of the last request seen.
type Filter struct {
	Agency string
	State  State
	Kind   string // "" for all
	Cursor string
	Limit  int
}

// Decide is the request after a decision. It is asked inside the transaction
// that keeps the decision, of the request as it stands there.
func (r Request) Decide(d Decision) (Request, error) {
	switch {
	case r.State == StateExpired:
		return r, ErrExpired
	case r.State != StatePending:
		return r, fmt.Errorf("%w: it is %s", ErrDecided, r.State)
	case d.At.Before(r.At):
		return r, ErrClock
	case r.Over(d.At):
		return r, ErrExpired
	case d.State == StateWithdrawn && !r.mine(d.By):
		return r, fmt.Errorf("%w: only who asked may withdraw it", ErrNoRight)
	case d.State == StateApproved && r.by(d.By):
		return r, ErrSameOfficer
	}
	r.State, r.Decided = d.State, &d
	return r, nil
}

// Over tells whether nobody decided in time.
func (r Request) Over(now time.Time) bool { return r.State == StatePending && !now.Before(r.Expires) }

// by tells whether the officer may be the one who asked: the same key, or the
// same name in any spelling that people would take for it. A name that a program
// gave counts too, though nobody verified it: who uses a program must not approve
// what it asked for.
func (r Request) by(o act.Officer) bool {
	return o.KeyID == r.By.KeyID || spelling(o.Name) == spelling(r.By.Name)
}

// mine tells whether the officer surely is the one who asked.
func (r Request) mine(o act.Officer) bool {
	if o.KeyID == "" || o.Agency != r.By.Agency {
		return false
	}
	return o.KeyID == r.By.KeyID || o.Known() && !r.By.Unverified && o.Name == r.By.Name
}

// spelling leaves of a name what tells people apart: two keys must not make two
// officers of one by a space or a letter's case.
func spelling(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// Retry is the idempotency key under which an approved request is carried out,
// whoever tries and however often.
func (r Request) Retry() *act.Retry {
	return &act.Retry{Owner: "request", Key: r.ID.String(), Request: sm3.Sum(r.Content)}
}

func (r Request) check() error {
	switch {
	case !grounds(r.Why) || !grounds(r.By.Name):
		return fmt.Errorf("%w: who asks and why must be said, in 1 to %d octets of text", ErrRefused, MaxWhy)
	case len(r.Content) > MaxContent:
		return fmt.Errorf("%w: a request holds at most %d octets", ErrRefused, MaxContent)
	}
	return nil
}

func grounds(s string) bool { return s != "" && len(s) <= MaxWhy && utf8.ValidString(s) }
