package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"yinxin/ca"
)

const day = 24 * time.Hour

func TestWhatEndsSoonIsAMetric(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	metric := func(line string) (v float64) {
		t.Helper()
		for l := range strings.Lines(string(h.get(t, "/metrics").want(t, http.StatusOK, nil).body)) {
			if rest, ok := strings.CutPrefix(l, line+" "); ok {
				if _, err := fmt.Sscan(rest, &v); err != nil {
					t.Fatal(err)
				}
				return v
			}
		}
		return -1
	}
	const seals, ocsp = `yinxin_certificates_expiring{profile="agency-seal",within="30d"}`, `yinxin_certificate_expiry_seconds{purpose="ocsp"}`
	if n, left := metric(seals), metric(ocsp); n != -1 || left < 89*day.Seconds() || left > 90*day.Seconds() {
		t.Errorf("at first: %v seals, %v seconds of ocsp", n, left)
	}
	if n := metric(`yinxin_certificates_expiring{profile="ocsp",within="90d"}`); n != 2 {
		t.Errorf("within 90 days: %v", n)
	}
	h.Clock.Move(3*365*day - 10*day)
	if n, week, left := metric(seals), metric(strings.Replace(seals, "30d", "7d", 1)), metric(ocsp); n != 1 || week != -1 || left >= 0 {
		t.Errorf("ten days before their end: %v, %v and %v", n, week, left)
	}
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: h.Seal.CertSerial, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	if n := metric(seals); n != 1 {
		t.Errorf("within the minute that counts are kept: %v", n)
	}
	h.Clock.Move(2 * time.Minute)
	if n := metric(seals); n != -1 {
		t.Errorf("a revoked one is counted: %v", n)
	}
}

// A register that cannot be read gives no count, and above all no old one.
func TestNoCountOfARegisterThatCannotBeRead(t *testing.T) {
	now, fails := time.Now(), false
	e := &certificateEnds{clock: func() time.Time { return now }, log: slog.New(slog.DiscardHandler), ends: func(context.Context) (ca.Ends, error) {
		if fails {
			return ca.Ends{}, errors.New("no")
		}
		return ca.Ends{At: now, Own: map[ca.Purpose]time.Time{ca.PurposeTSA: now}}, nil
	}}
	count := func() int {
		r := prometheus.NewPedanticRegistry()
		r.MustRegister(e)
		m, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		return len(m)
	}
	if count() != 1 {
		t.Error("nothing is told")
	}
	fails, now = true, now.Add(time.Hour)
	if n := count(); n != 0 {
		t.Errorf("%d metrics", n)
	}
}
