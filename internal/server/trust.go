package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

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
	}
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

// expiries tells how long each trust list in use has to live, when it is asked: one
// that offline keys sign is renewed by people, who must be called in time.
type expiries struct {
	s    *Server
	desc *prometheus.Desc
}

func newExpiries(s *Server) expiries {
	return expiries{s, prometheus.NewDesc("yinxin_trust_list_expires_seconds", "Seconds until a trust list in use ends, by \"scheme\" or region.", []string{"list"}, nil)}
}

func (e expiries) Describe(ch chan<- *prometheus.Desc) { ch <- e.desc }

func (e expiries) Collect(ch chan<- prometheus.Metric) {
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
