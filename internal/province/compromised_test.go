package province

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/seal"
	"yinxin/verify"
)

// behind lists what stands behind a key: ids by kind, in the order found.
func (h *house) behind(t *testing.T, s Suspect) (all []Affected, ids map[string][]string) {
	t.Helper()
	ids = map[string][]string{}
	if err := h.Compromised(t.Context(), s, func(a Affected) error {
		all, ids[a.Kind] = append(all, a), append(ids[a.Kind], a.ID)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all, ids
}

func (h *house) makeSeal(t *testing.T) seal.Seal {
	t.Helper()
	s, err := h.Seals.Make(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) stampWith(t *testing.T, s seal.Seal) seal.Stamped {
	t.Helper()
	r := h.request()
	r.SealID = s.ID
	out, err := h.Seals.StampJSON(t.Context(), r, []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (h *house) purpose(t *testing.T, p ca.Purpose) ca.Row {
	t.Helper()
	c, err := h.CA.Purpose(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return c.Row
}

// The key of a seal's signer was lost at a time: what it sealed before is good, and
// says so; what it sealed after is not.
func TestASignersKeyIsCompromised(t *testing.T) {
	h := newHouse(t)
	h.clock.move(time.Hour)
	before := h.stampWith(t, h.seal)
	h.clock.move(time.Hour)
	since := h.clock.now()
	h.clock.move(time.Hour)
	after, other := h.stampWith(t, h.seal), h.stampWith(t, h.makeSeal(t))
	h.clock.move(time.Hour)

	s := Suspect{Serial: h.seal.CertSerial, Since: since}
	all, ids := h.behind(t, s)
	if d := cmp.Diff(map[string][]string{AffectedCertificate: {h.seal.CertSerial}, AffectedSeal: {h.seal.ID}, AffectedStamp: {after.ID.String()}}, ids); d != "" {
		t.Fatal(d)
	}
	if byKey, _ := h.behind(t, Suspect{KeyID: h.seal.KeyID, Since: since}); !cmp.Equal(byKey, all) {
		t.Errorf("by the key: %s", cmp.Diff(all, byKey))
	}
	r := ca.CompromiseRequest{Key: s.String(), Since: since, Serials: ids[AffectedCertificate], Who: "张三", Why: "介质丢失"}
	done, err := h.CA.RevokeAll(t.Context(), r)
	if err != nil || done.Count != 1 || done.Changed != 1 {
		t.Fatal(done, err)
	}
	leaf, _, err := h.Store.Leaf(t.Context(), done.Act)
	if err != nil || len(leaf) == 0 {
		t.Fatal("the act has no leaf", err)
	}
	h.clock.move(time.Minute)
	for name, c := range map[string]struct {
		doc  []byte
		want verify.Verdict
		code verify.Code
	}{
		"before":       {before.Document, verify.ValidWithNotice, verify.CertificateRevokedAfter},
		"after":        {after.Document, verify.NotValid, verify.CertificateRevokedBefore},
		"by another's": {other.Document, verify.Valid, ""},
	} {
		r := h.judge(t, c.doc)
		if r.Verdict != c.want || c.code != "" && !slices.ContainsFunc(r.Reasons, func(r verify.Reason) bool { return r.Code == c.code }) {
			t.Errorf("%s: %s %v", name, r.Verdict, r.Reasons)
		}
	}
	if _, err := h.Seals.StampJSON(t.Context(), h.request(), []byte(`{"a":1}`)); !errors.Is(err, seal.ErrNotInForce) {
		t.Errorf("the seal stamps on: %v", err)
	}
	// A second time everything is as it was, in the list too but for the state.
	if _, err := h.CA.RevokeAll(t.Context(), r); !errors.Is(err, ca.ErrRevoked) {
		t.Errorf("a second time: %v", err)
	}
	all[0].State = ca.StateRevoked
	if again, _ := h.behind(t, s); !cmp.Equal(again, all) {
		t.Error(cmp.Diff(all, again))
	}
}

// The keys of the province's own: what an authority issued, a maker made and a TSA
// stamped since.
func TestAKeyOfTheProvinceIsCompromised(t *testing.T) {
	h := newHouse(t)
	h.clock.move(time.Hour)
	h.stampWith(t, h.seal)
	h.clock.move(2 * time.Hour)
	since := h.clock.now()
	late := h.makeSeal(t)
	a := h.stampWith(t, h.seal)
	h.clock.move(time.Millisecond) // ids within one are in no order
	b := h.stampWith(t, late)
	h.clock.move(time.Hour)
	root, issuing, maker, tsa := h.purpose(t, ca.PurposeRoot), h.purpose(t, ca.PurposeIssuing), h.purpose(t, ca.PurposeSealMaker), h.purpose(t, ca.PurposeTSA)
	stamps := []string{a.ID.String(), b.ID.String()}
	for name, c := range map[string]struct {
		s    Suspect
		want map[string][]string
	}{
		"issuing":    {Suspect{Issuer: "issuing"}, map[string][]string{AffectedCertificate: {issuing.Serial, late.CertSerial}, AffectedSeal: {late.ID}, AffectedStamp: stamps[1:]}},
		"by serial":  {Suspect{Serial: issuing.Serial}, map[string][]string{AffectedCertificate: {issuing.Serial, late.CertSerial}, AffectedSeal: {late.ID}, AffectedStamp: stamps[1:]}},
		"seal maker": {Suspect{Serial: maker.Serial}, map[string][]string{AffectedCertificate: {maker.Serial}, AffectedSeal: {late.ID}, AffectedStamp: stamps[1:]}},
		"TSA":        {Suspect{KeyID: tsa.KeyID}, map[string][]string{AffectedCertificate: {tsa.Serial}, AffectedStamp: stamps}},
		"root":       {Suspect{Issuer: "root"}, map[string][]string{AffectedCertificate: {root.Serial}}},
	} {
		c.s.Since = since
		if _, ids := h.behind(t, c.s); !cmp.Equal(ids, c.want) {
			t.Errorf("%s: %s", name, cmp.Diff(c.want, ids))
		}
	}
	for name, s := range map[string]Suspect{
		"nothing named": {Since: since}, "two": {Serial: root.Serial, Issuer: "root", Since: since}, "no time": {Issuer: "root"},
		"a time to come": {Issuer: "root", Since: h.clock.now().Add(time.Second)}, "an unknown key": {KeyID: "x", Since: since},
	} {
		if err := h.Compromised(t.Context(), s, nil); !errors.Is(err, ErrSuspect) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, s := range []Suspect{{Serial: "00", Since: since}, {Issuer: "issuing.9", Since: since}} {
		if err := h.Compromised(t.Context(), s, nil); !errors.Is(err, ca.ErrNotFound) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

func TestWhatRevokeAllRefuses(t *testing.T) {
	h := newHouse(t)
	good := ca.CompromiseRequest{Key: "x", Since: h.clock.now().Add(-time.Minute), Serials: []string{h.seal.CertSerial}, Who: "x", Why: "y"}
	for name, spoil := range map[string]func(*ca.CompromiseRequest){
		"no time":        func(r *ca.CompromiseRequest) { r.Since = time.Time{} },
		"a time to come": func(r *ca.CompromiseRequest) { r.Since = h.clock.now().Add(2 * time.Second) },
		"nobody":         func(r *ca.CompromiseRequest) { r.Who = "" },
		"no grounds":     func(r *ca.CompromiseRequest) { r.Why = "" },
		"no key":         func(r *ca.CompromiseRequest) { r.Key = "" },
		"an empty list":  func(r *ca.CompromiseRequest) { r.Serials = nil },
		"a root":         func(r *ca.CompromiseRequest) { r.Serials = append(r.Serials, h.purpose(t, ca.PurposeRoot).Serial) },
		"too many":       func(r *ca.CompromiseRequest) { r.Serials = strings.Split(strings.Repeat("x,", 250_001), ",") },
	} {
		r := good
		spoil(&r)
		if _, err := h.CA.RevokeAll(t.Context(), r); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if row, err := h.CA.Certificate(t.Context(), h.seal.CertSerial); err != nil || row.Revocation != nil {
		t.Error(row.Revocation, err)
	}
	// An authority's key has a reason of its own.
	good.Serials = append(good.Serials, h.purpose(t, ca.PurposeIssuing).Serial)
	if _, err := h.CA.RevokeAll(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	if row := h.purpose(t, ca.PurposeIssuing); row.Revocation == nil || row.Revocation.Reason != 2 {
		t.Errorf("%+v", row.Revocation)
	}
	if _, err := h.Seals.Make(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}); !errors.Is(err, ca.ErrRefused) {
		t.Errorf("the authority issues on: %v", err)
	}
}
