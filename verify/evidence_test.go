package verify_test

import (
	"encoding/hex"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/seal/ses"
	"yinxin/verify"
	"yinxin/verify/status"
)

// without gives the usual evidence but the pieces that drop names.
func (s *scene) without(drop func(verify.Item) bool) []verify.Item {
	var out []verify.Item
	for _, i := range s.usual() {
		if !drop(i) {
			out = append(out, i)
		}
	}
	return out
}

// of tells whether an item is a CRL by that authority.
func of(p *party) func(verify.Item) bool {
	return func(i verify.Item) bool {
		c, err := certs.ParseCRL(i.Raw)
		return err == nil && string(c.RawIssuer) == string(p.cert.RawSubject)
	}
}

func lists(i verify.Item) bool { return i.Kind == verify.KindSealList }

// What evidence must be to speak for the time in question: protocol.md 4, Fresh.
func TestFreshness(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(s *scene)
		verdict verify.Verdict
		code    verify.Code
	}{
		"none":                {func(s *scene) { s.evidence = []verify.Item{} }, verify.CannotConfirm, verify.StatusUnavailable},
		"made before P":       {func(s *scene) { s.known = noon.Add(gap - time.Second) }, verify.CannotConfirm, verify.StatusStale},
		"made in P's second":  {func(s *scene) { s.known = noon.Add(gap) }, verify.Valid, ""},
		"a day old":           {func(s *scene) { s.at = s.known.Add(24 * time.Hour) }, verify.Valid, ""},
		"more than a day old": {func(s *scene) { s.at = s.known.Add(24*time.Hour + time.Second) }, verify.CannotConfirm, verify.StatusStale},
		"25 hours old, but good for a week": {func(s *scene) {
			s.at = s.known.Add(25 * time.Hour)
			s.evidence = s.without(of(s.r.issuing))
			s.evidence = append(s.evidence, s.r.issuing.listUntil(s, s.known, s.known.Add(7*24*time.Hour)))
		}, verify.CannotConfirm, verify.StatusStale},
		"CRL past its nextUpdate": {func(s *scene) {
			s.evidence = append(s.without(of(s.r.issuing)), s.r.issuing.listUntil(s, s.known, s.at.Add(-time.Second)))
		}, verify.CannotConfirm, verify.StatusStale},
		"CRL at its nextUpdate": {func(s *scene) {
			s.evidence = append(s.without(of(s.r.issuing)), s.r.issuing.listUntil(s, s.known, s.at))
		}, verify.Valid, ""},
		"made after At":                      {func(s *scene) { s.known = s.at.Add(time.Second) }, verify.CannotConfirm, verify.StatusUnavailable},
		"no CRL of the issuing authority":    {func(s *scene) { s.evidence = s.without(of(s.r.issuing)) }, verify.CannotConfirm, verify.StatusUnavailable},
		"no CRL about the issuing authority": {func(s *scene) { s.evidence = s.without(of(s.r.root)) }, verify.CannotConfirm, verify.StatusUnavailable},
		"no CRL for the TSA": {func(s *scene) {
			s.order.tsa, s.order.chain = s.far.tsa, nil
			s.evidence = s.without(of(s.far.issuing))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"CRL of an authority of the same name": {func(s *scene) {
			twin := newParty(s, s.r.root, profile{name: "520000 issuing", ca: true})
			s.evidence = append(s.without(of(s.r.issuing)), twin.list(s, s.known))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"CRL by another key under the name and key id": {func(s *scene) {
			forger := newParty(s, nil, profile{name: "x"})
			s.evidence = append(s.without(of(s.r.issuing)), (&party{forger.key, s.r.issuing.cert}).list(s, s.known))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"CRL with an altered byte": {func(s *scene) {
			s.evidence = append(s.without(of(s.r.issuing)), altered(s.r.issuing.list(s, s.known)))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"revoked in a list past its end": {func(s *scene) {
			s.more = []verify.Item{s.r.issuing.listUntil(s, noon.Add(-time.Hour), noon, revocation{who: s.r.signer, at: noon.Add(-2 * time.Hour)})}
		}, verify.NotValid, verify.CertificateRevokedBefore},
		"revoked in an older list, gone from the newer": {func(s *scene) {
			s.more = []verify.Item{s.r.issuing.list(s, noon.Add(-time.Minute), revocation{who: s.r.signer, at: noon.Add(-time.Hour)})}
		}, verify.NotValid, verify.CertificateRevokedBefore},
		"superseded in the older list, compromised in the newer": {func(s *scene) {
			s.gone = []revocation{{who: s.r.tsa, at: noon.Add(20 * time.Minute), reason: certs.ReasonKeyCompromise}}
			s.more = []verify.Item{s.r.issuing.list(s, noon.Add(30*time.Minute), revocation{who: s.r.tsa, at: noon.Add(20 * time.Minute), reason: certs.ReasonSuperseded})}
		}, verify.CannotConfirm, verify.TimeNotProven},
		"revocation made after At": {func(s *scene) {
			s.more = []verify.Item{s.r.issuing.list(s, s.at.Add(time.Minute), revocation{who: s.r.signer, at: noon.Add(-time.Hour)})}
		}, verify.Valid, ""},
		"an expired certificate is gone from the list": {func(s *scene) {
			s.short(epoch, noon.Add(10*time.Minute))
		}, verify.CannotConfirm, verify.StatusUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.change(s)
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// altered flips a bit of a piece's signature value.
func altered(i verify.Item) verify.Item {
	raw := append([]byte(nil), i.Raw...)
	raw[len(raw)-20] ^= 1
	return verify.NewItem(i.Kind, raw)
}

// Who may speak of a seal, and of which: protocol.md 3 and 5.
func TestSealStatements(t *testing.T) {
	frozen := []status.Interval{{State: status.SealFrozen, From: noon.Add(-time.Hour)}}
	thawed := []status.Interval{{State: status.SealFrozen, From: noon.Add(-time.Hour), To: noon.Add(-time.Minute)}}
	for name, c := range map[string]struct {
		change  func(s *scene) []verify.Item // instead of the seal lists
		verdict verify.Verdict
		code    verify.Code
	}{
		"an answer alone": {func(s *scene) []verify.Item { return []verify.Item{s.r.answer(s, s.r.status, s.known, s.r.seal)} }, verify.Valid, ""},
		"an answer: frozen": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.answer(s, s.r.status, s.known, s.r.seal, frozen...)}
		}, verify.NotValid, verify.SealFrozenAtSealing},
		"the register does not know the seal": {func(s *scene) []verify.Item {
			sum := hexOf(s, s.r.seal)
			return []verify.Item{signed(s, s.r.status, verify.KindSealStatus, status.SealStatus{Head: status.Head{Iss: s.r.code, Iat: s.known, Exp: s.known.Add(time.Hour)},
				ID: s.r.sealID(1), Seal: sum, At: s.known, AsOf: s.known, State: status.SealUnknown, Intervals: []status.Interval{}})}
		}, verify.CannotConfirm, verify.SealStatusUnknownToList},
		"of another version of the seal": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.answer(s, s.r.status, s.known, s.r.makeSeal(s, sealOrder{picture: []byte("another")}))}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"by another region": {func(s *scene) []verify.Item {
			return []verify.Item{s.far.answer(s, s.far.status, s.known, s.r.seal), s.far.sealList(s, s.far.status, s.known, nil)}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"by another region in the region's name": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.answer(s, s.far.status, s.known, s.r.seal), s.r.sealList(s, s.far.status, s.known, nil)}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"a freeze told by another region": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.answer(s, s.r.status, s.known, s.r.seal), s.far.sealList(s, s.far.status, s.known, s.r.seal, frozen...)}
		}, verify.Valid, ""},
		"by the region's seal maker": {func(s *scene) []verify.Item { return []verify.Item{s.r.answer(s, s.r.maker, s.known, s.r.seal)} }, verify.CannotConfirm, verify.StatusUnavailable},
		"by a status signer's certificate that is not listed": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.answer(s, newParty(s, s.r.issuing, profile{name: "another", eku: certs.OIDEKUStatusSigner}), s.known, s.r.seal)}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"by a status signer for other seals": {func(s *scene) []verify.Item {
			s.r.services[4].Prefixes = []string{"5203"}
			return []verify.Item{s.r.answer(s, s.r.status, s.known, s.r.seal)}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"by a status signer revoked before": {func(s *scene) []verify.Item {
			s.gone = []revocation{{who: s.r.status, at: s.known.Add(-time.Minute), reason: certs.ReasonSuperseded}}
			return append(s.without(lists), s.r.answer(s, s.r.status, s.known, s.r.seal))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"by a status signer compromised since": {func(s *scene) []verify.Item {
			s.gone = []revocation{{who: s.r.status, at: s.known.Add(time.Minute), reason: certs.ReasonKeyCompromise}}
			return append(s.without(lists), s.r.answer(s, s.r.status, s.known, s.r.seal))
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"by a status signer whose service was withdrawn": {func(s *scene) []verify.Item {
			s.r.then(s.r.status, certs.Withdrawn, noon.Add(-time.Hour))
			return []verify.Item{s.r.answer(s, s.r.status, s.known, s.r.seal)}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"an altered answer": {func(s *scene) []verify.Item {
			i := s.r.answer(s, s.r.status, s.known, s.r.seal)
			return []verify.Item{altered(i)}
		}, verify.CannotConfirm, verify.StatusUnavailable},
		"an answer past its end": {func(s *scene) []verify.Item {
			return []verify.Item{signed(s, s.r.status, verify.KindSealStatus, status.SealStatus{Head: status.Head{Iss: s.r.code, Iat: s.known, Exp: s.at.Add(-time.Second)},
				ID: s.r.sealID(1), Seal: hexOf(s, s.r.seal), At: s.known, AsOf: s.known, State: status.SealInForce, Intervals: []status.Interval{}})}
		}, verify.CannotConfirm, verify.StatusStale},
		"a list from before P": {func(s *scene) []verify.Item { return []verify.Item{s.r.sealList(s, s.r.status, noon, nil)} }, verify.CannotConfirm, verify.StatusStale},
		"a list of yesterday": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.sealList(s, s.r.status, s.at.Add(-25*time.Hour), nil)}
		}, verify.CannotConfirm, verify.StatusStale},
		"a list replayed from before the freeze, beside a newer one": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.sealList(s, s.r.status, noon.Add(gap+time.Minute), nil),
				s.r.sealList(s, s.r.status, s.known, s.r.seal, status.Interval{State: status.SealFrozen, From: noon.Add(10 * time.Minute)})}
		}, verify.ValidWithNotice, verify.SealFrozenAfter},
		"frozen in an old list, in force in the newer: a register restored": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.sealList(s, s.r.status, noon.Add(-time.Minute), s.r.seal, frozen...), s.r.sealList(s, s.r.status, s.known, nil)}
		}, verify.NotValid, verify.SealFrozenAtSealing},
		"frozen in an old list, thawed in the newer": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.sealList(s, s.r.status, noon.Add(-30*time.Minute), s.r.seal, frozen...), s.r.sealList(s, s.r.status, s.known, s.r.seal, thawed...)}
		}, verify.Valid, ""},
		"thawed in an old list, frozen on in the newer": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.sealList(s, s.r.status, noon, s.r.seal, thawed...), s.r.sealList(s, s.r.status, s.known, s.r.seal, frozen...)}
		}, verify.NotValid, verify.SealFrozenAtSealing},
		"made after At": {func(s *scene) []verify.Item {
			return []verify.Item{s.r.sealList(s, s.r.status, s.known, nil), s.r.sealList(s, s.r.status, s.at.Add(time.Second), s.r.seal, frozen...)}
		}, verify.Valid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			items := c.change(s)
			if len(items) < 4 {
				items = append(items, s.without(lists)...)
			}
			s.evidence = items
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

func hexOf(t testing.TB, seal []byte) string {
	t.Helper()
	s, err := ses.ParseSeal(seal)
	if err != nil {
		t.Fatal(err)
	}
	sum := s.SM3()
	return hex.EncodeToString(sum[:])
}
