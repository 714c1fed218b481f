package evidence

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"yinxin/verify"
)

func crlAt(url string) verify.Want { return verify.Want{Kind: verify.KindCRL, URL: url} }

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func collect(t *testing.T, c *Collector, wants ...verify.Want) []verify.Item {
	t.Helper()
	var e verify.Evidence
	c.Collect(t.Context(), wants, &e)
	return e.Items
}

// TestOnlyWhatAnswersIsTaken: each of these would be a way to fill memory, to
// wait for ever, or to make the verifier read what is not on the web.
func TestOnlyWhatAnswersIsTaken(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			w.Write([]byte("good"))
		case "/moved":
			http.Redirect(w, r, "/good", http.StatusFound)
		case "/circle":
			http.Redirect(w, r, "/circle", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/hostname", http.StatusFound)
		case "/long":
			chunk := bytes.Repeat([]byte("x"), 1<<20)
			for n := 0; n <= maxAnswer; n += len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	})
	for address, want := range map[string]int{
		url + "/good": 1, url + "/moved": 1, url + "/circle": 0, url + "/file": 0, url + "/long": 0, url + "/none": 0,
		"file:///etc/hostname": 0, "ftp" + strings.TrimPrefix(url, "http") + "/good": 0, "/good": 0, "http://": 0, "": 0, "http://\x7f": 0,
	} {
		if got := collect(t, NewCollector(), crlAt(address)); len(got) != want {
			t.Errorf("%q gives %d answers", address, len(got))
		}
	}
}

// TestASilentServerCostsItsTimeOnce: over all the questions for it and all the
// files of a run, while others are heard.
func TestASilentServerCostsItsTimeOnce(t *testing.T) {
	var asked atomic.Int32
	over := make(chan struct{})
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-over:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(over) })
	good := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("good")) })
	c := NewCollector()
	c.client.Timeout = time.Second
	var wants []verify.Want
	for i := range maxQuestions - 1 {
		wants = append(wants, crlAt(fmt.Sprint(silent, "/", i)))
	}
	wants = append(wants, crlAt(good))
	start := time.Now()
	for range 3 {
		if got := collect(t, c, wants...); len(got) != 1 {
			t.Fatal(len(got), "answers")
		}
	}
	// Four at once, time after time, it would take 16 seconds a round.
	if took := time.Since(start); took > 12*time.Second || asked.Load() > maxAtOnce {
		t.Errorf("asked %d times in %s", asked.Load(), took)
	}
}

// TestACallerThatGivesUpBlamesNobody: the next file may ask again.
func TestACallerThatGivesUpBlamesNobody(t *testing.T) {
	var slow atomic.Bool
	slow.Store(true)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if slow.Load() {
			<-r.Context().Done()
			return
		}
		w.Write([]byte("good"))
	})
	c := NewCollector()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var e verify.Evidence
	c.Collect(ctx, []verify.Want{crlAt(url)}, &e)
	slow.Store(false)
	if got := collect(t, c, crlAt(url)); len(e.Items) != 0 || len(got) != 1 {
		t.Error(len(e.Items), len(got))
	}
}

func TestFewAreAskedAtOnceAndNoMoreThanAllowed(t *testing.T) {
	var now, most, all atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		all.Add(1)
		time.Sleep(5 * time.Millisecond)
		fmt.Fprint(w, r.URL.Path)
	})
	var wants []verify.Want
	for i := range 3 * maxQuestions {
		wants = append(wants, crlAt(fmt.Sprint(url, "/", i)))
	}
	got := collect(t, NewCollector(), wants...)
	if len(got) != maxQuestions || all.Load() != maxQuestions || most.Load() > maxAtOnce || most.Load() < 2 {
		t.Errorf("%d answers, %d questions, %d at once", len(got), all.Load(), most.Load())
	}
	for i, item := range got {
		if string(item.Raw) != fmt.Sprint("/", i) {
			t.Fatalf("answer %d is %q: the order is not that of the questions", i, item.Raw)
		}
	}
}

// TestWhatWasSaidIsAskedOnce, unless it was said before the moment in question.
func TestWhatWasSaidIsAskedOnce(t *testing.T) {
	var asked atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "answer ", asked.Add(1)) })
	c := NewCollector()
	var e verify.Evidence
	for range 3 {
		c.Collect(t.Context(), []verify.Want{crlAt(url)}, &e)
	}
	if asked.Load() != 1 || len(e.Items) != 1 {
		t.Errorf("asked %d times, %d items", asked.Load(), len(e.Items))
	}
	later := crlAt(url)
	later.At = time.Now()
	c.Collect(t.Context(), []verify.Want{later}, &e)
	if asked.Load() != 2 || len(e.Items) != 2 {
		t.Errorf("asked %d times, %d items", asked.Load(), len(e.Items))
	}
	var other verify.Evidence // another document's
	c.Collect(t.Context(), []verify.Want{crlAt(url), crlAt(url + "/x")}, &other)
	if said := c.Said(); asked.Load() != 3 || len(other.Items) != 2 || len(said) != 2 || string(said[0].Raw) != "answer 2" {
		t.Errorf("asked %d times, %d items, said %d", asked.Load(), len(other.Items), len(said))
	}
}

// TestAllAnswersTogetherAreBounded: many long answers are one way more to fill
// memory.
func TestAllAnswersTogetherAreBounded(t *testing.T) {
	const each, all = 1 << 20, 4 << 20
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Write(append([]byte(r.URL.Path), make([]byte, each)...)) // each another
	})
	var wants []verify.Want
	for i := range 4 * all / each {
		wants = append(wants, crlAt(fmt.Sprint(url, "/", i)))
	}
	c := NewCollector()
	c.left = all
	kept := 0
	for _, item := range collect(t, c, wants...) {
		kept += len(item.Raw)
	}
	if kept > all || kept < all/2 {
		t.Errorf("%d octets are kept", kept)
	}
}
