// Package ocsp is the OCSP responder (证书状态服务) of package ca: RFC 6960, and
// the cacheable form of RFC 5019. New gives a Responder, whose Respond answers one
// request; its answers are for whoever asks, over HTTP or in process.
//
// What an answer says is looked up in the register each time, also where it was
// signed before: a revocation that was acknowledged is never left out.
package ocsp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/certs"
)

const (
	// Life of an answer: a verifier takes none older than 24 hours (protocol.md 4).
	Life = 24 * time.Hour
	// Kept is how long an answer is given again to who asks for no newer one.
	Kept = 5 * time.Minute
	// maxKept bounds the answers that are kept, of some 1.2 KB each; a full book is
	// begun anew. Only those about certificates of the register are, so that
	// strangers' questions about nothing push none out.
	maxKept = 16384
	// backwards is how far the clock may fall back: times are whole seconds.
	backwards = time.Second
)

// ErrClockBackwards: the clock stands before an answer that was signed, or before
// a revocation. An answer from the past would hide what came after it.
var ErrClockBackwards = errors.New("the clock went backwards")

// Answer is an OCSPResponse with the name of its status (RFC 6960 4.2.1). One that
// is not successful has no times.
type Answer struct {
	DER                    []byte
	Status                 string
	ThisUpdate, NextUpdate time.Time
	// Tag tells one answer from another (RFC 5019 6.2): hex SM3 of the DER.
	Tag string
	// Public: whoever asks the same may be given it (RFC 5019): no nonce, and of a
	// certificate that is in the register.
	Public bool
}

// Responder answers for every issuer of an authority. Its methods may be called
// concurrently.
type Responder struct {
	authority *ca.Authority
	store     ca.Store
	clock     func() time.Time
	latest    atomic.Int64 // the newest second that was signed

	mu      sync.RWMutex // of all below
	issuers map[string]issuer
	kept    map[string]*kept // by the octets of the request
}

// issuer is one whose certificates are asked about.
type issuer struct {
	name        string
	certificate *certs.Certificate
}

// kept is an answer with what it depends on.
type kept struct {
	Answer
	issuer     string
	serial     string
	by         *certs.Certificate
	revocation *ca.Revocation
}

// New gives a responder over the authority's register.
func New(a *ca.Authority, s ca.Store, clock func() time.Time) *Responder {
	return &Responder{authority: a, store: s, clock: clock, kept: map[string]*kept{}}
}

// Respond answers a request, DER. The answer is as of now or, if nothing has
// changed meanwhile, as of a moment since the one given: the zero time takes what
// was signed within Kept. The answer is always one to be sent; the error, beside
// it, is for the log.
func (r *Responder) Respond(ctx context.Context, request []byte, since time.Time) (Answer, error) {
	now := r.clock().UTC().Truncate(time.Second)
	if a, ok := r.again(ctx, request, since, now); ok {
		return a, nil
	}
	req, err := certs.ParseOCSPRequest(request)
	if err != nil {
		return refusal(malformedRequest), nil
	}
	by, err := r.lead(ctx, req)
	switch {
	case errors.Is(err, ca.ErrNotFound):
		return refusal(unauthorized), nil
	case err != nil:
		return refusal(internalError), err
	}
	answer, err := r.sign(ctx, req, by, now)
	switch {
	case errors.Is(err, ca.ErrLost):
		return refusal(internalError), err
	case err != nil:
		return refusal(tryLater), err
	}
	return answer, nil
}

// again finds an answer that was signed before and still says what the register
// does.
func (r *Responder) again(ctx context.Context, request []byte, since, now time.Time) (Answer, bool) {
	r.mu.RLock()
	k := r.kept[string(request)]
	r.mu.RUnlock()
	if k == nil || k.ThisUpdate.Before(since.Truncate(time.Second)) || now.Before(k.ThisUpdate) || now.Sub(k.ThisUpdate) > Kept {
		return Answer{}, false
	}
	by, err := r.authority.Responder(ctx, k.issuer)
	if err != nil || by.Certificate != k.by {
		return Answer{}, false
	}
	revocation, err := r.store.Revocation(ctx, k.serial)
	if err != nil || !same(revocation, k.revocation) {
		return Answer{}, false
	}
	return k.Answer, true
}

func same(a, b *ca.Revocation) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.At.Equal(b.At) && a.Reason == b.Reason && a.Invalidity.Equal(b.Invalidity)
}

// lead finds who answers a request: the responder of the first issuer in it that
// is one of ours. A response has one signer, so that what is asked of another
// issuer's in the same request is answered with "unknown".
func (r *Responder) lead(ctx context.Context, req *certs.OCSPRequest) (issuer, error) {
	for _, refresh := range []bool{false, true} {
		known, err := r.names(ctx, refresh)
		if err != nil {
			return issuer{}, err
		}
		for i := range req.IDs {
			if by, ok := known[req.IDs[i].Issuer()]; ok {
				return by, nil
			}
		}
	}
	return issuer{}, ca.ErrNotFound
}

// names gives the issuers by every name a request may call them. They are looked
// up again where a name is not known, since an authority may have been re-keyed.
func (r *Responder) names(ctx context.Context, refresh bool) (map[string]issuer, error) {
	r.mu.RLock()
	known := r.issuers
	r.mu.RUnlock()
	if known != nil && !refresh {
		return known, nil
	}
	all, err := r.authority.Issuers(ctx)
	if err != nil {
		return nil, err
	}
	if known != nil && len(known) == len(all)*certs.CertIDHashes {
		return known, nil
	}
	fresh := map[string]issuer{}
	for _, name := range all {
		c, err := r.authority.Issuer(ctx, name)
		if err != nil {
			return nil, err
		}
		names, err := certs.IssuerNames(c.Certificate)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, n := range names {
			fresh[n] = issuer{name, c.Certificate}
		}
	}
	r.mu.Lock()
	r.issuers = fresh
	r.mu.Unlock()
	return fresh, nil
}

// keep remembers an answer to one plain question.
func (r *Responder) keep(req *certs.OCSPRequest, k *kept) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) >= maxKept {
		clear(r.kept)
	}
	r.kept[string(req.Raw)] = k
}

func tagOf(der []byte) string {
	sum := sm3.Sum(der)
	return hex.EncodeToString(sum[:])
}
