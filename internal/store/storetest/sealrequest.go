package storetest

import (
	"fmt"
	"sync"
	"testing"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/seal"
)

func newRequest(n int) seal.Request {
	return seal.Request{ID: fmt.Sprintf("520000%08d", n), Version: 1, Agency: usccA, AgencyName: "某局", Name: "某市行政审批局", Picture: [32]byte{1}, WidthMM: 42, HeightMM: 40,
		Policy: seal.Policy{PerDay: 5}, KeyID: fmt.Sprint("key", n), KeySM3: [32]byte{byte(n), 7}, CSR: []byte("csr"), Made: morning, Who: "张三", Why: "启用"}
}

func (b *bench) requested(t testing.TB, r seal.Request) seal.Request {
	t.Helper()
	a := b.act(t, seal.ActRequested, r.ID, r)
	b.kept(t, "a request", a, func() error { return b.Seals().CommitRequest(t.Context(), a, r) })
	return r
}

func requestKept(t *testing.T, b *bench) {
	s := b.Seals()
	_, err := s.Request(t.Context(), newRequest(1).ID)
	check(t, "none yet", err, seal.ErrNotFound)
	want := newRequest(1)
	a := b.act(t, seal.ActRequested, want.ID, want)
	a.Retry = &act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	b.kept(t, "a request", a, func() error { return s.CommitRequest(t.Context(), a, want) })
	if got, err := s.Request(t.Context(), want.ID); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
	if got, err := s.RequestByAct(t.Context(), a.ID); err != nil || !same(got, want) {
		t.Errorf("by its act: %v %s", err, diff(want, got))
	}
	if n, err := s.Accounted(t.Context(), want.KeyID); err != nil || n != 1 {
		t.Errorf("its signature is accounted for %d times, %v", n, err)
	}
	for name, spoil := range map[string]func(r *seal.Request){
		"the seal code again": func(r *seal.Request) { r.ID = want.ID },
		"the key again":       func(r *seal.Request) { r.KeySM3 = want.KeySM3 },
	} {
		r := newRequest(2)
		spoil(&r)
		again := b.act(t, seal.ActRequested, r.ID, r)
		b.unchanged(t, name, seal.ErrTaken, func() error { return s.CommitRequest(t.Context(), again, r) })
	}
	r := newRequest(2)
	again := b.act(t, seal.ActRequested, r.ID, r)
	again.Retry = a.Retry
	b.unchanged(t, "the idempotency key again", act.ErrRetryTaken, func() error { return s.CommitRequest(t.Context(), again, r) })
	// The code is the request's, and so is the key, for whoever makes seals otherwise.
	made := newSeal(1)
	other := b.act(t, seal.ActMade, made.ID, made)
	b.unchanged(t, "a seal of its code", seal.ErrTaken, func() error { return s.CommitSeal(t.Context(), other, made, 0, []byte("der")) })
	in := intent("01", 1)
	in.KeySM3, in.Subject = want.KeySM3, "another"
	check(t, "another certificate on its key", b.CA().PutIntent(t.Context(), in), ca.ErrKeyTaken)
	for i := range 3 {
		if n, err := s.NextSeal(t.Context(), "520000"); err != nil || n != uint64(i)+2 {
			t.Errorf("the next seal is %d, %v", n, err)
		}
	}
	unrelated := b.act(t, "test.act", "x", "x")
	check(t, "another act", b.Commit(t.Context(), unrelated), nil)
	for name, id := range map[string]act.ID{"an unknown act": {1}, "an act that asked for nothing": unrelated.ID} {
		_, err := s.RequestByAct(t.Context(), id)
		check(t, name, err, seal.ErrNotFound)
	}
}

func requestLists(t *testing.T, b *bench) {
	var all []seal.Request
	for n := 1; n < 6; n++ {
		r := newRequest(n)
		if n%2 == 0 {
			r.Agency = usccB
		}
		all = append(all, b.requested(t, r))
	}
	for name, c := range map[string]struct {
		agency, after string
		limit         int
		want          []seal.Request
	}{
		"all": {"", "", 9, all}, "some": {"", "", 2, all[:2]}, "after": {"", all[2].ID, 9, all[3:]}, "an agency's": {usccB, "", 9, []seal.Request{all[1], all[3]}},
		"none": {"", all[4].ID, 9, nil},
	} {
		if got, next, err := b.Seals().Requests(t.Context(), c.agency, c.after, c.limit); err != nil || (next != "") != (name == "some") || !same(got, c.want) {
			t.Errorf("%s: %v %s", name, err, diff(c.want, got))
		}
	}
}

// answer is what makes seal n of request n.
func (b *bench) answer(t testing.TB, r seal.Request, serial string) seal.Imported {
	t.Helper()
	certificate := row(serial)
	certificate.Issuer = "outside:a1"
	entry := b.issue(t, &certificate)
	s := newSeal(1)
	s.ID, s.CertSerial, s.KeyID = r.ID, serial, r.KeyID
	r.Version++
	r.CertSerial = serial
	return seal.Imported{Serial: serial, Entry: entry, Made: b.act(t, seal.ActMade, s.ID, s), Seal: s, DER: []byte("der of " + s.ID), Request: r}
}

func requestAnswered(t *testing.T, b *bench) {
	s := b.Seals()
	r := b.requested(t, newRequest(1))
	unasked := b.answer(t, newRequest(3), "outside:a1:03")
	b.unchanged(t, "what nobody asked for", seal.ErrNotFound, func() error { return s.CommitImported(t.Context(), unasked) })
	skewed := b.answer(t, r, "outside:a1:01")
	skewed.Serial = "outside:a1:02"
	if err := s.CommitImported(t.Context(), skewed); err == nil {
		t.Error("an act that enters another certificate")
	}
	one, two := b.answer(t, r, "outside:a1:01"), b.answer(t, r, "outside:a1:02")
	before := b.size(t)
	var wg sync.WaitGroup
	var errs [2]error
	wg.Go(func() { errs[0] = s.CommitImported(t.Context(), one) })
	wg.Go(func() { errs[1] = s.CommitImported(t.Context(), two) })
	wg.Wait()
	if errs[0] != nil {
		one, errs = two, [2]error{errs[1], errs[0]}
	}
	check(t, "the first answer", errs[0], nil)
	check(t, "the second", errs[1], seal.ErrChanged)
	if n := b.size(t) - before; n != 2 {
		t.Errorf("certificate and seal are %d leaves", n)
	}
	if got, err := s.Request(t.Context(), r.ID); err != nil || !same(got, one.Request) || got.Pending() {
		t.Errorf("%v %s", err, diff(one.Request, got))
	}
	if got, err := s.Seal(t.Context(), r.ID); err != nil || !same(got, one.Seal) {
		t.Errorf("%v %s", err, diff(one.Seal, got))
	}
	if got, err := s.SealBySM3(t.Context(), one.Seal.SM3); err != nil || got.ID != r.ID {
		t.Errorf("by its SM3: %v, %v", got.ID, err)
	}
	if got, err := b.CA().Certificate(t.Context(), one.Serial); err != nil || got.Issuer != "outside:a1" || got.Act != one.Entry.ID {
		t.Errorf("%+v, %v", got, err)
	}
	if rows, _, err := b.CA().Certificates(t.Context(), ca.Filter{Issuer: "outside:a1", Limit: 9}, morning); err != nil || len(rows) != 1 {
		t.Errorf("%d in the list, %v", len(rows), err)
	}
	if revoked, err := s.CertificateRevoked(t.Context(), one.Serial); err != nil || revoked {
		t.Error(revoked, err)
	}
	other := b.requested(t, newRequest(2))
	same := b.answer(t, other, one.Serial)
	b.unchanged(t, "a certificate twice", seal.ErrTaken, func() error { return s.CommitImported(t.Context(), same) })
}

// requestPending: what waits is bounded for each agency, and what was answered or
// withdrawn does not wait.
func requestPending(t *testing.T, b *bench) {
	s := b.Seals()
	var first seal.Request
	for n := 1; n <= seal.MaxPending; n++ {
		r := newRequest(n)
		r.KeySM3 = [32]byte{byte(n), byte(n >> 8), 9}
		if n == 1 {
			first = r
		}
		b.requested(t, r)
	}
	more := newRequest(1000)
	full := b.act(t, seal.ActRequested, more.ID, more)
	b.unchanged(t, "one more", seal.ErrManyPending, func() error { return s.CommitRequest(t.Context(), full, more) })
	other := newRequest(1001)
	other.Agency, other.KeySM3 = usccB, [32]byte{8}
	b.requested(t, other)
	first.Version, first.Withdrawn = 2, morning
	a := b.act(t, seal.ActRecalled, first.ID, first)
	b.kept(t, "a withdrawal", a, func() error { return s.CommitRecall(t.Context(), a, first) })
	if got, err := s.Request(t.Context(), first.ID); err != nil || !same(got, first) || got.Pending() {
		t.Errorf("%v %s", err, diff(first, got))
	}
	again := b.act(t, seal.ActRecalled, first.ID, first)
	b.unchanged(t, "by whoever did not know of it", seal.ErrChanged, func() error { return s.CommitRecall(t.Context(), again, first) })
	late := b.answer(t, newRequest(1), "outside:a1:01")
	b.unchanged(t, "an answer to what was withdrawn", seal.ErrChanged, func() error { return s.CommitImported(t.Context(), late) })
	b.requested(t, more)
	none := newRequest(2000)
	unasked := b.act(t, seal.ActRecalled, none.ID, none)
	b.unchanged(t, "what nobody asked for", seal.ErrNotFound, func() error { return s.CommitRecall(t.Context(), unasked, none) })
}
