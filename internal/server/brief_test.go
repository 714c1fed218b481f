package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"yinxin/ca/crl"
	"yinxin/ca/tsa"
	"yinxin/certs"
)

// Whoever sends files a byte a minute takes the places of strangers, and keeps nobody
// from asking whether a certificate is revoked, or what time it is.
func TestSlowUploadsKeepNobodyFromAsking(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for range maxStrangers {
		h.server.stranger <- struct{}{}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if r := h.ocsp(t, h.ask(t, h.question(t, nil))); r.Answers[0].Status != certs.OCSPGood {
			t.Errorf("%+v", r)
		}
		q := tsa.Query{Hash: certs.OIDSM3, Imprint: make([]byte, 32)}
		query, err := q.Marshal()
		if err != nil {
			t.Error(err)
		}
		h.call(t, http.MethodPost, "/tsa", bytes.NewReader(query), media(tsa.MediaQuery)).want(t, http.StatusOK, nil)
		h.post(t, "/api/v1/records", `{"token":"1"}`).problem(t, http.StatusBadRequest, "BAD_REQUEST")
	}()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Error("strangers wait for places that slow uploads hold")
		for range maxStrangers {
			<-h.server.stranger
		}
		<-done
	}
}

// A question that never comes to its end is cut off, and is nobody's fault but its
// sender's: no alarm is raised by it.
func TestAQuestionThatBreaksOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for path, media := range map[string]string{"/ocsp": mediaOCSPRequest, "/tsa": tsa.MediaQuery, "/api/v1/records": "application/json"} {
		c := (&running{house: h, addr: strings.TrimPrefix(h.url, "http://")}).dial(t)
		fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: 9\r\n\r\n{", path, media)
		begun := time.Now()
		b, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(b), "HTTP/1.1 400 ") {
			t.Errorf("%s: %v %.200q", path, err, b)
		}
		if took := time.Since(begun); took > 2*briefTime {
			t.Errorf("%s: cut off after %s", path, took)
		}
	}
	if strings.Contains(h.log.String(), `"level":"ERROR"`) {
		t.Errorf("an alarm: %s", h.log)
	}
}

// Answers for strangers are made a few at a time, and a turn is given back whatever
// becomes of it.
func TestTurns(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if n := cap(h.server.turns); n == 0 || n > 1024 {
		t.Fatalf("%d turns", n)
	}
	for range 2 * cap(h.server.turns) {
		err := h.server.guarded(func(http.ResponseWriter, *http.Request) error {
			_, err := inTurn(t.Context(), h.server, func(context.Context) (int, error) { panic("x") })
			return err
		}, nil, httptest.NewRequest(http.MethodGet, "/", nil))
		if err == nil {
			t.Fatal("a panic is no fault")
		}
	}
	for range cap(h.server.turns) {
		h.server.turns <- struct{}{}
	}
	waiting, stop := context.WithCancel(t.Context())
	stop()
	if _, err := inTurn(waiting, h.server, func(context.Context) (int, error) { return 1, nil }); !errors.Is(err, waiting.Err()) || err == nil {
		t.Errorf("whoever has gone is answered: %v", err)
	}
	<-h.server.turns
	if n, err := inTurn(t.Context(), h.server, func(context.Context) (int, error) { return 1, nil }); n != 1 || err != nil {
		t.Error(n, err)
	}
	for range cap(h.server.turns) - 1 {
		<-h.server.turns
	}
}

// noHeaders is a store whose lists cannot be read.
type noHeaders struct{ crl.Store }

func (noHeaders) Header(context.Context, string) (h crl.Header, err error) {
	return h, errors.New("/secret/path cannot be read")
}

// What cannot be read takes its own metrics away and no others, and the answer says
// nothing of why.
func TestMetricsOfListsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	log := slog.New(slog.NewJSONHandler(h.log, nil))
	lists, err := crl.New(crl.Config{Authority: h.CA, Store: noHeaders{h.Store.CRLs()}, Clock: h.Clock.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics()
	m.registry.MustRegister(patient{listMetrics{lists, log}, h.server})
	w := httptest.NewRecorder()
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if body := w.Body.String(); w.Code != http.StatusOK || !strings.Contains(body, "yinxin_panics_total") || strings.Contains(body, "/secret/path") {
		t.Errorf("%d %.300s", w.Code, body)
	}
	if !strings.Contains(h.log.String(), "/secret/path") {
		t.Error("nobody is told")
	}
}
