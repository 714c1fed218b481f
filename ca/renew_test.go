package ca_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

func (o *office) renew(p ca.Purpose) ca.Row {
	o.t.Helper()
	row, err := o.Renew(o.t.Context(), p, "test", "a new key")
	if err != nil {
		o.t.Fatal(err)
	}
	return row
}

func (o *office) renewDue() {
	o.t.Helper()
	if err := o.RenewDue(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) generations(p ca.Purpose) int {
	o.t.Helper()
	rows, err := o.History(o.t.Context(), p)
	if err != nil {
		o.t.Fatal(err)
	}
	return len(rows)
}

func TestRenewalIsRekey(t *testing.T) {
	o := fresh(t)
	for _, p := range purposes {
		if p == ca.PurposeRoot {
			if _, err := o.Renew(t.Context(), p, "test", "why"); !errors.Is(err, ca.ErrRefused) {
				t.Errorf("%s: a trust anchor was renewed: %v", p, err)
			}
			continue
		}
		before, err := o.Purpose(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		o.now = o.now.Add(time.Minute)
		row := o.renew(p)
		after, err := o.Signing(t.Context(), p)
		if err != nil || after.Row.Serial != row.Serial || row.Replaces != before.Row.Serial || row.KeyID == before.Row.KeyID ||
			after.Certificate.PublicKey.Equal(before.Certificate.PublicKey) || !row.NotBefore.Equal(o.now) {
			t.Errorf("%s: %+v in the place of %s: %v", p, row, before.Row.Serial, err)
		}
		if rows, err := o.History(t.Context(), p); err != nil || len(rows) != 2 || rows[0].Serial != before.Row.Serial || rows[1].Serial != row.Serial {
			t.Errorf("%s: the history has %d: %v", p, len(rows), err)
		}
	}
	want := o.rows()
	o.restart()
	o.agree()
	if d := cmp.Diff(want, o.rows()); d != "" {
		t.Fatal(d)
	}
	for _, c := range []struct {
		p        ca.Purpose
		who, why string
		want     error
	}{{"ca", "a", "b", ca.ErrNotFound}, {"ocsp.3", "a", "b", ca.ErrNotFound}, {"ocsp.02", "a", "b", ca.ErrNotFound}, {"ocsp.x", "a", "b", ca.ErrNotFound}, {".2", "a", "b", ca.ErrNotFound},
		{ca.PurposeTSA, "", "b", ca.ErrRefused}, {ca.PurposeTSA, "a", "", ca.ErrRefused}} {
		if _, err := o.Renew(t.Context(), c.p, c.who, c.why); !errors.Is(err, c.want) {
			t.Errorf("%q by %q: %v", c.p, c.who, err)
		}
	}
}

func TestANewIssuingCA(t *testing.T) {
	o := fresh(t)
	old, err := o.Issue(t.Context(), agencyOrder(request(t)))
	if err != nil {
		t.Fatal(err)
	}
	first := o.purpose(ca.PurposeIssuing)
	o.renew(ca.PurposeIssuing)
	o.restart()
	second := o.purpose(ca.PurposeIssuing)
	if second.Subject.CommonName != first.Subject.CommonName+" 第2代" || second.Subject.String() == first.Subject.String() {
		t.Fatalf("two issuers of one name: %s", second.Subject)
	}
	if err := second.CheckSignatureFrom(o.purpose(ca.PurposeRoot)); err != nil {
		t.Fatal(err)
	}
	names, err := o.Issuers(t.Context())
	if err != nil || !cmp.Equal(names, []string{"root", "issuing", "issuing.2"}) {
		t.Fatal(names, err)
	}
	for name, want := range map[string]*certs.Certificate{"root": o.purpose(ca.PurposeRoot), "issuing": first, "issuing.2": second} {
		c, err := o.Issuer(t.Context(), name)
		if err != nil || !c.Certificate.Equal(want) || c.Name != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"", "issuing.1", "issuing.3", "issuing.02", "issuing.+2", "issuing.2.2", "issuing.", "tsa", "root.2", "issuing.99999999999999999999"} {
		if _, err := o.Issuer(t.Context(), name); !errors.Is(err, ca.ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	row, err := o.Issue(t.Context(), agencyOrder(request(t)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := certs.ParseCertificate(row.DER)
	if err != nil || c.CheckSignatureFrom(second) != nil || row.Issuer != "issuing.2" || old.Issuer != "issuing" {
		t.Fatal(row.Issuer, old.Issuer, err)
	}
	if len(c.CRLURLs) != 1 || !strings.HasPrefix(c.CRLURLs[0], "https://seal.example/crl/issuing.2") || len(c.IssuerURLs) != 1 || c.IssuerURLs[0] != "https://seal.example/ca/issuing.2.cer" {
		t.Fatal("its addresses:", c.CRLURLs, c.IssuerURLs)
	}
	if chain, err := o.Chain(t.Context()); err != nil || len(chain) != 1 || !chain[0].Equal(second) {
		t.Fatal(err)
	}
	// What was issued before keeps the chain that it has.
	if tsa, err := o.Signing(t.Context(), ca.PurposeTSA); err != nil || len(tsa.Chain) != 1 || !tsa.Chain[0].Equal(first) {
		t.Fatal(err)
	}
	o.renew(ca.PurposeTSA)
	if tsa, err := o.Signing(t.Context(), ca.PurposeTSA); err != nil || len(tsa.Chain) != 1 || !tsa.Chain[0].Equal(second) {
		t.Fatal(err)
	}
}

// A responder speaks for the CA that issued its certificate, and stays with it.
func TestResponders(t *testing.T) {
	o := fresh(t)
	o.renew(ca.PurposeIssuing)
	o.renew(ca.PurposeOCSP)
	o.renew("ocsp.2")
	for issuer, want := range map[string]ca.Purpose{"issuing": "ocsp", "issuing.2": "ocsp.2"} {
		p, ok := ca.Responder(issuer)
		c, err := o.Signing(t.Context(), p)
		by, ierr := o.Issuer(t.Context(), issuer)
		if !ok || p != want || err != nil || ierr != nil || c.Row.Issuer != issuer || c.Certificate.CheckSignatureFrom(by.Certificate) != nil || o.generations(p) != 2 {
			t.Errorf("%s: %s by %s: %v %v", issuer, p, c.Row.Issuer, err, ierr)
		}
	}
	for issuer, want := range map[string]ca.Purpose{"root": ca.PurposeOCSPRoot, "issuing": ca.PurposeOCSP, "issuing.2": "ocsp.2"} {
		if c, err := o.Authority.Responder(t.Context(), issuer); err != nil || c.Row.Purpose != want || c.Row.Issuer != issuer {
			t.Errorf("%s is answered for by %s of %s: %v", issuer, c.Row.Purpose, c.Row.Issuer, err)
		}
	}
	for _, issuer := range []string{"tsa", "issuing.1", "", "root.2"} {
		if p, ok := ca.Responder(issuer); ok {
			t.Errorf("%q has the responder %s", issuer, p)
		}
	}
}

// Every write of a renewal fails once, persisted or not, and the process dies; so
// it does between the key and the intent.
func TestRenewalFaults(t *testing.T) {
	type made struct {
		p     ca.Purpose
		rows  int // certificates that the renewal makes
		order int // the nth of them fails
	}
	for _, m := range []made{{ca.PurposeTSA, 1, 1}, {ca.PurposeJournal, 1, 1}, {ca.PurposeIssuing, 2, 1}, {ca.PurposeIssuing, 2, 2}} {
		for _, write := range []string{"intent", "certificate"} {
			for _, persisted := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %s %d, persisted %t", m.p, write, m.order, persisted), func(t *testing.T) {
					o := fresh(t)
					before := len(o.rows())
					o.kill()
					o.wrap = func(s ca.Store) ca.Store {
						return &faulty{s, map[string]*fault{write: {m.order, persisted}, "abandoned": {1, false}}}
					}
					o.open(false)
					o.start()
					_, err := o.Renew(t.Context(), m.p, "test", "a new key")
					if m.order == 1 && !errors.Is(err, errDisk) || m.order == 2 && err != nil {
						t.Fatal(err)
					}
					o.restart()
					o.agree()
					if m.order == 1 && !(write == "certificate" && persisted) {
						if n := o.generations(m.p); n != 1 {
							t.Fatalf("%d generations after a renewal that failed", n)
						}
						o.renew(m.p)
					}
					if n := o.generations(m.p); n != 2 {
						t.Fatalf("%d generations", n)
					}
					rows := o.rows()
					keys, err := o.keys.List(t.Context())
					if err != nil || len(rows) != before+m.rows || len(keys) != len(rows) {
						t.Fatalf("%d certificates on %d keys: %v", len(rows)-before, len(keys), err)
					}
					if _, err := o.Signing(t.Context(), m.p); err != nil {
						t.Fatal(err)
					}
				})
			}
		}
	}
}

func TestARenewalTakesTheKeyThatWasMade(t *testing.T) {
	o := fresh(t)
	left, err := o.keys.Generate(t.Context(), "ca tsa 2", hsm.UsageSign)
	if err != nil {
		t.Fatal(err)
	}
	o.restart()
	if row := o.renew(ca.PurposeTSA); row.KeyID != left.Info().ID {
		t.Fatal("another key was made")
	}
	if row := o.renew(ca.PurposeTSA); row.KeyID == left.Info().ID {
		t.Fatal("a key was certified twice")
	}
}

func TestServicesRenewThemselves(t *testing.T) {
	o := fresh(t)
	at := func(after time.Duration, want map[ca.Purpose]int) {
		t.Helper()
		o.now = noon.Add(after)
		o.renewDue()
		if n := want[ca.PurposeOCSP]; n > 0 { // both answer for 90 days
			want[ca.PurposeOCSPRoot] = n
		}
		for _, p := range purposes {
			n := 1
			if want[p] > 0 {
				n = want[p]
			}
			if got := o.generations(p); got != n {
				t.Errorf("after %s: %s has %d generations, not %d", after, p, got, n)
			}
		}
	}
	at(0, nil)
	at(60*day-2*time.Second, nil)
	at(60*day, map[ca.Purpose]int{ca.PurposeOCSP: 2})
	at(60*day+time.Second, map[ca.Purpose]int{ca.PurposeOCSP: 2})
	// The authority of times signs for a year; its certificate lives for five.
	at(year, map[ca.Purpose]int{ca.PurposeOCSP: 3, ca.PurposeTSA: 2})
	at(year+2*time.Hour, map[ca.Purpose]int{ca.PurposeOCSP: 3, ca.PurposeTSA: 2})
	two := map[ca.Purpose]int{ca.PurposeOCSP: 4, ca.PurposeTSA: 2, ca.PurposeStatus: 2, ca.PurposeQR: 2, ca.PurposeJournal: 2, ca.PurposeTrustList: 2}
	at(2*year*2/3, two)
	rows, err := o.History(t.Context(), ca.PurposeTSA)
	if err != nil || rows[0].NotAfter.Sub(o.now) < 3*year {
		t.Fatal("a time-stamp of yesterday's key cannot be checked for long:", err)
	}
	for i, want := range []hsm.State{hsm.Suspended, hsm.Active} {
		if k, err := o.keys.Key(t.Context(), rows[i].KeyID); err != nil || k.Info().State != want {
			t.Fatalf("key %d of the TSA is %s: %v", i, k.Info().State, err)
		}
	}
	o.restart()
	o.agree()
}

// Near the end of the issuing CA a renewal would gain nothing, and be done over and
// over; a new issuing CA sets it right.
func TestNoRenewalWithoutGain(t *testing.T) {
	o := fresh(t)
	o.now = noon.Add(9*year + 300*day)
	o.renewDue()
	n := len(o.rows())
	for range 50 {
		o.now = o.now.Add(day)
		o.renewDue()
	}
	if got := len(o.rows()); got != n {
		t.Fatalf("%d renewals in 50 days that gained nothing", got-n)
	}
	o.renew(ca.PurposeIssuing)
	o.renewDue()
	if row, err := o.Signing(t.Context(), ca.PurposeTSA); err != nil || row.Row.Issuer != "issuing.2" || row.Row.NotAfter.Sub(o.now) < 4*year {
		t.Fatal(row.Row.Issuer, row.Row.NotAfter, err)
	}
	o.agree()
}

func TestNothingSignsOnceItEnded(t *testing.T) {
	o := fresh(t)
	ended := func(p ca.Purpose, what string) {
		t.Helper()
		if _, err := o.Signing(t.Context(), p); !errors.Is(err, ca.ErrEnded) || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", p, err)
		}
	}
	revoke := func(p ca.Purpose) {
		t.Helper()
		c, err := o.Purpose(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: c.Row.Serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "lost"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := o.Signing(t.Context(), ca.PurposeTSA); err != nil {
		t.Fatal(err)
	}
	revoke(ca.PurposeTSA)
	ended(ca.PurposeTSA, "revoked")
	o.renewDue() // a person must look first
	ended(ca.PurposeTSA, "revoked")
	o.renew(ca.PurposeTSA)
	if _, err := o.Signing(t.Context(), ca.PurposeTSA); err != nil {
		t.Fatal(err)
	}
	revoke(ca.PurposeIssuing)
	ended(ca.PurposeTSA, "its issuer's certificate is revoked")
	if _, err := o.Renew(t.Context(), ca.PurposeTSA, "test", "why"); !errors.Is(err, ca.ErrRefused) {
		t.Error("by a revoked issuer:", err)
	}
	o.renewDue()
	ended(ca.PurposeStatus, "its issuer's certificate is revoked")
	o.renew(ca.PurposeIssuing)
	o.renewDue()
	for _, p := range []ca.Purpose{ca.PurposeTSA, ca.PurposeStatus, ca.PurposeJournal, "ocsp.2"} {
		if c, err := o.Signing(t.Context(), p); err != nil || c.Row.Issuer != "issuing.2" {
			t.Errorf("%s by %s: %v", p, c.Row.Issuer, err)
		}
	}
	ended(ca.PurposeOCSP, "its issuer's certificate is revoked")
	o.now = o.now.Add(20 * year)
	ended(ca.PurposeTSA, "ended at")
	o.now = noon.Add(-time.Hour)
	ended(ca.PurposeTSA, "begins at")
	o.now = noon
	o.restart()
	o.agree()
}

// Signing goes on while certificates are renewed and revoked, and never with a key
// that is not the certificate's.
func TestRenewalUnderLoad(t *testing.T) {
	o := fresh(t)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				c, err := o.Signing(t.Context(), ca.PurposeTSA)
				if err != nil || !c.Key.Public().Equal(c.Certificate.PublicKey) {
					t.Error(err)
					return
				}
			}
		})
	}
	var renewals sync.WaitGroup
	for range 4 {
		renewals.Go(func() {
			if _, err := o.Renew(t.Context(), ca.PurposeTSA, "test", "at once"); err != nil {
				t.Error(err)
			}
		})
	}
	renewals.Wait()
	close(done)
	wg.Wait()
	if n := o.generations(ca.PurposeTSA); n != 5 {
		t.Fatalf("%d generations", n)
	}
	o.restart()
	o.agree()
}

func BenchmarkSigning(b *testing.B) {
	o := fresh(b)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := o.Signing(b.Context(), ca.PurposeTSA); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// The register's order is that of time; a clock that was set back must not give the
// old issuer the new one's name.
func TestGenerationsOverAClockSetBack(t *testing.T) {
	o := fresh(t)
	first := o.purpose(ca.PurposeIssuing)
	o.now = noon.Add(-time.Minute)
	if _, err := o.Renew(t.Context(), ca.PurposeIssuing, "test", "why"); !errors.Is(err, ca.ErrRefused) {
		t.Fatal("an issuer that has not begun signs:", err)
	}
	o.now = noon.Add(2 * time.Minute)
	second := o.renew(ca.PurposeIssuing)
	o.now = noon.Add(time.Minute)
	third := o.renew(ca.PurposeIssuing)
	o.restart()
	for name, want := range map[string]string{"issuing": fmt.Sprintf("%x", first.Serial), "issuing.2": second.Serial, "issuing.3": third.Serial} {
		if c, err := o.Issuer(t.Context(), name); err != nil || c.Row.Serial != want {
			t.Errorf("%s is %s, not %s: %v", name, c.Row.Serial, want, err)
		}
	}
}
