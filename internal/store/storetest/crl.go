package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
)

// CRL is the conformance suite of a crl.Store.
func CRL(t *testing.T, fresh func(testing.TB) Store) {
	suite(t, fresh, map[string]func(*testing.T, *bench){
		"publish": crlPublish, "together": crlTogether, "stale": crlStale, "numbers": crlNumbers, "pages": crlPages, "since": crlSince, "moment": crlMoment,
	})
}

func list(name string, number uint64, after time.Duration, changes uint64) crl.List {
	der := fmt.Appendf(nil, "%s of number %d", name, number)
	return crl.List{Header: crl.Header{Name: name, Number: number, This: morning.Add(after), Next: morning.Add(after + crl.Life), Entries: 3, Changes: changes, SM3: sm3.Sum(der),
		Base: crl.Base{Number: number / 2, Changes: changes / 2, This: morning}}, DER: der}
}

// published holds what stands under a name against what should.
func (b *bench) published(t testing.TB, what string, want crl.List) {
	t.Helper()
	got, err := b.CRLs().List(t.Context(), want.Name)
	if err != nil || !same(got, want) {
		t.Errorf("%s: %v %s", what, err, diff(want, got))
	}
	if h, err := b.CRLs().Header(t.Context(), want.Name); err != nil || !same(h, want.Header) {
		t.Errorf("%s: %v %s", what, err, diff(want.Header, h))
	}
}

func crlPublish(t *testing.T, b *bench) {
	s := b.CRLs()
	_, err := s.Header(t.Context(), "issuing")
	check(t, "before the first", err, ca.ErrNotFound)
	_, err = s.List(t.Context(), "issuing")
	check(t, "before the first", err, ca.ErrNotFound)
	first, second := list("issuing", 7, 0, 1), list("issuing", 9, time.Hour, 1)
	check(t, "the first", s.Publish(t.Context(), "issuing", 0, first), nil)
	b.published(t, "the first", first)
	check(t, "the second", s.Publish(t.Context(), "issuing", 7, second), nil)
	b.published(t, "the second", second)
	other := list("issuing-4a", 3, 0, 0)
	check(t, "another scope", s.Publish(t.Context(), "issuing-4a", 0, other), nil)
	b.published(t, "another scope", other)
	b.published(t, "the second", second)
	for scope, want := range map[string]uint64{"issuing": 9, "issuing-4a": 3, "issuing-4b": 0, "issu": 0} {
		if n, err := s.Number(t.Context(), scope); err != nil || n != want {
			t.Errorf("%s: number %d, want %d: %v", scope, n, want, err)
		}
	}
	if n := b.size(t); n != 0 {
		t.Errorf("lists left %d leaves in the journal", n)
	}
}

// crlTogether: lists of one number are kept all or none.
func crlTogether(t *testing.T, b *bench) {
	s := b.CRLs()
	full, delta := list("issuing", 5, 0, 2), list("issuing-delta", 5, 0, 2)
	check(t, "both", s.Publish(t.Context(), "issuing", 0, full, delta), nil)
	b.published(t, "both", full)
	b.published(t, "both", delta)
	check(t, "one of which is older", s.Publish(t.Context(), "issuing", 5, list("issuing", 6, time.Hour, 2), list("issuing-delta", 6, -time.Hour, 2)), crl.ErrStale)
	b.published(t, "nothing was kept", full)
	b.published(t, "nothing was kept", delta)
	if err := s.Publish(t.Context(), "issuing", 5, list("issuing", 6, time.Hour, 2), list("issuing-delta", 7, time.Hour, 2)); err == nil {
		t.Error("two numbers were kept together")
	}
	b.published(t, "nothing was kept", full)
}

func crlStale(t *testing.T, b *bench) {
	s := b.CRLs()
	standing := list("issuing", 10, time.Hour, 5)
	check(t, "the first", s.Publish(t.Context(), "issuing", 0, standing), nil)
	for name, c := range map[string]struct {
		after uint64
		l     crl.List
	}{
		"after none": {0, list("issuing", 11, 2*time.Hour, 5)}, "after an older number": {9, list("issuing", 11, 2*time.Hour, 5)}, "after a number to come": {11, list("issuing", 12, 2*time.Hour, 5)},
		"an older time": {10, list("issuing", 11, time.Hour-time.Second, 5)}, "fewer changes": {10, list("issuing", 11, 2*time.Hour, 4)},
	} {
		check(t, name, s.Publish(t.Context(), "issuing", c.after, c.l), crl.ErrStale)
		b.published(t, name, standing)
	}
	for name, l := range map[string]crl.List{"the same number": list("issuing", 10, 2*time.Hour, 5), "a lower number": list("issuing", 9, 2*time.Hour, 5)} {
		if err := s.Publish(t.Context(), "issuing", 10, l); err == nil {
			t.Errorf("%s was taken", name)
		}
		b.published(t, name, standing)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	check(t, "with a context that has ended", s.Publish(cancelled, "issuing", 10, list("issuing", 11, 2*time.Hour, 5)), context.Canceled)
	b.published(t, "with a context that has ended", standing)
	check(t, "in the same second", s.Publish(t.Context(), "issuing", 10, list("issuing", 11, time.Hour, 5)), nil)
}

// crlNumbers: of publishers at once each number is one's.
func crlNumbers(t *testing.T, b *bench) {
	const each = 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint64]bool{}
	for range 4 {
		wg.Go(func() {
			for done := 0; done < each; {
				after, err := b.CRLs().Number(t.Context(), "issuing")
				if err == nil {
					err = b.CRLs().Publish(t.Context(), "issuing", after, list("issuing", after+1, time.Hour, 0))
				}
				if errors.Is(err, crl.ErrStale) {
					continue
				}
				mu.Lock()
				if err != nil || seen[after+1] {
					t.Errorf("number %d: %v", after+1, err)
				}
				seen[after+1] = true
				mu.Unlock()
				done++
			}
		})
	}
	wg.Wait()
	b.published(t, "the last", list("issuing", 4*each, time.Hour, 0))
}

// revoke puts a revoked certificate of an issuer into the register.
func (b *bench) revoke(t testing.TB, issuer, serial string) ca.Revocation {
	t.Helper()
	r := row(serial)
	r.Issuer = issuer
	b.issued(t, r)
	rev := ca.Revocation{Serial: serial, At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
	if _, err := b.CA().CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, serial, rev), rev); err != nil {
		t.Fatal(err)
	}
	return rev
}

// crlPages: the revoked come in the order of their serials, by pages of any size.
func crlPages(t *testing.T, b *bench) {
	want := map[string][]ca.Revocation{}
	for i, serial := range []string{"5001", "4f01", "4f03", "7f01", "4002", "4f02", "4f04", "4001"} {
		issuer := []string{"issuing", "issuing", "issu"}[i%3]
		b.issued(t, row(serial+"0"))
		r := b.revoke(t, issuer, serial)
		want[issuer] = append(want[issuer], r)
		want[issuer+"-"+ca.Shard(serial)] = append(want[issuer+"-"+ca.Shard(serial)], r)
	}
	for _, shard := range []string{"", "40", "4f", "50", "60", "7f"} {
		for _, issuer := range []string{"issuing", "issu", "nobody"} {
			scope := issuer
			if shard != "" {
				scope += "-" + shard
			}
			slices.SortFunc(want[scope], func(a, b ca.Revocation) int { return strings.Compare(a.Serial, b.Serial) })
			for limit := 1; limit < 5; limit++ {
				var got []ca.Revocation
				for after := ""; ; after = got[len(got)-1].Serial {
					page, err := b.CRLs().Revoked(t.Context(), issuer, shard, after, limit)
					if err != nil || len(page) > limit {
						t.Fatalf("%d of %d: %v", len(page), limit, err)
					}
					if got = append(got, page...); len(page) < limit {
						break
					}
				}
				if !same(got, want[scope]) {
					t.Errorf("%s by %d: %s", scope, limit, diff(want[scope], got))
				}
			}
		}
	}
}

func crlSince(t *testing.T, b *bench) {
	s := b.CRLs()
	stands := func(serials ...string) (out []crl.Changed) {
		for _, serial := range serials {
			row, err := b.CA().Certificate(t.Context(), serial)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, crl.Changed{Serial: serial, Revocation: row.Revocation})
		}
		return out
	}
	for _, serial := range []string{"4f01", "5001", "4f02"} {
		b.revoke(t, "issuing", serial)
	}
	b.revoke(t, "issu", "4f09")
	held := row("4000")
	b.issued(t, held)
	hold := ca.Revocation{Serial: "4000", At: morning, Reason: certs.ReasonCertificateHold, Who: "x", Why: "y"}
	if _, err := b.CA().CommitRevocation(t.Context(), b.act(t, ca.ActHeld, "4000", hold), hold); err != nil {
		t.Fatal(err)
	}
	last := b.act(t, ca.ActReleased, "4000", hold)
	if _, err := b.CA().CommitRelease(t.Context(), last, hold); err != nil {
		t.Fatal(err)
	}
	worse := ca.Revocation{Serial: "4f01", At: morning, Reason: certs.ReasonKeyCompromise, Who: "x", Why: "y"}
	if _, err := b.CA().CommitRevocation(t.Context(), b.act(t, ca.ActRevoked, "4f01", worse), worse); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		issuer, shard string
		n, count      uint64
		want          []crl.Changed
	}{
		{"issuing", "", 0, 6, stands("4000", "4f01", "4f02", "5001")}, {"issuing", "", 2, 6, stands("4000", "4f01", "4f02")}, {"issuing", "", 3, 6, stands("4000", "4f01")},
		{"issuing", "", 5, 6, stands("4f01")}, {"issuing", "", 6, 6, nil}, {"issuing", "4f", 0, 3, stands("4f01", "4f02")}, {"issuing", "50", 3, 1, nil},
		{"issu", "", 0, 1, stands("4f09")}, {"nobody", "", 0, 0, nil},
	} {
		got, count, err := s.Since(t.Context(), c.issuer, c.shard, c.n)
		for i := range got {
			if got[i].Serial == "4000" && !got[i].At.Equal(last.ID.Time()) {
				t.Errorf("the release is of %s", got[i].At)
			}
			got[i].At = time.Time{}
		}
		if err != nil || count != c.count || !same(got, c.want) {
			t.Errorf("%s %s since %d: %d changes, want %d, %v %s", c.issuer, c.shard, c.n, count, c.count, err, diff(c.want, got))
		}
	}
}

// crlMoment: what stands and the count are of one moment, whatever is revoked
// meanwhile.
func crlMoment(t *testing.T, b *bench) {
	const n = 60
	var serials []string
	for i := range n {
		serials = append(serials, fmt.Sprintf("4a%02d", i))
		b.issued(t, row(serials[i]))
	}
	var wg sync.WaitGroup
	for _, serial := range serials {
		r := ca.Revocation{Serial: serial, At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}
		a := b.act(t, ca.ActRevoked, serial, r)
		wg.Go(func() {
			if _, err := b.CA().CommitRevocation(t.Context(), a, r); err != nil {
				t.Error(err)
			}
		})
	}
	for range n {
		changed, count, err := b.CRLs().Since(t.Context(), "issuing", "4a", 0)
		if err != nil || uint64(len(changed)) != count {
			t.Errorf("%d changed, %d counted: %v", len(changed), count, err)
		}
	}
	wg.Wait()
}
