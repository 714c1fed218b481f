package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"yinxin/ca"
)

const (
	// endsKept is how long the counts are given again: whoever reads the metrics in a
	// loop must not make the register read itself.
	endsKept = time.Minute
	// endsTime bounds one reading.
	endsTime = 10 * time.Second
)

var (
	expirySeconds = prometheus.NewDesc("yinxin_certificate_expiry_seconds", "Seconds until the newest certificate of each of the province's own purposes ends.", []string{"purpose"}, nil)
	expiringCount = prometheus.NewDesc("yinxin_certificates_expiring", "Certificates of the register that are not revoked and end within a span.", []string{"profile", "within"}, nil)
)

// certificateEnds gives the metrics of what ends soon, from the register itself: a counter
// that was kept beside it would be wrong after a restart.
type certificateEnds struct {
	ends  func(context.Context) (ca.Ends, error)
	clock func() time.Time
	log   *slog.Logger

	mu   sync.Mutex // of all below
	last ca.Ends
}

func (e *certificateEnds) Describe(ch chan<- *prometheus.Desc) {
	ch <- expirySeconds
	ch <- expiringCount
}

// Collect leaves the metrics out if the register cannot be read: an old count would
// look like a present one.
func (e *certificateEnds) Collect(ch chan<- prometheus.Metric) {
	now := e.clock()
	ends, err := e.read(now)
	if err != nil {
		e.log.Error("what ends soon cannot be read", "error", err)
		return
	}
	for purpose, end := range ends.Own {
		ch <- prometheus.MustNewConstMetric(expirySeconds, prometheus.GaugeValue, end.Sub(now).Seconds(), string(purpose))
	}
	for span, counts := range ends.Within {
		for profile, n := range counts {
			ch <- prometheus.MustNewConstMetric(expiringCount, prometheus.GaugeValue, float64(n), profile, fmt.Sprintf("%dd", span/(24*time.Hour)))
		}
	}
}

func (e *certificateEnds) read(now time.Time) (ca.Ends, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if age := now.Sub(e.last.At); age >= 0 && age < endsKept {
		return e.last, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), endsTime)
	defer cancel()
	ends, err := e.ends(ctx)
	if err != nil {
		return ca.Ends{}, err
	}
	e.last = ends
	return ends, nil
}
