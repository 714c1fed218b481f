package tsa

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"yinxin/certs"
)

// elsewhere is an authority behind HTTP whose answers a test changes.
type elsewhere struct {
	*Authority
	now    *time.Time
	answer func(w http.ResponseWriter, query []byte)
}

func (e *elsewhere) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q, err := io.ReadAll(r.Body)
	if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != MediaQuery {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", MediaReply)
	if e.answer != nil {
		e.answer(w, q)
		return
	}
	reply, _ := e.Answer(r.Context(), q)
	_, _ = w.Write(reply)
}

var errUntrusted = errors.New("nobody trusts it")

func outside(t *testing.T) (*Outside, *elsewhere, *error) {
	t.Helper()
	a, now := clocked(t, time.Time{})
	e := &elsewhere{a, now, nil}
	s := httptest.NewServer(e)
	t.Cleanup(s.Close)
	verdict := new(error)
	o, err := NewOutside(OutsideConfig{URL: s.URL + "/tsa", Accept: func(context.Context, *certs.TimeStamp) error { return *verdict }, Clock: func() time.Time { return noon }, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return o, e, verdict
}

func TestOutside(t *testing.T) {
	o, _, verdict := outside(t)
	token, at, err := o.Stamp(t.Context(), imprint)
	if err != nil || !at.Equal(noon) {
		t.Fatal(at, err)
	}
	if ts, err := certs.ParseTimeStamp(token); err != nil || !bytes.Equal(ts.Imprint, imprint[:]) || ts.Nonce == nil {
		t.Fatal(err)
	}
	*verdict = errUntrusted
	if token, _, err := o.Stamp(t.Context(), imprint); !errors.Is(err, ErrOutside) || !errors.Is(err, errUntrusted) || token != nil {
		t.Fatal(err)
	}
}

// Whatever goes wrong elsewhere, nothing is stamped and it is said.
func TestOutsideRefusesWhatIsNotTheAnswer(t *testing.T) {
	o, e, _ := outside(t)
	other := func(change func(*Query)) func(http.ResponseWriter, []byte) {
		return func(w http.ResponseWriter, query []byte) {
			q, err := ParseQuery(query)
			if err != nil {
				t.Error(err)
			}
			change(q)
			changed, err := q.Marshal()
			if err != nil {
				t.Error(err)
			}
			reply, _ := e.Answer(t.Context(), changed)
			_, _ = w.Write(reply)
		}
	}
	var first []byte
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, query []byte)
		now    time.Time
		says   string
	}{
		"another imprint":  {other(func(q *Query) { q.Imprint = make([]byte, 32) }), noon, "over something else"},
		"another nonce":    {other(func(q *Query) { q.Nonce = new(big.Int).Add(q.Nonce, one) }), noon, "nonce"},
		"no nonce":         {other(func(q *Query) { q.Nonce = nil }), noon, "nonce"},
		"no certificate":   {other(func(q *Query) { q.Certificates = false }), noon, "certificate"},
		"SHA-256":          {other(func(q *Query) { q.Hash = "2.16.840.1.101.3.4.2.1" }), noon, "digest algorithm"},
		"its clock behind": {nil, noon.Add(-2 * time.Minute), "apart"},
		"its clock ahead":  {nil, noon.Add(2 * time.Minute), "apart"},
		"it refuses":       {other(func(q *Query) { q.Policy = "1.2.3" }), noon, "refuses with status 2"},
		"status 404":       {func(w http.ResponseWriter, _ []byte) { w.WriteHeader(http.StatusNotFound) }, noon, "404"},
		"it leads away": {func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Location", "/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, noon, "307"},
		"a page": {func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html>")
		}, noon, MediaReply},
		"nothing":                 {func(http.ResponseWriter, []byte) {}, noon, "no TimeStampResp"},
		"too much":                {func(w http.ResponseWriter, _ []byte) { _, _ = w.Write(make([]byte, maxReply+1)) }, noon, "longer"},
		"granted without a token": {func(w http.ResponseWriter, _ []byte) { _, _ = w.Write([]byte{0x30, 5, 0x30, 3, 2, 1, 0}) }, noon, "holds no token"},
		"a replay": {func(w http.ResponseWriter, q []byte) {
			if first == nil {
				first, _ = e.Answer(t.Context(), query(t, nil))
			}
			_, _ = w.Write(first)
		}, noon, "nonce"},
		"a changed octet": {func(w http.ResponseWriter, q []byte) {
			reply, _ := e.Answer(t.Context(), q)
			reply[len(reply)-1] ^= 1
			_, _ = w.Write(reply)
		}, noon, "signature"},
	} {
		// A token of another time needs an authority that has signed none later.
		a, now := clocked(t, time.Time{})
		e.Authority, *now, e.answer = a, c.now, c.answer
		token, _, err := o.Stamp(t.Context(), imprint)
		if !errors.Is(err, ErrOutside) || token != nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOutsideIsGone(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	accept := func(context.Context, *certs.TimeStamp) error { return nil }
	o, err := NewOutside(OutsideConfig{URL: s.URL, Accept: accept, Clock: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := o.Stamp(t.Context(), imprint); !errors.Is(err, ErrOutside) {
		t.Fatal(err)
	}
	// One that hangs is not waited for longer than the caller does.
	hang := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then is it seen that the caller went away
		<-r.Context().Done()
	}))
	defer hang.Close()
	if o, err = NewOutside(OutsideConfig{URL: hang.URL, Accept: accept, Clock: time.Now, Rand: rand.Reader}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := o.Stamp(ctx, imprint); !errors.Is(err, ErrOutside) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	for _, u := range []string{"", "tsa.example.cn", "ftp://tsa", "https://", "https://user@tsa"} {
		if _, err := NewOutside(OutsideConfig{URL: u, Accept: accept, Clock: time.Now, Rand: rand.Reader}); err == nil {
			t.Errorf("%q was taken for an address", u)
		}
	}
}

func FuzzParseReply(f *testing.F) {
	a, _ := clocked(f, time.Time{})
	granted, _ := a.Answer(f.Context(), query(f, nil))
	refused, _ := a.Answer(f.Context(), nil)
	f.Add(granted)
	f.Add(refused)
	f.Add([]byte{0x30, 5, 0x30, 3, 2, 1, 0})
	f.Fuzz(func(t *testing.T, der []byte) {
		token, err := parseReply(der)
		if (err == nil) == (token == nil) {
			t.Fatalf("%x: %v", token, err)
		}
	})
}
