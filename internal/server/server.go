// Package server is the HTTP face (interface.md): New wires the routes over a
// province's offices, Serve answers until its context ends.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/escrow"
	"yinxin/ca/outside"
	"yinxin/ca/tsa"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/internal/store/bolt"
	"yinxin/internal/trust"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/seal/batch"
	"yinxin/verify/portal"
)

// Config of New. MaxBody is the largest body in bytes.
type Config struct {
	Province *province.Province
	Clock    func() time.Time
	Log      *slog.Logger
	MaxBody  int64
}

// DefaultMaxBody: design.md, limits.
const DefaultMaxBody = 50 << 20

// Bounds on the requests that hold a body at once, which with inMemory bound what
// uploads can take. Strangers have a share of their own: however many send a byte a
// minute, agencies can seal.
const (
	maxBusy      = 128
	maxStrangers = 128
)

// Server is the wired handler.
type Server struct {
	p        *province.Province
	clock    func() time.Time
	log      *slog.Logger
	maxBody  int64
	metrics  *metrics
	portal   *portal.Portal
	router   *mux.Router
	handler  http.Handler
	openAPI  []byte
	busy     chan struct{} // requests with a credential
	stranger chan struct{} // requests without
	turns    chan struct{} // answers that are made for strangers (see turn)
	sealing  *scales       // documents of requests with a credential
	judging  *scales       // and of strangers, who keep no agency waiting
	draining atomic.Bool
}

// New wires the routes.
func New(c Config) (*Server, error) {
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	s := &Server{p: c.Province, clock: c.Clock, log: c.Log, maxBody: c.MaxBody, metrics: newMetrics(),
		busy: make(chan struct{}, maxBusy), stranger: make(chan struct{}, maxStrangers), turns: make(chan struct{}, atOnce*runtime.GOMAXPROCS(0)),
		sealing: newScales(), judging: newScales()}
	s.metrics.registry.MustRegister(&certificateEnds{ends: c.Province.CA.Ends, clock: c.Clock, log: c.Log})
	s.metrics.registry.MustRegister(patient{newTrustEnds(s), s}, patient{keyCounts{c.Province, c.Log}, s})
	var err error
	if s.portal, err = portal.New(portal.Config{RegionName: c.Province.Identity.Name, Judge: s.judgeUpload, ByCode: s.recordByCode}); err != nil {
		return nil, err
	}
	s.metrics.registry.MustRegister(patient{listMetrics{c.Province.CRLs, c.Log}, s})
	assets, err := portal.Assets()
	if err != nil {
		return nil, err
	}
	r := mux.NewRouter()
	endpoints := s.endpoints()
	for _, e := range endpoints {
		r.Handle(e.path, s.handle(s.admitted(e))).Methods(e.methods()...)
	}
	r.PathPrefix("/assets/").Handler(s.handle(served(http.StripPrefix("/assets", assets)))).Methods(http.MethodGet, http.MethodHead)
	r.Handle("/metrics", s.handle(served(promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})))).Methods(http.MethodGet, http.MethodHead)
	r.NotFoundHandler = s.handle(func(http.ResponseWriter, *http.Request) error { return fail(notFound, "") })
	r.MethodNotAllowedHandler = s.handle(func(w http.ResponseWriter, req *http.Request) error {
		w.Header().Set("Allow", strings.Join(allowed(r, req), ", "))
		return fail(wrongMethod, "")
	})
	s.router, s.handler = r, s.besideOCSP(r)
	if s.openAPI, err = describe(c.Province.Identity.URL, endpoints); err != nil {
		return nil, err
	}
	return s, nil
}

func served(h http.Handler) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// allowed lists the methods that a path has (RFC 9110 15.5.6).
func allowed(router *mux.Router, r *http.Request) (methods []string) {
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		probe := r.Clone(r.Context())
		probe.Method = m
		var match mux.RouteMatch
		if router.Match(probe, &match) && match.MatchErr == nil {
			methods = append(methods, m)
		}
	}
	return methods
}

// Handler is what Serve serves; for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// knownErrors are the offices' errors that callers branch on; tell says that
// the error's own sentence is for the caller.
var knownErrors = []struct {
	err     error
	refusal refusal
	tell    bool
}{
	{seal.ErrInFlight, inFlight, true}, {act.ErrRetryMismatch, retryMismatch, true},
	{approval.ErrNotFound, notFound, true}, {approval.ErrNoRight, noRight, true}, {approval.ErrSameOfficer, noRight, true},
	{approval.ErrDecided, conflict, true}, {approval.ErrExpired, conflict, true}, {approval.ErrChanged, conflict, true}, {approval.ErrClock, unavailable, true},
	{escrow.ErrNotFound, notFound, true},
	{batch.ErrNotFound, notFound, true}, {batch.ErrWrite, cannotWrite, false},
	{license.ErrNotFound, notFound, true}, {license.ErrNoRight, noRight, true}, {license.ErrChanged, conflict, true}, {license.ErrExists, conflict, true},
	{bolt.ErrRetryTaken, inFlight, true}, {seal.ErrNotFound, notFound, true}, {ca.ErrNotFound, notFound, true},
	{agency.ErrNotFound, notFound, true}, {bolt.ErrNotFound, notFound, false},
	{seal.ErrNoRight, noRight, true}, {seal.ErrChanged, conflict, true}, {ca.ErrRevoked, conflict, true}, {ca.ErrNotHeld, conflict, true},
	{ca.ErrKeyTaken, keyTaken, true}, {ca.ErrTwinned, conflict, true}, {ca.ErrKeyCompromised, keyCompromised, true}, {ca.ErrProfileChanged, conflict, true}, {ca.ErrSerialTaken, unavailable, true},
	{bolt.ErrWrite, cannotWrite, false}, {hsm.ErrWrite, cannotWrite, false}, {bolt.ErrClosed, unavailable, false},
	{ca.ErrEnded, unavailable, true}, {trust.ErrNoKey, unavailable, true}, {context.Canceled, unavailable, false}, {context.DeadlineExceeded, unavailable, false},
}

// ruled turns an office's refusal, whose sentence was written for callers, into
// its problem.
func ruled(err error) error {
	for _, known := range []struct {
		err     error
		refusal refusal
	}{
		{seal.ErrEvidence, unavailable}, // before what kept it from being collected
		{seal.ErrNotAgain, conflict},
		{seal.ErrDocument, badDocument}, {seal.ErrTooLarge, tooLarge}, {seal.ErrOrder, badRequest}, {seal.ErrNotInForce, refused}, {seal.ErrQuota, refused}, {seal.ErrNotApproved, refused}, {seal.ErrNoRight, noRight}, {seal.ErrRefused, refused}, {seal.ErrTaken, conflict}, {seal.ErrManyPending, refused},
		{ca.ErrRefused, refused}, {approval.ErrRefused, refused}, {approval.ErrNotGranted, refused}, {approval.ErrTooMany, refused}, {approval.ErrNoRight, noRight}, {approval.ErrDecided, conflict}, {escrow.ErrRefused, refused}, {license.ErrRefused, refused}, {ca.ErrBadRequest, badRequest},
		{batch.ErrState, conflict}, {batch.ErrNameTaken, conflict}, {batch.ErrRefused, refused}, {batch.ErrFull, refused}, {batch.ErrTooLong, tooLarge},
		{outside.ErrRefused, refused}, {outside.ErrBadCertificate, badRequest},
		{ca.ErrEnded, unavailable}, {tsa.ErrClockBackwards, unavailable}, {tsa.ErrCertificate, unavailable}, {tsa.ErrOutside, unavailable}, {seal.ErrCompanion, unavailable},
	} {
		if errors.Is(err, known.err) {
			if known.refusal.status >= http.StatusInternalServerError {
				// Behind the sentence stands what failed, such as an address inside.
				return &failure{refusal: known.refusal, detail: known.err.Error(), cause: err}
			}
			return failBy(known.refusal, err)
		}
	}
	return err
}

// limited bounds a request's body and how many hold one at once.
func (s *Server) limited(places chan struct{}, do route) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		// Room for the multipart frame around a document of the full size.
		limit := s.maxBody + 64<<10
		if r.ContentLength > limit {
			return fail(tooLarge, "") // before any of it is sent, if the client asks first
		}
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-r.Context().Done():
			return r.Context().Err()
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		return do(w, r)
	}
}

// authorised lets a request pass whose credential holds the scope.
func (s *Server) authorised(scope string, do route) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		caller, err := s.caller(r)
		switch {
		case errors.Is(err, agency.ErrUnauthenticated):
			return failBy(noCredential, agency.ErrUnauthenticated)
		case errors.Is(err, agency.ErrNetwork):
			return failBy(noRight, agency.ErrNetwork)
		case err != nil:
			return err
		case !caller.May(scope):
			return fail(noRight, "the key lacks the scope "+scope)
		}
		visitOf(r.Context()).caller = &caller
		w.Header().Set("Cache-Control", "no-store") // what one credential may see is kept by nobody
		return do(w, r)
	}
}

// caller tells whom a request's bearer key speaks for. Where EST is spoken it may
// come as a password too, or a client certificate in its place.
func (s *Server) caller(r *http.Request) (agency.Caller, error) {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"): // RFC 9110 11.1: in any case
	case strings.EqualFold(scheme, "Basic") && speaksEST(r):
		_, key, _ = r.BasicAuth() // RFC 7030 3.2.3
	case scheme == "" && speaksEST(r) && r.TLS != nil && len(r.TLS.VerifiedChains) > 0:
		return s.certified(r.Context(), r.TLS.VerifiedChains[0][0])
	default:
		return agency.Caller{}, fail(noCredential, "")
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return agency.Caller{}, fail(noCredential, "")
	}
	return s.p.Agencies.Authenticate(r.Context(), key, from.Addr().Unmap())
}
