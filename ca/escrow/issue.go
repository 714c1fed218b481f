package escrow

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// completeLife is how long a pair may be completed after it was begun: the retry
// keys of its certificates are forgotten after act.RetryLife, and a second
// signing certificate could follow the first.
const completeLife = act.RetryLife - 24*time.Hour

// Issue issues a pair and delivers it. A retry under the same idempotency key
// gets the same octets, and completes what was left half done.
func (o *Office) Issue(ctx context.Context, r ca.IssueRequest) (Pair, error) {
	r.Dual = true
	// What was begun is completed without being asked about again. A key that stands
	// for something else may be that of a request, which the gate knows.
	p, found, err := o.retried(ctx, r.Retry)
	switch {
	case found:
		return o.complete(ctx, p)
	case err != nil && !errors.Is(err, ErrNotFound):
		return Pair{}, err
	}
	ref, err := o.c.CA.Admit(ctx, r)
	if errors.Is(err, act.ErrRetryTaken) { // another call came first
		return o.first(ctx, r.Retry)
	}
	if err != nil {
		return Pair{}, err
	}
	if ref != "" {
		id, err := act.ParseID(ref)
		if err != nil {
			return Pair{}, fmt.Errorf("%w: an approved request names %q", ErrNotFound, ref)
		}
		return o.c.Store.Pair(ctx, id)
	}
	if r.Admitted = true; r.CSR == nil {
		return Pair{}, fmt.Errorf("%w: a pair of certificates is asked for by a request", ErrRefused)
	}
	if p, err = o.begin(ctx, r); errors.Is(err, act.ErrRetryTaken) {
		return o.first(ctx, r.Retry)
	}
	if err != nil {
		return Pair{}, err
	}
	return o.complete(ctx, p)
}

// first completes the pair that another call with the same idempotency key began.
func (o *Office) first(ctx context.Context, r *act.Retry) (Pair, error) {
	p, found, err := o.retried(ctx, r)
	if !found && (err == nil || errors.Is(err, ErrNotFound)) {
		err = ca.ErrRetryMismatch
	}
	if err != nil {
		return Pair{}, err
	}
	return o.complete(ctx, p)
}

// retried finds the pair that was begun under the idempotency key; ErrNotFound where
// another act stands under it.
func (o *Office) retried(ctx context.Context, r *act.Retry) (Pair, bool, error) {
	if r == nil {
		return Pair{}, false, nil
	}
	done, found, err := o.c.Store.Done(ctx, r.Slot(), o.c.Clock())
	switch {
	case err != nil || !found:
		return Pair{}, false, err
	case done.Request != r.Request:
		return Pair{}, false, ca.ErrRetryMismatch
	}
	p, err := o.c.Store.Pair(ctx, done.Act)
	return p, err == nil, err
}

// begin makes the encryption pair and records what it is for. A key that a kill
// leaves without a record serves nothing and stands in no certificate.
func (o *Office) begin(ctx context.Context, r ca.IssueRequest) (Pair, error) {
	now := o.c.Clock()
	id, err := act.NewID(now, o.c.Rand)
	if err != nil {
		return Pair{}, err
	}
	key, err := o.c.Keys.Generate(ctx, "escrow "+id.String(), hsm.UsageEncrypt)
	if err != nil {
		return Pair{}, fmt.Errorf("encryption key: %w", err)
	}
	p := Pair{ID: id, Agency: r.Agency, AgencyName: r.AgencyName, Profile: r.Profile, CommonName: r.CommonName, CSR: r.CSR, Who: r.Who, Why: r.Why,
		Replaces: r.Replaces, KeyID: key.Info().ID, Begun: o.now(), State: StateBegun}
	done, err := act.NewWithID(id, now, o.c.Rand, ActBegun, id.String(), p)
	if err != nil {
		return Pair{}, err
	}
	done.Retry = r.Retry
	return p, o.c.Store.CommitBegun(ctx, done, p)
}

// complete makes what is missing of a pair, each step once whoever tries and
// however often.
func (o *Office) complete(ctx context.Context, p Pair) (Pair, error) {
	switch {
	case p.State == StateDelivered:
		return p, nil
	case p.State == StateAbandoned:
		return p, fmt.Errorf("%w: the pair was given up: %s", ErrRefused, p.Failure)
	case o.c.Clock().Sub(p.Begun) > completeLife:
		return o.abandon(ctx, p, "it was not completed in the week after it was begun; look for its certificates, and ask again")
	}
	d, err := o.deliver(ctx, p)
	if final(err) {
		if _, aerr := o.abandon(ctx, p, err.Error()); aerr != nil && !errors.Is(aerr, ErrRefused) {
			o.c.Log.Warn("a pair stays begun until the next start", "pair", p.ID, "error", aerr)
		}
	}
	if err != nil {
		return p, err
	}
	p.State, p.Delivery = StateDelivered, d
	return o.settle(ctx, ActDelivered, p)
}

// final tells the refusals that no retry changes.
func final(err error) bool {
	return errors.Is(err, ca.ErrRefused) || errors.Is(err, ca.ErrBadRequest) || errors.Is(err, ca.ErrKeyTaken) || errors.Is(err, ca.ErrTwinned)
}

// step is the idempotency key of one certificate of a pair.
func (p Pair) step(name string) *act.Retry {
	return &act.Retry{Owner: "pair", Key: p.ID.String() + " " + name, Request: sm3.Sum(p.CSR)}
}

func (o *Office) deliver(ctx context.Context, p Pair) (d Delivery, err error) {
	signing, err := o.c.CA.Issue(ctx, ca.IssueRequest{Profile: p.Profile, Agency: p.Agency, AgencyName: p.AgencyName, CommonName: p.CommonName, CSR: p.CSR,
		Replaces: p.Replaces, Who: p.Who, Why: p.Why, Retry: p.step("signing"), Dual: true, Admitted: true})
	if err != nil {
		return d, fmt.Errorf("signing certificate: %w", err)
	}
	key, err := o.c.Keys.Key(ctx, p.KeyID)
	if err != nil {
		return d, err
	}
	encryption, err := o.c.CA.IssueTwin(ctx, ca.TwinRequest{Signing: signing.Serial, Key: key, Who: p.Who, Why: p.Why, Retry: p.step("encryption")})
	if err != nil {
		return d, fmt.Errorf("encryption certificate: %w", err)
	}
	c, err := certs.ParseCertificate(signing.DER)
	if err != nil {
		return d, err
	}
	envelope, err := o.c.Keys.Envelope(ctx, p.KeyID, c.PublicKey)
	if err != nil {
		return d, fmt.Errorf("envelope: %w", err)
	}
	response, err := encodeResponse(signing.DER, envelope, encryption.DER)
	return Delivery{signing.Serial, encryption.Serial, response}, err
}

func (o *Office) abandon(ctx context.Context, p Pair, why string) (Pair, error) {
	p.State, p.Failure = StateAbandoned, why
	p, err := o.settle(context.WithoutCancel(ctx), ActAbandoned, p)
	if err != nil || p.State != StateAbandoned {
		return p, err
	}
	// It may stand in a certificate that nobody got, so it is kept and not used.
	if err := o.c.Keys.SetState(ctx, p.KeyID, hsm.Suspended); err != nil {
		o.c.Log.Warn("the key of an abandoned pair stays active", "pair", p.ID, "error", err)
	}
	return p, fmt.Errorf("%w: the pair was given up: %s", ErrRefused, why)
}

// settle keeps what became of a pair; where another call was first, that stands.
func (o *Office) settle(ctx context.Context, name string, p Pair) (Pair, error) {
	p.Settled = o.now()
	done, err := act.New(o.c.Clock(), o.c.Rand, name, p.ID.String(), p)
	if err != nil {
		return p, err
	}
	stands, err := o.c.Store.CommitSettled(ctx, done, p)
	if errors.Is(err, ErrSettled) {
		if stands.State == StateAbandoned && p.State == StateDelivered {
			return stands, fmt.Errorf("%w: the pair was given up: %s", ErrRefused, stands.Failure)
		}
		return stands, nil
	}
	return stands, err
}

// Init completes the pairs that an earlier process left half done. It is called
// once at each start.
func (o *Office) Init(ctx context.Context) error {
	open, err := o.c.Store.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, p := range open {
		if _, err := o.complete(ctx, p); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			o.c.Log.Warn("a pair of certificates is not complete", "pair", p.ID, "error", err)
		}
	}
	return nil
}
