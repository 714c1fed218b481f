package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"yinxin/certs"
	"yinxin/internal/province"
	"yinxin/verify"
)

// province A serves on an address that its certificates name; B is a machine of
// another province, without any data folder, which has been sent a bundle.
type twoProvinces struct {
	*testing.T
	a      *office
	server *process
	b      *machine
	listen string
}

func newProvinces(t *testing.T) *twoProvinces {
	t.Helper()
	listen := freePort(t)
	m := newMachine(t)
	made, err := foundOffice(m.path("data"), province.Identity{Region: "520000", Name: "贵州省", URL: "http://" + listen})
	if err != nil {
		t.Fatal(err)
	}
	p := &twoProvinces{T: t, a: made.on(m), b: newMachine(t), listen: listen}
	p.b.write("trust.json", p.a.read("trust.json"))
	for _, kind := range []string{"pdf", "json"} {
		p.a.stamp("decision."+kind, "sealed."+kind)
		p.b.write("sealed."+kind, p.a.read("sealed."+kind))
	}
	p.server = p.a.serve("--listen", listen)
	return p
}

func (p *twoProvinces) trust(more ...string) []string {
	return append([]string{"--trust", "trust.json", "--trust-anchor", p.a.anchor}, more...)
}

// expect judges both documents at B.
func (p *twoProvinces) expect(exit int, v verify.Verdict, codes []verify.Code, more ...string) {
	p.Helper()
	for _, file := range []string{"sealed.pdf", "sealed.json"} {
		r := judge(p.b, exit, file, p.trust(more...)...)
		if r.Verdict != v {
			p.Errorf("%s: %s %v", file, r.Verdict, r.Reasons)
		}
		wantCodes(p.T, r, codes...)
	}
}

// act has A's server do something to what stands under a path.
func (p *twoProvinces) act(path string, form any) {
	p.Helper()
	b, err := json.Marshal(form)
	if err != nil {
		p.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, p.server.url+path, bytes.NewReader(b))
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.a.admin)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode/100 != 2 {
		p.Fatal(path, resp.Status, string(body), err)
	}
}

// nextSecond waits until what happens is later than what happened, in records
// that count whole seconds.
func nextSecond() { time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second))) }

func nowText() string { return time.Now().UTC().Format(time.RFC3339) }

func TestAnotherProvinceAsksAndKeepsTheAnswer(t *testing.T) {
	t.Parallel()
	p := newProvinces(t)
	p.expect(2, verify.CannotConfirm, []verify.Code{verify.StatusUnavailable}, "--offline")
	p.expect(0, verify.Valid, nil, "--save-evidence", "today.zip")
	p.server.stop()
	p.expect(2, verify.CannotConfirm, []verify.Code{verify.StatusUnavailable})
	p.expect(0, verify.Valid, nil, "--status", "today.zip", "--offline")
	p.expect(0, verify.Valid, nil, "--status", "today.zip") // nobody answers; what is known is fresh
	// The report tells how old its knowledge is, and goes on the day after.
	tomorrow := time.Now().Add(25 * time.Hour).UTC().Format(time.RFC3339)
	p.expect(2, verify.CannotConfirm, []verify.Code{verify.StatusStale}, "--status", "today.zip", "--offline", "--at", tomorrow)
	nextWeek := time.Now().Add(certs.ListLife + time.Hour).UTC().Format(time.RFC3339)
	p.expect(2, verify.CannotConfirm, []verify.Code{verify.TrustListExpired, verify.StatusStale}, "--status", "today.zip", "--offline", "--at", nextWeek)
	yesterday := time.Now().Add(-25 * time.Hour).UTC().Format(time.RFC3339)
	r := judge(p.b, 2, "sealed.pdf", p.trust("--status", "today.zip", "--offline", "--at", yesterday)...)
	if r.Verdict != verify.CannotConfirm || r.Stamps[0].Verdict != verify.CannotConfirm {
		t.Error("judged before it was sealed:", r.Verdict, r.Reasons)
	}
	r = judge(p.b, 0, "sealed.pdf", p.trust("--status", "today.zip", "--offline")...)
	if len(r.Freshness.Status) == 0 || r.Freshness.Trust.Anchor != certs.AnchorGiven || r.Freshness.Trust.Memory != "" {
		t.Errorf("%+v", r.Freshness)
	}
	if p.b.run("seal", "list").code != exitUsage {
		t.Error("B has a data folder")
	}
}

func TestWhatHappensAtAIsSeenAtB(t *testing.T) {
	t.Parallel()
	p := newProvinces(t)
	nextSecond()
	sealed := nowText()
	nextSecond()
	seal := "/api/v1/seals/" + p.a.seal
	p.act(seal+"/freeze", map[string]string{"operator": "x", "reason": "lost"})
	p.expect(0, verify.ValidWithNotice, []verify.Code{verify.SealFrozenAfter}, "--save-evidence", "frozen.zip")
	nextSecond()
	p.act(seal+"/thaw", map[string]string{"operator": "x", "reason": "found"})
	p.expect(0, verify.Valid, nil)
	nextSecond()
	p.act(seal+"/cancel", map[string]string{"operator": "x", "reason": "merged"})
	p.expect(0, verify.ValidWithNotice, []verify.Code{verify.SealCancelledAfter})
	p.expect(0, verify.ValidWithNotice, []verify.Code{verify.SealFrozenAfter}, "--status", "frozen.zip", "--offline")
	// A revocation that says since when the key was in other hands reaches back.
	serial := p.certificateOfSeal()
	p.act("/api/v1/certificates/"+serial+"/revoke", map[string]string{"operator": "x", "grounds": "stolen", "reason": "keyCompromise",
		"invalidityDate": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)})
	p.expect(1, verify.NotValid, []verify.Code{verify.CertificateRevokedBefore, verify.SealCancelledAfter})
	// Evidence made after the time of judging is not looked at.
	p.expect(2, verify.CannotConfirm, []verify.Code{verify.StatusUnavailable}, "--at", sealed)
}

func (p *twoProvinces) certificateOfSeal() string {
	p.Helper()
	req, err := http.NewRequest(http.MethodGet, p.server.url+"/api/v1/seals/"+p.a.seal, nil)
	if err != nil {
		p.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.a.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.Fatal(err)
	}
	defer resp.Body.Close()
	var s struct{ CertificateSerial string }
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || s.CertificateSerial == "" {
		p.Fatal(s, err)
	}
	return s.CertificateSerial
}

// TestAnImpostorAnswers: whoever takes over A's address, and even calls itself
// by A's names and has a seal of the same code, can take A's word away and not
// give its own.
func TestAnImpostorAnswers(t *testing.T) {
	t.Parallel()
	p := newProvinces(t)
	p.server.stop()
	m := newMachine(t)
	made, err := foundOffice(m.path("data"), province.Identity{Region: "520000", Name: "贵州省", URL: "http://" + p.listen})
	if err != nil {
		t.Fatal(err)
	}
	impostor := made.on(m)
	if impostor.seal != p.a.seal {
		t.Fatalf("the impostor's seal is %s, A's %s: this would prove nothing", impostor.seal, p.a.seal)
	}
	server := impostor.serve("--listen", p.listen)
	p.expect(2, verify.CannotConfirm, []verify.Code{verify.StatusUnavailable}, "--save-evidence", "impostor.zip")
	server.stop()
	p.server = p.a.serve("--listen", p.listen)
	p.expect(0, verify.Valid, nil, "--status", "impostor.zip")
	// Its stamps are not A's either.
	impostor.stamp("decision.json", "impostor.json")
	p.b.write("impostor.json", impostor.read("impostor.json"))
	r := judge(p.b, 2, "impostor.json", p.trust()...)
	if r.Reasons[0].Code != verify.IssuerUnknown {
		t.Error(r.Verdict, r.Reasons)
	}
}
