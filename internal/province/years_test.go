package province

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/license/qr"
	"yinxin/verify"
)

// What was printed and sealed stays good over the years, whatever has been renewed
// and has ended since: the code on a licence by the QR key of then, a stamp by the
// maker's and the time-stamp authority's of then, the seal list by the status key of
// then.
func TestOverTheYears(t *testing.T) {
	h := withType(t)
	q := h.licenceRequest()
	q.To = "" // without end
	l, err := h.Licences.Issue(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	printed, err := h.Licences.Token(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	sealed := h.sealJSON(t, []byte(`{"n":1}`))
	old := map[ca.Purpose]string{}
	renewed := []ca.Purpose{ca.PurposeQR, ca.PurposeSealMaker, ca.PurposeTSA, ca.PurposeStatus}
	for _, p := range renewed {
		old[p] = h.serial(t, p)
	}
	said, err := h.Evidence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range renewed {
		h.clock.move(time.Minute)
		if _, err := h.CA.Renew(t.Context(), p, "test", "a new key"); err != nil {
			t.Fatal(p, err)
		}
		if h.serial(t, p) == old[p] {
			t.Fatal(p, "was not renewed")
		}
	}
	// Of the seals the list by the old status key alone, within its day.
	d := verify.Open(bytes.NewReader(sealed), int64(len(sealed)), "", nil)
	in, err := h.Input(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	in.Evidence.Items = append(slices.DeleteFunc(in.Evidence.Items, func(i verify.Item) bool { return i.Kind == verify.KindSealList }), said...)
	want(t, d.Judge(in), verify.Valid, "")

	for half := range 5 { // what ends is renewed on the way
		if half > 0 {
			h.clock.move(180 * 24 * time.Hour)
			h.reopen(t)
		}
		read, err := qr.Parse(printed.Digits())
		if err != nil {
			t.Fatal(err)
		}
		if r, err := h.JudgeToken(t.Context(), read); err != nil || r.Record != verify.InForce {
			t.Errorf("the printed code, after %d half years: %+v %v", half, r, err)
		}
		h.valid(t, "the stamp", sealed)
		h.valid(t, "the licence", l.Document)
	}
	// The old QR key's certificate ends, and nobody need keep its licences from being
	// recorded: the responder still knows of it.
	h.clock.move(9 * 24 * time.Hour)
	trust, err := h.Trust(t.Context()) // for a week; the scheme's own key ends with the others
	if err != nil {
		t.Fatal(err)
	}
	h.clock.move(3 * 24 * time.Hour)
	if row, err := h.CA.Certificate(t.Context(), old[ca.PurposeQR]); err != nil || !h.clock.now().After(row.NotAfter) {
		t.Fatal("the old QR certificate has not ended", err)
	}
	judged := func(token *qr.Token, signer bool) verify.TokenReport {
		in := verify.Input{Trust: trust, At: h.clock.now()}
		var wants []verify.Want
		if signer {
			wants = h.Engine.TokenWants(token, in)
		}
		wants = append(wants, verify.Want{Kind: verify.KindLicence, Region: h.Identity.Region, Key: l.Identifier})
		items, err := h.Answers(t.Context(), wants)
		if err != nil {
			t.Fatal(err)
		}
		in.At, in.Evidence = h.clock.now(), &verify.Evidence{Items: items}
		return h.Engine.JudgeToken(token, in)
	}
	if r := judged(printed, true); r.Record != verify.InForce {
		t.Errorf("the printed code, by a certificate that has ended: %+v", r)
	}
	if r := judged(printed, false); r.Why != verify.StatusUnavailable {
		t.Errorf("nobody speaks of the signer: %+v", r)
	}
	// A compromise of the old QR key is told of every code by it, and of no other.
	fresh, err := h.Licences.Token(t.Context(), l.Identifier)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: old[ca.PurposeQR], Reason: certs.ReasonKeyCompromise, Who: "test", Why: "stolen"}); err != nil {
		t.Fatal(err)
	}
	if r := judged(printed, true); r.Why != verify.ServiceDistrusted {
		t.Errorf("by a compromised key: %+v", r)
	}
	if r := judged(fresh, true); r.Record != verify.InForce {
		t.Errorf("by the new key: %+v", r)
	}
}
