package seal

import (
	"context"
	"errors"
	"time"

	"yinxin/internal/act"
)

// Gate is asked before a step in a seal's life, for the province may want a second
// officer (ca.Gate).
type Gate interface {
	// Pass returns "" and nil where the act may be done now, and the name of what was
	// done where it was asked for under the same idempotency key and done.
	Pass(ctx context.Context, a act.Asked) (ref string, err error)
}

// The kinds of request that wait for a second officer.
const (
	KindMake    = "seal:make" // a seal with a certificate of our own
	KindChange  = "seal:change"
	KindCancel  = "seal:cancel"
	KindDestroy = "seal:destroy"
	KindGrant   = "seal:grant"
	KindUse     = "seal:use" // one use of a seal; it is used up, not carried out
)

// Leave is a second officer's word for a step.
type Leave struct {
	Request string // that was approved
	By      string
	Retry   *act.Retry // under which it is carried out, once
}

// pass asks the gate; done is true where an earlier call under the same idempotency
// key was approved and carried out.
func (o *Office) pass(ctx context.Context, kind, agency string, content any, by act.Officer, why string, retry *act.Retry) (done bool, err error) {
	if o.c.Gate == nil {
		return false, nil
	}
	ref, err := o.c.Gate.Pass(ctx, act.Asked{Kind: kind, Agency: agency, Content: content, By: by, Why: why, Retry: retry})
	return ref != "", err
}

// officer is who asks: the name alone where no key says who it is.
func officer(by act.Officer, who string) act.Officer {
	if by.Name == "" {
		by.Name = who
	}
	return by
}

// part is the retry key of one of several acts of a request.
func part(r *act.Retry, name string) *act.Retry {
	if r == nil {
		return nil
	}
	of := *r
	of.Key += "\x00" + name
	return &of
}

// committed tells whether an act stands under a retry key.
func (o *Office) committed(ctx context.Context, r *act.Retry) (id act.ID, found bool, err error) {
	if r == nil {
		return id, false, nil
	}
	done, found, err := o.c.Store.Done(ctx, r.Slot(), o.c.Clock())
	if err == nil && found && done.Request != r.Request {
		err = ErrRetryMismatch
	}
	return done.Act, found && err == nil, err
}

// carried is committed, of a step: a key of another seal's or office's act is no
// step of this one.
func (o *Office) carried(ctx context.Context, sealID string, r *act.Retry) (bool, error) {
	id, found, err := o.committed(ctx, r)
	if err != nil || !found {
		return false, err
	}
	steps, err := o.c.Store.History(ctx, sealID)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return false, err
	}
	for _, s := range steps {
		if s.Act == id {
			return true, nil
		}
	}
	return false, nil
}

// begun tells whether a step was taken under its request's idempotency key, by an
// earlier call or once officers approved it; it fails where it still waits. It is asked
// before anything else: what was done cannot be done again, and a rule would refuse it.
func (o *Office) begun(ctx context.Context, kind string, r ChangeRequest, step *act.Retry) (bool, error) {
	if again, err := o.carried(ctx, r.SealID, step); again || err != nil {
		return again, err
	}
	if _, found, err := o.committed(ctx, r.Retry); !found || err != nil {
		return false, err
	}
	done, err := o.pass(ctx, kind, "", nil, officer(r.By, r.Who), r.Why, r.Retry)
	if errors.Is(err, act.ErrRetryTaken) || err == nil && !done {
		err = ErrRetryMismatch // the key stands for an act of another kind
	}
	return done, err
}

// Step is one act in a seal's life.
type Step struct {
	Act      act.ID    `json:"act"`
	Index    uint64    `json:"index"` // of its leaf in the journal
	Name     string    `json:"step"`
	At       time.Time `json:"at"`
	Who      string    `json:"who"`
	Why      string    `json:"why"`
	Request  string    `json:"request,omitempty"`
	Approved string    `json:"approvedBy,omitempty"`
	Grant    *Grant    `json:"grant,omitempty"`
	Seal     Seal      `json:"seal"` // as it stood then
}

// History gives every step of a seal's life, from its act in the journal.
func (o *Office) History(ctx context.Context, id string) ([]Step, error) {
	return o.c.Store.History(ctx, id)
}
