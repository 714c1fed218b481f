package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/seal"
	"yinxin/verify"
)

// makeSeal makes another seal for the office's agency and gives its id.
func (o *office) makeSeal() string {
	o.t.Helper()
	return answered[seal.Seal](o.t, o.want(0, "seal", "make", "--json", "--agency", agencyOf(o))).ID
}

// judgedBy asks the office's own folder, in a second after the stamp's.
func (o *office) judgedBy(want int, file string, flags ...string) verify.Report {
	o.t.Helper()
	nextSecond()
	return judge(o.machine, want, file, append([]string{"--data", o.data}, flags...)...)
}

// The runbook of docs/ca.md: the issuing CA's key was in other hands since before
// anything was issued by it. Each step says what the next one is.
func TestTheRunbookOfALostAuthority(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "old.json")
	o.judgedBy(0, "old.json")
	o.want(0, "trust", "export", "-o", "before.json")
	lost := []string{"ca", "compromised", "--issuer", "issuing", "--since", "2020-01-01T00:00:00Z"}
	o.want(0, append(lost, "--format", "csv", "-o", "behind.csv", "--revoke", "--why", "签发密钥失窃")...)

	says := func(code int, words string, args ...string) {
		t.Helper()
		if r := o.run(args...); r.code != code || !strings.Contains(r.err, words) {
			t.Errorf("yinxin %v ends with %d: %s", args, r.code, r.err)
		}
	}
	stampOld := []string{"seal", "stamp", "--seal", o.seal, "decision.json", "-o", "no.json"}
	says(exitRefused, "its certificate is revoked", stampOld...)
	says(exitRefused, "yinxin ca renew issuing", "seal", "make", "--agency", agencyOf(o))
	says(exitRefused, "yinxin ca renew issuing", "ca", "renew", "services", "--why", "x")
	says(exitRefused, "yinxin ca renew issuing", "ca", "renew", "tsa", "--why", "x")
	o.want(0, "ca", "renew", "issuing", "--why", "签发密钥失窃")
	says(exitRefused, "yinxin ca renew services", "trust", "export", "-o", "no.json")
	says(exitRefused, "yinxin ca renew services", "seal", "make", "--agency", agencyOf(o))
	says(0, "the newest leaves stay unsigned: ", "journal", "verify")
	if out := o.want(0, "ca", "renew", "services", "--why", "签发密钥失窃"); strings.Count(out, "renewed ") != 6 {
		t.Errorf("%s", out)
	}
	if out := o.want(0, "ca", "renew", "services", "--why", "again"); !strings.Contains(out, "nothing was renewed") {
		t.Errorf("%s", out)
	}
	if r := o.run("journal", "verify"); r.code != 0 || r.err != "" {
		t.Errorf("%d %s", r.code, r.err)
	}

	says(exitRefused, "its certificate is revoked", stampOld...)
	o.seal = o.makeSeal()
	nextSecond()
	o.stamp("decision.json", "new.json")
	if r := o.judgedBy(0, "new.json"); r.Verdict != verify.Valid {
		t.Errorf("%+v", r)
	}
	wantCodes(t, o.judgedBy(2, "old.json"), verify.ServiceDistrusted, verify.TimeNotProven)
	o.want(0, "trust", "export", "-o", "after.json")
	if shown := o.want(0, "trust", "show", "after.json"); !strings.Contains(shown, "agency-ca     distrusted") || !strings.Contains(shown, "第2代") {
		t.Errorf("%s", shown)
	}
	before, after := bundleIn(t, o.read("before.json")), bundleIn(t, o.read("after.json"))
	if _, err := before.Advance(after); err != nil {
		t.Error("a verifier who kept the list of before refuses the one of after:", err)
	}
	// Below a lost authority nobody's own key was lost.
	rows := answered[[]ca.Row](t, o.want(0, "ca", "list", "--json", "--state", "revoked"))
	if slices.ContainsFunc(rows, func(r ca.Row) bool { return r.Revocation.Reason != certs.ReasonCACompromise }) || len(rows) != 9 {
		t.Errorf("%d: %+v", len(rows), rows)
	}
	o.want(0, "journal", "verify")
}

func bundleIn(t *testing.T, text []byte) *certs.Bundle {
	t.Helper()
	b, err := certs.ParseBundle(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The key was lost after the seal was made: the seal's certificate is not among what
// is revoked, and yet no stamp is made that nobody would believe.
func TestASealUnderALostAuthority(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	nextSecond()
	since := time.Now().UTC().Format(time.RFC3339)
	nextSecond()
	o.want(0, "ca", "compromised", "--issuer", "issuing", "--since", since, "--revoke", "--why", "失窃")
	o.want(0, "ca", "renew", "issuing", "--why", "失窃")
	r := o.run("seal", "stamp", "--seal", o.seal, "decision.json", "-o", "no.json")
	if r.code != exitRefused || !strings.Contains(r.err, "a new seal is to be made") {
		t.Errorf("%d %s", r.code, r.err)
	}
	o.seal = o.makeSeal()
	nextSecond()
	o.stamp("decision.json", "new.json")
	o.judgedBy(0, "new.json")
	o.want(0, "journal", "verify")
}

// Whoever knows the fingerprint of a scheme key that was renewed, twice even, judges
// by the newest bundle, as does who was told the new one.
func TestTheSchemesKeyIsRenewed(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.json", "sealed.json")
	old := o.anchor
	for range 2 {
		out := o.want(0, "ca", "renew", "scheme", "--why", "两年将满")
		words := strings.Fields(out)
		to := words[len(words)-1]
		if !strings.Contains(out, "who trusts "+o.anchor+" is led to "+to) || to == o.anchor {
			t.Fatal(out)
		}
		o.anchor = to
	}
	var exported struct{ TrustAnchor string }
	if err := json.Unmarshal([]byte(o.want(0, "trust", "export", "--json", "-o", "new.json")), &exported); err != nil || exported.TrustAnchor != o.anchor {
		t.Errorf("%+v %v", exported, err)
	}
	m := newMachine(t)
	m.write("sealed.json", o.read("sealed.json"))
	m.write("new.json", o.read("new.json"))
	m.write("old.json", o.read("trust.json"))
	by := func(bundle, anchor string) []string {
		return []string{"--offline", "--trust", bundle, "--trust-anchor", anchor}
	}
	for _, step := range [][2]string{{"old.json", old}, {"new.json", old}, {"new.json", o.anchor}} {
		r := judge(m, 2, "sealed.json", by(step[0], step[1])...)
		wantCodes(t, r, verify.StatusUnavailable)
		if r.Freshness.Trust.Anchor != certs.AnchorGiven {
			t.Errorf("%v: %+v", step, r.Freshness.Trust)
		}
	}
	// The memory of the newer list holds for both fingerprints.
	m.want(exitBadInput, append([]string{"verify", "sealed.json"}, by("old.json", old)...)...)
	o.judgedBy(0, "sealed.json")
	o.want(exitRefused, "ca", "renew", "root", "--why", "x")
	o.want(0, "journal", "verify")
}
