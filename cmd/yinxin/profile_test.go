package main

import (
	"encoding/json"
	"strings"
	"testing"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/ca/catest"
	"yinxin/certs"
)

func TestCAProfile(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.write("shorter.json", []byte(`{"lifeDays": 90, "fullCRL": true}`))
	o.write("longer.json", []byte(`{"lifeDays": 3660}`))
	o.write("usage.json", []byte(`{"keyUsage": ["keyCertSign"]}`))
	o.write("two.json", []byte(`{} {}`))
	o.write("request.der", (&catest.PKCS10{Key: catest.Key(t)}).DER(t))
	set := func(file string) []string { return []string{"ca", "profile", "set", "client", file, "--why", "试行"} }
	for code, all := range map[int][][]string{
		exitUsage:    {{"ca", "profile", "melt"}, {"ca", "profile", "show"}, {"ca", "profile", "set", "client", "shorter.json"}, {"ca", "profile", "list", "x"}},
		exitBadInput: {{"ca", "profile", "show", "none"}, {"ca", "profile", "set", "none", "shorter.json", "--why", "x"}, set("nothing"), set("usage.json"), set("two.json"), set("request.der")},
		exitRefused:  {set("longer.json")},
	} {
		for _, args := range all {
			o.want(code, args...)
		}
	}
	o.want(0, set("shorter.json")...)
	var shown struct {
		ca.Statement
		History []ca.ProfileVersion
	}
	if err := json.Unmarshal([]byte(o.want(0, "ca", "profile", "show", "client", "--json")), &shown); err != nil {
		t.Fatal(err)
	}
	if shown.LifeDays != 90 || shown.Version != 1 || shown.LimitDays != 365 || !shown.FullCRL || len(shown.History) != 1 || shown.History[0].Why != "试行" {
		t.Errorf("%+v", shown)
	}
	if text := o.want(0, "ca", "profile", "list"); !strings.Contains(text, "client       version 1, 90 of at most 365 days") {
		t.Error(text)
	}
	if text := o.want(0, "ca", "profile", "show", "client"); !strings.Contains(text, "version 1, 90 days, set ") {
		t.Error(text)
	}
	var row ca.Row
	if err := json.Unmarshal([]byte(o.want(0, "ca", "issue", "--agency", demoAgency, "--cn", "业务系统", "--why", "x", "--json", "request.der")), &row); err != nil {
		t.Fatal(err)
	}
	if row.ProfileVersion != 1 || row.NotAfter.Sub(row.NotBefore).Hours() > 90*24 {
		t.Errorf("%+v", row)
	}
	o.want(0, "journal", "verify")
}

// Each bad request ends with its code and one sentence, and nothing is issued.
func TestBadRequestsOnTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	issue := func(code int, der []byte) {
		o.write("bad.der", der)
		o.want(code, "ca", "issue", "--agency", demoAgency, "--cn", "业务系统", "--why", "x", "bad.der")
	}
	before := o.want(0, "ca", "list")
	for _, der := range catest.Bad(t) {
		issue(exitBadInput, der)
	}
	issue(exitBadInput, catest.Large(t))
	issue(exitRefused, catest.Trivial(t))
	if after := o.want(0, "ca", "list"); after != before {
		t.Error(after)
	}
	good := (&catest.PKCS10{Key: catest.Key(t)}).DER(t)
	issue(exitOK, good)
	o.want(exitRefused, "ca", "issue", "--agency", demoAgency, "--profile", "person", "--cn", "张三", "--why", "x", "bad.der")
	serial, _, _ := strings.Cut(strings.TrimPrefix(o.want(0, "ca", "list"), before), " ")
	o.want(0, "ca", "revoke", "--reason", "keyCompromise", "--why", "x", serial)
	issue(exitRefused, good)
	o.want(0, "journal", "verify")
}

// What demo issues says that it is of no worth.
func TestDemoSaysThatItIsOne(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.want(0, "demo", "--dir", "d")
	m.set("YINXIN_DATA", "d/data")
	m.set("YINXIN_PASSPHRASE_FILE", "d/passphrase")
	var rows []ca.Row
	if err := json.Unmarshal([]byte(m.want(0, "ca", "list", "--json")), &rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		c, err := certs.ParseCertificate(r.DER)
		if err != nil {
			t.Fatal(err)
		}
		if r.Profile != ca.ProfileRoot && (len(c.Policies) != 1 || c.Policies[0] != certs.OIDPolicyDemonstration) {
			t.Errorf("%s: policies %v", r.Subject, c.Policies)
		}
	}
}

// A province may want two officers for a change of a profile: nothing holds until
// the second has approved it.
func TestTwoOfficersSetAProfile(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	zhang, chief := o.officerKey("张三", "admin"), o.officerKey("主任", "admin")
	o.want(0, "ca", "policy", "set", "profile", "second-officer", "--why", "x", "--officer-key-file", chief)
	o.write("shorter.json", []byte(`{"lifeDays": 90}`))
	o.write("longer.json", []byte(`{"lifeDays": 3660}`))
	set := func(file string) []string {
		return []string{"ca", "profile", "set", "client", file, "--why", "试行", "--json", "--officer-key-file", zhang}
	}
	o.want(exitRefused, set("longer.json")...)
	o.want(exitNoRight, "ca", "profile", "set", "client", "shorter.json", "--why", "x")
	r := answered[approval.Request](t, o.want(0, set("shorter.json")...))
	life := func() int {
		return answered[ca.Statement](t, o.want(0, "ca", "profile", "show", "client", "--json")).LifeDays
	}
	if r.State != approval.StatePending || r.Kind != ca.KindProfile || life() != 365 {
		t.Fatalf("%+v", r)
	}
	o.want(exitNoRight, "ca", "approve", r.ID.String(), "--why", "x", "--officer-key-file", zhang)
	o.want(0, "ca", "approve", r.ID.String(), "--why", "x", "--officer-key-file", chief)
	if life() != 90 {
		t.Error("what was approved does not hold")
	}
}
