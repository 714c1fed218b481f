package main

import (
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/catest"
	"yinxin/ca/escrow"
	"yinxin/seal"
)

// officerKey makes a person's key by the command line, and gives the file with it.
func (o *office) officerKey(name string, scopes string) string {
	o.t.Helper()
	out := o.want(0, "key", "create", "--agency", demoAgency, "--officer", name, "--scope", scopes)
	return o.write("key-"+name, []byte(out))
}

// csr writes a request of a key.
func (o *office) csr(name string, k *sm2.PrivateKey) string {
	o.t.Helper()
	return o.write(name, catest.PEM(o.t, k))
}

func answered[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %.300s", err, text)
	}
	return v
}

func TestTwoOfficersAtTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	zhang, li, chief := o.officerKey("张三", "certificate:issue"), o.officerKey("李四", "certificate:approve"), o.officerKey("主任", "admin")
	if out := o.want(0, "ca", "policy", "show"); !strings.Contains(out, "escrow:recover       second-officer\n") || !strings.Contains(out, "issue:client         none\n") {
		t.Error(out)
	}
	o.want(exitNoRight, "ca", "policy", "set", "issue:client", "second-officer", "--why", "x", "--officer-key-file", li)
	o.want(exitRefused, "ca", "policy", "set", "escrow:recover", "none", "--why", "x", "--officer-key-file", chief)
	o.want(exitUsage, "ca", "policy", "set", "issue:client", "second-officer", "--why", "x")
	o.want(exitUsage, "ca", "policy", "set", "issue:client", "perhaps", "--why", "x", "--officer-key-file", chief)
	o.want(0, "ca", "policy", "set", "issue:client", "second-officer", "--why", "x", "--officer-key-file", chief)

	csr := o.csr("r.pem", catest.Key(t))
	issue := []string{"ca", "issue", csr, "--agency", demoAgency, "--cn", "审批系统", "--why", "启用", "-o", o.path("c.pem")}
	o.want(exitNoRight, issue...) // who is the first officer?
	r := answered[approval.Request](t, o.want(0, append(issue, "--officer-key-file", zhang, "--json")...))
	if r.State != approval.StatePending || r.By.Name != "张三" {
		t.Fatalf("%+v", r)
	}
	if out := o.want(0, append(issue, "--officer-key-file", zhang)...); !strings.HasPrefix(out, "request ") || !strings.Contains(out, "waits for a second officer") {
		t.Error(out)
	}
	id := r.ID.String()
	shown := o.want(0, "ca", "request", "show", id)
	for _, want := range []string{"pending issue:client", "张三", "启用", "审批系统", "BEGIN CERTIFICATE REQUEST"} {
		if !strings.Contains(shown, want) {
			t.Errorf("%q is not shown: %s", want, shown)
		}
	}
	if list := o.want(0, "ca", "request", "list", "--state", "pending"); strings.Count(list, "\n") != 2 {
		t.Error(list)
	}
	o.want(exitNoRight, "ca", "approve", id, "--officer-key-file", zhang)
	o.want(exitUsage, "ca", "approve", id)
	o.want(exitBadInput, "ca", "approve", id, "--officer-key-file", o.write("program", []byte(o.key+"\n")))
	o.want(exitNoRight, "ca", "approve", id, "--officer-key-file", o.write("none", []byte("yx_00000000_"+strings.Repeat("A", 43))))
	o.want(exitUsage, "ca", "approve", "x", "--officer-key-file", li)
	done := answered[approval.Request](t, o.want(0, "ca", "approve", id, "--officer-key-file", li, "--json"))
	var row ca.Row
	if done.Outcome == nil || json.Unmarshal(done.Outcome.Answer, &row) != nil || !strings.HasPrefix(row.Who, "张三 (key ") {
		t.Fatalf("%+v", done)
	}
	o.want(0, "ca", "show", row.Serial)
	o.want(exitRefused, "ca", "refuse", id, "--why", "x", "--officer-key-file", li)
	o.want(0, "journal", "verify")
}

// The root's officers revoke the issuing authority: two of them, once the rule
// says so.
func TestRevokingAnAuthorityByTwoOfficers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	one, two := o.officerKey("甲", "admin"), o.officerKey("乙", "admin")
	o.want(0, "ca", "policy", "set", "revoke:ca", "second-officer", "--why", "x", "--officer-key-file", one)
	serial := ""
	for _, r := range answered[[]ca.Row](t, o.want(0, "ca", "list", "--json")) {
		if r.Profile == ca.ProfileIssuing {
			serial = r.Serial
		}
	}
	revoke := []string{"ca", "revoke", serial, "--reason", "cACompromise", "--why", "失窃", "--json"}
	o.want(exitNoRight, revoke...)
	r := answered[approval.Request](t, o.want(0, append(revoke, "--officer-key-file", one)...))
	if row := answered[ca.Row](t, o.want(0, "ca", "show", serial, "--json")); row.Revocation != nil {
		t.Fatal("one officer was enough")
	}
	o.want(exitNoRight, "ca", "approve", r.ID.String(), "--officer-key-file", one)
	o.want(0, "ca", "approve", r.ID.String(), "--officer-key-file", two)
	if row := answered[ca.Row](t, o.want(0, "ca", "show", serial, "--json")); row.Revocation == nil || !strings.HasPrefix(row.Revocation.Who, "甲") {
		t.Errorf("%+v", row.Revocation)
	}
}

func TestDualCertificatesAtTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	k, to := catest.Key(t), catest.Key(t)
	o.want(0, "ca", "issue", o.csr("r.pem", k), "--dual", "--profile", "person", "--agency", demoAgency, "--cn", "李四", "--why", "启用", "-o", o.path("pair.pem"))
	block, _ := pem.Decode(o.read("pair.pem"))
	if block == nil || block.Type != "CSR RESPONSE" {
		t.Fatal("no response")
	}
	got, err := smx509.ParseCSRResponse(k, block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	held := answered[[]escrow.Held](t, o.want(0, "ca", "escrow", "--json"))
	if len(held) != 1 || held[0].State != escrow.StateDelivered {
		t.Fatalf("%+v", held)
	}
	serial := held[0].Delivery.Encryption
	zhang, li := o.officerKey("张三", "escrow:recover"), o.officerKey("李四", "escrow:recover")
	recover := []string{"ca", "recover", serial, "--to", o.csr("new.pem", to), "--why", "遗失", "--json"}
	o.want(exitUsage, recover...)
	r := answered[approval.Request](t, o.want(0, append(recover, "--officer-key-file", zhang)...))
	o.want(exitBadInput, "ca", "recover", held[0].Delivery.Signing, "--to", o.path("new.pem"), "--why", "x", "--officer-key-file", zhang)
	o.want(exitNoRight, "ca", "approve", r.ID.String(), "--officer-key-file", zhang)
	o.want(0, "ca", "approve", r.ID.String(), "--officer-key-file", li)
	out := o.want(0, "ca", "escrow", serial)
	_, text, _ := strings.Cut(out, "\n")
	if block, _ = pem.Decode([]byte(text)); block == nil {
		t.Fatal(out)
	}
	key, err := sm2.ParseEnvelopedPrivateKey(to, block.Bytes)
	if err != nil || !key.Equal(got.EncryptPrivateKey) {
		t.Error("another key was handed out:", err)
	}
	o.want(0, "ca", "revoke", held[0].Delivery.Signing, "--reason", "superseded", "--with-twin", "--why", "x")
	if row := answered[ca.Row](t, o.want(0, "ca", "show", serial, "--json")); row.Revocation == nil {
		t.Error("the twin stands")
	}
}

// A seal under the rule of seals' certificates, and a new issuing authority: neither
// is made by one officer, nor by the person at the machine.
func TestASealAndAnAuthorityByTwoOfficers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	zhang, li, chief, vice := o.officerKey("张三", "certificate:issue"), o.officerKey("李四", "certificate:approve"), o.officerKey("主任", "admin"), o.officerKey("副主任", "admin")
	o.want(exitRefused, "ca", "policy", "set", "seal:make", "second-officer", "--why", "x", "--officer-key-file", chief)
	o.want(0, "ca", "policy", "set", "issue:agency-seal", "second-officer", "--why", "x", "--officer-key-file", chief)
	rule := answered[approval.Request](t, o.want(0, "ca", "policy", "set", "renew:ca", "second-officer", "--why", "x", "--officer-key-file", chief, "--json"))
	o.want(exitNoRight, "ca", "approve", rule.ID.String(), "--officer-key-file", li)
	o.want(0, "ca", "approve", rule.ID.String(), "--officer-key-file", vice)
	if out := o.want(0, "ca", "policy", "show"); !strings.Contains(out, "renew:ca             second-officer\n") || strings.Contains(out, "seal:make") {
		t.Error(out)
	}

	wish := []string{"seal", "make", "--agency", demoAgency, "--name", "新章", "--why", "启用", "--json"}
	o.want(exitNoRight, wish...)
	r := answered[approval.Request](t, o.want(0, append(wish, "--officer-key-file", zhang)...))
	if r.Kind != seal.KindMake {
		t.Fatalf("%+v", r)
	}
	id := r.ID.String()
	if out := o.want(0, "ca", "request", "show", id, "--picture", o.path("face.png")); !strings.Contains(out, "新章") || !strings.HasPrefix(string(o.read("face.png")), "\x89PNG") {
		t.Error(out)
	}
	o.want(exitRefused, "ca", "request", "show", rule.ID.String(), "--picture", o.path("none.png"))
	o.want(exitNoRight, "ca", "approve", id, "--officer-key-file", zhang)
	done := answered[approval.Request](t, o.want(0, "ca", "approve", id, "--officer-key-file", li, "--json"))
	if out := o.want(0, "seal", "show", done.Outcome.Ref); !strings.Contains(out, "新章") {
		t.Error(out)
	}

	renew := []string{"ca", "renew", "issuing", "--why", "到期", "--json"}
	o.want(exitNoRight, renew...)
	o.want(exitNoRight, append(renew, "--officer-key-file", zhang)...)
	r = answered[approval.Request](t, o.want(0, append(renew, "--officer-key-file", chief)...))
	done = answered[approval.Request](t, o.want(0, "ca", "approve", r.ID.String(), "--officer-key-file", vice, "--json"))
	if row := answered[ca.Row](t, o.want(0, "ca", "show", done.Outcome.Ref, "--json")); row.Purpose != ca.PurposeIssuing || !strings.HasPrefix(row.Who, "主任 (key ") {
		t.Errorf("%+v", row)
	}
	o.want(0, "journal", "verify")
}
