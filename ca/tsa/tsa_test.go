package tsa

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"math/big"
	"sync"
	"testing"
	"time"

	"yinxin/certs"
)

func TestTokens(t *testing.T) {
	a, now := clocked(t, time.Time{})
	for _, at := range []time.Time{noon, noon.Add(time.Millisecond), noon.Add(120 * time.Millisecond), noon.Add(time.Second + 999999999), noon.Add(time.Minute).In(time.FixedZone("北京", 8*3600))} {
		*now = at
		if got := stamp(t, a).GenTime; !got.Equal(at.Truncate(time.Millisecond)) {
			t.Errorf("%s at %s", got, at)
		}
	}
}

func TestTheClock(t *testing.T) {
	a, now := clocked(t, time.Time{})
	steps := []struct {
		now, want time.Time // zero: refused
	}{
		{noon.Add(10 * time.Second), noon.Add(10 * time.Second)},
		{noon.Add(9 * time.Second), noon.Add(10 * time.Second)}, // within the accuracy: times never fall
		{noon.Add(9*time.Second - time.Millisecond), time.Time{}},
		{noon, time.Time{}},
		{noon.Add(-time.Hour), time.Time{}},
		{noon.Add(9500 * time.Millisecond), noon.Add(10 * time.Second)},
		{noon.Add(11 * time.Second), noon.Add(11 * time.Second)},
	}
	for i, s := range steps {
		*now = s.now
		if !s.want.IsZero() {
			if got := stamp(t, a).GenTime; !got.Equal(s.want) {
				t.Errorf("step %d: %s", i, got)
			}
			continue
		}
		if token, _, err := a.Stamp(t.Context(), imprint); !errors.Is(err, ErrClockBackwards) || token != nil {
			t.Errorf("step %d: %v", i, err)
		}
	}
}

// A new process knows by NotBefore what was signed or done before it, in
// whatever zone that was told.
func TestTheClockAcrossARestart(t *testing.T) {
	for _, zone := range []*time.Location{time.UTC, time.FixedZone("北京", 8*3600)} {
		a, now := clocked(t, noon.Add(30*time.Minute).In(zone))
		if _, _, err := a.Stamp(t.Context(), imprint); !errors.Is(err, ErrClockBackwards) {
			t.Fatal(err)
		}
		*now = noon.Add(30*time.Minute - 500*time.Millisecond)
		if got := stamp(t, a).GenTime; !got.Equal(noon.Add(30 * time.Minute)) {
			t.Fatalf("%s in zone %s", got, zone)
		}
	}
}

func TestNoTokenOutsideTheCertificate(t *testing.T) {
	a, now := clocked(t, time.Time{})
	*now = noon.Add(-time.Hour - time.Second)
	if _, _, err := a.Stamp(t.Context(), imprint); !errors.Is(err, ErrCertificate) {
		t.Fatal("before it begins:", err)
	}
	*now = noon.Add(time.Hour)
	stamp(t, a)
	*now = noon.Add(time.Hour + time.Second)
	if _, _, err := a.Stamp(t.Context(), imprint); !errors.Is(err, ErrCertificate) {
		t.Fatal("after its end:", err)
	}
}

// Whoever stamps at once gets a serial of his own, and no time before one that
// was given out before he asked.
func TestManyAtOnce(t *testing.T) {
	key, cert := stamper(t, true, certs.OIDEKUTimeStamping)
	var mu sync.Mutex
	var ticks int
	clock := func() time.Time { // jumps back and forth within the accuracy
		mu.Lock()
		defer mu.Unlock()
		ticks++
		return noon.Add(time.Duration(ticks)*time.Millisecond - time.Duration(ticks%7)*10*time.Millisecond)
	}
	a, err := New(Config{Signing: fixed(key, cert), Clock: clock, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	const workers, each = 8, 25
	var wg sync.WaitGroup
	serials := make(chan *big.Int, workers*each)
	for range workers {
		wg.Go(func() {
			var last time.Time
			for range each {
				ts := stamp(t, a)
				if ts.GenTime.Before(last) {
					t.Errorf("%s after %s", ts.GenTime, last)
				}
				last = ts.GenTime
				serials <- ts.Serial
			}
		})
	}
	wg.Wait()
	close(serials)
	seen := map[string]bool{}
	for s := range serials {
		if seen[s.String()] || s.Sign() <= 0 || s.BitLen() > 127 {
			t.Fatalf("serial %d", s)
		}
		seen[s.String()] = true
	}
}

func TestSerialsOfTwoProcesses(t *testing.T) {
	a, _ := clocked(t, time.Time{})
	b, _ := clocked(t, time.Time{})
	if stamp(t, a).Serial.Cmp(stamp(t, b).Serial) == 0 {
		t.Fatal("two processes give the same serial")
	}
}

func TestWhoMayNotStamp(t *testing.T) {
	with := func(critical bool, uses ...certs.OID) Signing {
		key, cert := stamper(t, critical, uses...)
		return Signing{Signer: key, Certificate: cert}
	}
	other := with(true, certs.OIDEKUTimeStamping)
	mixed := with(true, certs.OIDEKUTimeStamping)
	mixed.Signer = other.Signer
	for name, s := range map[string]Signing{
		"no use": with(false), "another use": with(true, certs.OIDEKUStatusSigner), "not critical": with(false, certs.OIDEKUTimeStamping),
		"not alone": with(true, certs.OIDEKUTimeStamping, certs.OIDEKUClientAuth), "another's certificate": mixed,
	} {
		a, err := New(Config{Signing: fixed(s.Signer, s.Certificate), Clock: func() time.Time { return noon }, Rand: rand.Reader})
		if err != nil {
			t.Fatal(err)
		}
		if token, _, err := a.Stamp(t.Context(), imprint); !errors.Is(err, ErrSigner) || token != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := Config{Signing: fixed(other.Signer, other.Certificate), Clock: time.Now, Rand: rand.Reader}
	for name, spoil := range map[string]func(*Config){"nothing to sign": func(c *Config) { c.Signing = nil }, "no clock": func(c *Config) { c.Clock = nil },
		"no randomness": func(c *Config) { c.Rand = nil }, "dry randomness": func(c *Config) { c.Rand = bytes.NewReader(nil) }} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A new certificate counts from the next token on, and a revocation at once.
func TestRollover(t *testing.T) {
	first, second := Signing{}, Signing{}
	key, cert := stamper(t, true, certs.OIDEKUTimeStamping)
	first.Signer, first.Certificate = key, cert
	key, cert = stamper(t, true, certs.OIDEKUTimeStamping)
	second.Signer, second.Certificate = key, cert
	now, revoked := first, error(nil)
	a, err := New(Config{Signing: func(context.Context) (Signing, error) { return now, revoked }, Clock: func() time.Time { return noon }, Rand: rand.Reader})
	if err != nil || a.Certificates() != nil {
		t.Fatal(err)
	}
	before := stamp(t, a)
	kept := a.Certificates()
	now = second
	after := stamp(t, a)
	if !before.Signer.Equal(first.Certificate) || !after.Signer.Equal(second.Certificate) || bytes.Equal(kept, a.Certificates()) ||
		!bytes.Contains(after.Raw, a.Certificates()) || !bytes.Contains(before.Raw, kept) {
		t.Fatal("the certificate was not changed")
	}
	revoked = errors.New("it is revoked")
	if token, _, err := a.Stamp(t.Context(), imprint); !errors.Is(err, revoked) || token != nil {
		t.Fatal(err)
	}
	if _, refused := a.Answer(t.Context(), query(t, nil)); !errors.Is(refused, revoked) {
		t.Fatal(refused)
	}
}

func BenchmarkStamp(b *testing.B) {
	a, _ := clocked(b, time.Time{})
	b.Run("token", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := a.Stamp(b.Context(), imprint); err != nil {
				b.Fatal(err)
			}
		}
	})
	s, err := a.c.Signing(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	raw := s.Signer
	message := make([]byte, 200)
	b.Run("raw", func(b *testing.B) {
		for b.Loop() {
			if _, err := raw.SignMessage(b.Context(), message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
