package approval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"yinxin/internal/act"
)

// Pass lets an act be done now, or keeps it as a request and fails with a
// Pending. Asked again under the same idempotency key it gives, once the request
// was carried out, the name of what was made; whatever rule is in force then.
func (o *Office) Pass(ctx context.Context, a act.Asked) (ref string, err error) {
	h, err := o.handler(a.Kind)
	if err != nil {
		return "", err
	}
	switch r, known, err := o.retried(ctx, a.Retry); {
	case err != nil || known == ours:
		return refOf(r, err)
	case known == another:
		// Its office looks before it asks here, and found nothing. To let the act pass
		// would be a way around every rule: the key may be forgotten a moment later.
		return "", act.ErrRetryTaken
	}
	if !h.Always {
		rule, err := o.c.Store.Rule(ctx, h.ruledBy(a.Kind))
		if err != nil || !rule.SecondOfficer {
			return "", err
		}
	}
	r, err := o.ask(ctx, h, a)
	if errors.Is(err, act.ErrRetryTaken) { // another call came first
		var known slot
		if r, known, err = o.retried(ctx, a.Retry); err == nil && known != ours {
			err = ErrRetryMismatch
		}
	}
	return refOf(r, err)
}

// Ask keeps a request of a kind that always needs a second officer.
func (o *Office) Ask(ctx context.Context, a act.Asked) (Request, error) {
	_, err := o.Pass(ctx, a)
	var p *Pending
	if errors.As(err, &p) {
		return p.Request, nil
	}
	if err != nil {
		return Request{}, err
	}
	r, known, err := o.retried(ctx, a.Retry)
	if err == nil && known != ours {
		err = fmt.Errorf("%w: %q does not wait for a second officer", ErrRefused, a.Kind)
	}
	return r, err
}

func refOf(r Request, err error) (string, error) {
	switch {
	case err != nil:
		return "", err
	case r.State == StatePending, r.State == StateApproved && r.Outcome == nil:
		return "", &Pending{r}
	case r.State != StateApproved:
		return "", fmt.Errorf("%w: %s", ErrNotGranted, r.verdict())
	case r.Outcome.Failure != "":
		return "", fmt.Errorf("%w: it was approved and could not be carried out: %s", ErrNotGranted, r.Outcome.Failure)
	}
	return r.Outcome.Ref, nil
}

// verdict is the sentence on a request that was ended without being approved.
func (r Request) verdict() string {
	if r.State == StateExpired || r.Decided == nil {
		return "it expired on " + r.Expires.Format("2006-01-02") + ", since nobody decided"
	}
	return fmt.Sprintf("it was %s by %s: %s", r.State, r.Decided.By.Name, r.Decided.Why)
}

// slot is what stands under an idempotency key.
type slot int

const (
	nothing slot = iota
	ours         // a request
	another      // another office's act
)

// retried finds the request that was asked under the idempotency key.
func (o *Office) retried(ctx context.Context, retry *act.Retry) (Request, slot, error) {
	if retry == nil {
		return Request{}, nothing, nil
	}
	done, found, err := o.c.Store.Done(ctx, retry.Slot(), o.c.Clock())
	if err != nil || !found {
		return Request{}, nothing, err
	}
	if done.Request != retry.Request {
		return Request{}, nothing, ErrRetryMismatch
	}
	r, err := o.c.Store.Request(ctx, done.Act)
	switch {
	case errors.Is(err, ErrNotFound):
		return Request{}, another, nil
	case err != nil:
		return Request{}, nothing, err
	}
	return o.as(r), ours, nil
}

func (o *Office) ask(ctx context.Context, h Handler, a act.Asked) (Request, error) {
	content, err := json.Marshal(a.Content)
	if err != nil {
		return Request{}, err
	}
	now := o.now()
	r := Request{Kind: a.Kind, Agency: a.Agency, Content: content, By: a.By, Why: a.Why, At: now, Expires: now.Add(Life), State: StatePending}
	if r.Agency == "" {
		r.Agency = a.By.Agency
	}
	scope := ""
	if h.Officers {
		scope = h.Scope
	}
	switch {
	case h.Officers && !a.By.Known():
		return r, fmt.Errorf("%w: an officer must ask, with the bearer key of a person", ErrNoRight)
	case a.By.KeyID == "" && a.By.Certificate == "":
		// Without either nothing would show that the two officers are two.
		return r, fmt.Errorf("%w: it needs a second officer, so the first must ask with a bearer key", ErrNoRight)
	}
	if err := r.check(); err != nil {
		return r, err
	}
	if r.ID, err = act.NewID(o.c.Clock(), o.c.Rand); err != nil {
		return r, err
	}
	// The journal's subject is the request: its content names people.
	done, err := act.NewWithID(r.ID, o.c.Clock(), o.c.Rand, ActAsked, r.ID.String(), r)
	if err != nil {
		return r, err
	}
	done.Retry = a.Retry
	if err := o.c.Store.CommitAsked(ctx, done, r, scope); err != nil {
		return r, fmt.Errorf("request of kind %s: %w", a.Kind, err)
	}
	return r, nil
}

// as shows a request that is past its time as expired, before anyone wrote that
// down.
func (o *Office) as(r Request) Request {
	if r.Over(o.c.Clock()) {
		r.State = StateExpired
	}
	return r
}

// Show gives one request, whole.
func (o *Office) Show(ctx context.Context, id act.ID) (Request, error) {
	r, err := o.c.Store.Request(ctx, id)
	return o.as(r), err
}

// maxPage bounds one page of a list.
const maxPage = 500

// List gives requests in the order of asking.
func (o *Office) List(ctx context.Context, f Filter) ([]Request, string, error) {
	switch f.State {
	case "", StatePending, StateApproved, StateRefused, StateWithdrawn, StateExpired:
	default:
		return nil, "", fmt.Errorf("%w: there is no state %q", ErrRefused, f.State)
	}
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = maxPage
	}
	out, next, err := o.c.Store.Requests(ctx, f)
	for i := range out {
		out[i] = o.as(out[i])
	}
	return slices.DeleteFunc(out, func(r Request) bool { return f.State != "" && r.State != f.State }), next, err
}
