package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"yinxin/internal/act"
)

// Init settles what an earlier process left. It is called once at each start,
// when all kinds are handled and their offices are ready.
func (o *Office) Init(ctx context.Context) error { return o.Settle(ctx) }

// Settle carries out what was approved and not carried out, and writes down what
// has expired. What cannot be carried out for the moment stays for the next time.
func (o *Office) Settle(ctx context.Context) error {
	open, err := o.c.Store.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, r := range open {
		switch {
		case r.Over(o.c.Clock()):
			err = o.expire(ctx, r.ID)
		case r.State == StateApproved:
			_, err = o.carryOut(ctx, r)
		}
		if err != nil && !errors.Is(err, ErrDecided) {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o.c.Log.Warn("a request is not settled yet", "request", r.ID, "kind", r.Kind, "error", err)
		}
	}
	return nil
}

// carriedOut is the record of an outcome's act.
type carriedOut struct {
	Request act.ID  `cbor:"1,keyasint"`
	Outcome Outcome `cbor:"2,keyasint"`
}

// carryOut does what was approved and keeps what came of it. Another call may
// have been first: then its outcome is the one.
func (o *Office) carryOut(ctx context.Context, r Request) (Request, error) {
	o.carrying.Lock()
	defer o.carrying.Unlock()
	r, err := o.c.Store.Request(ctx, r.ID)
	if err != nil || r.State != StateApproved || r.Outcome != nil {
		return r, err
	}
	out, err := o.do(ctx, r)
	if err != nil {
		return r, err
	}
	out.At = o.now()
	done, err := act.New(o.c.Clock(), o.c.Rand, ActCarriedOut, r.ID.String(), carriedOut{r.ID, out})
	if err != nil {
		return r, err
	}
	settled, err := o.c.Store.CommitOutcome(ctx, done, r.ID, out)
	if errors.Is(err, ErrDecided) {
		return o.c.Store.Request(ctx, r.ID)
	}
	if err != nil {
		return r, err
	}
	return settled, nil
}

func (o *Office) do(ctx context.Context, r Request) (Outcome, error) {
	h, err := o.handler(r.Kind)
	if err != nil {
		return Outcome{}, err
	}
	// Past that time nobody knows whether it was done, and once is the most.
	if o.c.Clock().Sub(r.Decided.At) > carryLife {
		return Outcome{Failure: "it was not carried out in the week after its approval; look whether it was, and ask again"}, nil
	}
	made, err := h.Do(ctx, r)
	switch {
	case err != nil && h.Final(err):
		return Outcome{Failure: err.Error()}, nil
	case err != nil:
		return Outcome{}, err
	}
	answer, err := json.Marshal(made.Answer)
	if err != nil {
		return Outcome{}, err
	}
	if len(answer) > MaxAnswer {
		return Outcome{}, fmt.Errorf("the answer to request %s is longer than %d octets", r.ID, MaxAnswer)
	}
	return Outcome{Ref: made.Ref, Answer: answer}, nil
}
