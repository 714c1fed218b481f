package storetest

import (
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/agency"
)

// AgencyStore is the conformance suite of what Agency cannot see through the
// office: that each change and its act are kept together or not at all, and what
// the store says to callers who raced each other past the office's own checks.
func AgencyStore(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"agencies": agencyRows, "key": agencyKey, "revoked": agencyRevoked, "rotated": agencyRotated, "race": agencyRace, "retry": agencyRetry,
	})
}

func newAgency(id string) agency.Agency {
	return agency.Agency{ID: id, Name: "某局", Region: "520000", State: agency.Active, Created: morning}
}

func newKey(id, owner string) agency.APIKey {
	return agency.APIKey{ID: id, Agency: owner, Label: "审批系统", Scopes: []string{agency.ScopeStamp}, Networks: []string{"10.0.0.0/8"}, Created: morning,
		Expires: morning.AddDate(1, 0, 0), Hash: [32]byte{1, 31: 2}}
}

func (b *bench) added(t testing.TB, ids ...string) {
	t.Helper()
	for _, id := range ids {
		a := b.act(t, agency.ActAgencyAdded, id, id)
		b.kept(t, "an agency", a, func() error { return b.Agencies().AddAgency(t.Context(), newAgency(id), a) })
	}
}

// keyed enters a key and its agency.
func (b *bench) keyed(t testing.TB, id string) agency.APIKey {
	t.Helper()
	k := newKey(id, usccA)
	a := b.act(t, agency.ActKeyCreated, id, id)
	b.kept(t, "a key", a, func() error { return b.Agencies().AddKey(t.Context(), k, a) })
	return k
}

// stands: the key is in the register as given.
func (b *bench) stands(t testing.TB, what string, want agency.APIKey) {
	t.Helper()
	if got, err := b.Agencies().Key(t.Context(), want.ID); err != nil || !same(got, want) {
		t.Errorf("%s: %v %s", what, err, diff(want, got))
	}
}

func agencyRows(t *testing.T, b *bench) {
	s := b.Agencies()
	b.added(t, usccA, usccB)
	if all, err := s.Agencies(t.Context()); err != nil || !same(all, []agency.Agency{newAgency(usccB), newAgency(usccA)}) {
		t.Errorf("%v, %v", all, err)
	}
	again := newAgency(usccA)
	again.Name = "另一个"
	a := b.act(t, agency.ActAgencyAdded, usccA, again)
	b.unchanged(t, "added twice", agency.ErrExists, func() error { return s.AddAgency(t.Context(), again, a) })
	b.unchanged(t, "an unknown one closed", agency.ErrNotFound, func() error { return s.CloseAgency(t.Context(), "11520000MB1A00001X", a) })
	b.kept(t, "closed", a, func() error { return s.CloseAgency(t.Context(), usccA, a) })
	want := newAgency(usccA)
	want.State = agency.Closed
	if got, err := s.Agency(t.Context(), usccA); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
	second := b.act(t, agency.ActAgencyClosed, usccA, "x")
	b.unchanged(t, "closed twice", agency.ErrClosed, func() error { return s.CloseAgency(t.Context(), usccA, second) })
}

func agencyKey(t *testing.T, b *bench) {
	s := b.Agencies()
	k := newKey("00000001", usccA)
	a := b.act(t, agency.ActKeyCreated, k.ID, k)
	b.unchanged(t, "of no agency", agency.ErrNotFound, func() error { return s.AddKey(t.Context(), k, a) })
	b.added(t, usccA, usccB)
	b.kept(t, "a key", a, func() error { return s.AddKey(t.Context(), k, a) })
	b.stands(t, "kept", k)
	taken := newKey(k.ID, usccB)
	second := b.act(t, agency.ActKeyCreated, k.ID, taken)
	b.unchanged(t, "an id that is taken", agency.ErrKeyExists, func() error { return s.AddKey(t.Context(), taken, second) })
	b.stands(t, "its id was wanted", k)
	if all, err := s.Keys(t.Context(), usccB); err != nil || len(all) != 0 {
		t.Errorf("another's keys: %v, %v", all, err)
	}
	closed := b.act(t, agency.ActAgencyClosed, usccB, "x")
	check(t, "closed", s.CloseAgency(t.Context(), usccB, closed), nil)
	late := newKey("00000002", usccB)
	b.unchanged(t, "of a closed agency", agency.ErrClosed, func() error { return s.AddKey(t.Context(), late, second) })
	_, err := s.Key(t.Context(), late.ID)
	check(t, "the key of a closed agency", err, agency.ErrNotFound)
}

func agencyRevoked(t *testing.T, b *bench) {
	s := b.Agencies()
	b.added(t, usccA)
	k := b.keyed(t, "00000001")
	revoke := func(id string, at time.Time) (act.Act, func() error) {
		a := b.act(t, agency.ActKeyRevoked, id, "x")
		return a, func() error { return s.RevokeKey(t.Context(), id, at, a) }
	}
	_, do := revoke("00000009", morning)
	b.unchanged(t, "an unknown key", agency.ErrNotFound, do)
	for _, c := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"in an hour", morning.Add(time.Hour), nil}, {"no earlier", morning.Add(time.Hour), agency.ErrRevoked}, {"later", morning.Add(2 * time.Hour), agency.ErrRevoked},
		{"earlier", morning.Add(time.Minute), nil}, {"as before", morning.Add(time.Hour), agency.ErrRevoked},
	} {
		a, do := revoke(k.ID, c.at)
		if c.want != nil {
			b.unchanged(t, c.name, c.want, do)
		} else {
			b.kept(t, c.name, a, do)
			k.Revoked = c.at
		}
		b.stands(t, c.name, k)
	}
}

// agencyRotated: the new key comes and the old one ends, or neither.
func agencyRotated(t *testing.T, b *bench) {
	s := b.Agencies()
	b.added(t, usccA, usccB)
	old, other := b.keyed(t, "00000001"), b.keyed(t, "00000002")
	until := morning.Add(time.Hour)
	rotate := func(from string, next agency.APIKey) (act.Act, func() error) {
		a := b.act(t, agency.ActKeyRotated, next.ID, next)
		return a, func() error { return s.RotateKey(t.Context(), from, until, next, a) }
	}
	check(t, "closed", s.CloseAgency(t.Context(), usccB, b.act(t, agency.ActAgencyClosed, usccB, "x")), nil)
	for _, c := range []struct {
		name string
		from string
		next agency.APIKey
		want error
	}{
		{"an unknown key", "00000009", newKey("00000003", usccA), agency.ErrNotFound},
		{"to an id that is taken", old.ID, newKey(other.ID, usccA), agency.ErrKeyExists},
		{"to itself", old.ID, newKey(old.ID, usccA), agency.ErrKeyExists},
		{"to a closed agency", old.ID, newKey("00000003", usccB), agency.ErrClosed},
		{"to no agency", old.ID, newKey("00000003", "11520000MB1A00001X"), agency.ErrNotFound},
	} {
		_, do := rotate(c.from, c.next)
		b.unchanged(t, c.name, c.want, do)
		b.stands(t, c.name, old)
		b.stands(t, c.name, other)
		_, err := s.Key(t.Context(), "00000003")
		check(t, c.name+", the new key", err, agency.ErrNotFound)
	}
	next := newKey("00000003", usccA)
	a, do := rotate(old.ID, next)
	b.kept(t, "rotated", a, do)
	old.Revoked = until
	b.stands(t, "the old key", old)
	b.stands(t, "the new key", next)
	_, do = rotate(old.ID, newKey("00000004", usccA))
	b.unchanged(t, "a key in its grace", agency.ErrRevoked, do)
	if all, err := s.Keys(t.Context(), usccA); err != nil || !same(all, []agency.APIKey{old, other, next}) {
		t.Errorf("%v %s", err, diff([]agency.APIKey{old, other, next}, all))
	}
	if all, err := s.Keys(t.Context(), ""); err != nil || len(all) != 3 {
		t.Errorf("all keys: %v, %v", all, err)
	}
}

// agencyRace: of many that rotate one key, one does.
func agencyRace(t *testing.T, b *bench) {
	b.added(t, usccA)
	old := b.keyed(t, "00000001")
	var wg sync.WaitGroup
	var mu sync.Mutex
	done := 0
	for i := range 10 {
		next := newKey(string(rune('a'+i))+"0000000", usccA)
		a := b.act(t, agency.ActKeyRotated, next.ID, next)
		wg.Go(func() {
			err := b.Agencies().RotateKey(t.Context(), old.ID, morning.Add(time.Hour), next, a)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				done++
			}
		})
	}
	wg.Wait()
	if all, err := b.Agencies().Keys(t.Context(), usccA); err != nil || done != 1 || len(all) != 2 {
		t.Errorf("%d rotations, %d keys, %v", done, len(all), err)
	}
}

func agencyRetry(t *testing.T, b *bench) {
	taken := b.act(t, "test.act", "x", 1)
	taken.Retry = &act.Retry{Owner: usccA, Key: "k"}
	check(t, "another office's act", b.Commit(t.Context(), taken), nil)
	a := b.act(t, agency.ActAgencyAdded, usccA, "x")
	a.Retry = taken.Retry
	b.unchanged(t, "under its key", act.ErrRetryTaken, func() error { return b.Agencies().AddAgency(t.Context(), newAgency(usccA), a) })
	_, err := b.Agencies().Agency(t.Context(), usccA)
	check(t, "the agency", err, agency.ErrNotFound)
}
