package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/seal"
)

// draft is a stamp with its act and a guard that holds as long as nothing
// changes.
type draft struct {
	act   act.Act
	stamp seal.Stamp
	guard seal.Guard
}

func (b *bench) draft(t testing.TB, s seal.Seal) draft {
	t.Helper()
	id := b.act(t, "x", "x", "x").ID
	d := draft{stamp: seal.Stamp{ID: id, SealID: s.ID, SealVersion: s.Version, SealSM3: s.SM3, Agency: usccA, Operator: "张三", Matter: "000101", Reason: "事由",
		Format: "pdf", SealedAt: b.now.Truncate(time.Second), Claimed: b.now.Truncate(time.Second), DataHash: [32]byte{7}, Code: "CODE" + id.String(),
		Expected: 2, Placement: &seal.Place{Page: -1, X: 12.5, Y: 30}, Stripped: []byte("stripped"), Pages: 3},
		guard: seal.Guard{SealID: s.ID, SealVersion: s.Version, KeyID: s.KeyID, CertSerial: s.CertSerial, Agency: usccA}}
	d.act = b.act(t, seal.ActStamped, s.ID, d.stamp)
	d.act.ID = id
	return d
}

func (b *bench) commit(t testing.TB, d draft) error {
	return b.Seals().CommitStamp(t.Context(), d.act, d.stamp, d.guard)
}

// sealed makes a seal that can stamp.
func (b *bench) sealed(t testing.TB, n int) seal.Seal {
	t.Helper()
	s := newSeal(n)
	s.CertSerial = fmt.Sprintf("%0*d", n, 1)
	b.issued(t, row(s.CertSerial))
	return b.make(t, s)
}

func stampKept(t *testing.T, b *bench) {
	d := b.draft(t, b.sealed(t, 1))
	d.act.Retry = &act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	b.kept(t, "a stamp", d.act, func() error { return b.commit(t, d) })
	if got, err := b.Seals().Stamp(t.Context(), d.stamp.ID); err != nil || !same(got, d.stamp) {
		t.Errorf("%v %s", err, diff(d.stamp, got))
	}
	if got, err := b.Seals().StampByCode(t.Context(), d.stamp.Code); err != nil || !same(got, d.stamp) {
		t.Errorf("by its code: %v %s", err, diff(d.stamp, got))
	}
	if done, found, err := b.Seals().Done(t.Context(), d.act.Retry.Slot(), b.now); err != nil || !found || done.Act != d.stamp.ID {
		t.Error(done, found, err)
	}
	other := b.act(t, "test.act", "x", map[string]int{"n": 1})
	check(t, "another act", b.Commit(t.Context(), other), nil)
	for name, id := range map[string]act.ID{"an unknown stamp": {1}, "an act that is no stamp": other.ID} {
		_, err := b.Seals().Stamp(t.Context(), id)
		check(t, name, err, seal.ErrNotFound)
	}
	_, err := b.Seals().StampByCode(t.Context(), "CODE")
	check(t, "an unknown code", err, seal.ErrNotFound)
}

// stampGuard: what the guard names must hold when the stamp is committed.
func stampGuard(t *testing.T, b *bench) {
	for _, id := range []string{usccA, usccB} {
		a := agency.Agency{ID: id, Name: "局", Region: "520000", State: agency.Active, Created: morning}
		check(t, "an agency", b.Agencies().AddAgency(t.Context(), a, b.act(t, agency.ActAgencyAdded, id, a)), nil)
	}
	key := agency.APIKey{ID: "00000001", Agency: usccB, Scopes: []string{agency.ScopeStamp}, Created: morning, Expires: morning.AddDate(1, 0, 0)}
	check(t, "a bearer key", b.Agencies().AddKey(t.Context(), key, b.act(t, agency.ActKeyCreated, key.ID, key)), nil)
	s := b.sealed(t, 1)
	revoke := func() error {
		rev := ca.Revocation{Serial: s.CertSerial, At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
		_, err := b.CA().CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, s.CertSerial, rev), rev)
		return err
	}
	for _, c := range []struct {
		name   string
		before func() error
		guard  func(g *seal.Guard)
		want   error
	}{
		{"nothing changed", nil, nil, nil},
		{"with a bearer key", nil, func(g *seal.Guard) { g.Agency, g.Key = usccB, key.ID }, nil},
		{"an agency that is in no register", nil, func(g *seal.Guard) { g.Agency = "11330000MB1234567X" }, nil},
		{"an unknown bearer key", nil, func(g *seal.Guard) { g.Key = "00000009" }, seal.ErrChanged},
		{"an expired bearer key", func() error { b.now = key.Expires; return nil }, func(g *seal.Guard) { g.Agency, g.Key = usccB, key.ID }, seal.ErrChanged},
		{"back in time", func() error { b.now = morning.Add(time.Hour); return nil }, func(g *seal.Guard) { g.Agency, g.Key = usccB, key.ID }, nil},
		{"a bearer key revoked", func() error {
			return b.Agencies().RevokeKey(t.Context(), key.ID, b.now, b.act(t, agency.ActKeyRevoked, key.ID, "x"))
		}, func(g *seal.Guard) { g.Agency, g.Key = usccB, key.ID }, seal.ErrChanged},
		{"the agency closed", func() error {
			return b.Agencies().CloseAgency(t.Context(), usccB, b.act(t, agency.ActAgencyClosed, usccB, "x"))
		}, func(g *seal.Guard) { g.Agency = usccB }, seal.ErrChanged},
		{"no such seal", nil, func(g *seal.Guard) { g.SealID = "52000000000099" }, seal.ErrNotFound},
		{"an old version", func() error { s = b.change(t, s); return nil }, func(g *seal.Guard) { g.SealVersion-- }, seal.ErrChanged},
		{"the new version", nil, nil, nil},
		{"a version to come", nil, func(g *seal.Guard) { g.SealVersion++ }, seal.ErrChanged},
		{"the certificate revoked", revoke, nil, seal.ErrChanged},
	} {
		if c.before != nil {
			check(t, c.name, c.before(), nil)
		}
		d := b.draft(t, s)
		d.act.Retry = &act.Retry{Owner: usccA, Key: c.name}
		if c.guard != nil {
			c.guard(&d.guard)
		}
		if c.want == nil {
			b.kept(t, c.name, d.act, func() error { return b.commit(t, d) })
			continue
		}
		b.unchanged(t, c.name, c.want, func() error { return b.commit(t, d) })
		b.untraced(t, c.name, d)
	}
}

// untraced: nothing of a stamp that failed is anywhere.
func (b *bench) untraced(t testing.TB, name string, d draft) {
	t.Helper()
	_, err := b.Seals().Stamp(t.Context(), d.stamp.ID)
	check(t, name+", the stamp", err, seal.ErrNotFound)
	_, err = b.Seals().StampByCode(t.Context(), d.stamp.Code)
	check(t, name+", its code", err, seal.ErrNotFound)
	rows, _, err := b.Seals().Stamps(t.Context(), seal.Filter{SealID: d.stamp.SealID, Limit: 1000})
	for _, r := range rows {
		if r.ID == d.stamp.ID {
			t.Errorf("%s: it is in the list", name)
		}
	}
	check(t, name+", the list", err, nil)
	if d.act.Retry == nil {
		return
	}
	if _, found, err := b.Seals().Done(t.Context(), d.act.Retry.Slot(), b.now); found || err != nil {
		t.Errorf("%s: its retry key is taken, %v", name, err)
	}
}

// stampQuota: exactly so many a day and seal, whoever else is committing, and
// what fails for another reason does not count.
func stampQuota(t *testing.T, b *bench) {
	s, other := b.sealed(t, 1), b.sealed(t, 2)
	const quota = 7
	limited := func(s seal.Seal, day string) draft {
		d := b.draft(t, s)
		d.guard.PerDay, d.guard.Day = quota, day
		return d
	}
	for range 3 {
		d := limited(s, "2026-11-24")
		d.guard.SealVersion++
		b.unchanged(t, "of another version", seal.ErrChanged, func() error { return b.commit(t, d) })
	}
	for _, c := range []struct {
		seal seal.Seal
		day  string
	}{{s, "2026-11-24"}, {other, "2026-11-24"}, {s, "2026-11-25"}} {
		var wg sync.WaitGroup
		drafts, errs := make([]draft, 3*quota), make([]error, 3*quota)
		for i := range drafts {
			drafts[i] = limited(c.seal, c.day)
			wg.Go(func() { errs[i] = b.commit(t, drafts[i]) })
		}
		wg.Wait()
		made := 0
		for i, err := range errs {
			switch {
			case err == nil:
				made++
			case errors.Is(err, seal.ErrQuota):
				b.untraced(t, "over the quota", drafts[i])
			default:
				t.Error(err)
			}
		}
		if told, err := b.Seals().StampedOn(t.Context(), c.seal.ID, "", c.day); err != nil || made != quota || told != quota {
			t.Errorf("seal %s on %s: %d of %d, told as %d, %v", c.seal.ID, c.day, made, quota, told, err)
		}
	}
	free := b.draft(t, s)
	b.kept(t, "without a quota", free.act, func() error { return b.commit(t, free) })
}
