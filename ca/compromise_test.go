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
				want := certs.ReasonKeyCompromise
				if serial == issuing {
					want = certs.ReasonCACompromise
				}
				row, err := o.Certificate(t.Context(), serial)
				if err != nil || row.Revocation == nil || row.Revocation.Reason != want || !row.Revocation.Invalidity.Equal(noon) {
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
