package storetest

import (
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/seal"
	"yinxin/seal/face"
	"yinxin/verify/status"
)

// full is a seal with something in each field.
func full(n int) seal.Seal {
	s := newSeal(n)
	s.Edition, s.EditionMade = 2, morning.Add(time.Hour+time.Millisecond)
	s.Earlier = []seal.Edition{{Number: 1, SM3: seal.Digest{byte(n), 9}, Name: "旧名", ValidFrom: morning, ValidTo: morning.AddDate(1, 0, 0), KeyID: "old", CertSerial: "0f",
		WidthMM: 30, HeightMM: 20, Made: morning, Replaced: morning.Add(time.Hour + time.Millisecond)}}
	s.Class = seal.Class{Kind: seal.KindSpecial, Purpose: seal.PurposeFinance, Rank: seal.RankCounty, Emblem: true}
	s.Drawn, s.Face = true, &face.Spec{Shape: face.Round, Name: "章", Second: "专用章", Borders: 2, WidthMM: 42, HeightMM: 42}
	s.MustFile, s.Filing = true, &seal.Filing{Number: "1", Authority: "省公安厅", At: morning, Who: "x"}
	s.End = &seal.End{Grounds: seal.GroundsLoss, At: morning, Since: morning.Add(time.Second), Who: "x", Why: "y"}
	s.Destroyed = &seal.Destruction{At: morning, Who: "x", Witness: "z", Keys: []string{"old", "new"}}
	s.Policy.Closed, s.Policy.Networks, s.Policy.Last = true, []string{"10.0.0.0/8"}, 7
	s.Policy.Grants = []seal.Grant{{ID: "7", Agency: usccB, Officer: "王五", Key: "0a", Matters: []string{"m"}, From: morning, To: morning.Add(time.Hour), PerDay: 3, SecondPerson: true,
		Who: "x", Why: "y", At: morning.Add(time.Millisecond)}}
	return s
}

// sealWhole: what a seal came to be is kept whole, and found by each SESeal and
// certificate that it ever had.
func sealWhole(t *testing.T, b *bench) {
	first := b.make(t, newSeal(1))
	want := full(1)
	want.Version, want.SM3, want.CertSerial, want.KeyID = 2, [32]byte{2, 2}, "02", "new"
	want.Earlier[0].SM3, want.Earlier[0].CertSerial = first.SM3, first.CertSerial
	a := b.act(t, seal.ActVaried, want.ID, seal.Change{Seal: want, Who: "李四", Why: "更名", At: morning, Request: "r", Approved: "王五", Grant: &want.Policy.Grants[0]})
	b.kept(t, "a change", a, func() error { return b.Seals().CommitSeal(t.Context(), a, want, 1, []byte("der two")) })
	if got, err := b.Seals().Seal(t.Context(), want.ID); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
	for name, sum := range map[string][32]byte{"the present SESeal": want.SM3, "the one that was replaced": first.SM3} {
		if got, err := b.Seals().SealBySM3(t.Context(), sum); err != nil || !same(got, want) {
			t.Errorf("by %s: %v %s", name, err, diff(want, got))
		}
	}
	for _, serial := range []string{first.CertSerial, want.CertSerial} {
		if got, err := b.Seals().SealByCertificate(t.Context(), serial); err != nil || got.ID != want.ID {
			t.Errorf("by certificate %s: %v %s", serial, err, got.ID)
		}
	}
	_, err := b.Seals().SealByCertificate(t.Context(), "99")
	check(t, "an unknown certificate", err, seal.ErrNotFound)
	ended, changes, err := b.Seals().Ended(t.Context())
	if err != nil || len(ended) != 1 || changes != 1 || !ended[0].Listed() {
		t.Errorf("a seal with an edition that was replaced is not told of: %v %d %v", ended, changes, err)
	}
	steps, err := b.Seals().History(t.Context(), want.ID)
	if err != nil || len(steps) != 2 {
		t.Fatalf("%d steps, %v", len(steps), err)
	}
	told := seal.Step{Act: a.ID, Index: 1, Name: seal.ActVaried, At: morning, Who: "李四", Why: "更名", Request: "r", Approved: "王五", Grant: &want.Policy.Grants[0], Seal: want}
	if !same(steps[1], told) {
		t.Error(diff(told, steps[1]))
	}
	if steps[0].Name != seal.ActMade || !same(steps[0].Seal, first) {
		t.Error(diff(first, steps[0].Seal))
	}
	_, err = b.Seals().History(t.Context(), "52000000000099")
	check(t, "the history of no seal", err, seal.ErrNotFound)
}

// sealSteps: steps of one millisecond are told in the order in which they were taken,
// and one that was not committed is no step.
func sealSteps(t *testing.T, b *bench) {
	s := b.make(t, newSeal(1))
	b.make(t, newSeal(2))
	var want []act.ID
	for range 20 {
		b.now = morning // all of one millisecond
		next := s
		next.Version++
		a := b.act(t, seal.ActFrozen, s.ID, seal.Change{Seal: next})
		check(t, "a step", b.Seals().CommitSeal(t.Context(), a, next, s.Version, nil), nil)
		lost := b.act(t, seal.ActThawed, s.ID, seal.Change{Seal: next})
		check(t, "a step from an old version", b.Seals().CommitSeal(t.Context(), lost, next, s.Version, nil), seal.ErrChanged)
		s, want = next, append(want, a.ID)
	}
	steps, err := b.Seals().History(t.Context(), s.ID)
	var got []act.ID
	for _, step := range steps[1:] {
		got = append(got, step.Act)
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, want %v, %v", got, want, err)
	}
}

func sealFilters(t *testing.T, b *bench) {
	for n, change := range []func(*seal.Seal){
		func(*seal.Seal) {},
		func(s *seal.Seal) { s.State = status.SealFrozen },
		func(s *seal.Seal) { s.Class.Kind = seal.KindAgency },
		func(s *seal.Seal) { s.Class.Kind, s.State = seal.KindLegal, status.SealFrozen },
		func(s *seal.Seal) { s.Class.Kind, s.Agency = seal.KindLegal, usccB },
	} {
		s := newSeal(n + 1)
		change(&s)
		b.make(t, s)
	}
	id := func(n int) string { return newSeal(n).ID }
	for name, c := range map[string]struct {
		filter seal.SealFilter
		want   []string
		next   string
	}{
		"frozen":                       {seal.SealFilter{State: status.SealFrozen, Limit: 9}, []string{id(2), id(4)}, ""},
		"an agency's, from before too": {seal.SealFilter{Kind: seal.KindAgency, Limit: 9}, []string{id(1), id(2), id(3)}, ""},
		"a page of them":               {seal.SealFilter{Kind: seal.KindAgency, Limit: 2}, []string{id(1), id(2)}, id(2)},
		"persons', frozen":             {seal.SealFilter{Kind: seal.KindLegal, State: status.SealFrozen, Limit: 9}, []string{id(4)}, ""},
		"persons', of an agency":       {seal.SealFilter{Kind: seal.KindLegal, Agency: usccB, Limit: 9}, []string{id(5)}, ""},
		"cancelled":                    {seal.SealFilter{State: status.SealCancelled, Limit: 9}, nil, ""},
	} {
		rows, next, err := b.Seals().Seals(t.Context(), c.filter)
		var got []string
		for _, r := range rows {
			got = append(got, r.ID)
		}
		if err != nil || !sameStrings(got, c.want) || next != c.next {
			t.Errorf("%s: %v and on from %q, want %v and %q, %v", name, got, next, c.want, c.next, err)
		}
	}
}

// sealApplied: an application is kept before its seal is, once for its key.
func sealApplied(t *testing.T, b *bench) {
	want := seal.AskedMake{Seal: "52000000000001", Agency: usccA, AgencyName: "局", Name: "章", Picture: "aa", WidthMM: 42, HeightMM: 42, Class: seal.Class{Kind: seal.KindSpecial, Purpose: "finance"},
		Drawn: true, MustFile: true, Policy: seal.Policy{PerDay: 3, Networks: []string{"10.0.0.0/8"}}, Who: "x", Why: "y"}
	a := b.act(t, seal.ActApplied, want.Seal, want)
	a.Retry = &act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	b.kept(t, "an application", a, func() error { return b.Seals().CommitApplied(t.Context(), a) })
	if got, err := b.Seals().Applied(t.Context(), a.ID); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
	again := b.act(t, seal.ActApplied, want.Seal, want)
	again.Retry = a.Retry
	b.unchanged(t, "again under the key", act.ErrRetryTaken, func() error { return b.Seals().CommitApplied(t.Context(), again) })
	other := b.act(t, "test.act", "x", 1)
	check(t, "another act", b.Commit(t.Context(), other), nil)
	for name, id := range map[string]act.ID{"an unknown act": {1}, "an act that applied for nothing": other.ID} {
		_, err := b.Seals().Applied(t.Context(), id)
		check(t, name, err, seal.ErrNotFound)
	}
}

// grantQuota: exactly so many a day by a grant, beside the seal's own quota.
func grantQuota(t *testing.T, b *bench) {
	s := b.sealed(t, 1)
	by := func(grant string, perDay uint64) draft {
		d := b.draft(t, s)
		d.guard.Day, d.guard.PerDay, d.guard.Grant, d.guard.GrantPerDay = "2026-11-24", 5, grant, perDay
		return d
	}
	var wg sync.WaitGroup
	errs := make([]error, 10)
	drafts := make([]draft, len(errs))
	for i := range errs {
		drafts[i] = by("1", 3)
		wg.Go(func() { errs[i] = b.commit(t, drafts[i]) })
	}
	wg.Wait()
	made := 0
	for i, err := range errs {
		if err == nil {
			made++
		} else if b.untraced(t, "over the quota", drafts[i]); !errors.Is(err, seal.ErrQuota) {
			t.Error(err)
		}
	}
	told, err := b.Seals().StampedOn(t.Context(), s.ID, "1", "2026-11-24")
	if made != 3 || told != 3 || err != nil {
		t.Errorf("%d stamps, told as %d, %v", made, told, err)
	}
	for range 2 {
		d := by("2", 9)
		b.kept(t, "by another grant", d.act, func() error { return b.commit(t, d) })
	}
	d := by("2", 9)
	b.unchanged(t, "over the seal's own quota", seal.ErrQuota, func() error { return b.commit(t, d) })
	for grant, want := range map[string]uint64{"": 5, "1": 3, "2": 2, "3": 0} {
		if told, err := b.Seals().StampedOn(t.Context(), s.ID, grant, "2026-11-24"); err != nil || told != want {
			t.Errorf("grant %q: %d, want %d, %v", grant, told, want, err)
		}
	}
}

// asked puts a use that waits into the register.
func (b *bench) askedUse(t testing.TB, u seal.AskedUse) approval.Request {
	t.Helper()
	content, err := json.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	r := approval.Request{Kind: seal.KindUse, Agency: usccA, Content: content, By: act.Officer{Name: "张三", KeyID: "00000001", Agency: usccA}, Why: "y", At: morning,
		Expires: morning.Add(approval.Life), State: approval.StatePending}
	a := b.act(t, approval.ActAsked, "x", r)
	r.ID = a.ID
	check(t, "a use is asked", b.Approvals().CommitAsked(t.Context(), a, r, ""), nil)
	return r
}

func (b *bench) decideUse(t testing.TB, id act.ID, to approval.State) {
	t.Helper()
	by := act.Officer{Name: "李四", KeyID: "00000002", Agency: usccA}
	_, err := b.Approvals().CommitDecision(t.Context(), b.act(t, approval.ActApproved, "x", 1), id, approval.Decision{State: to, By: by, At: morning.Add(time.Minute)}, "")
	check(t, "a decision", err, nil)
}

// stampUse: an approval is used up by the one stamp that it is for, however many try.
func stampUse(t *testing.T, b *bench) {
	a := agency.Agency{ID: usccA, Name: "局", Region: "520000", State: agency.Active, Created: morning}
	check(t, "an agency", b.Agencies().AddAgency(t.Context(), a, b.act(t, agency.ActAgencyAdded, a.ID, a)), nil)
	for id, name := range map[string]string{"00000001": "张三", "00000002": "李四"} {
		k := agency.APIKey{ID: id, Agency: usccA, Officer: name, Scopes: []string{agency.ScopeSealApprove}, Created: morning, Expires: morning.AddDate(1, 0, 0)}
		check(t, "a key", b.Agencies().AddKey(t.Context(), k, b.act(t, agency.ActKeyCreated, k.ID, k)), nil)
	}
	s := b.sealed(t, 1)
	wish := seal.AskedUse{Seal: s.ID, SealName: s.Name, Document: seal.Digest{5}, Title: "批复", Matter: "000101", Reason: "y"}
	r := b.askedUse(t, wish)
	stamp := func() draft {
		d := b.draft(t, s)
		d.guard.Use, d.guard.Input, d.guard.Matter = &r.ID, wish.Document, wish.Matter
		return d
	}
	refuse := func(name string, change func(*draft)) {
		t.Helper()
		d := stamp()
		change(&d)
		b.unchanged(t, name, seal.ErrNotApproved, func() error { return b.commit(t, d) })
		b.untraced(t, name, d)
	}
	refuse("before it is approved", func(*draft) {})
	b.decideUse(t, r.ID, approval.StateApproved)
	refuse("another document", func(d *draft) { d.guard.Input[0]++ })
	refuse("another matter", func(d *draft) { d.guard.Matter = "x" })
	refuse("another agency", func(d *draft) { d.guard.Agency = usccB })
	refuse("by the key of who approved it", func(d *draft) { d.guard.Key = "00000002" })
	refuse("by who approved it, whoever says so", func(d *draft) { d.guard.Operator = "李 四" })
	refuse("too late", func(d *draft) {
		b.now = morning.Add(seal.UseLife + 2*time.Minute)
		*d = stamp()
		b.now = morning.Add(time.Hour)
	})
	if u, err := b.Seals().Use(t.Context(), r.ID); err != nil || !u.Approved || u.Spent != (act.ID{}) || u.AskedUse != wish || u.Agency != usccA || !u.Decided.Equal(morning.Add(time.Minute)) || u.By.KeyID != "00000002" || u.By.Name != "李四" {
		t.Errorf("%+v %v", u, err)
	}
	var wg sync.WaitGroup
	errs, drafts := make([]error, 8), make([]draft, 8)
	for i := range errs {
		drafts[i] = stamp()
		wg.Go(func() { errs[i] = b.commit(t, drafts[i]) })
	}
	wg.Wait()
	var made []act.ID
	for i, err := range errs {
		if err == nil {
			made = append(made, drafts[i].stamp.ID)
		} else if !errors.Is(err, seal.ErrNotApproved) {
			t.Error(err)
		}
	}
	if u, err := b.Seals().Use(t.Context(), r.ID); err != nil || len(made) != 1 || u.Spent != made[0] {
		t.Errorf("%d stamps; %+v, %v", len(made), u, err)
	}
	refused := b.askedUse(t, wish)
	b.decideUse(t, refused.ID, approval.StateRefused)
	refuse("one that was refused", func(d *draft) { d.guard.Use = &refused.ID })
	_, err := b.Seals().Use(t.Context(), act.ID{1})
	check(t, "an unknown use", err, seal.ErrNotFound)
}
