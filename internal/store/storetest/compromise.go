package storetest

import (
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

// caMany: many are revoked in one act, or none of them.
func caMany(t *testing.T, b *bench) {
	s := b.CA()
	serials := []string{"0001", "002", "03", "4"}
	for i, serial := range serials {
		r := row(serial)
		r.Issuer = []string{"issuing", "root"}[i%2]
		b.issued(t, r)
	}
	since := morning.Add(-time.Hour)
	list := func(serials ...string) (out []ca.Revocation) {
		for _, serial := range serials {
			out = append(out, ca.Revocation{Serial: serial, At: morning, Reason: certs.ReasonKeyCompromise, Invalidity: since, Who: "x", Why: "y"})
		}
		return out
	}
	commit := func(a act.Act, l []ca.Revocation) (n int, err error) {
		n, err = s.CommitRevocations(t.Context(), a, l)
		if err != nil && n != 0 {
			t.Errorf("%d changed, %v", n, err)
		}
		return n, err
	}
	bad := b.act(t, ca.ActCompromised, "x", "x")
	b.unchanged(t, "one of them is not there", ca.ErrNotFound, func() error { _, err := commit(bad, list("0001", "77", "002")); return err })
	if r, err := s.Certificate(t.Context(), "0001"); err != nil || r.Revocation != nil {
		t.Fatalf("half of a list stands: %+v, %v", r.Revocation, err)
	}
	one := b.act(t, ca.ActRevoked, "002", "x")
	if _, err := s.CommitRevocation(t.Context(), one, ca.Revocation{Serial: "002", At: morning.Add(-time.Minute), Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	two := b.act(t, ca.ActRevoked, "03", "x")
	if _, err := s.CommitRevocation(t.Context(), two, list("03")[0]); err != nil {
		t.Fatal(err)
	}
	all := b.act(t, ca.ActCompromised, "x", "x")
	b.kept(t, "all of them", all, func() error {
		if n, err := commit(all, list(serials...)); err != nil || n != 3 {
			t.Errorf("%d changed, want 3: %v", n, err)
		}
		return nil
	})
	for _, serial := range serials {
		r, err := s.Certificate(t.Context(), serial)
		if err != nil || r.Revocation == nil || r.Revocation.Reason != certs.ReasonKeyCompromise || !r.Revocation.Invalidity.Equal(since) {
			t.Errorf("%s: %+v, %v", serial, r.Revocation, err)
		}
	}
	// The story of one that was revoked before has both.
	if told, err := s.Changes(t.Context(), "002"); err != nil || len(told) != 2 || told[0].Reason != certs.ReasonSuperseded || told[1].Reason != certs.ReasonKeyCompromise {
		t.Errorf("%+v, %v", told, err)
	}
	for issuer, want := range map[string]int{"issuing": 2, "root": 2} {
		rows, next, err := s.Certificates(t.Context(), ca.Filter{State: ca.StateRevoked, Issuer: issuer, Limit: 9}, morning)
		if err != nil || next != "" || len(rows) != want {
			t.Errorf("revoked by %s: %d, want %d: %v", issuer, len(rows), want, err)
		}
		if n, err := s.RevokedCount(t.Context(), issuer); err != nil || n < uint64(want) {
			t.Errorf("the count of %s, by which lists are made anew: %d, %v", issuer, n, err)
		}
	}
	again := b.act(t, ca.ActCompromised, "x", "x")
	b.unchanged(t, "a second time", ca.ErrRevoked, func() error { _, err := commit(again, list(serials...)); return err })
	b.unchanged(t, "an empty list", ca.ErrRevoked, func() error { _, err := commit(again, nil); return err })
}
