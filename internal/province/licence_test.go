package province

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/license"
	"yinxin/license/identifier"
	"yinxin/license/metadata"
	"yinxin/license/qr"
	"yinxin/seal"
	"yinxin/verify"
	"yinxin/verify/status"
)

const testType = testAgency + "001"

// withType is a house that may issue licences.
func withType(t testing.TB) *house {
	h := newHouse(t)
	if _, err := h.Licences.Define(t.Context(), testType, "食品经营许可证", "test"); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) licenceRequest() license.IssueRequest {
	day := func(years int) string { return metadata.Day(h.clock.now().AddDate(years, 0, 0)) }
	return license.IssueRequest{Type: testType, SealID: h.seal.ID, Agency: testAgency, AgencyName: "示例局", Number: "JY1", Holder: "张三", HolderCode: "320124198808240056",
		HolderType: "111", From: day(0), To: day(1), Operator: "李四", Reason: "test"}
}

func (h *house) issue(t testing.TB) license.Issued {
	t.Helper()
	l, err := h.Licences.Issue(t.Context(), h.licenceRequest())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLifeOfALicence(t *testing.T) {
	h := withType(t)
	l := h.issue(t)
	r := h.judge(t, l.Document)
	want(t, r, verify.Valid, "")
	if r.Licence == nil || r.Licence.Identifier != l.Identifier || r.Licence.HolderMasked != "张*" || r.Licence.State != "valid" {
		t.Fatalf("%+v", r.Licence)
	}
	if bytes.Contains(r.JSON(), []byte("张三")) {
		t.Error("the report names the holder")
	}
	change := license.ChangeRequest{Identifier: l.Identifier, Who: "x", Why: "y"}
	steps := []struct {
		do      func() (license.Licence, error)
		verdict verify.Verdict
		code    verify.Code
	}{
		{func() (license.Licence, error) { return h.Licences.Suspend(t.Context(), change) }, verify.NotValid, verify.LicenceSuspended},
		{func() (license.Licence, error) { return h.Licences.Resume(t.Context(), change) }, verify.Valid, ""},
		{func() (license.Licence, error) { return h.Licences.Revoke(t.Context(), change) }, verify.NotValid, verify.LicenceRevoked},
	}
	for _, s := range steps {
		h.clock.move(time.Minute)
		if _, err := s.do(); err != nil {
			t.Fatal(err)
		}
		want(t, h.judge(t, l.Document), s.verdict, s.code)
	}
	for name, err := range map[string]error{
		"resumed": second(h.Licences.Resume(t.Context(), change)), "suspended": second(h.Licences.Suspend(t.Context(), change)), "revoked": second(h.Licences.Revoke(t.Context(), change)),
	} {
		if !errors.Is(err, license.ErrRefused) {
			t.Errorf("a revoked licence was %s: %v", name, err)
		}
	}
	change.Agency = "11100000000013338W"
	if _, err := h.Licences.Revoke(t.Context(), change); !errors.Is(err, license.ErrNoRight) {
		t.Error(err)
	}
}

func second[T any](_ T, err error) error { return err }

// Its term: the last day counts to its end in China.
func TestTermOfALicence(t *testing.T) {
	h := withType(t)
	l := h.issue(t)
	h.clock.move(365 * 24 * time.Hour)
	want(t, h.judge(t, l.Document), verify.Valid, "")
	h.clock.move(48 * time.Hour)
	want(t, h.judge(t, l.Document), verify.NotValid, verify.LicenceExpired)
	early, err := h.Licences.Issue(t.Context(), func() license.IssueRequest {
		r := h.licenceRequest()
		r.From, r.To = h.clock.now().AddDate(0, 0, 5).Format(time.DateOnly), ""
		return r
	}())
	if err != nil {
		t.Fatal(err)
	}
	want(t, h.judge(t, early.Document), verify.NotValid, verify.LicenceNotYetValid)
}

func TestRefusedLicences(t *testing.T) {
	h := withType(t)
	for name, change := range map[string]func(*license.IssueRequest){
		"another's seal":     func(r *license.IssueRequest) { r.Agency = "11100000000013338W" },
		"no type":            func(r *license.IssueRequest) { r.Type = "11520000MB1A00001X009" },
		"holder's check":     func(r *license.IssueRequest) { r.HolderCode = "320124198808240057" },
		"ends before begins": func(r *license.IssueRequest) { r.To = "2001-01-01" },
		"no date":            func(r *license.IssueRequest) { r.From = "yesterday" },
		"no operator":        func(r *license.IssueRequest) { r.Operator = "" },
		"field of its own":   func(r *license.IssueRequest) { r.Extensions = map[string]string{"certificateHolderName": "x"} },
		"no such seal":       func(r *license.IssueRequest) { r.SealID = "52000000009999" },
	} {
		r := h.licenceRequest()
		change(&r)
		if _, err := h.Licences.Issue(t.Context(), r); err == nil {
			t.Errorf("%s: issued", name)
		}
	}
	if all, _, err := h.Licences.List(t.Context(), license.Filter{}); err != nil || len(all) != 0 {
		t.Errorf("%v %v", all, err)
	}
	if stamps, _, err := h.Seals.Entries(t.Context(), seal.Filter{SealID: h.seal.ID, Limit: 10}); err != nil || len(stamps) != 0 {
		t.Errorf("refused licences left stamps: %v %v", stamps, err)
	}
}

// An agency seals a licence that names another authority, or that is in no
// register: neither is one.
func TestLicencesThatNobodyIssued(t *testing.T) {
	h := withType(t)
	l := h.issue(t)
	text := string(l.Document)
	text = text[:strings.LastIndex(text, `,"_seals"`)] + "}"
	if strings.Contains(text, "_seals") {
		t.Fatal(text)
	}
	// The authority's own seal, past the licence office: not in the register.
	id := l.Identifier
	draft, err := h.Licences.Issue(t.Context(), h.licenceRequest())
	if err != nil {
		t.Fatal(err)
	}
	other := strings.Replace(text, id, draft.Identifier, 1)
	forged := h.sealJSON(t, []byte(strings.Replace(other, draft.Identifier, unregistered(t), 1)))
	want(t, h.judge(t, forged), verify.CannotConfirm, verify.LicenceStatusUnknown)
	// Another agency's seal.
	const stranger = "11520000MB2A000014"
	if _, err := h.Agencies.Add(t.Context(), agency.AddRequest{ID: stranger, Name: "别局", Region: "520000", Who: "test"}); err != nil {
		t.Fatal(err)
	}
	theirs, err := h.Seals.Make(t.Context(), seal.MakeRequest{Agency: stranger, AgencyName: "别局", Name: "别局", Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Second)
	s, err := h.Seals.StampJSON(t.Context(), seal.StampRequest{SealID: theirs.ID, Agency: stranger, Operator: "x"}, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want(t, h.judge(t, s.Document), verify.NotValid, verify.LicenceNotByAuthority)
}

func TestALicenceIsIssuedOnce(t *testing.T) {
	h := withType(t)
	r := h.licenceRequest()
	r.Retry = &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	documents := map[string]int{}
	for range 8 {
		wg.Go(func() {
			l, err := h.Licences.Issue(t.Context(), r)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			documents[string(l.Document)]++
		})
	}
	wg.Wait()
	if len(documents) != 1 {
		t.Errorf("%d different licences under one key", len(documents))
	}
	if all, _, err := h.Licences.List(t.Context(), license.Filter{}); err != nil || len(all) != 1 {
		t.Errorf("%d licences, %v", len(all), err)
	}
	r.Retry.Request = [32]byte{2}
	if _, err := h.Licences.Issue(t.Context(), r); !errors.Is(err, license.ErrRetryMismatch) {
		t.Error(err)
	}
}

// Evidence from elsewhere: the list of a shard says the same as the answer, and one
// that has ended is stale.
func TestStatusListAsEvidence(t *testing.T) {
	h := withType(t)
	l := h.issue(t)
	judge := func(items ...verify.Item) verify.Report {
		d := verify.Open(bytes.NewReader(l.Document), int64(len(l.Document)), "", nil)
		in, err := h.Input(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		in.Evidence.Items = slices.DeleteFunc(in.Evidence.Items, func(i verify.Item) bool { return i.Kind == verify.KindLicence })
		in.Evidence.Items = append(in.Evidence.Items, items...)
		return d.Judge(in)
	}
	list := func() verify.Item {
		b, err := h.Licences.StatusList(t.Context(), l.Shard)
		if err != nil {
			t.Fatal(err)
		}
		return verify.NewItem(verify.KindStatusList, b)
	}
	want(t, judge(), verify.CannotConfirm, verify.LicenceStatusUnknown)
	old := list()
	want(t, judge(old), verify.Valid, "")
	h.clock.move(time.Hour)
	if _, err := h.Licences.Revoke(t.Context(), license.ChangeRequest{Identifier: l.Identifier, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	ended := list()
	want(t, judge(old, ended), verify.NotValid, verify.LicenceRevoked)
	want(t, judge(ended, old), verify.NotValid, verify.LicenceRevoked)
	h.clock.move(25 * time.Hour)
	want(t, judge(old), verify.CannotConfirm, verify.StatusStale)
	if _, err := h.Licences.StatusList(t.Context(), 99); !errors.Is(err, license.ErrNotFound) {
		t.Error(err)
	}
}

func TestRecordsOfTokens(t *testing.T) {
	h := withType(t)
	l := h.issue(t)
	token, err := h.Licences.Token(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	record := func(p *house, token *qr.Token, want verify.Recorded, why verify.Code) {
		t.Helper()
		if r, err := p.JudgeToken(t.Context(), token); err != nil || r.Record != want || r.Why != why {
			t.Fatalf("%+v %v, want %s %s", r, err, want, why)
		}
	}
	read, err := qr.Parse(token.Digits())
	if err != nil {
		t.Fatal(err)
	}
	record(h, read, verify.InForce, "")
	change := license.ChangeRequest{Identifier: l.Identifier, Who: "x", Why: "y"}
	if _, err := h.Licences.Suspend(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	record(h, read, verify.Suspended, "")
	record(newHouse(t), read, verify.RecordUnknown, verify.IssuerUnknown)
	if _, err := h.Licences.Resume(t.Context(), change); err != nil {
		t.Fatal(err)
	}
	h.clock.move(367 * 24 * time.Hour)
	record(h, read, verify.Ended, "")
	if row, err := h.Licences.Show(t.Context(), l.Identifier); err != nil || row.State != status.LicenceValid || !row.Over(h.clock.now()) {
		t.Errorf("%+v %v", row, err)
	}
}

// unregistered is a well-formed identifier of the test's authority.
func unregistered(t testing.TB) string {
	t.Helper()
	id, err := identifier.New(testType, testAgency, "00000000000000000000", "001")
	if err != nil {
		t.Fatal(err)
	}
	return id.String()
}
