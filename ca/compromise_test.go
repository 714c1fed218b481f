package ca_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

func (f *faulty) CommitRevocations(ctx context.Context, a act.Act, list []ca.Revocation) (n int, err error) {
	err = f.do("revocations", func() error {
		n, err = f.Store.CommitRevocations(ctx, a, list)
		return err
	})
	return n, err
}

// The one write fails, persisted or not: after the next start all of the list is
// revoked or nothing is, and a second run makes it whole.
func TestManyRevokedOverAFault(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		t.Run(fmt.Sprintf("persisted %t", persisted), func(t *testing.T) {
			o := fresh(t)
			o.kill()
			o.wrap = func(s ca.Store) ca.Store { return &faulty{s, map[string]*fault{"revocations": {1, persisted}}} }
			o.open(false)
			o.start()
			issuing := o.purposeRow(ca.PurposeIssuing).Serial
			r := ca.CompromiseRequest{Suspect: ca.Suspect{Issuer: "issuing", Since: noon}, Serials: []string{issuing}, Who: "test", Why: "x"}
			for range 5 {
				r.Serials = append(r.Serials, o.issue().Serial)
			}
			o.now = noon.Add(time.Hour)
			if _, err := o.RevokeAll(t.Context(), r); !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			// Whatever stands in the register counts at once in this process.
			if _, err := o.Issue(t.Context(), agencyOrder(request(t))); persisted != errors.Is(err, ca.ErrRefused) || !persisted && err != nil {
				t.Fatal("issued after it:", err)
			}
			o.wrap = nil
			before := o.leaves()
			o.restart()
			for _, serial := range r.Serials {
				if row, err := o.Certificate(t.Context(), serial); err != nil || (row.Revocation != nil) != persisted {
					t.Fatalf("half of the list stands: %s %+v, %v", serial, row.Revocation, err)
				}
			}
			done, err := o.RevokeAll(t.Context(), r)
			if n := o.leaves() - before; persisted && n != 0 || !persisted && n != 1 {
				t.Errorf("the second run left %d leaves", n)
			}
			if persisted != errors.Is(err, ca.ErrRevoked) || !persisted && (err != nil || done.Changed != 6) {
				t.Fatal("the second run:", done.Changed, err)
			}
			for _, serial := range r.Serials {
				row, err := o.Certificate(t.Context(), serial)
				if err != nil || row.Revocation == nil || row.Revocation.Reason != certs.ReasonCACompromise || row.KeyLost() != (serial == issuing) || !row.Revocation.Invalidity.Equal(noon) {
					t.Errorf("%s: %+v, %v", serial, row.Revocation, err)
				}
			}
			// Known to be older after all: the list is made worse, in an act of its own.
			r.Since = noon.Add(-time.Hour)
			if done, err := o.RevokeAll(t.Context(), r); err != nil || done.Changed != 6 || !done.At.Equal(o.now) {
				t.Error("since an earlier time:", done.Changed, err)
			}
			o.restart()
			o.leaves()
		})
	}
}

// Whose key was lost decides the reason: an authority's, for all that stands below
// it, whose holders go on with their keys; or the holder's own.
func TestWhoseKeyWasLost(t *testing.T) {
	o := fresh(t)
	csr := request(t)
	row, err := o.Issue(t.Context(), agencyOrder(csr))
	if err != nil {
		t.Fatal(err)
	}
	issuing := o.purposeRow(ca.PurposeIssuing).Serial
	o.now = noon.Add(time.Hour)
	below := ca.CompromiseRequest{Suspect: ca.Suspect{Serial: issuing, Since: noon}, Serials: []string{row.Serial, issuing}, Who: "test", Why: "x"}
	if _, err := o.RevokeAll(t.Context(), below); err != nil {
		t.Fatal(err)
	}
	reason := func(want int, since time.Time) {
		t.Helper()
		got, err := o.Certificate(t.Context(), row.Serial)
		if err != nil || got.Revocation.Reason != want || !got.Revocation.Invalidity.Equal(since) {
			t.Errorf("%+v %v", got.Revocation, err)
		}
	}
	reason(certs.ReasonCACompromise, noon)
	if _, err := o.Renew(t.Context(), ca.PurposeIssuing, "test", "x"); err != nil {
		t.Fatal(err)
	}
	again, err := o.Issue(t.Context(), agencyOrder(csr))
	if err != nil {
		t.Fatal("an innocent key is refused:", err)
	}
	own := ca.CompromiseRequest{Suspect: ca.Suspect{Serial: row.Serial, Since: noon.Add(time.Minute)}, Serials: []string{row.Serial}, Who: "test", Why: "x"}
	if _, err := o.RevokeAll(t.Context(), own); err != nil {
		t.Fatal(err)
	}
	reason(certs.ReasonKeyCompromise, noon) // the earlier of the two times stays
	if _, err := o.Issue(t.Context(), agencyOrder(csr)); !errors.Is(err, ca.ErrKeyCompromised) {
		t.Error("a lost key is certified again:", err)
	}
	// The authority was lost earlier than was thought: the time moves, the reason stays.
	below.Since, below.Serials = noon.Add(-time.Hour), []string{row.Serial, again.Serial, issuing}
	if done, err := o.RevokeAll(t.Context(), below); err != nil || done.Changed != 3 {
		t.Fatal(done, err)
	}
	reason(certs.ReasonKeyCompromise, noon.Add(-time.Hour))
}

// leaves counts the journal's, each of which has its act.
func (o *office) leaves() uint64 {
	o.t.Helper()
	leaves, err := o.db.Journal().JournalSize(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	if acts, err := o.db.Journal().CountActs(o.t.Context()); err != nil || acts != leaves {
		o.t.Fatalf("%d acts under %d leaves, %v", acts, leaves, err)
	}
	return leaves
}
