package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/gorilla/mux"

	"yinxin/internal/agency"
)

// route answers one request; its error becomes a problem.
type route func(w http.ResponseWriter, r *http.Request) error

type contextKey struct{}

// visit is what is known of a request while it lasts. Its context holds a pointer,
// so that the line of the log, written outside, knows whom the key was found to be.
type visit struct {
	id       string
	template string         // of a route that the router does not know of
	caller   *agency.Caller // nil for a public route
}

func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(contextKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

func requestID(ctx context.Context) string { return visitOf(ctx).id }

func callerOf(ctx context.Context) (agency.Caller, bool) {
	v := visitOf(ctx)
	if v.caller == nil {
		return agency.Caller{}, false
	}
	return *v.caller, true
}

// newRequestID is ours alone: one taken from the caller would let the caller
// write into the log.
func newRequestID() string {
	var b [10]byte
	// crypto/rand.Read never fails since Go 1.24.
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// handle wraps a route with everything each request gets: an id, headers, a
// measured time, a log line that holds the route's template and never path,
// query or body (protocol.md 8), and an answer even after a panic.
func (s *Server) handle(do route) http.Handler { return s.handleAs("", do) }

// handleAs does the same for what does not come through the router.
func (s *Server) handleAs(template string, do route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := newRequestID()
		r = r.WithContext(context.WithValue(r.Context(), contextKey{}, &visit{id: id, template: template}))
		rec := &recorder{ResponseWriter: w}
		h := rec.Header()
		h.Set("X-Request-Id", id)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		err := s.guarded(do, rec, r)
		begun := rec.status != 0
		if err != nil && !begun {
			s.refuse(rec, r, asFailure(err))
		}
		s.account(r, rec.status, id, err, time.Since(start))
		if err != nil && begun {
			// Half an answer must not look whole: the connection breaks off.
			panic(http.ErrAbortHandler)
		}
	})
}

func (s *Server) guarded(do route, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch p := recover(); {
		case p == nil:
		case p == http.ErrAbortHandler:
			panic(p)
		default:
			s.metrics.panics.Inc()
			s.log.Error("panic", "requestId", requestID(r.Context()), "panic", faultOf(p), "stack", string(debug.Stack()))
			err = &failure{refusal: internalFault, cause: errors.New("panic")}
		}
	}()
	return do(w, r)
}

// faultOf says what went wrong as the runtime says it; of any other value only the
// type, since it may have been made from what a caller sent.
func faultOf(p any) string {
	if err, ok := p.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("a panic with a %T", p)
}

func (s *Server) account(r *http.Request, status int, id string, err error, took time.Duration) {
	// What a caller may choose freely must not become a label: each value is
	// kept for ever.
	template, method := "unmatched", "other"
	if t := visitOf(r.Context()).template; t != "" {
		template, method = t, r.Method
	} else if m := mux.CurrentRoute(r); m != nil {
		if t, terr := m.GetPathTemplate(); terr == nil {
			template, method = t, r.Method
		}
	}
	s.metrics.requests.WithLabelValues(method, template, strconv.Itoa(status)).Inc()
	s.metrics.seconds.WithLabelValues(template).Observe(took.Seconds())
	level := slog.LevelInfo
	attrs := []slog.Attr{slog.String("requestId", id), slog.String("method", method), slog.String("route", template),
		slog.Int("status", status), slog.Float64("ms", float64(took.Microseconds())/1000)}
	if caller, ok := callerOf(r.Context()); ok {
		if caller.Certificate != "" {
			attrs = append(attrs, slog.String("certificate", caller.Certificate))
		} else {
			attrs = append(attrs, slog.String("key", caller.KeyID))
		}
	}
	if err != nil {
		code := asFailure(err).code
		if status < http.StatusBadRequest {
			code = "BROKEN_OFF" // of an answer that had begun
		}
		attrs = append(attrs, slog.String("code", code))
		if status >= http.StatusInternalServerError {
			level = slog.LevelError
			attrs = append(attrs, slog.Any("error", err))
		}
	}
	s.log.LogAttrs(r.Context(), level, "request", attrs...)
}
