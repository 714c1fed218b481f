package crl_test

import (
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
)

func TestEmptyList(t *testing.T) {
	o := open(t)
	for _, issuer := range []ca.Purpose{ca.PurposeRoot, ca.PurposeIssuing} {
		c := o.list(issuer)
		if c.Len() != 0 || c.Number.Int64() != noon.UnixMilli() || !c.ThisUpdate.Equal(noon) || c.NextUpdate.Sub(c.ThisUpdate) != crl.Life {
			t.Fatalf("%s: %d entries, number %d", issuer, c.Len(), c.Number)
		}
		other, err := smx509.ParseRevocationList(c.Raw)
		if err != nil {
			t.Fatal(err)
		}
		// RFC 5280 5.1.2.6: revokedCertificates is absent. What follows the times
		// is then [0].
		if tag := c.RawTBS[afterTimes(c.RawTBS)]; tag != 0xa0 {
			t.Fatalf("%s: after the times stands %x", issuer, tag)
		}
		if len(other.RevokedCertificateEntries) != 0 || other.Number.Cmp(c.Number) != 0 {
			t.Fatal("the library reads something else")
		}
	}
}

// afterTimes finds the second UTCTime's end.
func afterTimes(tbs []byte) int {
	for i, seen := 0, 0; i+15 < len(tbs); i++ {
		if tbs[i] == 0x17 && tbs[i+1] == 13 && tbs[i+14] == 'Z' {
			if seen++; seen == 2 {
				return i + 15
			}
		}
	}
	return 0
}

func TestEntries(t *testing.T) {
	o := open(t)
	type entry struct {
		reason int
		since  time.Time
	}
	want := map[string]entry{}
	for _, e := range []entry{{certs.ReasonUnspecified, time.Time{}}, {certs.ReasonKeyCompromise, noon.Add(-time.Hour)}, {certs.ReasonUnspecified, noon.Add(-2 * time.Hour)}, {certs.ReasonCessationOfOperation, time.Time{}}} {
		serial := o.issue()
		o.revoke(serial, e.reason, e.since)
		want[serial.String()] = e
	}
	good := o.issue()
	o.now = noon.Add(time.Minute)
	c := o.list(ca.PurposeIssuing)
	for text, e := range want {
		serial, _ := new(big.Int).SetString(text, 10)
		got, found := c.Find(serial)
		if !found || got.Reason != e.reason || !got.InvalidityDate.Equal(e.since) || !got.At.Equal(noon) {
			t.Errorf("%+v, want %+v", got, e)
		}
	}
	if _, found := c.Find(good); found || c.Len() != len(want) {
		t.Fatalf("%d entries of %d", c.Len(), len(want))
	}
	if o.list(ca.PurposeRoot).Len() != 0 {
		t.Fatal("the root's list holds what it did not issue")
	}
	list, err := smx509.ParseRevocationList(c.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if err := list.CheckSignatureFrom(o.certificate(ca.PurposeIssuing).SMX509()); err != nil {
		t.Fatal(err)
	}
	for _, e := range list.RevokedCertificateEntries {
		if w, ok := want[e.SerialNumber.String()]; !ok || w.reason != e.ReasonCode || !e.RevocationTime.Equal(noon) {
			t.Errorf("the library reads %d, reason %d", e.SerialNumber, e.ReasonCode)
		}
		// RFC 5280 5.3.1: reason 0 is absent rather than written.
		for _, x := range e.Extensions {
			if x.Id.String() == "2.5.29.21" && want[e.SerialNumber.String()].reason == certs.ReasonUnspecified {
				t.Error("unspecified is written")
			}
		}
	}
}

func TestNumbersRise(t *testing.T) {
	o := open(t)
	last := o.list(ca.PurposeIssuing)
	if again := o.list(ca.PurposeIssuing); again.Number.Cmp(last.Number) != 0 {
		t.Fatal("a second list in one second, with nothing new")
	}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"a second later", func() { o.now = o.now.Add(time.Second) }},
		{"a revocation", func() { o.revoke(o.issue(), certs.ReasonSuperseded, time.Time{}) }},
		{"after a restart, a second later", func() { o.restart(); o.now = o.now.Add(time.Second) }},
	} {
		step.do()
		next := o.list(ca.PurposeIssuing)
		if next.Number.Cmp(last.Number) <= 0 || next.ThisUpdate.Before(last.ThisUpdate) {
			t.Fatalf("%s: number %d after %d", step.name, next.Number, last.Number)
		}
		last = next
	}
	// A backup has a lower number than what was published since: the clock makes up
	// for it.
	if n := last.Number.Int64(); n < noon.UnixMilli() {
		t.Fatalf("number %d would come again after a backup was restored", n)
	}
}

// A revocation that was acknowledged is in the next list, in the same second
// too, and what was made worse stands as it is now.
func TestAListHoldsWhatWasAcknowledged(t *testing.T) {
	o := open(t)
	serial := o.issue()
	if _, found := o.list(ca.PurposeIssuing).Find(serial); found {
		t.Fatal("not revoked yet")
	}
	o.revoke(serial, certs.ReasonSuperseded, time.Time{})
	if r, found := o.list(ca.PurposeIssuing).Find(serial); !found || r.Reason != certs.ReasonSuperseded {
		t.Fatal("the revocation is not in the list:", r)
	}
	o.revoke(serial, certs.ReasonKeyCompromise, noon.Add(-time.Hour))
	if r, found := o.list(ca.PurposeIssuing).Find(serial); !found || r.Reason != certs.ReasonKeyCompromise || !r.InvalidityDate.Equal(noon.Add(-time.Hour)) {
		t.Fatal("the compromise is not in the list:", r)
	}
}

// A backup has the numbers of its day; what is published over it has higher ones than
// all that was published since.
func TestNumbersRiseOverARestoredFile(t *testing.T) {
	o := open(t)
	o.lists.Publish(t.Context())
	backup := o.snapshot()
	last := map[string]uint64{}
	for range 5 {
		o.now = o.now.Add(time.Minute)
		for _, name := range []string{"root", "issuing", "issuing-delta", "issuing-40"} {
			last[name] = o.fresh(name).Number
		}
	}
	o.now = o.now.Add(time.Second)
	o.restore(backup)
	for name, before := range last {
		if l := o.fresh(name); l.Number <= before {
			t.Errorf("%s: number %d, and %d was published", name, l.Number, before)
		}
	}
}

// Each generation of an issuing authority has lists of its own, which its own key
// signs.
func TestListsOfARenewedIssuer(t *testing.T) {
	o := open(t)
	old := o.issue()
	o.now = o.now.Add(time.Minute)
	if _, err := o.Renew(t.Context(), ca.PurposeIssuing, "test", "x"); err != nil {
		t.Fatal(err)
	}
	young := o.issue()
	o.revoke(old, certs.ReasonSuperseded, time.Time{})
	o.revoke(young, certs.ReasonKeyCompromise, time.Time{})
	o.now = o.now.Add(time.Minute)
	o.lists.Publish(t.Context())
	for issuer, serial := range map[string]*big.Int{"issuing": old, "issuing.2": young} {
		for _, name := range []string{issuer, issuer + "-" + ca.Shard(serial.Text(16))} {
			if got := reasons(o.fetch(name)); len(got) != 1 || got[serial.Text(16)] == 0 {
				t.Errorf("%s: %v", name, got)
			}
		}
		if l := o.fetch(issuer + "-delta"); l.Number == nil {
			t.Errorf("%s has no delta", issuer)
		}
	}
}
