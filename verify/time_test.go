package verify_test

import (
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/verify"
	"yinxin/verify/status"
)

// moments are where R can stand to C and P (protocol.md 4). The clock is an
// input: a case moves R alone.
var moments = []struct {
	name string
	r    time.Time
	// what an end at that moment makes of the stamp
	verdict verify.Verdict
}{
	{"before C", noon.Add(-time.Hour), verify.NotValid},
	{"at C", noon, verify.NotValid},
	{"between", noon.Add(gap / 2), verify.CannotConfirm},
	{"at P", noon.Add(gap), verify.CannotConfirm},
	{"after P", noon.Add(gap + time.Second), verify.ValidWithNotice},
	{"long after P", noon.Add(30 * time.Minute), verify.ValidWithNotice},
}

func TestTheUsualSceneIsValid(t *testing.T) {
	expect(t, newScene(t).judge(), verify.Valid, "")
}

// Every relation of R to C and P, for each kind of end.
func TestEndsAgainstSealingTime(t *testing.T) {
	kinds := []struct {
		name  string
		end   func(s *scene, r time.Time)
		codes map[verify.Verdict]verify.Code
	}{
		{"certificate superseded", func(s *scene, r time.Time) {
			s.gone = []revocation{{who: s.r.signer, at: r, reason: certs.ReasonSuperseded}}
		}, signerCodes},
		{"certificate revoked for no reason told", func(s *scene, r time.Time) {
			s.gone = []revocation{{who: s.r.signer, at: r}}
		}, signerCodes},
		{"key compromised, invalid since", func(s *scene, r time.Time) {
			s.gone = []revocation{{who: s.r.signer, at: noon.Add(40 * time.Minute), reason: certs.ReasonKeyCompromise, invalid: r}}
		}, signerCodes},
		{"no reason told, invalid since", func(s *scene, r time.Time) {
			s.gone = []revocation{{who: s.r.signer, at: noon.Add(40 * time.Minute), invalid: r}}
		}, signerCodes},
		{"issuing authority revoked", func(s *scene, r time.Time) {
			s.gone = []revocation{{who: s.r.issuing, at: r, reason: certs.ReasonCessationOfOperation}}
			// What it signed after its end counts for nothing, so its list is older.
			s.evidence = append(s.usual(), s.r.issuing.list(s, noon.Add(gap)))
		}, nil},
		{"seal cancelled", func(s *scene, r time.Time) {
			s.history = []status.Interval{{State: status.SealCancelled, From: r}}
		}, sealCodes(verify.SealCancelledBeforeSealing, verify.SealCancelledAfter)},
		{"seal replaced", func(s *scene, r time.Time) {
			s.history = []status.Interval{{State: status.SealReplaced, From: r}}
		}, sealCodes(verify.SealCancelledBeforeSealing, verify.SealCancelledAfter)},
		{"seal frozen", func(s *scene, r time.Time) {
			s.history = []status.Interval{{State: status.SealFrozen, From: r}}
		}, sealCodes(verify.SealFrozenAtSealing, verify.SealFrozenAfter)},
	}
	for _, k := range kinds {
		for _, m := range moments {
			t.Run(k.name+" "+m.name, func(t *testing.T) {
				s := newScene(t)
				k.end(s, m.r)
				r := s.judge()
				if k.codes == nil {
					if r.Verdict == verify.Valid || m.verdict != verify.ValidWithNotice && good(r) {
						t.Errorf("%s %v", r.Verdict, codes(r))
					}
					return
				}
				expect(t, r, m.verdict, k.codes[m.verdict])
			})
		}
	}
}

var signerCodes = map[verify.Verdict]verify.Code{
	verify.NotValid: verify.CertificateRevokedBefore, verify.CannotConfirm: verify.RevokedDuringSealing, verify.ValidWithNotice: verify.CertificateRevokedAfter,
}

func sealCodes(before, after verify.Code) map[verify.Verdict]verify.Code {
	return map[verify.Verdict]verify.Code{verify.NotValid: before, verify.CannotConfirm: verify.RevokedDuringSealing, verify.ValidWithNotice: after}
}

// Freezes that ended count while they lasted, and for ever.
func TestFreezesThatEnded(t *testing.T) {
	minutes := func(from, to int) []status.Interval {
		return []status.Interval{{State: status.SealFrozen, From: noon.Add(time.Duration(from) * time.Second), To: noon.Add(time.Duration(to) * time.Second)}}
	}
	for name, c := range map[string]struct {
		history []status.Interval
		verdict verify.Verdict
		code    verify.Code
	}{
		"over before C":           {minutes(-600, -1), verify.Valid, ""},
		"over at C":               {minutes(-600, 0), verify.Valid, ""},
		"over between C and P":    {minutes(-600, 30), verify.NotValid, verify.SealFrozenAtSealing},
		"over after P":            {minutes(-600, 600), verify.NotValid, verify.SealFrozenAtSealing},
		"within [C, P]":           {minutes(20, 40), verify.CannotConfirm, verify.RevokedDuringSealing},
		"from between to after P": {minutes(20, 600), verify.CannotConfirm, verify.RevokedDuringSealing},
		"wholly after P":          {minutes(90, 600), verify.Valid, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.history = c.history
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// C, P and the terms of certificate and seal.
func TestClaimedAndProvenTime(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(s *scene)
		verdict verify.Verdict
		code    verify.Code
	}{
		"no token": {func(s *scene) { s.order.unproven = true }, verify.CannotConfirm, verify.TimeNotProven},
		"no token, revoked before C": {func(s *scene) {
			s.order.unproven = true
			s.gone = []revocation{{who: s.r.signer, at: noon.Add(-time.Hour), reason: certs.ReasonSuperseded}}
		}, verify.NotValid, verify.CertificateRevokedBefore},
		"no token, revoked after C": {func(s *scene) {
			s.order.unproven = true
			s.gone = []revocation{{who: s.r.signer, at: noon.Add(time.Second), reason: certs.ReasonSuperseded}}
		}, verify.CannotConfirm, verify.TimeNotProven},
		"no token, frozen at C": {func(s *scene) {
			s.order.unproven = true
			s.history = []status.Interval{{State: status.SealFrozen, From: noon.Add(-time.Hour)}}
		}, verify.NotValid, verify.SealFrozenAtSealing},
		"no token, seal ended before C": {func(s *scene) {
			s.order.unproven = true
			s.order.seal = s.r.makeSeal(s, sealOrder{from: epoch.Add(time.Hour), to: noon.Add(-time.Second)})
		}, verify.NotValid, verify.SealOutOfValidity},
		"no token, claimed in the future": {func(s *scene) {
			s.order.unproven = true
			s.order.claimed = s.at.Add(time.Hour)
		}, verify.CannotConfirm, verify.SealedAfterCheck},
		"proven in the future": {func(s *scene) {
			s.order.claimed, s.order.proven = s.at.Add(time.Hour), s.at.Add(time.Hour)
		}, verify.CannotConfirm, verify.SealedAfterCheck},
		"C after P, within the accuracy": {func(s *scene) { s.order.claimed = s.order.proven.Add(time.Second) }, verify.Valid, ""},
		"C after P and its accuracy":     {func(s *scene) { s.order.claimed = s.order.proven.Add(2 * time.Second) }, verify.NotValid, verify.TimeContradiction},
		"P ten minutes after C":          {func(s *scene) { s.order.proven = noon.Add(10 * time.Minute) }, verify.Valid, ""},
		"P later still":                  {func(s *scene) { s.order.proven = noon.Add(10*time.Minute + time.Second) }, verify.ValidWithNotice, verify.TimestampLate},
		"token of nobody": {func(s *scene) {
			s.order.tsa = newParty(s, nil, profile{name: "nobody", eku: certs.OIDEKUTimeStamping})
		}, verify.CannotConfirm, verify.TimeNotProven},
		"token of another region": {func(s *scene) { s.order.tsa, s.order.chain = s.far.tsa, nil }, verify.Valid, ""},
		"token of a region that keeps to itself": {func(s *scene) {
			s.order.tsa, s.order.chain = s.far.tsa, nil
			s.far.services[3].Prefixes = []string{"44"}
		}, verify.CannotConfirm, verify.TimeNotProven},
		"token by a certificate for something else": {func(s *scene) { s.order.tsa, s.order.chain = s.r.status, nil }, verify.NotValid, verify.TimestampForged},
		"token by a TSA that had expired": {func(s *scene) {
			old := newParty(s, s.r.issuing, profile{name: "old TSA", eku: certs.OIDEKUTimeStamping, from: epoch, to: noon})
			s.order.tsa, s.order.chain = old, nil
			s.r.services[3].Certificate = old.cert.Raw
		}, verify.CannotConfirm, verify.TimeNotProven},
		"certificate ended between C and P": {func(s *scene) {
			s.short(epoch, noon.Add(gap/2))
		}, verify.NotValid, verify.CertificateExpiredAtSealing},
		"certificate begins between C and P": {func(s *scene) {
			s.short(noon.Add(gap/2), noon.Add(year))
		}, verify.NotValid, verify.CertificateNotYetValid},
		"certificate ends at P": {func(s *scene) { s.short(epoch, noon.Add(gap)) }, verify.CannotConfirm, verify.StatusUnavailable},
		"seal ended between C and P": {func(s *scene) {
			s.order.seal = s.r.makeSeal(s, sealOrder{from: epoch.Add(time.Hour), to: noon.Add(gap / 2)})
		}, verify.NotValid, verify.SealOutOfValidity},
		"seal begins between C and P": {func(s *scene) {
			s.order.seal = s.r.makeSeal(s, sealOrder{from: noon.Add(gap / 2), to: noon.Add(year)})
		}, verify.NotValid, verify.SealOutOfValidity},
		"seal made after it stamped": {func(s *scene) {
			s.order.seal = s.r.makeSeal(s, sealOrder{created: noon.Add(20 * time.Minute), from: epoch, to: noon.Add(year)})
		}, verify.NotValid, verify.SealOutOfValidity},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			c.change(s)
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// short gives the signer a certificate of another term, and the seal for it.
func (s *scene) short(from, to time.Time) {
	s.Helper()
	s.order.signer = newParty(s, s.r.issuing, profile{name: s.r.sealID(1), from: from, to: to})
	s.order.seal = s.r.makeSeal(s, sealOrder{signer: s.order.signer})
}

// The time-stamp authority and the seal's maker, revoked.
func TestThoseBehindAStampRevoked(t *testing.T) {
	for name, c := range map[string]struct {
		gone    func(s *scene) revocation
		verdict verify.Verdict
		code    verify.Code
	}{
		"TSA superseded after P": {func(s *scene) revocation {
			return revocation{who: s.r.tsa, at: noon.Add(time.Hour / 2), reason: certs.ReasonSuperseded}
		}, verify.ValidWithNotice, verify.TSARevokedAfter},
		"TSA superseded before P": {func(s *scene) revocation { return revocation{who: s.r.tsa, at: noon, reason: certs.ReasonSuperseded} }, verify.CannotConfirm, verify.TimeNotProven},
		"TSA compromised after P": {func(s *scene) revocation {
			return revocation{who: s.r.tsa, at: noon.Add(time.Hour / 2), reason: certs.ReasonKeyCompromise}
		}, verify.CannotConfirm, verify.TimeNotProven},
		"TSA revoked, no reason told": {func(s *scene) revocation { return revocation{who: s.r.tsa, at: noon.Add(time.Hour / 2)} }, verify.CannotConfirm, verify.TimeNotProven},
		"maker superseded since": {func(s *scene) revocation {
			return revocation{who: s.r.maker, at: noon.Add(-time.Hour), reason: certs.ReasonSuperseded}
		}, verify.ValidWithNotice, verify.SealMakerRevokedAfter},
		"maker superseded before it made": {func(s *scene) revocation {
			return revocation{who: s.r.maker, at: epoch.Add(time.Hour), reason: certs.ReasonSuperseded}
		}, verify.NotValid, verify.SealMakerNotValid},
		"maker compromised before P": {func(s *scene) revocation {
			return revocation{who: s.r.maker, at: noon, reason: certs.ReasonKeyCompromise}
		}, verify.CannotConfirm, verify.RevokedDuringSealing},
		"maker compromised after P": {func(s *scene) revocation {
			return revocation{who: s.r.maker, at: noon.Add(time.Hour / 2), reason: certs.ReasonKeyCompromise}
		}, verify.ValidWithNotice, verify.SealMakerRevokedAfter},
		"maker compromised, invalid since before it made": {func(s *scene) revocation {
			return revocation{who: s.r.maker, at: noon.Add(time.Hour / 2), reason: certs.ReasonKeyCompromise, invalid: epoch}
		}, verify.NotValid, verify.SealMakerNotValid},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.gone = []revocation{c.gone(s)}
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}
