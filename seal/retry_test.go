package seal_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/seal"
)

// The same key and the same request give the same bytes, whatever became of the
// seal since, and also from a process that was started anew.
func TestARetryGetsTheSameBytes(t *testing.T) {
	t.Parallel()
	for name, stamp := range kinds {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			r := request(h.seal)
			r.Retry, r.Matter, r.Expected = retry("k", 1), "000101", 3
			first, row, err := stamp(t, h, r)
			if err != nil {
				t.Fatal(err)
			}
			before := h.count(t)
			uses := h.uses(t, h.seal)
			again := func(when string) {
				t.Helper()
				got, same, err := stamp(t, h, r)
				if err != nil || !bytes.Equal(got, first) {
					t.Errorf("%s: %d octets for %d, %v", when, len(got), len(first), err)
				}
				checkSame(t, same, row)
			}
			again("at once")
			h.clock.move(time.Hour)
			again("an hour later")
			h.restart(t)
			again("after a restart")
			if err := h.revoke(h.seal); err != nil {
				t.Fatal(err)
			}
			if _, err := h.Cancel(t.Context(), h.change(h.seal)); err != nil {
				t.Fatal(err)
			}
			again("of a seal that is cancelled since")
			after := h.count(t)
			if after.Stamps != before.Stamps || after.Leaves != before.Leaves+2 || h.uses(t, h.seal) != uses {
				t.Errorf("the retries left %v after %v and %d signatures", after, before, h.uses(t, h.seal)-uses)
			}
			// A week later the key is forgotten: it is a request of its own.
			h.clock.move(act.RetryLife)
			if _, _, err := stamp(t, h, r); !errors.Is(err, seal.ErrNotInForce) {
				t.Errorf("a week later: %v", err)
			}
		})
	}
}

func TestAKeyIsOfOneRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := request(h.seal)
	r.Retry = retry("k", 1)
	h.stamp(t, r)
	before := h.count(t)
	r.Retry = retry("k", 2)
	for kind, stamp := range kinds {
		if _, _, err := stamp(t, h, r); !errors.Is(err, seal.ErrRetryMismatch) {
			t.Errorf("another body as %s: %v", kind, err)
		}
	}
	// So is the same digest, sealed in another way.
	for kind, stamp := range kinds {
		r.Retry = retry(kind, 1)
		if _, _, err := stamp(t, h, r); err != nil {
			t.Fatal(err)
		}
		for other, stamp := range kinds {
			if _, _, err := stamp(t, h, r); other != kind && !errors.Is(err, seal.ErrRetryMismatch) {
				t.Errorf("%s by the key of %s: %v", other, kind, err)
			}
		}
	}
	before = h.count(t)
	// The key of another kind of act is as taken as that of a stamp.
	a, err := act.New(h.clock.now(), rand.Reader, "test.act", "x", "y")
	if err != nil {
		t.Fatal(err)
	}
	a.Retry = retry("other", 1)
	if err := h.db.Commit(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	r.Retry = retry("other", 1)
	if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, seal.ErrRetryMismatch) {
		t.Errorf("the key of another act: %v", err)
	}
	if after := h.count(t); after.Stamps != before.Stamps {
		t.Errorf("%d stamps after %d", after.Stamps, before.Stamps)
	}
	// Another agency's key of the same text is another key; so is a text that only
	// looks the same joined to its owner.
	for _, other := range []*act.Retry{{Owner: stranger, Key: "k"}, {Owner: owner + "k", Key: ""}, {Owner: "", Key: owner + "k"}} {
		r.Retry = other
		h.stamp(t, r)
	}
	// Without a key each request is its own act.
	r.Retry = nil
	one, two := h.stamp(t, r), h.stamp(t, r)
	if one.ID == two.ID {
		t.Error("two requests were one act")
	}
}

func TestARequestThatFailedFreesItsKey(t *testing.T) {
	t.Parallel()
	for name, stamp := range kinds {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			r := request(h.seal)
			r.Retry = retry("k", 1)
			fault := errors.New("no time today")
			h.tsa.during(func() error { return fault })
			before := h.count(t)
			if _, _, err := stamp(t, h, r); !errors.Is(err, fault) {
				t.Fatal(err)
			}
			h.tsa.during(nil)
			if after := h.count(t); after != before {
				t.Fatalf("left %v after %v", after, before)
			}
			// Another body may use it, since nothing was done under it.
			r.Retry = retry("k", 2)
			if _, _, err := stamp(t, h, r); err != nil {
				t.Fatal(err)
			}
		})
	}
	h := newHouse(t)
	r := request(h.seal)
	r.Retry = retry("k", 1)
	if _, err := h.StampJSON(t.Context(), r, []byte(`{"a":1,"a":2}`)); !errors.Is(err, seal.ErrDocument) {
		t.Fatal(err)
	}
	h.stamp(t, r)
}

func TestAKeyInFlightIsTold(t *testing.T) {
	t.Parallel()
	for name, stamp := range kinds {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			r := request(h.seal)
			r.Retry = retry("k", 1)
			h.tsa.during(func() error {
				h.tsa.during(nil)
				for _, other := range []*act.Retry{retry("k", 1), retry("k", 2)} {
					second := r
					second.Retry = other
					if _, _, err := stamp(t, h, second); !errors.Is(err, seal.ErrInFlight) {
						t.Errorf("while the first is being done: %v", err)
					}
				}
				elsewhere := r
				elsewhere.Retry = retry("l", 1)
				_, _, err := stamp(t, h, elsewhere)
				return err
			})
			if _, _, err := stamp(t, h, r); err != nil {
				t.Fatal(err)
			}
			if c := h.count(t); c.Stamps != 2 {
				t.Errorf("%d stamps", c.Stamps)
			}
		})
	}
}

// A key that another process, or another office, takes between the signature and
// the commit does its act once.
func TestAKeyTakenWhileSealing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := request(h.seal)
	r.Retry = retry("k", 1)
	h.tsa.during(func() error {
		a, err := act.New(h.clock.now(), rand.Reader, "test.act", "x", "y")
		if err != nil {
			return err
		}
		a.Retry = retry("k", 1)
		return h.db.Commit(h.context(), a)
	})
	if _, err := h.StampJSON(t.Context(), r, decision); !errors.Is(err, act.ErrRetryTaken) {
		t.Errorf("sealed: %v", err)
	}
	if c := h.count(t); c.Stamps != 0 {
		t.Errorf("%d stamps", c.Stamps)
	}
}

func TestManyRetriesAtOnceAreOneAct(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := request(h.seal)
	r.Retry = retry("k", 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	docs := map[string]int{}
	for range 40 {
		wg.Go(func() {
			s, err := h.StampJSON(t.Context(), r, decision)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				docs[string(s.Document)]++
			} else if !errors.Is(err, seal.ErrInFlight) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if c := h.count(t); len(docs) != 1 || c.Stamps != 1 {
		t.Errorf("%d documents, %d stamps", len(docs), c.Stamps)
	}
}
