package province

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"yinxin/internal/store/bolt"
	"yinxin/internal/store/storetest"
	"yinxin/internal/testlong"
)

// A province opens as quickly among many certificates as among few: nothing that grows
// with the register is read before it serves. YINXIN_TEST_CERTIFICATES fills it with
// another number.
func TestOpensAmongMany(t *testing.T) {
	n := testlong.Count(5_000, 100_000)
	if text := os.Getenv("YINXIN_TEST_CERTIFICATES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	h := newHouse(t)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	few := h.opening(t)
	db, err := bolt.Open(h.o.path("store.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, db, n, n/10)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	// The first time signs a checkpoint over all that is new.
	h.opening(t)
	many := h.opening(t)
	t.Logf("opened in %s among a handful of certificates, in %s among %d", few, many, n)
	if many > time.Second && testlong.Enabled() {
		t.Errorf("it took %s to open", many)
	}
	if h.Province, err = Open(t.Context(), h.o); err != nil {
		t.Fatal(err)
	}
}

// opening gives the median time to open a closed house.
func (h *house) opening(t *testing.T) time.Duration {
	t.Helper()
	var times []time.Duration
	for range 3 {
		begin := time.Now()
		p, err := Open(t.Context(), h.o)
		times = append(times, time.Since(begin))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(times)
	return times[1]
}
