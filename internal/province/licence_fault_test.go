package province

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/license"
	"yinxin/license/identifier"
	"yinxin/license/statuslist"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/status"
)

// faulty is a store whose commits can be made to fail, before or after they are
// kept.
type faulty struct {
	license.Store
	issue func(commit func() error, l license.Licence) error
	state func(commit func() error) error
}

func (f *faulty) CommitIssue(ctx context.Context, a act.Act, l license.Licence, doc []byte, c seal.Commit) error {
	commit := func() error { return f.Store.CommitIssue(ctx, a, l, doc, c) }
	if f.issue == nil {
		return commit()
	}
	return f.issue(commit, l)
}

func (f *faulty) CommitState(ctx context.Context, a act.Act, l license.Licence, before uint64) error {
	commit := func() error { return f.Store.CommitState(ctx, a, l, before) }
	if f.state == nil {
		return commit()
	}
	return f.state(commit)
}

// withFaults is a house with a second licence office over its register.
func withFaults(t testing.TB) (*house, *license.Office, *faulty) {
	t.Helper()
	h := withType(t)
	f := &faulty{Store: h.Store.Licences()}
	o, err := license.NewOffice(license.Config{Store: f, Seals: h.Seals, Status: h.signing(ca.PurposeStatus), QR: h.signing(ca.PurposeQR), Clock: h.clock.now, Rand: h.o.Rand, Region: "520000", URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	return h, o, f
}

func (h *house) counts(t testing.TB) (licences, stamps int, leaves uint64) {
	t.Helper()
	all, _, err1 := h.Licences.List(t.Context(), license.Filter{})
	leaves, err2 := h.Store.Journal().JournalSize(t.Context())
	for id := range all {
		if _, err := h.Seals.Entry(t.Context(), all[id].Stamp); err == nil {
			stamps++
		}
	}
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	return len(all), stamps, leaves
}

var errDisk = errors.New("the disk failed")

// A commit that fails leaves neither licence nor stamp, and its retry key free.
func TestALicenceThatWasNotCommitted(t *testing.T) {
	h, o, f := withFaults(t)
	_, _, before := h.counts(t)
	r := h.licenceRequest()
	r.Retry = &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}}
	var lost license.Licence
	f.issue = func(_ func() error, l license.Licence) error { lost = l; return errDisk }
	if issued, err := o.Issue(t.Context(), r); !errors.Is(err, errDisk) || issued.Document != nil {
		t.Fatalf("%+v %v", issued.Licence, err)
	}
	if licences, stamps, after := h.counts(t); licences != 0 || stamps != 0 || after != before {
		t.Fatalf("%d licences, %d stamps, %d leaves more", licences, stamps, after-before)
	}
	if _, err := h.Seals.Entry(t.Context(), lost.Stamp); !errors.Is(err, seal.ErrNotFound) {
		t.Errorf("its stamp: %v", err)
	}
	for _, by := range []func() (license.Licence, error){
		func() (license.Licence, error) { return h.Licences.ByCode(t.Context(), lost.Code) },
		func() (license.Licence, error) { return h.Licences.Show(t.Context(), lost.Identifier) },
	} {
		if l, err := by(); !errors.Is(err, license.ErrNotFound) {
			t.Errorf("%+v %v", l, err)
		}
	}
	// Kept, but the answer was lost: the retry finds it, and the same bytes.
	f.issue = func(commit func() error, l license.Licence) error {
		lost = l
		return errors.Join(commit(), errDisk)
	}
	first, err := o.Issue(t.Context(), r)
	if err != nil || first.Identifier != lost.Identifier {
		t.Fatalf("%+v %v", first.Licence, err)
	}
	f.issue = func(func() error, license.Licence) error { t.Error("issued again"); return errDisk }
	again, err := o.Issue(t.Context(), r)
	if err != nil || string(again.Document) != string(first.Document) {
		t.Fatal(err)
	}
	want(t, h.judge(t, again.Document), verify.Valid, "")
	if licences, stamps, _ := h.counts(t); licences != 1 || stamps != 1 {
		t.Errorf("%d licences, %d stamps", licences, stamps)
	}
}

// A position or identifier that is taken is drawn again, each time with everything
// new, and not for ever.
func TestATakenPositionIsDrawnAgain(t *testing.T) {
	h, o, f := withFaults(t)
	var drawn []license.Licence
	f.issue = func(commit func() error, l license.Licence) error {
		if drawn = append(drawn, l); len(drawn) < 3 {
			return license.ErrTaken
		}
		return commit()
	}
	l, err := o.Issue(t.Context(), h.licenceRequest())
	if err != nil || len(drawn) != 3 || l.Identifier != drawn[2].Identifier {
		t.Fatalf("%d draws, %v", len(drawn), err)
	}
	want(t, h.judge(t, l.Document), verify.Valid, "")
	for i, a := range drawn {
		if id, _, err := identifier.Parse(a.Identifier); err != nil || len(id.Serial) != 20 || strings.Contains(id.Serial, "320124") {
			t.Errorf("%+v %v", id, err)
		}
		for _, b := range drawn[i+1:] {
			if a.Identifier == b.Identifier || a.Position == b.Position || a.Code == b.Code || a.Stamp == b.Stamp {
				t.Errorf("drawn twice: %+v %+v", a, b)
			}
		}
	}
	drawn = nil
	f.issue = func(_ func() error, l license.Licence) error { drawn = append(drawn, l); return license.ErrTaken }
	if _, err := o.Issue(t.Context(), h.licenceRequest()); !errors.Is(err, license.ErrTaken) || len(drawn) != 4 {
		t.Errorf("%d draws, %v", len(drawn), err)
	}
	if licences, stamps, _ := h.counts(t); licences != 1 || stamps != 1 {
		t.Errorf("%d licences, %d stamps", licences, stamps)
	}
}

// Two offices that change one licence at once: one does, the other is told.
func TestTwoOfficesRaceOnOneLicence(t *testing.T) {
	h, o, f := withFaults(t)
	l := h.issue(t)
	change := license.ChangeRequest{Identifier: l.Identifier, Who: "x", Why: "y"}
	f.state = func(commit func() error) error {
		// The other office comes between this one's look and its commit.
		if _, err := h.Licences.Suspend(t.Context(), change); err != nil {
			return err
		}
		return commit()
	}
	if _, err := o.Revoke(t.Context(), change); !errors.Is(err, license.ErrChanged) {
		t.Fatal(err)
	}
	if now, err := h.Licences.Show(t.Context(), l.Identifier); err != nil || now.State != status.LicenceSuspended || now.Version != 2 {
		t.Errorf("%+v %v", now, err)
	}
	f.state = nil
	if _, err := o.Revoke(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	if now, err := h.Licences.Show(t.Context(), l.Identifier); err != nil || now.State != status.LicenceRevoked || now.Version != 3 {
		t.Errorf("%+v %v", now, err)
	}
	// The journal tells of each step, and who took it.
	size, err := h.Store.Journal().JournalSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for i := range size {
		e, err := h.Store.Journal().LeafAt(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if leaf, err := act.ParseLeaf(e.Leaf); err == nil && leaf.Subject == l.Identifier {
			told = append(told, leaf.Act)
			if strings.Contains(string(e.Leaf), "张三") {
				t.Error("a leaf names the holder")
			}
		}
	}
	if !slices.Equal(told, []string{license.ActIssued, license.ActSuspended, license.ActRevoked}) {
		t.Errorf("the journal tells %v", told)
	}
}

// A change that was not committed is not told of, by anyone.
func TestAStateThatWasNotCommitted(t *testing.T) {
	h, o, f := withFaults(t)
	l := h.issue(t)
	f.state = func(func() error) error { return errDisk }
	if _, err := o.Revoke(t.Context(), license.ChangeRequest{Identifier: l.Identifier, Who: "x", Why: "y"}); !errors.Is(err, errDisk) {
		t.Fatal(err)
	}
	want(t, h.judge(t, l.Document), verify.Valid, "")
	if s := listed(t, o, l.Shard); s.at(t, l.Position) != status.LicenceValid {
		t.Error("the list tells of it")
	}
}

type openList struct {
	status.StatusList
	*statuslist.List
}

func (l openList) at(t testing.TB, position uint32) status.LicenceState {
	t.Helper()
	s, ok := l.State(position)
	if !ok {
		t.Fatalf("nothing stands at %d", position)
	}
	return s
}

func listed(t testing.TB, o *license.Office, shard uint32) (l openList) {
	t.Helper()
	signed, err := o.StatusList(t.Context(), shard)
	if err != nil {
		t.Fatal(err)
	}
	st, err := certs.ParseStatement(signed)
	if err == nil {
		err = json.Unmarshal(st.Payload, &l.StatusList)
	}
	if err == nil {
		l.List, err = statuslist.Open(l.Bits, l.Count)
	}
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// The list is made anew when a state changed, at once, and when a minute went by;
// its number only rises, whichever office made it.
func TestTheStatusListFollowsTheRegister(t *testing.T) {
	h, o, _ := withFaults(t)
	l, other := h.issue(t), h.issue(t)
	last := listed(t, h.Licences, l.Shard)
	expect := func(what string, from *license.Office, fresh bool, want status.LicenceState) {
		t.Helper()
		now := listed(t, from, l.Shard)
		if (now.Number > last.Number) != fresh || now.Number < last.Number {
			t.Errorf("%s: number %d after %d", what, now.Number, last.Number)
		}
		if now.at(t, l.Position) != want || now.at(t, other.Position) != status.LicenceValid {
			t.Errorf("%s: %s", what, now.at(t, l.Position))
		}
		last = now
	}
	change := license.ChangeRequest{Identifier: l.Identifier, Who: "x", Why: "y"}
	expect("nothing happened", h.Licences, false, status.LicenceValid)
	for _, step := range []struct {
		do   func(context.Context, license.ChangeRequest) (license.Licence, error)
		want status.LicenceState
	}{{h.Licences.Suspend, status.LicenceSuspended}, {h.Licences.Resume, status.LicenceValid}, {o.Suspend, status.LicenceSuspended}, {o.Revoke, status.LicenceRevoked}} {
		if _, err := step.do(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		expect("changed", h.Licences, true, step.want)
		expect("at once again", h.Licences, false, step.want)
	}
	h.clock.move(59 * time.Second)
	expect("59 seconds later", h.Licences, false, status.LicenceRevoked)
	h.clock.move(time.Second)
	expect("a minute later", h.Licences, true, status.LicenceRevoked)
	expect("of another office", o, true, status.LicenceRevoked)
	h.clock.move(2 * time.Hour)
	expect("two hours later", o, true, status.LicenceRevoked)
	h.clock.move(-time.Hour) // the certificate of the answers had begun then
	expect("of an earlier clock", o, true, status.LicenceRevoked)
}
