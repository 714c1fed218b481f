package province

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTheLogTellsWhatEndsSoon(t *testing.T) {
	h := newHouse(t)
	var log bytes.Buffer
	h.Province.o.Log = slog.New(slog.NewTextHandler(&log, nil))
	told := func() string {
		log.Reset()
		h.warnOfEnds(t.Context())
		return log.String()
	}
	if s := told(); s != "" {
		t.Errorf("a new province: %s", s)
	}
	h.clock.move(80 * 24 * time.Hour)
	if s := told(); !strings.Contains(s, "purpose=ocsp") || !strings.Contains(s, "days=9") || strings.Contains(s, "purpose=tsa") || !strings.Contains(s, "ocsp=2") {
		t.Errorf("ten days before the end of one: %s", s)
	}
	h.clock.move(3*365*24*time.Hour - 90*24*time.Hour)
	if s := told(); !strings.Contains(s, "agency-seal=1") || !strings.Contains(s, "purpose=status") {
		t.Errorf("ten days before the end of a seal's: %s", s)
	}
}
