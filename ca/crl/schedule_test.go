package crl_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
	"yinxin/hsm"
)

// header of a list as it stands, without asking the publisher for it.
func (o *office) header(name string) crl.Header {
	o.t.Helper()
	h, err := o.db.CRLs().Header(o.t.Context(), name)
	if err != nil {
		o.t.Fatal(name, err)
	}
	return h
}

// Lists come on schedule whether anything was revoked or not, and soon after
// something was, and no list is ever older than its period.
func TestListsComeOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := (&office{t: t}).at(time.Now)
		defer o.stop()
		go o.lists.Run(t.Context())
		pause := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		pause(time.Second)
		lists := map[string]time.Duration{"root": time.Hour, "issuing": time.Hour, "issuing-40": time.Hour, "issuing-7f": time.Hour, "issuing-delta": 5 * time.Minute}
		last := map[string]crl.Header{}
		for range 40 {
			for name, every := range lists {
				h := o.header(name)
				if before := last[name]; h.Number < before.Number || h.This.Before(before.This) || h.This.Equal(before.This) != (h.Number == before.Number) {
					t.Fatalf("%s: %d of %s after %d of %s", name, h.Number, h.This, before.Number, before.This)
				}
				if age := time.Since(h.This); age > every+3*time.Second || h.Next.Sub(h.This) != crl.Life {
					t.Fatalf("%s is %s old", name, age)
				}
				last[name] = h
			}
			pause(4 * time.Minute)
		}
		serial := o.issue()
		o.revoke(serial, certs.ReasonKeyCompromise, time.Time{})
		at := time.Now()
		pause(3 * time.Second)
		for _, name := range []string{"issuing-delta", "issuing-" + ca.Shard(serial.Text(16))} {
			if h := o.header(name); h.This.Before(at.Truncate(time.Second)) || h.Entries != 1 {
				t.Errorf("%s is of %s and has %d entries", name, h.This, h.Entries)
			}
		}
		if h := o.header("issuing"); h.Number != last["issuing"].Number && !h.This.Before(at) {
			t.Error("a full list came out of its turn")
		}
	})
}

// stop is close for a test that ends within its bubble.
func (o *office) stop() {
	o.close()
	o.stopped = true
}

// Whoever asks gets a list of this second, as long as it is short.
func TestAskedForAgain(t *testing.T) {
	o := open(t)
	first := o.fetch("issuing-40")
	o.now = o.now.Add(900 * time.Millisecond)
	if again := o.fetch("issuing-40"); again.Number.Cmp(first.Number) != 0 {
		t.Error("two lists in one second")
	}
	o.now = o.now.Add(100 * time.Millisecond)
	if next := o.fetch("issuing-40"); next.Number.Cmp(first.Number) <= 0 || !next.ThisUpdate.Equal(o.now) {
		t.Error("a list of the second before")
	}
}

// The clock is set back: nothing is published, it is said once, and what was published
// is served. When the clock is right again it goes on.
func TestTheClockWentBackwards(t *testing.T) {
	for name, restart := range map[string]bool{"in the same process": false, "and in the next": true} {
		t.Run(name, func(t *testing.T) {
			o := open(t)
			o.lists.Publish(t.Context())
			before := o.header("issuing")
			o.now = noon.Add(-10 * time.Minute)
			if restart {
				o.lists = o.publisher()
			}
			for range 3 {
				o.lists.Publish(t.Context())
			}
			for _, list := range []string{"root", "issuing", "issuing-40", "issuing-delta"} {
				if _, err := o.lists.Fresh(t.Context(), list, o.now.Add(time.Hour)); !errors.Is(err, crl.ErrClockBackwards) {
					t.Errorf("%s: %v", list, err)
				}
				if l, err := o.lists.List(t.Context(), list); err != nil || !l.This.Equal(noon) {
					t.Errorf("%s is not served: %v", list, err)
				}
			}
			if h := o.header("issuing"); h.Number != before.Number {
				t.Errorf("number %d after %d", h.Number, before.Number)
			}
			if n := strings.Count(o.log.String(), "clock went backwards"); n != 1 {
				t.Errorf("it was said %d times:\n%s", n, o.log.String())
			}
			if _, _, failed, err := o.lists.Status(t.Context()); err != nil || failed == 0 {
				t.Errorf("%d failures were counted: %v", failed, err)
			}
			o.now = noon.Add(2 * time.Hour)
			o.lists.Publish(t.Context())
			if h := o.header("issuing"); h.Number <= before.Number || !strings.Contains(o.log.String(), "published again") {
				t.Errorf("it did not go on:\n%s", o.log.String())
			}
		})
	}
}

// A new process remembers no list, but the acts stand in the register.
func TestTheClockStandsBeforeAnAct(t *testing.T) {
	o := open(t)
	o.now = noon.Add(time.Hour)
	o.revoke(o.issue(), certs.ReasonKeyCompromise, time.Time{})
	o.now = noon.Add(30 * time.Minute)
	for _, list := range []string{"root", "issuing", "issuing-40", "issuing-delta"} {
		if _, err := o.lists.List(t.Context(), list); !errors.Is(err, crl.ErrClockBackwards) {
			t.Errorf("%s: %v", list, err)
		}
	}
}

// No key, no list; the list that stands is served until it ends, and not after.
func TestTheKeyIsSuspended(t *testing.T) {
	o := open(t)
	o.lists.Publish(t.Context())
	cred, err := o.Purpose(t.Context(), ca.PurposeIssuing)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.keys.SetState(t.Context(), cred.Key.Info().ID, hsm.Suspended); err != nil {
		t.Fatal(err)
	}
	for after, served := range map[time.Duration]bool{time.Minute: true, crl.Life: true, crl.Life + time.Second: false} {
		o.now = noon.Add(after)
		for _, list := range []string{"issuing", "issuing-40", "issuing-delta"} {
			l, err := o.lists.List(t.Context(), list)
			if served && (err != nil || !l.This.Equal(noon)) || !served && !errors.Is(err, hsm.ErrSuspended) {
				t.Errorf("%s after %s: %v", list, after, err)
			}
		}
	}
	if h := o.header("issuing"); !h.This.Equal(noon) {
		t.Errorf("a list of %s without a key", h.This)
	}
}

// Nothing is signed behind an issuer's end, and its last lists stand.
func TestAnIssuerEnds(t *testing.T) {
	o := open(t)
	end := o.certificate(ca.PurposeIssuing).NotAfter
	o.now = end.Add(-time.Hour)
	o.lists.Publish(t.Context())
	o.now = end.Add(time.Second)
	o.lists.Publish(t.Context())
	if h := o.header("issuing"); !h.This.Equal(end.Add(-time.Hour)) {
		t.Errorf("a list of %s", h.This)
	}
	if l, err := o.lists.List(t.Context(), "issuing"); err != nil || l.This.After(end) {
		t.Error(err)
	}
	if _, err := o.lists.Fresh(t.Context(), "issuing", o.now); !errors.Is(err, crl.ErrEnded) {
		t.Error(err)
	}
	if h := o.header("root"); !h.This.Equal(o.now) {
		t.Errorf("the root's list is of %s", h.This)
	}
}
