// Package approval is the office of the second officer (双人审批): acts that one
// person may not do alone wait here until another has looked at them.
//
// New gives the Office. Handle tells it how each kind of act is carried out and
// who may decide on it; Init, before anything is asked, carries out what an
// earlier process left approved. An office whose act may need a second officer
// calls Pass before it (ca.Gate); Approve, Refuse and Withdraw decide; SetRule
// says which kinds need one.
//
// A request is approved first and carried out then, under an idempotency key of
// its own: killed between the two, the act is found approved at the next start
// and done once.
package approval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"yinxin/internal/act"
)

// Names of acts in the journal.
const (
	ActAsked      = "request.asked"
	ActApproved   = "request.approved"
	ActRefused    = "request.refused"
	ActWithdrawn  = "request.withdrawn"
	ActExpired    = "request.expired"
	ActCarriedOut = "request.carried-out"
	ActRuleSet    = "rule.set"
)

var (
	// ErrPending: the act waits for a second officer. errors.As finds the Pending
	// with the request.
	ErrPending = errors.New("a second officer has to approve it")
	// ErrNotGranted: the request was refused, withdrawn, expired, or could not be
	// carried out; its sentence says which.
	ErrNotGranted = errors.New("the request was not granted")
	// ErrNotFound: no such request.
	ErrNotFound = errors.New("no such request")
	// ErrDecided: the request is not pending any more.
	ErrDecided = errors.New("the request is decided already")
	// ErrExpired: nobody decided in time.
	ErrExpired = errors.New("the request has expired")
	// ErrSameOfficer: who asked cannot approve, nor whom a program asked for.
	ErrSameOfficer = errors.New("another officer must approve than the one who asked, or whom the program that asked has named")
	// ErrNoRight: the key may not ask, or may not decide.
	ErrNoRight = errors.New("no right to this request")
	// ErrTooMany: the agency has MaxPending requests waiting.
	ErrTooMany = fmt.Errorf("the agency has %d requests waiting for a decision already", MaxPending)
	// ErrClock: the clock stands before the request was asked.
	ErrClock = errors.New("the clock stands before the request was asked; set it right first")
	// ErrRetryMismatch: the idempotency key was used for another request.
	ErrRetryMismatch = act.ErrRetryMismatch
	// ErrRefused: what was asked breaks a rule of this office.
	ErrRefused = errors.New("refused")
	// ErrChanged: the rule was changed by someone else meanwhile.
	ErrChanged = errors.New("the rule was changed meanwhile")
)

// Pending is the error of an act that waits.
type Pending struct{ Request Request }

func (p *Pending) Error() string {
	return fmt.Sprintf("%v: request %s waits until %s", ErrPending, p.Request.ID, p.Request.Expires.Format(time.RFC3339))
}

// Is lets errors.Is find ErrPending.
func (p *Pending) Is(target error) bool { return target == ErrPending }

// Made is what carrying out a request has made: its name in the register of its
// office, and the answer that the one who asked would have got at once, as JSON.
type Made struct {
	Ref    string
	Answer any
}

// Handler carries out the requests of a kind.
type Handler struct {
	// Always: no rule does without the second officer.
	Always bool
	// Under names the kind whose rule counts for this one too, "" where it has a rule
	// of its own.
	Under string
	// Officers: only an officer with a key of the scope may ask. For other kinds a
	// program may ask by its key, and an officer decides.
	Officers bool
	// Scope that a key needs to decide.
	Scope string
	// Do carries a request out, at most once whatever happens: it is called again
	// with the same request after a failure or a kill, and must find then what it
	// did before (Request.Retry).
	Do func(ctx context.Context, r Request) (Made, error)
	// Final tells whether Do would fail with the same error for ever.
	Final func(error) bool
}

// Store keeps requests and rules. Every write is durable on return, whole or not
// at all; what a method names is checked inside its transaction.
type Store interface {
	// CommitAsked fails with ErrTooMany for an agency with MaxPending pending
	// requests, with ErrNoRight unless the asker's key is in force and theirs and
	// acts for the request's agency, and holds the scope if one is named, and with
	// act.ErrRetryTaken. A program is unverified, and who came with a client
	// certificate has no key and asks for its own agency alone, if that is active,
	// where no scope is named. The request has the id of the act.
	CommitAsked(ctx context.Context, a act.Act, r Request, scope string) error
	// CommitDecision applies Request.Decide to the request as it stands and gives
	// the outcome. It fails as that does, and with ErrNoRight unless the officer's
	// key is in force and theirs, and, but for a withdrawal, holds the scope and
	// acts for the request's agency.
	CommitDecision(ctx context.Context, a act.Act, id act.ID, d Decision, scope string) (Request, error)
	// CommitExpired ends a pending request that is past its time, ErrDecided
	// otherwise.
	CommitExpired(ctx context.Context, a act.Act, id act.ID, at time.Time) (Request, error)
	// CommitOutcome fails with ErrDecided unless the request is approved and has
	// no outcome.
	CommitOutcome(ctx context.Context, a act.Act, id act.ID, o Outcome) (Request, error)
	Request(ctx context.Context, id act.ID) (Request, error)
	// Requests are in the order of asking; next is the cursor to go on from.
	Requests(ctx context.Context, f Filter) (out []Request, next string, err error)
	// Unsettled are those that are pending, or approved without an outcome.
	Unsettled(ctx context.Context) ([]Request, error)
	// Rule is the zero Rule where none was set.
	Rule(ctx context.Context, kind string) (Rule, error)
	Rules(ctx context.Context) ([]Rule, error)
	// CommitRule fails with ErrChanged unless the rule of the kind has the version
	// before r's, with ErrNoRight unless the key of the officer who set it is in
	// force and theirs and holds the scope, and with act.ErrRetryTaken. A rule that
	// one officer set (Approved is zero) fails with ErrChanged too once any rule
	// demands a second one.
	CommitRule(ctx context.Context, a act.Act, r Rule, scope string) error
	Done(ctx context.Context, slot [32]byte, now time.Time) (act.Done, bool, error)
}

// Config of New.
type Config struct {
	Store Store
	Clock func() time.Time
	Rand  io.Reader
	Log   *slog.Logger
}

// Office lets acts pass or wait. Its methods may be called concurrently once all
// kinds are handled.
type Office struct {
	c        Config
	handlers map[string]Handler

	carrying sync.Mutex // one request is carried out at a time
}

// New checks the configuration.
func New(c Config) (*Office, error) {
	if c.Store == nil || c.Clock == nil || c.Rand == nil || c.Log == nil {
		return nil, errors.New("approval: incomplete configuration")
	}
	o := &Office{c: c, handlers: map[string]Handler{}}
	o.Handle(KindRule, Handler{Officers: true, Scope: ruleScope, Do: o.setAskedRule, Final: func(err error) bool {
		return errors.Is(err, ErrRefused) || errors.Is(err, ErrChanged) || errors.Is(err, ErrNoRight)
	}})
	return o, nil
}

// Handle makes a kind known. It is called while a province is put together,
// before Init.
func (o *Office) Handle(kind string, h Handler) { o.handlers[kind] = h }

func (o *Office) handler(kind string) (Handler, error) {
	h, ok := o.handlers[kind]
	if !ok {
		return h, fmt.Errorf("%w: there is no kind of request %q", ErrRefused, kind)
	}
	return h, nil
}

func (h Handler) ruledBy(kind string) string {
	if h.Under != "" {
		return h.Under
	}
	return kind
}

// now in whole seconds, as rows have it.
func (o *Office) now() time.Time { return o.c.Clock().UTC().Truncate(time.Second) }
