package server

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// running is a server on a socket of its own, stopped by stop.
type running struct {
	*house
	addr string
	stop context.CancelFunc
	done chan error
}

func run(t *testing.T, change func(*Config)) *running {
	t.Helper()
	h := newHouseWith(t, change)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{h, l.Addr().String(), stop, make(chan error, 1)}
	h.url = "http://" + r.addr
	go func() { r.done <- h.server.Serve(ctx, l) }()
	return r
}

func (r *running) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func (r *running) ended(t *testing.T) {
	t.Helper()
	select {
	case err := <-r.done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not end")
	}
}

// What was begun when the server is told to stop is answered; what comes later is
// not taken.
func TestShutdownAnswersWhatWasBegun(t *testing.T) {
	t.Parallel()
	r := run(t, func(*Config) {})
	body := `{"sealId":"` + r.Seal.ID + `","operator":"x","document":{"a":1}}`
	c := r.dial(t)
	fmt.Fprintf(c, "POST /api/v1/stamps HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", r.key, len(body), body[:20])
	for len(r.server.busy) == 0 { // it has been taken up
		time.Sleep(time.Millisecond)
	}
	r.stop()
	for !r.server.draining.Load() {
		time.Sleep(time.Millisecond)
	}
	io.WriteString(c, body[20:])
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if b, err := io.ReadAll(a.Body); err != nil || a.StatusCode != http.StatusOK || !strings.Contains(string(b), `"stampId"`) {
		t.Fatalf("%d %s %v", a.StatusCode, b, err)
	}
	r.ended(t)
	if late, err := net.Dial("tcp", r.addr); err == nil {
		late.Close()
		t.Error("a stopped server takes connections")
	}
}

func TestHealthAndReadiness(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.get(t, "/healthz").want(t, http.StatusOK, nil)
	h.get(t, "/readyz").want(t, http.StatusOK, nil)
	h.server.draining.Store(true)
	h.get(t, "/healthz").want(t, http.StatusOK, nil)
	h.get(t, "/readyz").problem(t, http.StatusServiceUnavailable, "UNAVAILABLE")
}

// The limits on slow clients are values of the server that Serve makes: what they do
// is the library's, that they are set is ours.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	srv := h.server.httpServer()
	if srv.ReadHeaderTimeout != headerTimeout || srv.ReadTimeout != readTimeout || srv.WriteTimeout != writeTimeout || srv.IdleTimeout != idleTimeout || srv.MaxHeaderBytes != maxHeader || srv.ErrorLog == nil {
		t.Errorf("%+v", srv)
	}
	for _, d := range []time.Duration{headerTimeout, readTimeout, writeTimeout, idleTimeout, drainTimeout} {
		if d <= 0 || d > 10*time.Minute {
			t.Errorf("a time-out of %s", d)
		}
	}
	// The same server, its patience shortened.
	srv.ReadHeaderTimeout, srv.ReadTimeout = time.Second, 2*time.Second
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go srv.Serve(l)
	t.Cleanup(func() { srv.Close() })
	r := &running{house: h, addr: l.Addr().String()}
	clients := map[string]struct{ sent, want string }{
		"headers that never end": {"GET / HTTP/1.1\r\nHost: x\r\nX-A", ""},
		"a body that never ends": {"POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", " 400 "},
		"chunks that never end":  {"POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", " 400 "},
		"chunks that are none":   {"POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{\r\n", " 400 "},
	}
	conns := map[string]net.Conn{}
	for name := range clients {
		conns[name] = r.dial(t)
	}
	var wg sync.WaitGroup
	for name, c := range clients {
		wg.Go(func() {
			io.WriteString(conns[name], c.sent)
			b, err := io.ReadAll(conns[name])
			if err != nil {
				t.Errorf("%s: still waiting: %v", name, err)
			}
			if line, _, _ := strings.Cut(string(b), "\r\n"); !strings.Contains(line, c.want) {
				t.Errorf("%s: %q", name, b)
			}
		})
	}
	wg.Wait()
	if strings.Contains(h.log.String(), `"level":"ERROR"`) {
		t.Errorf("a slow client is a fault of ours: %s", h.log)
	}
}

func TestHeadersThatAreTooLong(t *testing.T) {
	t.Parallel()
	r := run(t, func(*Config) {})
	c := r.dial(t)
	fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: x\r\nX-A: %s\r\n\r\n", strings.Repeat("a", 2*maxHeader))
	if b, _ := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.1 431") {
		t.Errorf("%.80q", b)
	}
	r.stop()
	r.ended(t)
}

// A body that is too long by its own word is refused before any of it is asked for.
func TestALongBodyIsNotAskedFor(t *testing.T) {
	t.Parallel()
	r := run(t, func(c *Config) { c.MaxBody = 1000 })
	c := r.dial(t)
	fmt.Fprintf(c, "POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n")
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 413") {
		t.Errorf("%q %v", line, err)
	}
	r.stop()
	r.ended(t)
}

// Strangers who send a byte a minute take no place from an agency.
func TestStrangersDoNotCrowdOutAgencies(t *testing.T) {
	t.Parallel()
	r := run(t, func(*Config) {})
	for range maxStrangers {
		fmt.Fprintf(r.dial(t), "POST /api/v1/verify HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	}
	for len(r.server.stranger) < maxStrangers {
		time.Sleep(time.Millisecond)
	}
	r.post(t, "/api/v1/stamps", `{"sealId":"`+r.Seal.ID+`","operator":"x","document":{}}`).want(t, http.StatusOK, nil)
	// One more stranger waits, and is gone without a trace when it gives up.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/api/v1/verify", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Errorf("answered %d", resp.StatusCode)
	} else if !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	r.get(t, "/healthz").want(t, http.StatusOK, nil)
}
