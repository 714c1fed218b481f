package server

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"

	"yinxin/ca/crl"
)

func (s *Server) crlRoutes() []endpoint {
	return []endpoint{
		{get, "/crl/{list}.crl", "", "revocation list, DER", nil, content{}, raw("application/pkix-crl"), s.crl},
	}
}

// maxListAge is how long a cache may keep a list, as long as a status list: a revocation
// makes a new one within seconds, and a stamp is judged by a list made after it.
const maxListAge = time.Minute

// crl serves a list with what lets caches and returning callers be spared it (RFC 9110
// 13.1, RFC 9111 4.2).
func (s *Server) crl(w http.ResponseWriter, r *http.Request) error {
	l, err := s.p.CRLs.List(r.Context(), mux.Vars(r)["list"])
	if errors.Is(err, crl.ErrNoList) {
		return fail(notFound, "")
	}
	if errors.Is(err, crl.ErrClockBackwards) || errors.Is(err, crl.ErrEnded) {
		return fail(unavailable, "no revocation list can be published now")
	}
	if err != nil {
		return err
	}
	now := s.clock()
	age := min(maxListAge, max(0, l.Next.Sub(now).Truncate(time.Second)))
	h := w.Header()
	h.Set("Content-Type", "application/pkix-crl")
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(int(age/time.Second)))
	h.Set("Expires", now.Add(age).UTC().Format(http.TimeFormat))
	h.Set("ETag", `"`+hex.EncodeToString(l.SM3[:16])+`"`)
	http.ServeContent(w, r, "", l.This, bytes.NewReader(l.DER))
	return nil
}

// listMetrics tells of the lists that stand whenever the metrics are asked for: an
// alarm belongs on yinxin_crl_next_update_seconds, which stops rising whatever it is
// that keeps lists from being published.
type listMetrics struct {
	lists *crl.Publisher
	log   *slog.Logger
}

var (
	metricNumber    = prometheus.NewDesc("yinxin_crl_number", "Number of the revocation list that stands, of shards the lowest.", []string{"issuer", "kind"}, nil)
	metricNext      = prometheus.NewDesc("yinxin_crl_next_update_seconds", "When the revocation list ends, of shards the first, in seconds since 1970.", []string{"issuer", "kind"}, nil)
	metricEntries   = prometheus.NewDesc("yinxin_crl_entries", "Entries of the revocation list, of shards of all.", []string{"issuer", "kind"}, nil)
	metricPublished = prometheus.NewDesc("yinxin_crl_published_total", "Revocation lists published since the start.", nil, nil)
	metricFailed    = prometheus.NewDesc("yinxin_crl_failures_total", "Revocation lists that could not be published, as when the clock went backwards.", nil, nil)
)

func (m listMetrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{metricNumber, metricNext, metricEntries, metricPublished, metricFailed} {
		out <- d
	}
}

func (m listMetrics) Collect(out chan<- prometheus.Metric) {
	all, published, failed, err := m.lists.Status(context.Background()) // a scrape has none
	if err != nil {                                                     // an invalid metric would take all others with it, and tell of the inside
		m.log.Error("what lists stand is not known", "error", err)
		return
	}
	for _, s := range all {
		out <- prometheus.MustNewConstMetric(metricNumber, prometheus.GaugeValue, float64(s.Number), s.Issuer, s.Kind)
		out <- prometheus.MustNewConstMetric(metricNext, prometheus.GaugeValue, float64(s.Next.Unix()), s.Issuer, s.Kind)
		out <- prometheus.MustNewConstMetric(metricEntries, prometheus.GaugeValue, float64(s.Entries), s.Issuer, s.Kind)
	}
	out <- prometheus.MustNewConstMetric(metricPublished, prometheus.CounterValue, float64(published))
	out <- prometheus.MustNewConstMetric(metricFailed, prometheus.CounterValue, float64(failed))
}
