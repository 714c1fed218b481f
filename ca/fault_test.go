package ca_test

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"

	"yinxin/ca"
	"yinxin/hsm"
	"yinxin/internal/act"
)

func retry(key string, request byte) *act.Retry {
	return &act.Retry{Owner: usccA, Key: key, Request: [32]byte{request}}
}

// Every write of an issuance fails once, persisted or not, and with it the
// write that would have told of it. Then the process dies.
func TestIssuanceFaults(t *testing.T) {
	for _, write := range []string{"intent", "certificate"} {
		for _, persisted := range []bool{false, true} {
			for _, told := range []string{"", "not persisted", "but persisted"} {
				t.Run(fmt.Sprintf("%s, persisted %t, abandoned %s", write, persisted, told), func(t *testing.T) {
					o := fresh(t)
					o.kill()
					faults := map[string]*fault{write: {1, persisted}}
					if told != "" {
						faults["abandoned"] = &fault{1, told == "but persisted"}
					}
					o.wrap = func(s ca.Store) ca.Store { return &faulty{s, faults} }
					o.open(false)
					o.start()
					o.issueOverFault(write == "certificate" && persisted)
				})
			}
		}
	}
}

// issueOverFault issues over a fault, tries again, restarts and looks.
func (o *office) issueOverFault(stands bool) {
	t := o.t
	before := len(o.rows())
	order := sealOrder(o.key(hsm.UsageSign))
	order.Retry = retry("k", 1)
	row, err := o.Issue(t.Context(), order)
	// A certificate that stands after all is found under its idempotency key.
	if stands != (err == nil) || err != nil && !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	if n := len(o.rows()) - before; n != 0 && !stands {
		t.Fatalf("%d certificates of an act that failed", n)
	}
	again, err := o.Issue(t.Context(), order)
	if err != nil || stands && again.Serial != row.Serial {
		t.Fatal("the retry:", err)
	}
	o.restart()
	o.agree()
	if n := len(o.rows()) - before; n != 1 {
		t.Fatalf("%d certificates for one order", n)
	}
	if last, err := o.Issue(t.Context(), order); err != nil || last.Serial != again.Serial {
		t.Fatal("the retry after the restart:", err)
	}
}

// The key's device fails between intent and certificate.
func TestNoSignatureNoCertificate(t *testing.T) {
	o := fresh(t)
	issuing, err := o.Purpose(t.Context(), ca.PurposeIssuing)
	if err != nil {
		t.Fatal(err)
	}
	id := issuing.Key.Info().ID
	if err := o.keys.SetState(t.Context(), id, hsm.Suspended); err != nil {
		t.Fatal(err)
	}
	order := sealOrder(o.key(hsm.UsageSign))
	if _, err := o.Issue(t.Context(), order); !errors.Is(err, hsm.ErrSuspended) {
		t.Fatal(err)
	}
	if gone, err := o.Abandoned(t.Context()); err != nil || len(gone) != 1 || gone[0].Subject != code || gone[0].Profile != ca.ProfileAgencySeal {
		t.Fatal(gone, err)
	}
	if err := o.keys.SetState(t.Context(), id, hsm.Active); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Issue(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	o.restart()
	o.agree()
}

func TestIdempotentIssue(t *testing.T) {
	o := fresh(t)
	order := agencyOrder(request(t))
	order.Retry = retry("k", 1)
	first, err := o.Issue(t.Context(), order)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := o.Issue(t.Context(), order); err != nil || !bytes.Equal(again.DER, first.DER) {
		t.Fatal(err)
	}
	other := order
	other.Retry = retry("k", 2)
	if _, err := o.Issue(t.Context(), other); !errors.Is(err, ca.ErrRetryMismatch) {
		t.Fatal(err)
	}
	other.Retry = retry("l", 1)
	if row, err := o.Issue(t.Context(), other); err != nil || row.Serial == first.Serial {
		t.Fatal("another key is another act:", err)
	}
	o.now = o.now.Add(act.RetryLife + 1e9)
	if row, err := o.Issue(t.Context(), order); err != nil || row.Serial == first.Serial {
		t.Fatal("a key is forgotten after a week:", err)
	}
}

// Eight callers with one idempotency key get one certificate.
func TestConcurrentRetries(t *testing.T) {
	o := fresh(t)
	before := len(o.rows())
	order := agencyOrder(request(t))
	order.Retry = retry("k", 1)
	serials := make([]string, 8)
	var wg sync.WaitGroup
	for i := range serials {
		wg.Go(func() {
			row, err := o.Issue(t.Context(), order)
			if err != nil {
				t.Error(err)
			}
			serials[i] = row.Serial
		})
	}
	wg.Wait()
	for _, s := range serials {
		if s != serials[0] {
			t.Fatal(serials)
		}
	}
	if n := len(o.rows()) - before; n != 1 {
		t.Fatalf("%d certificates for one idempotency key", n)
	}
	o.restart()
	o.agree()
}
