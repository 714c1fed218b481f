package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/license"
	"yinxin/seal"
	"yinxin/verify/status"
)

// LicenseStore is a whole store with the licence office's part.
type LicenseStore interface {
	Store
	Licences() license.Store
}

// License is the conformance suite of a license.Store.
func License(t *testing.T, fresh func(testing.TB) LicenseStore) {
	for name, run := range map[string]func(*testing.T, *licenceBench){
		"types": licenceTypes, "issued": licenceIssued, "refused": licenceRefused, "taken": licenceTaken, "states": licenceStates, "race": licenceRace,
		"lists": licenceLists, "numbers": licenceNumbers, "none": licenceNone, "retry": licenceRetry,
	} {
		t.Run(name, func(t *testing.T) {
			store := fresh(t)
			b := &licenceBench{bench: &bench{store, morning}, licences: store.Licences()}
			b.seal = b.sealed(t, 1)
			run(t, b)
		})
	}
}

// licenceBench has a seal to issue licences under.
type licenceBench struct {
	*bench
	licences license.Store
	seal     seal.Seal
}

// issue is a licence as an office hands it over, to be spoiled by a test.
type issue struct {
	act     act.Act
	licence license.Licence
	doc     []byte
	commit  seal.Commit
}

func (b *licenceBench) licence(t testing.TB, n int) issue {
	t.Helper()
	d := b.draft(t, b.seal)
	l := license.Licence{Identifier: fmt.Sprintf("1.2.156.3005.2.%06d", n), Version: 1, Type: usccA + "001", Name: "许可证", Agency: usccA, Holder: "张*", Issued: "2026-11-24", From: "2026-11-24",
		State: status.LicenceValid, StateSince: b.now.Truncate(time.Second), Shard: 0, Position: uint32(n), Code: d.stamp.Code, Stamp: d.stamp.ID, SM3: [32]byte{byte(n)}, Made: b.now.Truncate(time.Second)}
	return issue{b.act(t, license.ActIssued, l.Identifier, license.Change{Licence: l, Who: "x", Why: "y", At: b.now}), l, fmt.Appendf(nil, `{"n":%d}`, n),
		seal.Commit{Act: d.act, Stamp: d.stamp, Guard: d.guard}}
}

func (b *licenceBench) put(t testing.TB, i issue) error {
	return b.licences.CommitIssue(t.Context(), i.act, i.licence, i.doc, i.commit)
}

// issued puts a licence into the register, changed as a test wants it.
func (b *licenceBench) issued(t testing.TB, n int, change ...func(*issue)) license.Licence {
	t.Helper()
	i := b.licence(t, n)
	for _, c := range change {
		c(&i)
	}
	check(t, "a licence", b.put(t, i), nil)
	return i.licence
}

// absent checks that no trace of a licence or its stamp is kept.
func (b *licenceBench) absent(t testing.TB, what string, i issue) {
	t.Helper()
	ctx := t.Context()
	_, err1 := b.licences.Licence(ctx, i.licence.Identifier)
	_, err2 := b.licences.Document(ctx, i.licence.Identifier)
	_, err3 := b.licences.ByCode(ctx, i.licence.Code)
	_, err4 := b.licences.ByAct(ctx, i.act.ID)
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
	s := b.licences
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
	before := b.size(t)
	again := license.Type{Code: usccA + "001", Name: "另一个", Defined: b.now}
	if err := s.CommitType(t.Context(), b.act(t, license.ActDefined, again.Code, again), again); !errors.Is(err, license.ErrExists) {
		t.Errorf("defined twice: %v", err)
	}
	if b.size(t) != before {
		t.Error("what was refused is in the journal")
	}
	if got, err := s.Type(t.Context(), want[0].Code); err != nil || !same(got, want[0]) {
		t.Errorf("%v %s", err, diff(want[0], got))
	}
	if got, err := s.Types(t.Context()); err != nil || !same(got, want) {
		t.Errorf("%v %s", err, diff(want, got))
	}
}

func licenceIssued(t *testing.T, b *licenceBench) {
	before := b.size(t)
	i := b.licence(t, 1)
	if err := b.put(t, i); err != nil {
		t.Fatal(err)
	}
	if after := b.size(t); after != before+2 {
		t.Errorf("a licence and its stamp are %d leaves", after-before)
	}
	s := b.licences
	for name, read := range map[string]func() (license.Licence, error){
		"by identifier": func() (license.Licence, error) { return s.Licence(t.Context(), i.licence.Identifier) },
		"by code":       func() (license.Licence, error) { return s.ByCode(t.Context(), i.licence.Code) },
		"by act":        func() (license.Licence, error) { return s.ByAct(t.Context(), i.act.ID) },
	} {
		if got, err := read(); err != nil || !same(got, i.licence) {
			t.Errorf("%s: %v %s", name, err, diff(i.licence, got))
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
		"no such certificate":     {func(i *issue) { i.commit.Guard.CertSerial = "99" }, ca.ErrNotFound},
		"the quota":               {func(i *issue) { i.commit.Guard.PerDay = 2 }, seal.ErrQuota},
		"the retry key":           {func(i *issue) { i.act.Retry = &act.Retry{Owner: usccA, Key: "taken", Request: [32]byte{1}} }, act.ErrRetryTaken},
		"the identifier":          {func(i *issue) { i.licence.Identifier = kept.Identifier }, license.ErrTaken},
		"the act's id, once more": {func(i *issue) { i.commit.Act.ID = kept.Stamp }, nil},
	} {
		i := b.licence(t, 50+len(name))
		whole := i
		c.spoil(&i)
		before := b.size(t)
		if err := b.put(t, i); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := b.size(t); after != before {
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
			i := b.licence(t, 20)
			s(&i)
			if err := b.put(t, i); !errors.Is(err, license.ErrTaken) {
				t.Errorf("%s of a licence that is %s: %v", name, state, err)
			}
		}
	}
	b.issued(t, 30, func(i *issue) { i.licence.Shard, i.licence.Position = 1, l.Position })
	if shard, err := b.licences.OpenShard(t.Context()); err != nil || shard != 1 {
		t.Errorf("shard %d is open, %v", shard, err)
	}
}

func licenceNone(t *testing.T, b *licenceBench) {
	b.absent(t, "never issued", b.licence(t, 1))
	if _, err := b.step(t, b.licence(t, 1).licence, status.LicenceRevoked); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a change of no licence: %v", err)
	}
	if rows, next, err := b.licences.Licences(t.Context(), license.Filter{Limit: 10}); err != nil || len(rows) != 0 || next != "" {
		t.Errorf("%v %q %v", rows, next, err)
	}
	if _, _, err := b.licences.Shard(t.Context(), 0); !errors.Is(err, license.ErrNotFound) {
		t.Errorf("a shard without licences: %v", err)
	}
}

func licenceRetry(t *testing.T, b *licenceBench) {
	r := act.Retry{Owner: usccA, Key: "k", Request: [32]byte{1}}
	if _, found, err := b.licences.Done(t.Context(), r.Slot(), b.now); err != nil || found {
		t.Fatal(found, err)
	}
	i := b.licence(t, 1)
	i.act.Retry = &r
	if err := b.put(t, i); err != nil {
		t.Fatal(err)
	}
	// The key leads to the licence, not to its stamp.
	done, found, err := b.licences.Done(t.Context(), r.Slot(), b.now)
	if err != nil || !found || done != (act.Done{Request: r.Request, Act: i.act.ID}) {
		t.Fatalf("%+v %v %v", done, found, err)
	}
	if _, found, err := b.licences.Done(t.Context(), r.Slot(), b.now.Add(act.RetryLife+time.Hour)); err != nil || found {
		t.Error("a key is kept for ever", err)
	}
}
