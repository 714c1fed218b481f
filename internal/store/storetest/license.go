package storetest

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/internal/journal"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify/status"
)

// LicenseStores is what the licence office's store stands among: a licence is issued
// under a seal, whose certificate is asked for, and its act is journaled.
type LicenseStores interface {
	Licences() license.Store
	Seals() seal.Store
	CA() ca.Store
	Journal() journal.Store
}

// License is the conformance suite of a license.Store; fresh gives empty ones.
func License(t *testing.T, fresh func(testing.TB) LicenseStores) {
	for name, run := range map[string]func(*testing.T, *licenceBench){
		"types": licenceTypes, "issued": licenceIssued, "refused": licenceRefused, "taken": licenceTaken, "states": licenceStates, "race": licenceRace,
		"lists": licenceLists, "numbers": licenceNumbers, "none": licenceNone, "retry": licenceRetry,
	} {
		t.Run(name, func(t *testing.T) {
			b := &licenceBench{LicenseStores: fresh(t), now: time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)}
			b.seal = b.newSeal(t)
			run(t, b)
		})
	}
}

type licenceBench struct {
	LicenseStores
	now  time.Time
	seal seal.Seal
}

func (b *licenceBench) act(t testing.TB, name, subject string, record any) act.Act {
	t.Helper()
	b.now = b.now.Add(time.Millisecond)
	a, err := act.New(b.now, rand.Reader, name, subject, record)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newSeal puts a seal with its certificate into the registers.
func (b *licenceBench) newSeal(t testing.TB) seal.Seal {
	t.Helper()
	const serial = "0123"
	if err := b.CA().PutIntent(t.Context(), ca.Intent{Serial: serial, Profile: ca.ProfileAgencySeal, Agency: usccA, KeySM3: [32]byte{1}, At: b.now}); err != nil {
		t.Fatal(err)
	}
	row := ca.Row{Serial: serial, Issuer: "issuing", Profile: ca.ProfileAgencySeal, Agency: usccA, NotBefore: b.now, NotAfter: b.now.AddDate(3, 0, 0), IssuedAt: b.now}
	issued := b.act(t, ca.ActIssued, serial, row)
	row.Act = issued.ID
	issued, err := act.NewWithID(issued.ID, b.now, rand.Reader, ca.ActIssued, serial, row)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.CA().CommitCertificate(t.Context(), issued, row); err != nil {
		t.Fatal(err)
	}
	s := seal.Seal{ID: "52000000000001", Version: 1, Agency: usccA, State: status.SealInForce, SM3: [32]byte{1}, ValidFrom: b.now, ValidTo: b.now.AddDate(3, 0, 0), CertSerial: serial, Made: b.now}
	if err := b.Seals().CommitSeal(t.Context(), b.act(t, seal.ActMade, s.ID, s), s, 0, []byte("seal")); err != nil {
		t.Fatal(err)
	}
	return s
}

// issue is a licence as an office hands it over, to be spoiled by a test.
type issue struct {
	act     act.Act
	licence license.Licence
	doc     []byte
	commit  seal.Commit
}

func (b *licenceBench) draft(t testing.TB, n int) issue {
	t.Helper()
	id := b.act(t, "x", "x", 0).ID
	st := seal.Stamp{ID: id, SealID: b.seal.ID, SealVersion: b.seal.Version, Agency: usccA, Operator: "x", Format: "json", SealedAt: b.now, Code: fmt.Sprintf("STAMP%021d", n)}
	stamped, err := act.NewWithID(id, b.now, rand.Reader, seal.ActStamped, b.seal.ID, st)
	if err != nil {
		t.Fatal(err)
	}
	l := license.Licence{Identifier: fmt.Sprintf("1.2.156.3005.2.%06d", n), Version: 1, Type: usccA + "001", Name: "许可证", Agency: usccA, Holder: "张*", Issued: "2026-11-24", From: "2026-11-24",
		State: status.LicenceValid, StateSince: b.now.Truncate(time.Second), Shard: 0, Position: uint32(n), Code: st.Code, Stamp: id, SM3: [32]byte{byte(n)}, Made: b.now.Truncate(time.Second)}
	return issue{b.act(t, license.ActIssued, l.Identifier, license.Change{Licence: l, Who: "x", Why: "y", At: b.now}), l, fmt.Appendf(nil, `{"n":%d}`, n),
		seal.Commit{Act: stamped, Stamp: st, Guard: seal.Guard{SealID: b.seal.ID, SealVersion: b.seal.Version, CertSerial: b.seal.CertSerial, Day: "2026-11-24"}}}
}

func (b *licenceBench) put(t testing.TB, i issue) error {
	return b.Licences().CommitIssue(t.Context(), i.act, i.licence, i.doc, i.commit)
}

func (b *licenceBench) issued(t testing.TB, n int, change ...func(*issue)) license.Licence {
	t.Helper()
	i := b.draft(t, n)
	for _, c := range change {
		c(&i)
	}
	if err := b.put(t, i); err != nil {
		t.Fatal(err)
	}
	return i.licence
}

// step gives a licence another state.
func (b *licenceBench) step(t testing.TB, l license.Licence, to status.LicenceState) (license.Licence, error) {
	t.Helper()
	before := l.Version
	l.Version, l.State, l.StateSince = before+1, to, b.now.Truncate(time.Second)
	return l, b.Licences().CommitState(t.Context(), b.act(t, license.ActSuspended, l.Identifier, license.Change{Licence: l}), l, before)
}

// leaves counts the journal's, which must agree with the acts kept.
func (b *licenceBench) leaves(t testing.TB) uint64 {
	t.Helper()
	size, err := b.Journal().JournalSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if acts, err := b.Journal().CountActs(t.Context()); err != nil || acts != size {
		t.Fatalf("%d acts under %d leaves, %v", acts, size, err)
	}
	return size
}

// absent checks that no trace of a licence or its stamp is kept.
func (b *licenceBench) absent(t testing.TB, what string, i issue) {
	t.Helper()
	ctx := t.Context()
	_, err1 := b.Licences().Licence(ctx, i.licence.Identifier)
	_, err2 := b.Licences().Document(ctx, i.licence.Identifier)
	_, err3 := b.Licences().ByCode(ctx, i.licence.Code)
	_, err4 := b.Licences().ByAct(ctx, i.act.ID)
	for n, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, license.ErrNotFound) {
			t.Errorf("%s: a trace of the licence is kept (%d): %v", what, n, err)
		}
	}
	_, err5 := b.Seals().Stamp(ctx, i.commit.Stamp.ID)
	_, err6 := b.Seals().StampByCode(ctx, i.commit.Stamp.Code)
	for n, err := range []error{err5, err6} {
		if !errors.Is(err, seal.ErrNotFound) {
			t.Errorf("%s: a trace of the stamp is kept (%d): %v", what, n, err)
		}
	}
}

func licenceTypes(t *testing.T, b *licenceBench) {
	s := b.Licences()
	if _, err := s.Type(t.Context(), usccA+"001"); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a type never defined: %v", err)
	}
	if all, err := s.Types(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
	var want []license.Type
	for _, n := range []string{"001", "002"} {
		lt := license.Type{Code: usccA + n, Name: "许可证" + n, Defined: b.now, Who: "x"}
		if err := s.CommitType(t.Context(), b.act(t, license.ActDefined, lt.Code, lt), lt); err != nil {
			t.Fatal(err)
		}
		want = append(want, lt)
	}
	before := b.leaves(t)
	again := license.Type{Code: usccA + "001", Name: "另一个", Defined: b.now}
	if err := s.CommitType(t.Context(), b.act(t, license.ActDefined, again.Code, again), again); !errors.Is(err, license.ErrExists) {
		t.Errorf("defined twice: %v", err)
	}
	if b.leaves(t) != before {
		t.Error("what was refused is in the journal")
	}
	if got, err := s.Type(t.Context(), want[0].Code); err != nil || !cmp.Equal(got, want[0]) {
		t.Errorf("%v %s", err, cmp.Diff(want[0], got))
	}
	if got, err := s.Types(t.Context()); err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
}

func licenceIssued(t *testing.T, b *licenceBench) {
	before := b.leaves(t)
	i := b.draft(t, 1)
	if err := b.put(t, i); err != nil {
		t.Fatal(err)
	}
	if after := b.leaves(t); after != before+2 {
		t.Errorf("a licence and its stamp are %d leaves", after-before)
	}
	s := b.Licences()
	for name, read := range map[string]func() (license.Licence, error){
		"by identifier": func() (license.Licence, error) { return s.Licence(t.Context(), i.licence.Identifier) },
		"by code":       func() (license.Licence, error) { return s.ByCode(t.Context(), i.licence.Code) },
		"by act":        func() (license.Licence, error) { return s.ByAct(t.Context(), i.act.ID) },
	} {
		if got, err := read(); err != nil || !cmp.Equal(got, i.licence) {
			t.Errorf("%s: %v %s", name, err, cmp.Diff(i.licence, got))
		}
	}
	doc, err := s.Document(t.Context(), i.licence.Identifier)
	if err != nil || !bytes.Equal(doc, i.doc) {
		t.Fatalf("%s %v", doc, err)
	}
	clear(doc) // what was given is the caller's own
	if doc, err := s.Document(t.Context(), i.licence.Identifier); err != nil || !bytes.Equal(doc, i.doc) {
		t.Errorf("%s %v", doc, err)
	}
	if got, err := b.Seals().Stamp(t.Context(), i.commit.Stamp.ID); err != nil || got.Code != i.commit.Stamp.Code {
		t.Errorf("its stamp: %+v %v", got, err)
	}
	// The act that changes it issued nothing, nor did the stamp's.
	if _, err := s.ByAct(t.Context(), i.commit.Act.ID); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a stamp's act issued a licence: %v", err)
	}
}

// licenceRefused: a licence whose stamp is refused is not issued, and leaves nothing.
func licenceRefused(t *testing.T, b *licenceBench) {
	kept := b.issued(t, 1, func(i *issue) {
		i.act.Retry = &act.Retry{Owner: usccA, Key: "taken", Request: [32]byte{1}}
		i.commit.Guard.PerDay = 2
	})
	b.issued(t, 2, func(i *issue) { i.commit.Guard.PerDay = 2 })
	for name, c := range map[string]struct {
		spoil func(*issue)
		want  error // nil for any
	}{
		"the seal changed":        {func(i *issue) { i.commit.Guard.SealVersion++ }, seal.ErrChanged},
		"no such seal":            {func(i *issue) { i.commit.Guard.SealID = "52000000009999" }, seal.ErrNotFound},
		"no such certificate":     {func(i *issue) { i.commit.Guard.CertSerial = "99" }, nil},
		"the quota":               {func(i *issue) { i.commit.Guard.PerDay = 2 }, seal.ErrQuota},
		"the retry key":           {func(i *issue) { i.act.Retry = &act.Retry{Owner: usccA, Key: "taken", Request: [32]byte{1}} }, nil},
		"the identifier":          {func(i *issue) { i.licence.Identifier = kept.Identifier }, license.ErrTaken},
		"the act's id, once more": {func(i *issue) { i.commit.Act.ID = kept.Stamp }, nil},
	} {
		i := b.draft(t, 50+len(name))
		whole := i
		c.spoil(&i)
		before := b.leaves(t)
		if err := b.put(t, i); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := b.leaves(t); after != before {
			t.Errorf("%s: %d leaves more", name, after-before)
		}
		b.absent(t, name, whole)
	}
	// What was refused used nothing up.
	b.issued(t, 3, func(i *issue) { i.commit.Guard.PerDay = 3 })
}

func licenceTaken(t *testing.T, b *licenceBench) {
	l := b.issued(t, 1)
	spoil := map[string]func(*issue){
		"identifier": func(i *issue) { i.licence.Identifier = l.Identifier },
		"position":   func(i *issue) { i.licence.Position = l.Position },
		"both":       func(i *issue) { i.licence.Identifier, i.licence.Position = l.Identifier, l.Position },
	}
	for _, state := range []status.LicenceState{status.LicenceValid, status.LicenceRevoked} {
		if l.State != state {
			var err error
			if l, err = b.step(t, l, state); err != nil {
				t.Fatal(err)
			}
		}
		for name, s := range spoil {
			i := b.draft(t, 20)
			s(&i)
			if err := b.put(t, i); !errors.Is(err, license.ErrTaken) {
				t.Errorf("%s of a licence that is %s: %v", name, state, err)
			}
		}
	}
	b.issued(t, 30, func(i *issue) { i.licence.Shard, i.licence.Position = 1, l.Position })
	if shard, err := b.Licences().OpenShard(t.Context()); err != nil || shard != 1 {
		t.Errorf("shard %d is open, %v", shard, err)
	}
}

func licenceStates(t *testing.T, b *licenceBench) {
	s := b.Licences()
	if shard, err := s.OpenShard(t.Context()); err != nil || shard != 0 {
		t.Errorf("shard %d is open at first, %v", shard, err)
	}
	l, other := b.issued(t, 7), b.issued(t, 8)
	last := uint64(0)
	shard := func(want map[uint32]status.LicenceState, changed bool) {
		t.Helper()
		got, changes, err := s.Shard(t.Context(), 0)
		if err != nil || !cmp.Equal(got, want) || (changes != last) != changed {
			t.Fatalf("%v, changes %d after %d, %v", got, changes, last, err)
		}
		last = changes
	}
	shard(map[uint32]status.LicenceState{}, false)
	shard(map[uint32]status.LicenceState{}, false)
	for _, to := range []status.LicenceState{status.LicenceSuspended, status.LicenceValid, status.LicenceSuspended, status.LicenceRevoked} {
		old := l
		var err error
		if l, err = b.step(t, l, to); err != nil {
			t.Fatal(err)
		}
		want := map[uint32]status.LicenceState{l.Position: to}
		if to == status.LicenceValid {
			want = map[uint32]status.LicenceState{}
		}
		shard(want, true)
		if got, err := s.Licence(t.Context(), l.Identifier); err != nil || !cmp.Equal(got, l) {
			t.Fatalf("%v %s", err, cmp.Diff(l, got))
		}
		before := b.leaves(t)
		if _, err := b.step(t, old, status.LicenceRevoked); !errors.Is(err, license.ErrChanged) {
			t.Errorf("from an old version: %v", err)
		}
		future := l
		future.Version++
		if _, err := b.step(t, future, status.LicenceRevoked); !errors.Is(err, license.ErrChanged) {
			t.Errorf("from a version to come: %v", err)
		}
		if _, err := b.step(t, l, status.LicenceUnknown); err == nil {
			t.Error("a state that no list can hold")
		}
		if b.leaves(t) != before {
			t.Error("what was refused is in the journal")
		}
		shard(want, false)
	}
	if got, err := s.Licence(t.Context(), other.Identifier); err != nil || !cmp.Equal(got, other) {
		t.Errorf("another licence changed: %v %s", err, cmp.Diff(other, got))
	}
	if _, _, err := s.Shard(t.Context(), 1); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a shard never opened: %v", err)
	}
}

// licenceRace: of many who change one version one is the first, and of many who
// issue at one position.
func licenceRace(t *testing.T, b *licenceBench) {
	l := b.issued(t, 1)
	var wg sync.WaitGroup
	var mu sync.Mutex
	changed, issued := 0, 0
	for n := range 16 {
		next := l
		next.Version, next.State = l.Version+1, status.LicenceRevoked
		a := b.act(t, license.ActRevoked, l.Identifier, license.Change{Licence: next})
		i := b.draft(t, 100+n)
		i.licence.Position = 99
		wg.Go(func() {
			err1 := b.Licences().CommitState(t.Context(), a, next, l.Version)
			err2 := b.put(t, i)
			mu.Lock()
			defer mu.Unlock()
			if err1 == nil {
				changed++
			} else if !errors.Is(err1, license.ErrChanged) {
				t.Error(err1)
			}
			if err2 == nil {
				issued++
			} else if !errors.Is(err2, license.ErrTaken) {
				t.Error(err2)
			}
		})
	}
	wg.Wait()
	if changed != 1 || issued != 1 {
		t.Errorf("%d changes of one version, %d licences at one position", changed, issued)
	}
}

func licenceLists(t *testing.T, b *licenceBench) {
	for n := range 9 {
		l := b.issued(t, n, func(i *issue) {
			if n%3 == 0 {
				i.licence.Agency = usccB
			}
			if n%2 == 0 {
				i.licence.Type = usccA + "002"
			}
		})
		if n == 5 {
			if _, err := b.step(t, l, status.LicenceRevoked); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		f    license.Filter
		want []uint32
	}{
		"all":          {license.Filter{}, []uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		"an agency's":  {license.Filter{Agency: usccB}, []uint32{0, 3, 6}},
		"of a type":    {license.Filter{Type: usccA + "002"}, []uint32{0, 2, 4, 6, 8}},
		"in a state":   {license.Filter{State: status.LicenceRevoked}, []uint32{5}},
		"of both":      {license.Filter{Agency: usccB, Type: usccA + "002"}, []uint32{0, 6}},
		"none":         {license.Filter{Agency: "11110000000021135M", State: status.LicenceRevoked}, nil},
		"after a row":  {license.Filter{Cursor: "1.2.156.3005.2.000006"}, []uint32{7, 8}},
		"after no row": {license.Filter{Cursor: "1.2.156.3005.2.0000065"}, []uint32{7, 8}},
		"after all":    {license.Filter{Cursor: "1.2.156.3005.2.000008"}, nil},
	} {
		for _, limit := range []int{1, 2, 3, 9, 100} {
			f := c.f
			f.Limit = limit
			var got []uint32
			for pages := 0; ; pages++ {
				rows, next, err := b.Licences().Licences(t.Context(), f)
				if err != nil || len(rows) > limit || pages > 20 {
					t.Fatalf("%s by %d: %d rows, %v", name, limit, len(rows), err)
				}
				for _, l := range rows {
					got = append(got, l.Position)
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s by %d: %v, want %v", name, limit, got, c.want)
			}
		}
	}
}

func licenceNumbers(t *testing.T, b *licenceBench) {
	s := b.Licences()
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[uint64]bool{}
	for range 4 {
		wg.Go(func() {
			last := uint64(0)
			for range 10 {
				n, err := s.NextListNumber(t.Context(), 0)
				mu.Lock()
				if err != nil || n <= last || seen[n] {
					t.Errorf("number %d after %d, %v", n, last, err)
				}
				seen[n], last = true, n
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n, err := s.NextListNumber(t.Context(), 1); err != nil || n != 1 {
		t.Errorf("the first list of another shard is number %d, %v", n, err)
	}
}

func licenceNone(t *testing.T, b *licenceBench) {
	b.absent(t, "never issued", b.draft(t, 1))
	if _, err := b.step(t, b.draft(t, 1).licence, status.LicenceRevoked); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a change of no licence: %v", err)
	}
	if rows, next, err := b.Licences().Licences(t.Context(), license.Filter{Limit: 10}); err != nil || len(rows) != 0 || next != "" {
		t.Errorf("%v %q %v", rows, next, err)
	}
	if _, _, err := b.Licences().Shard(t.Context(), 0); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a shard without licences: %v", err)
	}
}

func licenceRetry(t *testing.T, b *licenceBench) {
	r := act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	if _, found, err := b.Licences().Done(t.Context(), r.Slot(), b.now); err != nil || found {
		t.Fatal(found, err)
	}
	i := b.draft(t, 1)
	i.act.Retry = &r
	if err := b.put(t, i); err != nil {
		t.Fatal(err)
	}
	// The key leads to the licence, not to its stamp.
	done, found, err := b.Licences().Done(t.Context(), r.Slot(), b.now)
	if err != nil || !found || done != (act.Done{Request: r.Request, Act: i.act.ID}) {
		t.Fatalf("%+v %v %v", done, found, err)
	}
	if _, found, err := b.Licences().Done(t.Context(), r.Slot(), b.now.Add(act.RetryLife+time.Hour)); err != nil || found {
		t.Error("a key is kept for ever", err)
	}
}
