package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Time-outs, each with what it stops.
const (
	headerTimeout = 10 * time.Second // a client that sends its headers a byte a minute
	readTimeout   = 2 * time.Minute  // the same with a body: 200 MB in this time is 14 Mbit/s
	writeTimeout  = 5 * time.Minute  // a client that never reads its answer
	idleTimeout   = 2 * time.Minute  // connections kept open for nothing
	drainTimeout  = 30 * time.Second // how long a shutdown waits for what is being done
	maxHeader     = 32 << 10         // headers as a way to fill the memory
)

func (s *Server) httpServer() *http.Server {
	return &http.Server{
		Handler: s.handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
}

// Serve answers on the listener until ctx ends, then lets what was begun come
// to its end: an act that was taken up is answered.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := s.httpServer()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	s.draining.Store(true)
	// The caller's context has ended; the drain has its own limit.
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	err := srv.Shutdown(drain)
	if serveErr := <-failed; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	return err
}
