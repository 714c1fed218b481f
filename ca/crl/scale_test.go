package crl_test

import (
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/store/storetest"
	"yinxin/internal/testlong"
)

// million overrides how many certificates the scale tests fill a register with.
const million = "YINXIN_TEST_CERTIFICATES"

// crowd is that number, and a tenth of it, who are revoked.
func crowd(t *testing.T, short int) (certificates, revoked int) {
	t.Helper()
	n := testlong.Count(short, 100_000)
	if text := os.Getenv(million); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	return n, n / 10
}

// revoking gives the time of one revocation.
func (o *office) revoking(serial string) time.Duration {
	o.t.Helper()
	begin := time.Now()
	if _, err := o.Revoke(o.t.Context(), ca.RevokeRequest{Serial: serial, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}); err != nil {
		o.t.Fatal(err)
	}
	return time.Since(begin)
}

// A revocation is as quick among many as among a hundred. The two are measured in
// turn, so that both meet the same disk.
func TestRevocationTakesTheSameTimeAmongMany(t *testing.T) {
	const times = 150
	certificates, revoked := crowd(t, 20_000)
	few, many := open(t), open(t)
	begin := time.Now()
	small, large := storetest.Fill(t, few.db, 1000, 100), storetest.Fill(t, many.db, certificates, revoked)
	t.Logf("%d certificates and %d revocations filled in %s", certificates, revoked, time.Since(begin).Round(time.Second))
	few.now, many.now = noon.Add(time.Hour), noon.Add(time.Hour)
	var of, om []time.Duration
	for i := range times {
		of = append(of, few.revoking(small[100+i]))
		om = append(om, many.revoking(large[revoked+i*((certificates-revoked)/times)]))
	}
	slices.Sort(of)
	slices.Sort(om)
	ratio := float64(om[times/2]) / float64(of[times/2])
	t.Logf("a revocation among 1,000: %s; among %d: %s; %.2f times that", of[times/2], certificates, om[times/2], ratio)
	// The short run is there to see that it works: what else the machine does makes
	// either number.
	if ratio > 1.5 && testlong.Enabled() {
		t.Error("it takes longer among many")
	}
}

// A list of 100,000 is made while certificates are issued, which go on being issued.
func TestALongListIsMadeWhileOthersIssue(t *testing.T) {
	revoked := testlong.Count(2_000, 100_000)
	o := open(t)
	storetest.Fill(t, o.db, revoked+revoked/10, revoked)
	o.now = noon.Add(time.Hour)
	var issued atomic.Int64
	var longest atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				begin := time.Now()
				o.issue()
				issued.Add(1)
				if took := int64(time.Since(begin)); took > longest.Load() {
					longest.Store(took)
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	before, begin := issued.Load(), time.Now()
	l := o.fresh("issuing")
	took := time.Since(begin)
	meanwhile := issued.Load() - before
	close(stop)
	wg.Wait()
	t.Logf("%d entries, %d octets, made in %s; %d certificates issued meanwhile, the slowest in %s", l.Entries, len(l.DER), took, meanwhile, time.Duration(longest.Load()))
	if l.Entries != revoked || meanwhile == 0 {
		t.Errorf("%d entries of %d; %d certificates", l.Entries, revoked, meanwhile)
	}
	if took > 3*time.Second && testlong.Enabled() {
		t.Errorf("it took %s", took)
	}
	o.read(l)
}
