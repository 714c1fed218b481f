package server

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"yinxin/internal/agency"
	"yinxin/internal/province/provincetest"
)

// house is a province behind a server that listens.
type house struct {
	*provincetest.House
	server *Server
	url    string
	log    *logBook
	key    string // all scopes but admin, of provincetest.Agency
}

// logBook keeps what the server logs.
type logBook struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return newHouseWith(t, func(*Config) {})
}

func newHouseWith(t testing.TB, change func(*Config)) *house {
	t.Helper()
	h := &house{House: provincetest.New(t), log: &logBook{}}
	c := Config{Province: h.Province, Clock: h.Clock.Now, Log: slog.New(slog.NewJSONHandler(h.log, nil))}
	change(&c)
	var err error
	if h.server, err = New(c); err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(h.server.Handler())
	t.Cleanup(ts.Close)
	h.url = ts.URL
	var scopes []string
	for _, s := range agency.Scopes() {
		if s != agency.ScopeAdmin {
			scopes = append(scopes, s)
		}
	}
	h.key, _ = h.Key(t, provincetest.Agency, scopes...)
	return h
}

// answer is a response read to its end.
type answer struct {
	*http.Response
	body []byte
}

// set changes a request before it is sent.
type set func(*http.Request)

func header(name, value string) set { return func(r *http.Request) { r.Header.Set(name, value) } }
func bearer(key string) set         { return header("Authorization", "Bearer "+key) }
func media(t string) set            { return header("Content-Type", t) }

func (h *house) call(t testing.TB, method, path string, body io.Reader, sets ...set) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, h.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		s(r)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp, b}
}

func (h *house) get(t testing.TB, path string, sets ...set) answer {
	t.Helper()
	return h.call(t, http.MethodGet, path, nil, sets...)
}

// post sends JSON with the house's key.
func (h *house) post(t testing.TB, path, body string, sets ...set) answer {
	t.Helper()
	return h.call(t, http.MethodPost, path, strings.NewReader(body), append([]set{bearer(h.key), media("application/json")}, sets...)...)
}

// want checks a status and, of JSON, the type; it decodes into v unless v is nil,
// refusing members that v does not have.
func (a answer) want(t testing.TB, status int, v any) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: %d, want %d: %.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	if v == nil {
		return a
	}
	if mt := a.Header.Get("Content-Type"); mt != "application/json" {
		t.Fatalf("Content-Type %q", mt)
	}
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v: %.300s", err, a.body)
	}
	return a
}

// problem checks that the answer is the problem of interface.md.
func (a answer) problem(t testing.TB, status int, code string) Problem {
	t.Helper()
	var p Problem
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("no problem: %d %q %v %.300s", a.StatusCode, a.Header.Get("Content-Type"), err, a.body)
	}
	if a.StatusCode != status || p.Code != code || p.Status != status {
		t.Fatalf("%d %s, want %d %s: %s", a.StatusCode, p.Code, status, code, a.body)
	}
	if p.Title == "" || p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") || p.Type != "urn:yinxin:problem:"+strings.ToLower(strings.ReplaceAll(code, "_", "-")) {
		t.Fatalf("an incomplete problem: %s", a.body)
	}
	return p
}
