package server

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are registered in a registry of the server's own, so that two
// servers in one process (as in tests) do not share counts.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	panics   prometheus.Counter
	stamps   *prometheus.CounterVec
	licences prometheus.Counter
	verdicts *prometheus.CounterVec
	ocsp     *prometheus.CounterVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yinxin_http_requests_total", Help: "Requests answered."}, []string{"method", "route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "yinxin_http_request_seconds", Help: "Time to answer.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5, 30}}, []string{"route"}),
		panics:   prometheus.NewCounter(prometheus.CounterOpts{Name: "yinxin_panics_total", Help: "Panics that a request caused and the server survived."}),
		stamps:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yinxin_stamps_total", Help: "Stamps committed."}, []string{"format"}),
		licences: prometheus.NewCounter(prometheus.CounterOpts{Name: "yinxin_licences_total", Help: "Licences issued."}),
		verdicts: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yinxin_verdicts_total", Help: "Documents judged."}, []string{"verdict"}),
		ocsp:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "yinxin_ocsp_responses_total", Help: "OCSP responses by their status (RFC 6960 4.2.1)."}, []string{"status"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.panics, m.stamps, m.licences, m.verdicts, m.ocsp,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}
