package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

func caRevocation(t *testing.T, b *bench) {
	s := b.CA()
	rev := ca.Revocation{Serial: "01", At: morning, Reason: certs.ReasonSuperseded, Who: "李四", Why: "变更"}
	a := b.act(t, ca.ActRevoked, "01", rev)
	b.unchanged(t, "of an unknown certificate", ca.ErrNotFound, func() error { _, err := s.CommitRevocation(t.Context(), a, rev); return err })
	if _, err := s.Revocation(t.Context(), "01"); !errors.Is(err, ca.ErrNotFound) {
		t.Error("of an unknown certificate:", err)
	}
	check(t, "an intent", s.PutIntent(t.Context(), intent("07", 7)), nil)
	if _, err := s.Revocation(t.Context(), "07"); !errors.Is(err, ca.ErrNotFound) {
		t.Error("of an intent:", err)
	}
	want := b.issued(t, row("01"))
	if got, err := s.Revocation(t.Context(), "01"); err != nil || got != nil {
		t.Error("revoked before it was:", got, err)
	}
	if revoked, err := b.Seals().CertificateRevoked(t.Context(), "01"); revoked || err != nil {
		t.Error("revoked before it was", err)
	}
	var got ca.Row
	b.kept(t, "a revocation", a, func() (err error) { got, err = s.CommitRevocation(t.Context(), a, rev); return err })
	want.Revocation = &rev
	if !same(got, want) {
		t.Errorf("answered: %s", diff(want, got))
	}
	if got, err := s.Certificate(t.Context(), "01"); err != nil || !same(got, want) {
		t.Errorf("kept: %v %s", err, diff(want, got))
	}
	if got, err := s.Revocation(t.Context(), "01"); err != nil || got == nil || !same(*got, rev) {
		t.Errorf("its revocation: %+v, %v", got, err)
	}
	if revoked, err := b.Seals().CertificateRevoked(t.Context(), "01"); !revoked || err != nil {
		t.Error("the seal office does not know", err)
	}
	again := b.act(t, ca.ActRevoked, "01", rev)
	b.unchanged(t, "twice", ca.ErrRevoked, func() error { _, err := s.CommitRevocation(t.Context(), again, rev); return err })
}

// caWorse: a revocation is only ever made worse, and its time stays.
func caWorse(t *testing.T, b *bench) {
	s := b.CA()
	b.issued(t, row("01"))
	first := ca.Revocation{Serial: "01", At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
	compromised := ca.Revocation{Serial: "01", At: morning.Add(time.Hour), Reason: certs.ReasonKeyCompromise, Invalidity: morning.Add(-time.Hour), Who: "x", Why: "y"}
	earlier := compromised
	earlier.Invalidity = morning.Add(-2 * time.Hour)
	later := compromised
	later.Invalidity = morning.Add(-time.Minute)
	for _, c := range []struct {
		name string
		r    ca.Revocation
		err  error
		want time.Time // since when
	}{
		{"superseded", first, nil, time.Time{}}, {"compromised", compromised, nil, compromised.Invalidity}, {"superseded again", first, ca.ErrRevoked, compromised.Invalidity},
		{"since later", later, ca.ErrRevoked, compromised.Invalidity}, {"since earlier", earlier, nil, earlier.Invalidity}, {"the same", earlier, ca.ErrRevoked, earlier.Invalidity},
	} {
		a := b.act(t, ca.ActRevoked, "01", c.r)
		before := b.size(t)
		_, err := s.CommitRevocation(t.Context(), a, c.r)
		check(t, c.name, err, c.err)
		if grown := b.size(t) - before; (c.err == nil) != (grown == 1) {
			t.Errorf("%s: %d leaves", c.name, grown)
		}
		got, err := s.Certificate(t.Context(), "01")
		if err != nil || got.Revocation == nil || !got.Revocation.At.Equal(morning) || !got.Revocation.Invalidity.Equal(c.want) {
			t.Errorf("%s: it stands as %+v, %v", c.name, got.Revocation, err)
		}
		list, err := s.Revoked(t.Context(), "issuing")
		if err != nil || len(list) != 1 || !same(list[0], *got.Revocation) {
			t.Errorf("%s: the list has %+v, %v", c.name, list, err)
		}
	}
}

func caRevoked(t *testing.T, b *bench) {
	s := b.CA()
	const n = 6
	for i := range n {
		r := row(fmt.Sprintf("%0*d", i+1, 0))
		r.Issuer = []string{"issuing", "issu", "root"}[i%3]
		b.issued(t, r)
	}
	counts := map[string]uint64{}
	for i := range n {
		issuer, serial := []string{"issuing", "issu", "root"}[i%3], fmt.Sprintf("%0*d", i+1, 0)
		before, err := s.RevokedCount(t.Context(), issuer)
		if err != nil || before != counts[issuer] {
			t.Fatalf("%s counts %d, want %d: %v", issuer, before, counts[issuer], err)
		}
		rev := ca.Revocation{Serial: serial, At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
		if _, err := s.CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, serial, rev), rev); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, serial, rev), rev); !errors.Is(err, ca.ErrRevoked) {
			t.Fatal(err)
		}
		counts[issuer]++
		list, err := s.Revoked(t.Context(), issuer)
		if err != nil || uint64(len(list)) != counts[issuer] {
			t.Fatalf("%s lists %d, want %d: %v", issuer, len(list), counts[issuer], err)
		}
	}
	if list, err := s.Revoked(t.Context(), "nobody"); err != nil || len(list) != 0 {
		t.Errorf("nobody's: %v, %v", list, err)
	}
}
