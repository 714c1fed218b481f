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
	var story []ca.Change
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
		if c.err == nil {
			story = append(story, ca.Change{Act: ca.ActRevoked, Revocation: c.r})
		}
		if told, err := s.Changes(t.Context(), "01"); err != nil || !same(told, story) {
			t.Errorf("%s: told: %v %s", c.name, err, diff(story, told))
		}
		list, err := b.CRLs().Revoked(t.Context(), "issuing", "", "", 10)
		if err != nil || len(list) != 1 || !same(list[0], *got.Revocation) {
			t.Errorf("%s: the list has %+v, %v", c.name, list, err)
		}
	}
}

// caHold: a hold is ended by a release or by a revocation, and by nothing else; all
// that happened is to be had.
func caHold(t *testing.T, b *bench) {
	s := b.CA()
	want := b.issued(t, row("01"))
	hold := ca.Revocation{Serial: "01", At: morning, Reason: certs.ReasonCertificateHold, Who: "x", Why: "y"}
	release := ca.Revocation{Serial: "01", At: morning.Add(time.Hour), Reason: certs.ReasonRemoveFromCRL, Who: "z", Why: "found"}
	lost := ca.Revocation{Serial: "01", At: morning.Add(2 * time.Hour), Reason: certs.ReasonKeyCompromise, Invalidity: morning.Add(time.Hour), Who: "x", Why: "y"}
	var story []ca.Change
	for _, c := range []struct {
		name   string
		act    string
		r      ca.Revocation
		err    error
		stands *ca.Revocation
	}{
		{"released before it was held", ca.ActReleased, release, ca.ErrNotHeld, nil}, {"held", ca.ActHeld, hold, nil, &hold}, {"held again", ca.ActHeld, hold, ca.ErrRevoked, &hold},
		{"released", ca.ActReleased, release, nil, nil}, {"released again", ca.ActReleased, release, ca.ErrNotHeld, nil}, {"held once more", ca.ActHeld, hold, nil, &hold},
		// Since the hold it has counted as revoked.
		{"revoked", ca.ActRevoked, lost, nil, &ca.Revocation{Serial: "01", At: morning, Reason: certs.ReasonKeyCompromise, Invalidity: morning, Who: "x", Why: "y"}},
		{"released for all that", ca.ActReleased, release, ca.ErrNotHeld, &ca.Revocation{Serial: "01", At: morning, Reason: certs.ReasonKeyCompromise, Invalidity: morning, Who: "x", Why: "y"}},
		{"held after all", ca.ActHeld, hold, ca.ErrRevoked, &ca.Revocation{Serial: "01", At: morning, Reason: certs.ReasonKeyCompromise, Invalidity: morning, Who: "x", Why: "y"}},
	} {
		a := b.act(t, c.act, "01", c.r)
		before := b.size(t)
		do := s.CommitRevocation
		if c.act == ca.ActReleased {
			do = s.CommitRelease
		}
		got, err := do(t.Context(), a, c.r)
		check(t, c.name, err, c.err)
		if c.err == nil {
			story = append(story, ca.Change{Act: c.act, Revocation: c.r})
		}
		want.Revocation = c.stands
		if c.err == nil && !same(got, want) {
			t.Errorf("%s: answered: %s", c.name, diff(want, got))
		}
		if got, err := s.Certificate(t.Context(), "01"); err != nil || !same(got, want) {
			t.Errorf("%s: kept: %v %s", c.name, err, diff(want, got))
		}
		if told, err := s.Changes(t.Context(), "01"); err != nil || !same(told, story) {
			t.Errorf("%s: told: %v %s", c.name, err, diff(story, told))
		}
		if revoked, err := b.Seals().CertificateRevoked(t.Context(), "01"); err != nil || revoked != (c.stands != nil) {
			t.Errorf("%s: the seal office is told %v: %v", c.name, revoked, err)
		}
		list, err := b.CRLs().Revoked(t.Context(), "issuing", "", "", 10)
		if err != nil || (len(list) == 1) != (c.stands != nil) {
			t.Errorf("%s: listed: %v %v", c.name, list, err)
		}
		if n, err := s.RevokedCount(t.Context(), "issuing"); err != nil || n != uint64(len(story)) {
			t.Errorf("%s: %d changes are counted: %v", c.name, n, err)
		}
		if grown := b.size(t) - before; (c.err == nil) != (grown == 1) {
			t.Errorf("%s: %d leaves", c.name, grown)
		}
	}
	_, err := s.CommitRelease(t.Context(), b.act(t, ca.ActReleased, "02", release), ca.Revocation{Serial: "02"})
	check(t, "a certificate that is not there", err, ca.ErrNotFound)
	_, err = s.Changes(t.Context(), "02")
	check(t, "its story", err, ca.ErrNotFound)
	if story, err := s.Changes(t.Context(), b.issued(t, row("0")).Serial); err != nil || len(story) != 0 {
		t.Errorf("of one whose serial begins another's: %v %v", story, err)
	}
}

// caCount: each issuer's and each shard's changes are counted apart.
func caCount(t *testing.T, b *bench) {
	s := b.CA()
	counts := map[string]uint64{"nobody": 0}
	for i, scope := range []struct{ issuer, shard string }{{"issuing", "41"}, {"issu", "41"}, {"issuing", "4f"}, {"root", "7f"}, {"issuing", "41"}, {"issuing.2", "41"}} {
		r := row(fmt.Sprintf("%s%02d", scope.shard, i))
		r.Issuer = scope.issuer
		b.issued(t, r)
		rev := ca.Revocation{Serial: r.Serial, At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
		if _, err := s.CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, r.Serial, rev), rev); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, r.Serial, rev), rev); !errors.Is(err, ca.ErrRevoked) {
			t.Fatal(err)
		}
		counts[scope.issuer]++
		counts[scope.issuer+"-"+scope.shard]++
		for name, want := range counts {
			if n, err := s.RevokedCount(t.Context(), name); err != nil || n != want {
				t.Errorf("%s counts %d, want %d: %v", name, n, want, err)
			}
		}
	}
}
