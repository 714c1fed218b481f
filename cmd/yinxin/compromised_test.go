package main

import (
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/internal/province"
)

// An authority's key goes by two officers where the rule says so, as its revocation
// alone does.
func TestAnAuthoritysKeyIsCompromisedByTwoOfficers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	one, two := o.officerKey("甲", "admin"), o.officerKey("乙", "admin")
	o.want(0, "ca", "policy", "set", "revoke:ca", "second-officer", "--why", "x", "--officer-key-file", one)
	since := time.Now().UTC().Format(time.RFC3339)
	args := []string{"ca", "compromised", "--since", since, "--issuer", "issuing", "-o", "behind.csv", "--format", "csv", "--revoke", "--why", "失窃"}
	o.want(exitNoRight, args...)
	r := answered[approval.Request](t, o.want(0, append(args, "--json", "--officer-key-file", one)...))
	revoked := func() int {
		return strings.Count(o.want(0, "ca", "list", "--state", "revoked", "--profile", "issuing"), "\n")
	}
	if revoked() != 0 {
		t.Fatal("one officer was enough")
	}
	o.want(exitNoRight, "ca", "approve", r.ID.String(), "--officer-key-file", one)
	o.want(0, "ca", "approve", r.ID.String(), "--officer-key-file", two)
	if n := revoked(); n != 1 {
		t.Errorf("%d revoked", n)
	}
	o.want(0, "journal", "verify")
}

func TestCACompromised(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	since := time.Now().UTC().Format(time.RFC3339)
	o.stamp("decision.json", "sealed.json")
	var seals []ca.Row
	if err := json.Unmarshal([]byte(o.want(0, "ca", "list", "--json", "--profile", "agency-seal")), &seals); err != nil || len(seals) != 1 {
		t.Fatal(seals, err)
	}
	args := []string{"ca", "compromised", "--since", since, "--serial", seals[0].Serial}
	var all []province.Affected
	if err := json.Unmarshal([]byte(o.want(0, append(args, "--json")...)), &all); err != nil || len(all) != 3 {
		t.Fatalf("%+v, %v", all, err)
	}
	for i, kind := range []string{province.AffectedCertificate, province.AffectedSeal, province.AffectedStamp} {
		if all[i].Kind != kind {
			t.Errorf("%+v is no %s", all[i], kind)
		}
	}
	r := o.run(append(args, "--format", "csv", "-o", "behind.csv", "--revoke", "--why", "介质丢失")...)
	if r.code != 0 || !strings.Contains(r.err, "1 certificates, 1 seals, 1 stamps") || !strings.Contains(r.err, "revoked 1 of 1 certificates in act ") {
		t.Fatalf("%d %q", r.code, r.err)
	}
	table, err := csv.NewReader(strings.NewReader(string(o.read("behind.csv")))).ReadAll()
	if err != nil || len(table) != 4 || table[3][1] != all[2].ID {
		t.Errorf("%v %v", table, err)
	}
	if r := o.run(append(args, "--revoke", "--why", "again")...); r.code != 0 || !strings.Contains(r.err, "nothing was changed") {
		t.Errorf("a second time: %d %q", r.code, r.err)
	}
	if n := strings.Count(o.want(0, "ca", "list", "--state", "revoked"), "\n"); n != 1 {
		t.Errorf("%d revoked", n)
	}
	o.want(0, "journal", "verify")
	o.want(exitUsage, "ca", "compromised", "--serial", seals[0].Serial)
	o.want(exitUsage, append(args, "--revoke")...)
	o.want(exitBadInput, "ca", "compromised", "--since", since)
	o.want(exitBadInput, "ca", "compromised", "--since", since, "--key", "none")
	o.want(exitBadInput, "ca", "compromised", "--since", since, "--serial", "00")
}
