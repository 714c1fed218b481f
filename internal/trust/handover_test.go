package trust_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/internal/trust"
)

// next drafts the list by which a province's scheme goes to the offline keys.
func (u *union) next(w *town, ahead uint64, by ...certs.StatementSigner) *certs.Bundle {
	u.t.Helper()
	u.list.Sequence = sequenceOf(u.t, w.bundle().Scheme) + ahead
	return u.sign(w.now, by...)
}

// TestTheSchemeGoesToOfflineKeys: after days of ceremony, during which the province
// went on making lists, whoever trusts its key is led to the offline ones.
func TestTheSchemeGoesToOfflineKeys(t *testing.T) {
	k := newKeyring(t)
	w := newTown(t, k, "520000")
	first, anchor := w.bundle(), w.anchor()
	u := newUnion(t, k, w)
	next := u.next(w, 100)
	for range 50 {
		w.now = w.now.Add(time.Hour)
		w.bundle()
	}
	if _, err := w.HandOver(t.Context(), because(next, "")); err != nil {
		t.Fatal(err)
	}
	if w.anchor() != u.anchor() {
		t.Error("the offline keys do not sign what is published")
	}
	for range 2 {
		for _, a := range []string{anchor, u.anchor()} {
			if _, err := w.bundle().Open(certs.TrustOptions{Anchors: []string{a}, At: w.now}); err != nil {
				t.Error(a, err)
			}
		}
		if got, err := first.Advance(w.bundle()); err != nil || sequenceOf(t, got.Scheme) != u.list.Sequence {
			t.Error(err)
		}
		w.restart()
		w.now = w.now.Add(time.Hour)
	}
	if _, err := w.HandOver(t.Context(), because(u.sign(w.now), "")); !errors.Is(err, trust.ErrRefused) {
		t.Errorf("twice: %v", err)
	}
	// From now on the province waits for its keepers' lists.
	if _, err := w.Import(t.Context(), because(u.last, "")); err != nil {
		t.Error(err)
	}
	if got, err := first.Advance(w.bundle()); err != nil || sequenceOf(t, got.Scheme) != u.list.Sequence {
		t.Error(err)
	}
}

func TestAHandOverThatIsRefused(t *testing.T) {
	k := newKeyring(t)
	w, other := newTown(t, k, "520000"), newTown(t, k, "440000")
	u, elsewhere := newUnion(t, k, w), newUnion(t, k, other)
	late := u.next(w, 1)
	w.now = w.now.Add(3 * time.Hour)
	for name, c := range map[string]struct {
		list *certs.Bundle
		want error
	}{
		"the province went on meanwhile": {late, trust.ErrRefused},
		"a thousand and more ahead":      {u.next(w, 1001), trust.ErrRefused},
		"too few signatures":             {u.next(w, 10, u.keys[0]), certs.ErrSignature},
		"this region is not named":       {elsewhere.next(w, 10), trust.ErrNotNamed},
	} {
		q := because(c.list, "")
		if _, err := w.HandOver(t.Context(), q); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if rows, err := w.Schemes(t.Context()); err != nil || len(rows) != 0 {
		t.Error(rows, err)
	}
	if w.anchor() == u.anchor() {
		t.Error("it was handed over")
	}
}

var errDisk = errors.New("the disk says no")

// failing makes the nth write fail, before it was made or after.
type failing struct {
	trust.Store
	n     int
	after bool
}

func (f *failing) fail(do func() error) error {
	f.n--
	if f.n != 0 {
		return do()
	}
	if f.after {
		if err := do(); err != nil {
			return err
		}
	}
	return errDisk
}

func (f *failing) CommitScheme(ctx context.Context, a act.Act, s trust.Scheme, lists []trust.List) error {
	return f.fail(func() error { return f.Store.CommitScheme(ctx, a, s, lists) })
}

func (f *failing) PutList(ctx context.Context, scheme string, l trust.List) error {
	return f.fail(func() error { return f.Store.PutList(ctx, scheme, l) })
}

// TestEveryWriteFails once "and was not persisted" and once "but was persisted": no
// list that was seen has a twin of its number, and an act stands whole or not at all.
func TestEveryWriteFails(t *testing.T) {
	k := newKeyring(t)
	for _, after := range []bool{false, true} {
		failures := 0
		for n := 1; ; n++ {
			w := newTown(t, k, "520000")
			f := &failing{n: n, after: after}
			w.wrap = func(s trust.Store) trust.Store { f.Store = s; return f }
			w.open()
			seen := map[uint64]string{}
			failed := life(t, w, seen)
			w.wrap = nil
			w.restart()
			if !failed {
				break
			}
			failures++
			look(t, w, seen)
			w.now = w.now.Add(time.Hour)
			look(t, w, seen)
		}
		if failures < 6 {
			t.Errorf("only %d writes", failures)
		}
	}
}

// life is lists for two hours, the scheme's key renewed, and the scheme handed over;
// it tells whether anything failed.
func life(t *testing.T, w *town, seen map[uint64]string) (failed bool) {
	t.Helper()
	note := func(b *certs.Bundle, err error) {
		if err != nil {
			if !errors.Is(err, errDisk) {
				t.Fatal(err)
			}
			failed = true
			return
		}
		twin(t, b, seen)
	}
	k := newKeyring(t)
	note(w.Bundle(t.Context()))
	w.now = w.now.Add(time.Hour)
	note(w.Bundle(t.Context()))
	w.source.scheme = append([]certs.StatementSigner{k.signer("体系新", morning)}, w.source.scheme...)
	w.source.state += "renewed"
	note(w.Bundle(t.Context()))
	if failed {
		return true
	}
	u := newUnion(t, k, w)
	q := because(u.next(w, 20), "")
	if _, err := w.HandOver(t.Context(), q); err != nil {
		if !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		failed = true
	}
	return failed
}

func look(t *testing.T, w *town, seen map[uint64]string) {
	t.Helper()
	twin(t, w.bundle(), seen)
}

// twin finds two lists of one number. Regions' numbers are seconds, far above the
// scheme's.
func twin(t *testing.T, b *certs.Bundle, seen map[uint64]string) {
	t.Helper()
	for _, raw := range [][]byte{b.Scheme, b.Regions[0]} {
		n := sequenceOf(t, raw)
		if was, ok := seen[n]; ok && was != string(raw) {
			t.Fatalf("two lists bear the number %d", n)
		}
		seen[n] = string(raw)
	}
}
