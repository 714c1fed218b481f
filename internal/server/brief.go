package server

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// briefBody bounds a body; each reader has a limit of its own below it.
	briefBody = maxForm
	// briefTime is for all of it: it comes in one packet.
	briefTime = headerTimeout
	// atOnce is how many answers for strangers are looked up and signed at once, for
	// each processor. The others wait: of ten thousand that run at once, an agency's
	// request would get a ten-thousandth of the processor.
	atOnce = 4
)

// briefly lets a question of anyone's in without a place. Whoever takes all places of
// strangers, by sending files a byte a minute, must not keep verifiers everywhere from
// asking whether a certificate is revoked; and a question is too short to be sent so.
func (s *Server) briefly(do route) route {
	return func(w http.ResponseWriter, r *http.Request) error {
		// A writer that knows no deadline, such as a recorder's, needs none.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(briefTime))
		r.Body = http.MaxBytesReader(w, r.Body, briefBody)
		return do(w, r)
	}
}

// inTurn waits until an answer for strangers may be made, and makes it. It is over
// before the answer is written, which a slow reader can draw out.
func inTurn[T any](ctx context.Context, s *Server, make func(context.Context) (T, error)) (answer T, err error) {
	select {
	case s.turns <- struct{}{}:
		defer func() { <-s.turns }()
		return make(ctx)
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// patient is a collector that reads the registers, which anyone may have it do.
type patient struct {
	prometheus.Collector
	s *Server
}

func (p patient) Collect(out chan<- prometheus.Metric) {
	p.s.turns <- struct{}{}
	defer func() { <-p.s.turns }()
	p.Collector.Collect(out)
}
