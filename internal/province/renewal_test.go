package province

import (
	"errors"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/seal"
	"yinxin/verify"
)

func (h *house) tryJSON(t testing.TB, doc string) error {
	t.Helper()
	_, err := h.Seals.StampJSON(t.Context(), h.request(), []byte(doc))
	return err
}

func (h *house) valid(t testing.TB, what string, doc []byte) {
	t.Helper()
	h.clock.move(2 * time.Second) // evidence is of a later second than the stamp
	if r := h.judge(t, doc); r.Verdict != verify.Valid {
		t.Errorf("%s: %s\n%s", what, r.Verdict, r.JSON())
	}
}

func (h *house) sound(t testing.TB) {
	t.Helper()
	if err := h.Journal.Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, err := h.Journal.Audit(t.Context(), nil)
	if err != nil || len(a.Faults) > 0 {
		t.Fatalf("%q %v", a.Faults, err)
	}
}

// Every key of the province is renewed while it is open: what was sealed before
// stays good, what is sealed after is good, and no restart was needed.
func TestRenewalWithoutRestart(t *testing.T) {
	h := newHouse(t)
	before := h.sealJSON(t, []byte(`{"n":1}`))
	h.valid(t, "before", before)
	for _, p := range []ca.Purpose{ca.PurposeTSA, ca.PurposeStatus, ca.PurposeSealMaker, ca.PurposeJournal, ca.PurposeTrustList, ca.PurposeQR, ca.PurposeIssuing, ca.PurposeTSA, ca.PurposeStatus} {
		h.clock.move(time.Minute)
		if _, err := h.CA.Renew(t.Context(), p, "test", "a new key"); err != nil {
			t.Fatal(p, err)
		}
		after := h.sealJSON(t, []byte(`{"n":2}`))
		h.valid(t, "sealed before the renewal of "+string(p), before)
		h.valid(t, "sealed after the renewal of "+string(p), after)
		h.sound(t)
	}
	// A seal whose certificate the new issuing CA issued.
	made, err := h.Seals.Make(t.Context(), seal.MakeRequest{Agency: testAgency, AgencyName: "示例局", Name: "新章", Who: "test", Why: "test"})
	if err != nil {
		t.Fatal(err)
	}
	row, err := h.CA.Certificate(t.Context(), made.CertSerial)
	if err != nil || row.Issuer != "issuing.2" {
		t.Fatal(row.Issuer, err)
	}
	h.clock.move(time.Second)
	old := h.seal
	h.seal = made
	h.valid(t, "sealed under the new issuing CA", h.sealJSON(t, []byte(`{"n":3}`)))
	h.seal = old
	h.reopen(t)
	h.valid(t, "after a restart", before)
	h.sound(t)
	if _, err := h.Trust(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A verifier that remembers the lists of yesterday takes those of a renewed key.
func TestListsAfterARenewal(t *testing.T) {
	h := newHouse(t)
	h.clock.move(30 * time.Hour)
	old, err := h.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	anchor, err := old.Anchor()
	if err != nil {
		t.Fatal(err)
	}
	before, err := old.Open(certs.TrustOptions{Anchors: []string{anchor}, At: h.clock.now()})
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(time.Minute)
	if _, err := h.CA.Renew(t.Context(), ca.PurposeTrustList, "test", "why"); err != nil {
		t.Fatal(err)
	}
	now, err := h.Bundle(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after, err := now.Open(certs.TrustOptions{Anchors: []string{anchor}, At: h.clock.now()})
	if err != nil {
		t.Fatal(err)
	}
	if after.Regions["520000"].Sequence < before.Regions["520000"].Sequence || after.SchemeSequence < before.SchemeSequence {
		t.Fatal("a renewal lowered the sequence of a list")
	}
	// The region's list of just before, beside the scheme list of now.
	now.Regions = old.Regions
	if mixed, err := now.Open(certs.TrustOptions{Anchors: []string{anchor}, At: h.clock.now()}); err != nil || mixed.Regions["520000"] == nil {
		t.Fatal(err)
	}
}

// A revoked certificate of the time-stamp authority ends stamping at once, and a new
// one lets it go on; nothing of the refused stamp stays.
func TestNoStampByARevokedTSA(t *testing.T) {
	h := newHouse(t)
	c, err := h.CA.Purpose(t.Context(), ca.PurposeTSA)
	if err != nil {
		t.Fatal(err)
	}
	h.sealJSON(t, []byte(`{"n":1}`))
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: c.Row.Serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "lost"}); err != nil {
		t.Fatal(err)
	}
	acts, err := h.Store.Journal().CountActs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.tryJSON(t, `{"n":2}`); !errors.Is(err, ca.ErrEnded) {
		t.Fatal(err)
	}
	if n, err := h.Store.Journal().CountActs(t.Context()); err != nil || n != acts {
		t.Fatalf("%d acts after %d: %v", n, acts, err)
	}
	h.reopen(t)
	if err := h.tryJSON(t, `{"n":2}`); !errors.Is(err, ca.ErrEnded) {
		t.Fatal("after a restart:", err)
	}
	h.clock.move(time.Minute)
	if _, err := h.CA.Renew(t.Context(), ca.PurposeTSA, "test", "the key was lost"); err != nil {
		t.Fatal(err)
	}
	h.valid(t, "with a new key", h.sealJSON(t, []byte(`{"n":3}`)))
}

// A folder whose journal key was revoked is opened, closed and put right.
func TestARevokedJournalKey(t *testing.T) {
	h := newHouse(t)
	c, err := h.CA.Purpose(t.Context(), ca.PurposeJournal)
	if err != nil {
		t.Fatal(err)
	}
	h.sound(t)
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: c.Row.Serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "lost"}); err != nil {
		t.Fatal(err)
	}
	h.reopen(t)
	if err := h.Journal.Sign(t.Context()); !errors.Is(err, ca.ErrEnded) {
		t.Fatal("signed by a revoked key:", err)
	}
	h.clock.move(time.Second)
	if _, err := h.CA.Renew(t.Context(), ca.PurposeJournal, "test", "the key was lost"); err != nil {
		t.Fatal(err)
	}
	h.sound(t)
	h.reopen(t)
	h.sound(t)
}

// A folder that was closed for almost two years comes back to life by itself.
func TestRenewalAtTheStart(t *testing.T) {
	h := newHouse(t)
	before := h.sealJSON(t, []byte(`{"n":1}`))
	h.valid(t, "before", before)
	h.clock.move(700 * 24 * time.Hour)
	h.reopen(t)
	for _, p := range []ca.Purpose{ca.PurposeTSA, ca.PurposeOCSP, ca.PurposeStatus, ca.PurposeQR, ca.PurposeJournal, ca.PurposeTrustList} {
		if c, err := h.CA.Signing(t.Context(), p); err != nil || c.Row.Replaces == "" {
			t.Errorf("%s was not renewed: %v", p, err)
		}
	}
	h.valid(t, "sealed after", h.sealJSON(t, []byte(`{"n":2}`)))
	h.valid(t, "sealed before", before)
	h.sound(t)
}
