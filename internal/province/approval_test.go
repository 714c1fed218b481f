package province

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/seal"
)

// officer makes a person's key.
func (h *house) officer(t testing.TB, name string, scopes ...string) act.Officer {
	t.Helper()
	_, k, err := h.Agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: testAgency, Officer: name, Scopes: scopes, Who: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return act.Officer{Name: name, KeyID: k.ID, Agency: testAgency}
}

// strict makes a kind of act need a second officer, and gives two.
func (h *house) strict(t testing.TB, kind string) (one, two act.Officer) {
	t.Helper()
	one, two = h.officer(t, "甲", agency.ScopeAdmin), h.officer(t, "乙", agency.ScopeAdmin)
	if _, err := h.Approvals.SetRule(t.Context(), kind, true, one, "双人", nil); err != nil {
		t.Fatal(err)
	}
	return one, two
}

// pending is the request that an act left.
func pending(t testing.TB, err error) approval.Request {
	t.Helper()
	var p *approval.Pending
	if !errors.As(err, &p) {
		t.Fatalf("it does not wait: %v", err)
	}
	return p.Request
}

func (h *house) journalled(t testing.TB, name string) (n int) {
	t.Helper()
	size, err := h.Store.Journal().JournalSize(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range size {
		e, err := h.Store.Journal().LeafAt(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if l, err := act.ParseLeaf(e.Leaf); err != nil {
			t.Fatal(err)
		} else if l.Act == name {
			n++
		}
	}
	return n
}

// faultyCA fails one write, which is persisted all the same or not.
type faultyCA struct {
	ca.Store
	write     string
	persisted bool
}

func (f *faultyCA) do(write string, commit func() error) error {
	if f.write != write {
		return commit()
	}
	f.write = ""
	if f.persisted {
		if err := commit(); err != nil {
			return err
		}
	}
	return errGone
}

func (f *faultyCA) PutIntent(ctx context.Context, i ca.Intent) error {
	return f.do("intent", func() error { return f.Store.PutIntent(ctx, i) })
}

func (f *faultyCA) CommitCertificate(ctx context.Context, a act.Act, r ca.Row) error {
	return f.do("certificate", func() error { return f.Store.CommitCertificate(ctx, a, r) })
}

func (f *faultyCA) CommitRevocation(ctx context.Context, a act.Act, r ca.Revocation) (row ca.Row, err error) {
	err = f.do("revocation", func() error { row, err = f.Store.CommitRevocation(ctx, a, r); return err })
	return row, err
}

// failing puts an authority over a faulty store in the place of the province's.
func (h *house) failing(t testing.TB, write string, persisted bool) {
	t.Helper()
	id := h.Identity
	authority, err := ca.New(ca.Config{Store: &faultyCA{h.Store.CA(), write, persisted}, Gate: h.Approvals, Keys: h.Keys, Clock: h.o.Clock, Rand: h.o.Rand,
		Region: id.Region, RegionName: id.Name, BaseURL: id.URL, Log: h.o.Log})
	if err != nil {
		t.Fatal(err)
	}
	h.CA = authority
}

func clientRequest(t testing.TB) []byte {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// approved approves over a fault, kills the process, and gives the request after the
// next start.
func (h *house) approved(t testing.TB, r approval.Request, by act.Officer, fails bool) approval.Request {
	t.Helper()
	done, err := h.Approvals.Approve(t.Context(), r.ID, by, "同意")
	if err != nil || fails && done.Outcome != nil {
		t.Fatalf("%v %+v", err, done.Outcome)
	}
	h.restart(t)
	if done, err = h.Approvals.Show(t.Context(), r.ID); err != nil || done.Outcome == nil || done.Outcome.Failure != "" {
		t.Fatalf("%v %+v", err, done.Outcome)
	}
	return done
}

// A renewal that supersedes is carried out whole: each of its writes fails once,
// persisted or not, then the process dies. There is one new certificate, the old one
// is revoked, and who asked gets the new one under the key of the asking.
func TestASupersedingRenewalOverFaults(t *testing.T) {
	for _, write := range []string{"", "intent", "certificate", "revocation"} {
		for _, persisted := range []bool{false, true} {
			if write == "" && persisted {
				continue
			}
			t.Run(fmt.Sprintf("%s, persisted %t", write, persisted), func(t *testing.T) {
				h := newHouse(t)
				old, err := h.CA.Issue(t.Context(), ca.IssueRequest{Profile: ca.ProfileClient, Agency: testAgency, AgencyName: "示例局", CommonName: "系统", CSR: clientRequest(t), Who: "x", Why: "y"})
				if err != nil {
					t.Fatal(err)
				}
				one, two := h.strict(t, ca.KindIssue(ca.ProfileClient))
				asked := ca.RenewRequest{Serial: old.Serial, AgencyName: "示例局", CSR: clientRequest(t), Supersede: true, Who: "甲", Why: "到期", By: one,
					Retry: &act.Retry{Owner: testAgency, Key: "k", Request: [32]byte{1}}}
				renew := func() (ca.Row, error) { return h.CA.RenewCertificate(t.Context(), asked) }
				_, err = renew()
				r := pending(t, err)
				var shown ca.AskedIssue
				if err := json.Unmarshal(r.Content, &shown); err != nil || !shown.Supersede || shown.Replaces != old.Serial {
					t.Fatalf("the officer is shown %s", r.Content)
				}
				if _, err = renew(); pending(t, err).ID != r.ID {
					t.Error("a retry asks twice")
				}
				issued, revoked := h.journalled(t, ca.ActIssued), h.journalled(t, ca.ActRevoked)
				h.failing(t, write, persisted)
				// A certificate that stands after all is found under its retry key at once.
				done := h.approved(t, r, two, write != "" && (write != "certificate" || !persisted))
				row, err := renew()
				if err != nil || row.Serial != done.Outcome.Ref || row.Replaces != old.Serial {
					t.Errorf("who asked gets %+v: %v", row, err)
				}
				if now, err := h.CA.Certificate(t.Context(), old.Serial); err != nil || now.Revocation == nil || now.Revocation.Reason != certs.ReasonSuperseded {
					t.Errorf("%v %+v", err, now.Revocation)
				}
				if i, v := h.journalled(t, ca.ActIssued)-issued, h.journalled(t, ca.ActRevoked)-revoked; i != 1 || v != 1 {
					t.Errorf("%d issued, %d revoked", i, v)
				}
			})
		}
	}
}

// The second of two renewals of one certificate finds it superseded.
func TestARenewalOfWhatWasSuperseded(t *testing.T) {
	h := newHouse(t)
	old, err := h.CA.Issue(t.Context(), ca.IssueRequest{Profile: ca.ProfileClient, Agency: testAgency, AgencyName: "示例局", CommonName: "系统", CSR: clientRequest(t), Who: "x", Why: "y"})
	if err != nil {
		t.Fatal(err)
	}
	one, two := h.strict(t, ca.KindIssue(ca.ProfileClient))
	var asked []approval.Request
	for range 2 {
		_, err := h.CA.RenewCertificate(t.Context(), ca.RenewRequest{Serial: old.Serial, AgencyName: "示例局", CSR: clientRequest(t), Supersede: true, Who: "甲", Why: "到期", By: one})
		asked = append(asked, pending(t, err))
	}
	for i, r := range asked {
		done, err := h.Approvals.Approve(t.Context(), r.ID, two, "")
		if err != nil || done.Outcome == nil || (done.Outcome.Failure != "") != (i == 1) {
			t.Fatalf("%d: %v %+v", i, err, done.Outcome)
		}
	}
}

// A new issuing authority by two officers, once over every fault; no way around.
func TestANewAuthorityByTwoOfficers(t *testing.T) {
	for _, write := range []string{"", "intent", "certificate"} {
		for _, persisted := range []bool{false, true} {
			if write == "" && persisted {
				continue
			}
			t.Run(fmt.Sprintf("%s, persisted %t", write, persisted), func(t *testing.T) {
				h := newHouse(t)
				one, two := h.strict(t, ca.KindRenewCA)
				if _, err := h.CA.Renew(t.Context(), ca.PurposeIssuing, "x", "y"); !errors.Is(err, approval.ErrNoRight) {
					t.Fatalf("one without a key was enough: %v", err)
				}
				if _, err := h.CA.Renew(t.Context(), ca.PurposeTSA, "x", "y"); err != nil {
					t.Fatal("a service renews itself:", err)
				}
				ask := func() approval.Request {
					t.Helper()
					_, err := h.CA.RenewOwn(t.Context(), ca.OwnRenewal{Purpose: ca.PurposeIssuing, Who: "甲", Why: "到期", By: one})
					return pending(t, err)
				}
				r, other := ask(), ask()
				h.failing(t, write, persisted)
				done := h.approved(t, r, two, write != "" && !persisted)
				rows, err := h.CA.History(t.Context(), ca.PurposeIssuing)
				if err != nil || len(rows) != 2 || rows[1].Serial != done.Outcome.Ref {
					t.Fatalf("%d generations: %v", len(rows), err)
				}
				if late, err := h.Approvals.Approve(t.Context(), other.ID, two, ""); err != nil || late.Outcome == nil || late.Outcome.Failure == "" {
					t.Errorf("the second of two askings: %v %+v", err, late.Outcome)
				}
			})
		}
	}
}

// A seal's certificate is issued under the rule for seals' certificates: making the
// seal waits, whole, and is done once over every fault.
func TestASealByTwoOfficers(t *testing.T) {
	for _, write := range []string{"", "intent", "certificate", "made"} {
		for _, persisted := range []bool{false, true} {
			if write == "" && persisted {
				continue
			}
			t.Run(fmt.Sprintf("%s, persisted %t", write, persisted), func(t *testing.T) { sealOverFault(t, write, persisted) })
		}
	}
}

func sealOverFault(t *testing.T, write string, persisted bool) {
	h := newHouse(t)
	one, two := h.strict(t, ca.KindIssue(ca.ProfileAgencySeal))
	wish := seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "新章", Policy: seal.Policy{PerDay: 7}, Who: "甲", Why: "启用"}
	if _, err := h.Seals.Make(t.Context(), wish); !errors.Is(err, approval.ErrNoRight) {
		t.Fatalf("one without a key was enough: %v", err)
	}
	wish.By = one
	_, err := h.Seals.Make(t.Context(), wish)
	r := pending(t, err)
	var asked seal.AskedMake
	if err := approval.Content(r, &asked); err != nil || asked.Name != "新章" || asked.Policy.PerDay != 7 || r.Kind != seal.KindMake {
		t.Fatalf("%v %s", err, r.Content)
	}
	if png, err := h.Seals.Picture(t.Context(), asked.Picture); err != nil || len(png) == 0 {
		t.Fatal("the picture that is to be approved:", err)
	}
	if _, err := h.Approvals.Approve(t.Context(), r.ID, one, ""); !errors.Is(err, approval.ErrSameOfficer) {
		t.Fatal(err)
	}
	issued := h.journalled(t, ca.ActIssued)
	h.failing(t, write, persisted)
	h.Seals = h.over(t, &faultySeals{write: write, persisted: persisted})
	done := h.approved(t, r, two, write != "" && (write != "certificate" || !persisted))
	s, err := h.Seals.Show(t.Context(), asked.Seal)
	if err != nil || done.Outcome.Ref != s.ID || s.Name != "新章" || s.Policy.PerDay != 7 {
		t.Fatalf("%v %+v", err, s)
	}
	all, _, err := h.Seals.List(t.Context(), seal.SealFilter{Agency: testAgency, Limit: 9})
	if err != nil || len(all) != 2 {
		t.Errorf("%d seals: %v", len(all), err)
	}
	if n := h.journalled(t, ca.ActIssued) - issued; n != 1 || h.journalled(t, seal.ActMade) != 2 {
		t.Errorf("%d certificates and %d seals in the journal", n, h.journalled(t, seal.ActMade))
	}
	h.stampWith(t, s)
}

// The rule of seals' certificates is the one for making seals, and no other.
func TestTheRuleOfSeals(t *testing.T) {
	h := newHouse(t)
	one := h.officer(t, "甲", agency.ScopeAdmin)
	if _, err := h.Approvals.SetRule(t.Context(), seal.KindMake, true, one, "双人", nil); !errors.Is(err, approval.ErrRefused) {
		t.Error("a second rule for one act:", err)
	}
	// Nobody issues on a key of ours without having asked.
	key, err := h.Keys.Key(t.Context(), h.seal.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	_, err = h.CA.Issue(t.Context(), ca.IssueRequest{Profile: ca.ProfileAgencySeal, Agency: testAgency, AgencyName: "示例局", CommonName: "52000000000099", Key: key, Who: "x", Why: "y"})
	if !errors.Is(err, ca.ErrRefused) {
		t.Error(err)
	}
}
