package province

import (
	"bytes"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/verify"
)

// A province judges by answers about the certificates in question, never by whole
// lists, which grow with every revocation; and an answer that still holds is signed
// once, however many documents and judgements it serves.
func TestAProvinceJudgesByAnswers(t *testing.T) {
	h := newHouse(t)
	doc := h.sealJSON(t, sample(t, "decision.json"))
	r := h.judge(t, doc) // in the second of its sealing
	want(t, r, verify.Valid, "")
	sources := map[string]int{}
	for _, s := range r.Freshness.Status {
		sources[s.Source]++
		if s.Stale {
			t.Errorf("stale: %+v", s)
		}
	}
	if len(sources) != 2 || sources["ocsp"] != 1 || sources["seal-list"] != 1 {
		t.Errorf("judged by %v", sources)
	}
	uses := func() (n uint64) {
		for _, p := range []ca.Purpose{ca.PurposeOCSP, ca.PurposeOCSPRoot, ca.PurposeIssuing, ca.PurposeRoot} {
			c, err := h.CA.Purpose(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			n += c.Key.Info().Uses
		}
		return n
	}
	before := uses()
	for range 10 {
		h.clock.move(time.Second)
		want(t, h.judge(t, doc), verify.Valid, "")
	}
	if signed := uses() - before; signed != 0 {
		t.Errorf("%d signatures for what was known", signed)
	}
	// A later stamp needs later answers.
	later := h.sealJSON(t, sample(t, "decision.json"))
	want(t, h.judge(t, later), verify.Valid, "")
	if uses() == before {
		t.Error("answers of before the stamp did for it")
	}
}

// Whoever is revoked is known to be at once, though answers are kept.
func TestARevocationIsJudgedAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		serial  func(h *house) string
		reason  int
		verdict verify.Verdict
		code    verify.Code
	}{
		"the signer, superseded":  {func(h *house) string { return h.seal.CertSerial }, certs.ReasonSuperseded, verify.ValidWithNotice, verify.CertificateRevokedAfter},
		"the TSA, compromised":    {func(h *house) string { return h.serial(t, ca.PurposeTSA) }, certs.ReasonKeyCompromise, verify.CannotConfirm, verify.TimeNotProven},
		"the maker, superseded":   {func(h *house) string { return h.serial(t, ca.PurposeSealMaker) }, certs.ReasonSuperseded, verify.ValidWithNotice, verify.SealMakerRevokedAfter},
		"its authority, replaced": {func(h *house) string { return h.serial(t, ca.PurposeIssuing) }, certs.ReasonSuperseded, verify.CannotConfirm, verify.StatusUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			doc := h.sealJSON(t, sample(t, "decision.json"))
			h.clock.move(time.Minute)
			want(t, h.judge(t, doc), verify.Valid, "")
			if _, err := h.CA.Revoke(t.Context(), ca.RevokeRequest{Serial: c.serial(h), Reason: c.reason, Who: "x", Why: "y"}); err != nil {
				t.Fatal(err)
			}
			want(t, h.judge(t, doc), c.verdict, c.code)
		})
	}
}

func (h *house) serial(t testing.TB, p ca.Purpose) string {
	t.Helper()
	c, err := h.CA.Purpose(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return c.Row.Serial
}

// A responder that was renewed, and an authority that was, answer for what was sealed
// before and after, also by a trust list of before.
func TestRenewedResponders(t *testing.T) {
	h := newHouse(t)
	first := h.sealJSON(t, sample(t, "decision.json"))
	old, err := h.Trust(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []ca.Purpose{ca.PurposeOCSP, ca.PurposeOCSPRoot} {
		h.clock.move(time.Minute)
		if _, err := h.CA.Renew(t.Context(), p, "test", "x"); err != nil {
			t.Fatal(err)
		}
		second := h.sealJSON(t, sample(t, "decision.json"))
		for _, doc := range [][]byte{first, second} {
			want(t, h.judge(t, doc), verify.Valid, "")
			d := verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil)
			in, err := h.Input(t.Context(), d)
			if err != nil {
				t.Fatal(err)
			}
			in.Trust = old
			want(t, d.Judge(in), verify.Valid, "")
		}
	}
}
