package approval

import (
	"context"
	"errors"
	"fmt"

	"yinxin/internal/act"
)

// Approve lets a request be carried out, and does so before it returns; where
// that fails for the moment, the request is given without an outcome, and it is
// carried out later (Settle).
func (o *Office) Approve(ctx context.Context, id act.ID, by act.Officer, why string) (Request, error) {
	r, err := o.decide(ctx, id, StateApproved, by, why)
	if err != nil {
		return r, err
	}
	// The decision stands, whether or not its officer waits for the answer.
	ctx = context.WithoutCancel(ctx)
	done, err := o.carryOut(ctx, r)
	if err != nil {
		o.c.Log.Warn("an approved request is not carried out yet", "request", id, "kind", r.Kind, "error", err)
		return r, nil
	}
	return done, nil
}

// Refuse ends a request. Why is told to who asked.
func (o *Office) Refuse(ctx context.Context, id act.ID, by act.Officer, why string) (Request, error) {
	if why == "" {
		return Request{}, fmt.Errorf("%w: why it is refused must be said", ErrRefused)
	}
	return o.decide(ctx, id, StateRefused, by, why)
}

// Withdraw ends a request by the one who asked.
func (o *Office) Withdraw(ctx context.Context, id act.ID, by act.Officer, why string) (Request, error) {
	return o.decide(ctx, id, StateWithdrawn, by, why)
}

var decisions = map[State]string{StateApproved: ActApproved, StateRefused: ActRefused, StateWithdrawn: ActWithdrawn}

// decision is the record of a decision's act.
type decision struct {
	Request  act.ID   `cbor:"1,keyasint"`
	Decision Decision `cbor:"2,keyasint"`
}

func (o *Office) decide(ctx context.Context, id act.ID, to State, by act.Officer, why string) (Request, error) {
	r, err := o.c.Store.Request(ctx, id)
	if err != nil {
		return r, err
	}
	h, err := o.handler(r.Kind)
	if err != nil {
		return r, err
	}
	switch {
	case to != StateWithdrawn && !by.Known():
		return r, fmt.Errorf("%w: an officer must decide, with the bearer key of a person", ErrNoRight)
	case why != "" && !grounds(why):
		return r, fmt.Errorf("%w: why has at most %d octets of text", ErrRefused, MaxWhy)
	}
	d := Decision{State: to, By: by, Why: why, At: o.now()}
	done, err := act.New(o.c.Clock(), o.c.Rand, decisions[to], id.String(), decision{id, d})
	if err != nil {
		return r, err
	}
	r, err = o.c.Store.CommitDecision(ctx, done, id, d, h.Scope)
	if errors.Is(err, ErrExpired) {
		// Written down at once: a clock that goes back must not revive it.
		if err := o.expire(ctx, id); err != nil && !errors.Is(err, ErrDecided) {
			return r, err
		}
	}
	return o.as(r), err
}

func (o *Office) expire(ctx context.Context, id act.ID) error {
	at := o.now()
	done, err := act.New(o.c.Clock(), o.c.Rand, ActExpired, id.String(), decision{id, Decision{State: StateExpired, At: at}})
	if err != nil {
		return err
	}
	_, err = o.c.Store.CommitExpired(ctx, done, id, at)
	return err
}
