// Package server is the HTTP face (interface.md): New wires the routes over a
// province's offices, Serve answers until its context ends.
package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"yinxin/ca"
	"yinxin/hsm"
	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/internal/store/bolt"
	"yinxin/license"
	"yinxin/seal"
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

// maxBusy bounds the requests that hold a body at once: with inMemory it bounds
// what uploads can take.
const maxBusy = 256

// Server is the wired handler.
type Server struct {
	p        *province.Province
	clock    func() time.Time
	log      *slog.Logger
	maxBody  int64
	metrics  *metrics
	portal   *portal.Portal
	handler  http.Handler
	busy     chan struct{}
	draining atomic.Bool
}

// New wires the routes.
func New(c Config) (*Server, error) {
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	s := &Server{p: c.Province, clock: c.Clock, log: c.Log, maxBody: c.MaxBody, metrics: newMetrics(), busy: make(chan struct{}, maxBusy)}
	var err error
	if s.portal, err = portal.New(portal.Config{RegionName: c.Province.Identity.Name, Judge: s.judgeUpload, ByCode: s.recordByCode}); err != nil {
		return nil, err
	}
	assets, err := portal.Assets()
	if err != nil {
		return nil, err
	}
	r := mux.NewRouter()
	for _, e := range s.endpoints() {
		do := e.do
		if e.scope != "" {
			do = s.authorised(e.scope, do)
		}
		r.Handle(e.path, s.handle(do)).Methods(e.method)
	}
	r.PathPrefix("/assets/").Handler(http.StripPrefix("/assets", assets)).Methods(http.MethodGet)
	r.Handle("/metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})).Methods(http.MethodGet)
	r.NotFoundHandler = s.handle(func(http.ResponseWriter, *http.Request) error { return fail(notFound, "") })
	r.MethodNotAllowedHandler = s.handle(func(http.ResponseWriter, *http.Request) error { return fail(wrongMethod, "") })
	s.handler = r
	return s, nil
}

// Handler is what Serve serves; for tests.
func (s *Server) Handler() http.Handler { return s.handler }

// endpoint is a row of the route table; scope "" is public.
type endpoint struct {
	method, path, scope, summary string
	do                           route
}

// endpoints is the one table of routes: mux and the OpenAPI document are both
// made from it.
func (s *Server) endpoints() []endpoint {
	const get, post = http.MethodGet, http.MethodPost
	return []endpoint{
		{get, "/", "", "upload page", s.portal.ShowUpload},
		{post, "/", "", "verdict page", s.limited(s.portal.Judge)},
		{get, "/v", "", "look-up of a verification code", s.portal.FindRecord},
		{get, "/v/{code}", "", "page of what was recorded under a code", s.showRecord},
		{get, "/q", "", "page of a licence's QR code; its token stays in the fragment", s.portal.ShowQR},
		{get, "/openapi.json", "", "this document", s.openAPI},
		{get, "/healthz", "", "the process answers", s.healthz},
		{get, "/readyz", "", "requests are taken", s.readyz},
		{post, "/api/v1/verify", "", "judge a file; a report whatever the verdict", s.limited(s.verify)},
		{get, "/api/v1/records/{code}", "", "what was recorded under a verification code", s.record},
		{post, "/api/v1/records", "", "what was recorded of the licence of a QR token", s.limited(s.recordByToken)},
		{get, "/api/v1/licences/{id}/status", "", "signed state of a licence", s.licenceStatus},
		{get, "/api/v1/seals/{id}/status", "", "signed status of a seal at a time", s.sealStatus},
		{get, "/status/seals", "", "signed list of seals that are or were not in force", s.sealList},
		{get, "/status/{shard}", "", "signed list of the states of a shard of licences", s.statusList},
		{get, "/trust/list", "", "this region's signed list", s.regionList},
		{get, "/trust/scheme", "", "the scheme list", s.schemeList},
		{get, "/trust/bundle", "", "both as one bundle", s.bundle},
		{get, "/crl/{issuer}.crl", "", "revocation list, DER", s.crl},
		{get, "/ca/{issuer}.cer", "", "certificate of an issuer, DER", s.issuer},
		{get, "/journal/checkpoint", "", "newest signed checkpoint", s.checkpoint},
		{get, "/journal/tile/{level}/{index}", "", "hashes of a tile", s.tile},
		{get, "/journal/proof", "", "proof of inclusion (index, size) or consistency (first, second)", s.proof},
		{post, "/api/v1/stamps", agency.ScopeStamp, "seal a document", s.limited(s.stamp)},
		{get, "/api/v1/stamps", agency.ScopeSealRead, "the seal-use register", s.stamps},
		{get, "/api/v1/stamps/{id}", agency.ScopeSealRead, "an entry of the register with its receipt", s.entry},
		{get, "/api/v1/seals", agency.ScopeSealRead, "list seals", s.seals},
		{get, "/api/v1/seals/{id}", agency.ScopeSealRead, "show a seal", s.seal},
		{post, "/api/v1/seals/{id}/freeze", agency.ScopeSealManage, "suspend a seal", s.changeSeal(s.p.Seals.Freeze)},
		{post, "/api/v1/seals/{id}/thaw", agency.ScopeSealManage, "end a suspension", s.changeSeal(s.p.Seals.Thaw)},
		{post, "/api/v1/seals/{id}/cancel", agency.ScopeSealManage, "end a seal, for ever", s.changeSeal(s.p.Seals.Cancel)},
		{post, "/api/v1/certificates", agency.ScopeCertificateIssue, "issue a certificate from a PKCS#10 request", s.issue},
		{get, "/api/v1/certificates", agency.ScopeCertificateIssue, "list certificates", s.certificates},
		{get, "/api/v1/certificates/{id}", agency.ScopeCertificateIssue, "show a certificate", s.certificate},
		{post, "/api/v1/certificates/{id}/revoke", agency.ScopeCertificateRevoke, "revoke a certificate, for ever", s.revoke},
		{post, "/api/v1/licence-types", agency.ScopeAdmin, "define a licence type", s.defineLicenceType},
		{get, "/api/v1/licence-types", agency.ScopeLicenceRead, "list licence types", s.licenceTypes},
		{post, "/api/v1/licences", agency.ScopeLicenceIssue, "issue a licence as a sealed JSON document", s.issueLicence},
		{get, "/api/v1/licences", agency.ScopeLicenceRead, "list licences", s.licences},
		{get, "/api/v1/licences/{id}", agency.ScopeLicenceRead, "show a licence with its document", s.licence},
		{get, "/api/v1/licences/{id}/qr.png", agency.ScopeLicenceRead, "its QR code to print", s.licencePicture},
		{post, "/api/v1/licences/{id}/suspend", agency.ScopeLicenceManage, "suspend a licence", s.changeLicence(s.p.Licences.Suspend)},
		{post, "/api/v1/licences/{id}/resume", agency.ScopeLicenceManage, "end a suspension", s.changeLicence(s.p.Licences.Resume)},
		{post, "/api/v1/licences/{id}/revoke", agency.ScopeLicenceManage, "revoke a licence, for ever", s.changeLicence(s.p.Licences.Revoke)},
	}
}

// knownErrors are the offices' errors that callers branch on; tell says that
// the error's own sentence is for the caller.
var knownErrors = []struct {
	err     error
	refusal refusal
	tell    bool
}{
	{seal.ErrInFlight, inFlight, true}, {seal.ErrRetryMismatch, retryMismatch, true}, {ca.ErrRetryMismatch, retryMismatch, true},
	{license.ErrRetryMismatch, retryMismatch, true},
	{license.ErrNotFound, notFound, true}, {license.ErrNoRight, noRight, true}, {license.ErrChanged, conflict, true}, {license.ErrExists, conflict, true},
	{bolt.ErrRetryTaken, inFlight, true}, {seal.ErrNotFound, notFound, true}, {ca.ErrNotFound, notFound, true},
	{agency.ErrNotFound, notFound, true}, {bolt.ErrNotFound, notFound, false},
	{seal.ErrNoRight, noRight, true}, {seal.ErrChanged, conflict, true}, {ca.ErrRevoked, conflict, true},
	{bolt.ErrWrite, cannotWrite, false}, {hsm.ErrWrite, cannotWrite, false}, {bolt.ErrClosed, unavailable, false},
	{context.Canceled, unavailable, false}, {context.DeadlineExceeded, unavailable, false},
}

// ruled turns an office's refusal, whose sentence was written for callers, into
// its problem.
func ruled(err error) error {
	for _, known := range []struct {
		err     error
		refusal refusal
	}{
		{seal.ErrDocument, badDocument}, {seal.ErrNotInForce, refused}, {seal.ErrQuota, refused}, {seal.ErrRefused, refused},
		{ca.ErrRefused, refused}, {license.ErrRefused, refused}, {ca.ErrBadRequest, badRequest},
	} {
		if errors.Is(err, known.err) {
			return failBy(known.refusal, err)
		}
	}
	return err
}

// limited bounds a request's body and how many hold one at once.
func (s *Server) limited(do route) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		select {
		case s.busy <- struct{}{}:
			defer func() { <-s.busy }()
		case <-r.Context().Done():
			return r.Context().Err()
		}
		// Room for the multipart frame around a document of the full size.
		r.Body = http.MaxBytesReader(w, r.Body, s.maxBody+64<<10)
		return do(w, r)
	}
}

// authorised lets a request pass whose bearer key holds the scope.
func (s *Server) authorised(scope string, do route) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if !ok {
			return fail(noCredential, "")
		}
		from, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil {
			return fail(noCredential, "")
		}
		caller, err := s.p.Agencies.Authenticate(r.Context(), key, from.Addr().Unmap())
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
		return do(w, r.WithContext(context.WithValue(r.Context(), keyCaller, caller)))
	}
}

func callerOf(ctx context.Context) (agency.Caller, bool) {
	c, ok := ctx.Value(keyCaller).(agency.Caller)
	return c, ok
}
