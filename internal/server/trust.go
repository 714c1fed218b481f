package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"yinxin/certs"
	"yinxin/internal/agency"
	"yinxin/internal/trust"
)

// trustSeconds is how long others may keep the lists; a service that is distrusted
// is known to them after that.
const trustSeconds = 300

func (s *Server) trustRoutes() []endpoint {
	return []endpoint{
		{get, "/trust/list", "", "this region's signed list", nil, content{}, jsonOf(statement{}), s.regionList},
		{get, "/trust/scheme", "", "the scheme list, or an earlier one that led to it", []string{"sequence"}, content{}, jsonOf(statement{}), s.schemeList},
		{get, "/trust/bundle", "", "both as one bundle, with the lists of the scheme's other regions", nil, content{}, jsonOf(bundleAnswer{}), s.bundle},
		{get, "/api/v1/trust/schemes", agency.ScopeAdmin, "schemes that are or were trusted beside the province's own", nil, content{}, jsonOf(listOf[trust.Scheme]{}), s.schemes},
		{post, "/api/v1/trust/schemes", agency.ScopeAdmin, "trust a scheme for the first time, by its fingerprint", nil, jsonOf(addSchemeForm{}), created(trust.Scheme{}), s.addScheme},
		{post, "/api/v1/trust/schemes/{id}/remove", agency.ScopeAdmin, "end the trust in a scheme", nil, jsonOf(changeForm{}), jsonOf(trust.Scheme{}), s.removeScheme},
		{post, "/api/v1/trust/import", agency.ScopeAdmin, "take newer lists of a scheme that is trusted", nil, jsonOf(importForm{}), jsonOf(trust.Scheme{}), s.importLists},
	}
}

// addSchemeForm trusts a scheme; the bundle is as trust export writes it, or a scheme
// list alone.
type addSchemeForm struct {
	Bundle   json.RawMessage `json:"bundle" api:"required"`
	Anchor   string          `json:"anchor" api:"required"`
	Operator string          `json:"operator"`
	Reason   string          `json:"reason" api:"required"`
}

// importForm brings lists; handOver gives the province's own scheme to the offline
// keys that signed the list.
type importForm struct {
	Bundle   json.RawMessage `json:"bundle" api:"required"`
	Operator string          `json:"operator"`
	Reason   string          `json:"reason" api:"required"`
	HandOver bool            `json:"handOver"`
}

// trustForm reads a request that holds a bundle, which is longer than other forms.
func trustForm(r *http.Request, into any) error {
	b, err := io.ReadAll(io.LimitReader(r.Body, certs.MaxBundle+maxForm+1))
	if err != nil {
		return bodyError(err)
	}
	if len(b) > certs.MaxBundle+maxForm {
		return fail(tooLarge, "")
	}
	return decodeForm(b, into)
}

func (s *Server) schemes(w http.ResponseWriter, r *http.Request) error {
	all, err := s.p.Lists.Schemes(r.Context())
	if err != nil {
		return err
	}
	return writeList(w, all, "")
}

func (s *Server) addScheme(w http.ResponseWriter, r *http.Request) error {
	var form addSchemeForm
	if err := trustForm(r, &form); err != nil {
		return err
	}
	if err := named(r, &form.Operator); err != nil {
		return err
	}
	if err := certs.CheckAnchor(form.Anchor); err != nil {
		return failBy(badRequest, err)
	}
	b, err := certs.ParseSchemeOrBundle(form.Bundle)
	if err != nil {
		return failBy(badRequest, err)
	}
	scheme, err := s.p.Lists.Add(r.Context(), trust.Request{Bundle: b, Anchor: form.Anchor, Who: form.Operator, Why: form.Reason})
	if err != nil {
		return trustRuled(err)
	}
	return writeJSON(w, http.StatusCreated, scheme)
}

func (s *Server) importLists(w http.ResponseWriter, r *http.Request) error {
	var form importForm
	if err := trustForm(r, &form); err != nil {
		return err
	}
	if err := named(r, &form.Operator); err != nil {
		return err
	}
	b, err := certs.ParseSchemeOrBundle(form.Bundle)
	if err != nil {
		return failBy(badRequest, err)
	}
	do := s.p.Lists.Import
	if form.HandOver {
		do = s.p.Lists.HandOver
	}
	scheme, err := do(r.Context(), trust.Request{Bundle: b, Who: form.Operator, Why: form.Reason})
	if err != nil && !errors.Is(err, trust.ErrNothingNewer) {
		return trustRuled(err)
	}
	return writeJSON(w, http.StatusOK, scheme)
}

func (s *Server) removeScheme(w http.ResponseWriter, r *http.Request) error {
	var form changeForm
	if err := actForm(r, &form, &form.Operator); err != nil {
		return err
	}
	scheme, err := s.p.Lists.Remove(r.Context(), mux.Vars(r)["id"], form.Operator, form.Reason)
	if err != nil {
		return trustRuled(err)
	}
	return writeJSON(w, http.StatusOK, scheme)
}

// trustRuled turns what a rule of the lists refuses into its problem; the sentences
// name what the caller sent.
func trustRuled(err error) error {
	if errors.Is(err, trust.ErrChanged) || errors.Is(err, trust.ErrStale) {
		return failBy(conflict, err)
	}
	for _, rule := range []error{trust.ErrRefused, trust.ErrNotTrusted, trust.ErrNotNamed, certs.ErrRollback, certs.ErrTrustExpired, certs.ErrCannotFollow, certs.ErrTakenBack,
		certs.ErrTwoLists, certs.ErrUnknownAnchor, certs.ErrSignature, certs.ErrNotAsked, certs.ErrUnknownIssuer} {
		if errors.Is(err, rule) {
			return failBy(refused, err)
		}
	}
	if errors.Is(err, certs.ErrMalformed) || errors.Is(err, certs.ErrUnsupported) || errors.Is(err, certs.ErrKeyUsage) {
		return failBy(badRequest, err)
	}
	return err
}

func (s *Server) regionList(w http.ResponseWriter, r *http.Request) error {
	return s.signed(w, r, s.p.Lists.RegionList, trustSeconds)
}

func (s *Server) schemeList(w http.ResponseWriter, r *http.Request) error {
	var sequence uint64
	if text := r.URL.Query().Get("sequence"); text != "" {
		var err error
		if sequence, err = strconv.ParseUint(text, 10, 64); err != nil || sequence == 0 {
			return fail(badRequest, "sequence is the number of a scheme list, from 1 on")
		}
	}
	err := s.signed(w, r, func(ctx context.Context) ([]byte, error) { return s.p.Lists.SchemeList(ctx, sequence) }, trustSeconds)
	if errors.Is(err, trust.ErrNoList) {
		return failBy(notFound, err)
	}
	return err
}

func (s *Server) bundle(w http.ResponseWriter, r *http.Request) error {
	return s.signed(w, r, func(ctx context.Context) ([]byte, error) {
		b, err := s.p.Bundle(ctx)
		if err != nil {
			return nil, err
		}
		return b.Marshal()
	}, trustSeconds)
}

// trustEnds tells how long each trust list in use has to live, when it is asked: one
// that offline keys sign is renewed by people, who must be called in time.
type trustEnds struct {
	s    *Server
	desc *prometheus.Desc
}

func newTrustEnds(s *Server) trustEnds {
	return trustEnds{s, prometheus.NewDesc("yinxin_trust_list_expires_seconds", "Seconds until a trust list in use ends, by \"scheme\" or region.", []string{"list"}, nil)}
}

func (e trustEnds) Describe(ch chan<- *prometheus.Desc) { ch <- e.desc }

func (e trustEnds) Collect(ch chan<- prometheus.Metric) {
	all, err := e.s.p.Lists.Expiries(context.Background())
	if err != nil { // an invalid metric would take all others with it
		e.s.log.Error("when the trust lists end is not known", "error", err)
		return
	}
	now := e.s.clock()
	for list, at := range all {
		ch <- prometheus.MustNewConstMetric(e.desc, prometheus.GaugeValue, at.Sub(now).Round(time.Second).Seconds(), list)
	}
}
