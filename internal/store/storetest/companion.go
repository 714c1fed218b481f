package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"yinxin/ca/companion"
	"yinxin/internal/act"
)

// Companion is the conformance suite of a companion.Store.
func Companion(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"issued": companionIssued, "abandoned": companionAbandoned, "serials": companionSerials, "race": companionRace,
	})
}

func (b *bench) companionIntent(t testing.TB, serial string) companion.Intent {
	t.Helper()
	i := companion.Intent{Serial: serial, Role: companion.Root, KeyID: "k" + serial, TBS: []byte("tbs " + serial), At: morning}
	if err := b.Companions().PutIntent(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	return i
}

func (b *bench) companionRow(t testing.TB, serial string) (companion.Row, act.Act) {
	t.Helper()
	r := companion.Row{Serial: serial, Role: companion.Root, Issuer: serial, KeyID: "k" + serial, NotBefore: morning, NotAfter: morning.Add(time.Hour), DER: []byte("der " + serial)}
	a := b.act(t, companion.ActIssued, serial, r)
	r.Act = a.ID
	return r, a
}

func companionIssued(t *testing.T, b *bench) {
	s := b.Companions()
	row, a := b.companionRow(t, "01")
	b.unchanged(t, "a certificate nobody meant to sign", companion.ErrNotFound, func() error { return s.CommitCertificate(t.Context(), a, row) })
	intent := b.companionIntent(t, "01")
	if got, err := s.Intents(t.Context()); err != nil || !same(got, []companion.Intent{intent}) {
		t.Errorf("%v %s", err, diff([]companion.Intent{intent}, got))
	}
	b.kept(t, "a certificate", a, func() error { return s.CommitCertificate(t.Context(), a, row) })
	if got, err := s.Intents(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
	_, again := b.companionRow(t, "01")
	b.unchanged(t, "twice", companion.ErrNotFound, func() error { return s.CommitCertificate(t.Context(), again, row) })
	want := []companion.Row{row}
	for n := range 3 {
		next := fmt.Sprintf("%02d", 9-n) // in the order of the acts, not of the serials
		b.companionIntent(t, next)
		row, a := b.companionRow(t, next)
		check(t, next, s.CommitCertificate(t.Context(), a, row), nil)
		want = append(want, row)
	}
	if got, err := s.Certificates(t.Context()); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
}

func companionAbandoned(t *testing.T, b *bench) {
	s := b.Companions()
	i := b.companionIntent(t, "01")
	i.Abandoned = morning.Add(time.Minute)
	a := b.act(t, companion.ActAbandoned, i.Serial, i)
	b.kept(t, "given up", a, func() error { return s.CommitAbandoned(t.Context(), a, i) })
	if got, err := s.Intents(t.Context()); err != nil || !same(got, []companion.Intent{i}) {
		t.Errorf("%v %s", err, diff([]companion.Intent{i}, got))
	}
	row, late := b.companionRow(t, "01")
	b.unchanged(t, "a certificate that was given up", companion.ErrNotFound, func() error { return s.CommitCertificate(t.Context(), late, row) })
	again := b.act(t, companion.ActAbandoned, i.Serial, i)
	b.unchanged(t, "given up twice", companion.ErrNotFound, func() error { return s.CommitAbandoned(t.Context(), again, i) })
	unknown := companion.Intent{Serial: "02"}
	b.unchanged(t, "what nobody meant", companion.ErrNotFound, func() error { return s.CommitAbandoned(t.Context(), again, unknown) })
}

// companionSerials: a serial is of one certificate, whatever became of it.
func companionSerials(t *testing.T, b *bench) {
	s := b.Companions()
	i := b.companionIntent(t, "01")
	b.unchanged(t, "pending", companion.ErrSerialTaken, func() error { return s.PutIntent(t.Context(), i) })
	row, a := b.companionRow(t, "01")
	check(t, "issued", s.CommitCertificate(t.Context(), a, row), nil)
	b.unchanged(t, "issued", companion.ErrSerialTaken, func() error { return s.PutIntent(t.Context(), i) })
	i = b.companionIntent(t, "02")
	check(t, "given up", s.CommitAbandoned(t.Context(), b.act(t, companion.ActAbandoned, "02", i), companion.Intent{Serial: "02", Abandoned: morning}), nil)
	b.unchanged(t, "given up", companion.ErrSerialTaken, func() error { return s.PutIntent(t.Context(), i) })
}

// companionRace: of many who settle one intent, one does.
func companionRace(t *testing.T, b *bench) {
	const many = 8
	i := b.companionIntent(t, "01")
	acts := make([]act.Act, many)
	row, _ := b.companionRow(t, "01")
	for n := range acts {
		_, acts[n] = b.companionRow(t, "01")
	}
	var all sync.WaitGroup
	errs := make([]error, many)
	for n := range many {
		all.Go(func() {
			if n%2 == 0 {
				errs[n] = b.Companions().CommitCertificate(context.Background(), acts[n], row)
			} else {
				gone := i
				gone.Abandoned = morning
				errs[n] = b.Companions().CommitAbandoned(context.Background(), acts[n], gone)
			}
		})
	}
	all.Wait()
	done := 0
	for _, err := range errs {
		if err == nil {
			done++
		} else {
			check(t, "a late one", err, companion.ErrNotFound)
		}
	}
	if done != 1 {
		t.Errorf("%d of %d were done", done, many)
	}
}
