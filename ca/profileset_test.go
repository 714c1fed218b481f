package ca_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/certs"
)

func change(name string, lifeDays int) ca.ProfileChange {
	return ca.ProfileChange{Name: name, LifeDays: lifeDays, Who: "某人", Why: "试行"}
}

func lifeOf(r ca.Row) int {
	return int(r.NotAfter.Add(time.Second).Sub(r.NotBefore) / (24 * time.Hour))
}

func (o *office) statement(name string) ca.Statement {
	o.t.Helper()
	all := o.Profiles()
	i := slices.IndexFunc(all, func(s ca.Statement) bool { return s.Name == name })
	if i < 0 {
		o.t.Fatalf("there is no profile %s", name)
	}
	return all[i]
}

// What is set holds for what is issued from then on, after a restart too, and
// the register says which setting made which certificate.
func TestSetProfile(t *testing.T) {
	o := fresh(t)
	if r := o.issue(); r.ProfileVersion != 0 || lifeOf(r) != 365 {
		t.Fatal(r.ProfileVersion, lifeOf(r))
	}
	if err := o.SetProfile(t.Context(), change(ca.ProfileClient, 90)); err != nil {
		t.Fatal(err)
	}
	if r := o.issue(); r.ProfileVersion != 1 || lifeOf(r) != 90 {
		t.Fatal(r.ProfileVersion, lifeOf(r))
	}
	if err := o.SetProfile(t.Context(), change(ca.ProfileClient, 90)); err != nil {
		t.Fatal("what is set already:", err)
	}
	lists := change(ca.ProfileClient, 0)
	lists.Settings = ca.Settings{FullCRL: true, FreshestCRL: true}
	if err := o.SetProfile(t.Context(), lists); err != nil {
		t.Fatal(err)
	}
	o.restart()
	r := o.issue()
	c, err := certs.ParseCertificate(r.DER)
	if err != nil || r.ProfileVersion != 2 || lifeOf(r) != 90 || c.CRLURLs[0] != "https://seal.example/crl/issuing.crl" {
		t.Fatal(r.ProfileVersion, lifeOf(r), c.CRLURLs, err)
	}
	if !slices.ContainsFunc(c.Extensions, func(e certs.Extension) bool {
		return e.ID == "2.5.29.46" && strings.HasSuffix(string(e.Value), "https://seal.example/crl/issuing-delta.crl")
	}) {
		t.Error("the delta list is not named")
	}
	want := []ca.ProfileVersion{
		{Name: ca.ProfileClient, Version: 1, LifeDays: 90, At: noon, Who: "某人", Why: "试行"},
		{Name: ca.ProfileClient, Version: 2, LifeDays: 90, Settings: lists.Settings, At: noon, Who: "某人", Why: "试行"},
	}
	if got, err := o.ProfileHistory(t.Context(), ca.ProfileClient); err != nil || !cmp.Equal(want, got) {
		t.Error(err, cmp.Diff(want, got))
	}
	if s := o.statement(ca.ProfileClient); s.Version != 2 || s.LifeDays != 90 || s.LimitDays != 365 || !s.FreshestCRL || fmt.Sprint(s.KeyUsage) != "[digitalSignature]" {
		t.Errorf("%+v", s)
	}
	if got, err := o.ProfileHistory(t.Context(), ca.ProfileTSA); err != nil || len(got) != 0 {
		t.Error(got, err)
	}
	o.agree()
}

func TestProfilesThatCannotBeSet(t *testing.T) {
	o := fresh(t)
	before := o.Profiles()
	for name, spoil := range map[string]func(c *ca.ProfileChange){
		"a longer life":               func(c *ca.ProfileChange) { c.LifeDays = 366 },
		"a life that overflows":       func(c *ca.ProfileChange) { c.LifeDays = 1 << 62 },
		"a life below nothing":        func(c *ca.ProfileChange) { c.LifeDays = -1 },
		"nobody":                      func(c *ca.ProfileChange) { c.Who = "" },
		"no reason":                   func(c *ca.ProfileChange) { c.Why = "" },
		"constraints of no authority": func(c *ca.ProfileChange) { c.Settings.Permitted = []ca.Name{{}} },
		"a delta of a part":           func(c *ca.ProfileChange) { c.Settings.FreshestCRL = true },
	} {
		c := change(ca.ProfileClient, 90)
		spoil(&c)
		if err := o.SetProfile(t.Context(), c); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := o.SetProfile(t.Context(), change("none", 90)); !errors.Is(err, ca.ErrNotFound) {
		t.Error(err)
	}
	if _, err := o.ProfileHistory(t.Context(), "none"); !errors.Is(err, ca.ErrNotFound) {
		t.Error(err)
	}
	if d := cmp.Diff(before, o.Profiles()); d != "" {
		t.Error(d)
	}
	o.agree()
}

// An issuing CA that is made under constraints bears them, and certifies below
// them.
func TestConstraintsOfAnIssuingCA(t *testing.T) {
	o := empty(t)
	c := change(ca.ProfileIssuing, 0)
	c.Settings = ca.Settings{Permitted: []ca.Name{{}}, RequirePolicy: true}
	if err := o.SetProfile(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	o.start()
	made := o.purpose(ca.PurposeIssuing)
	got := map[certs.OID]string{}
	for _, e := range made.Extensions {
		if e.Critical {
			got[e.ID] = fmt.Sprintf("%x", e.Value)
		}
	}
	// Permitted [0] one subtree: directoryName [4] C=CN; requireExplicitPolicy [0] 0.
	want := map[certs.OID]string{"2.5.29.19": "30060101ff020100", "2.5.29.15": "03020106", "2.5.29.30": "3015a0133011a40f300d310b300906035504061302434e", "2.5.29.36": "3003800100"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	row, err := o.Issue(t.Context(), agencyOrder(request(t)))
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := certs.ParseCertificate(row.DER)
	if err != nil {
		t.Fatal(err)
	}
	// A verifier keeps both constraints, and finds a policy where one is required.
	if _, err := certs.BuildPath(leaf, certs.PathOptions{Roots: []*certs.Certificate{o.purpose(ca.PurposeRoot)}, Intermediates: []*certs.Certificate{made}, At: noon, KeyUsage: leaf.KeyUsage}); err != nil {
		t.Error(err)
	}
	// Within a name that no agency of ours begins with, nothing more is issued.
	o = empty(t)
	c.Settings = ca.Settings{Permitted: []ca.Name{{Organization: "贵州省"}}}
	if err := o.SetProfile(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	o.start()
	if _, err := o.Issue(t.Context(), agencyOrder(request(t))); !errors.Is(err, ca.ErrRefused) || !strings.Contains(err.Error(), "rfc5280_names_permitted") {
		t.Error(err)
	}
	if gone, err := o.Abandoned(t.Context()); err != nil || len(gone) != 0 {
		t.Error("an intent of what was not linted:", gone, err)
	}
	o.agree()
}

// The write of a setting fails once, persisted or not: what holds is what is in
// the register, at once and after a restart.
func TestSetProfileFaults(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		o := fresh(t)
		o.kill()
		o.wrap = func(s ca.Store) ca.Store { return &faulty{s, map[string]*fault{"profile": {1, persisted}}} }
		o.open(false)
		o.start()
		if err := o.SetProfile(t.Context(), change(ca.ProfileClient, 90)); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		want := map[bool]int{false: 365, true: 90}[persisted]
		if r := o.issue(); lifeOf(r) != want || (r.ProfileVersion == 1) != persisted {
			t.Errorf("persisted %t: %d days", persisted, lifeOf(r))
		}
		if err := o.SetProfile(t.Context(), change(ca.ProfileClient, 90)); err != nil {
			t.Error("the retry:", err)
		}
		o.restart()
		if r := o.issue(); lifeOf(r) != 90 || r.ProfileVersion != 1 {
			t.Errorf("persisted %t: %d days by version %d", persisted, lifeOf(r), r.ProfileVersion)
		}
		o.agree()
	}
}

// Profiles are set while certificates are issued: each is as its version has it.
func TestSetProfileRace(t *testing.T) {
	o := fresh(t)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for n := range 4 {
				if err := o.SetProfile(t.Context(), change(ca.ProfileClient, 10+4*n+i)); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 8 {
				if _, err := o.Issue(t.Context(), agencyOrder(request(t))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	history, err := o.ProfileHistory(t.Context(), ca.ProfileClient)
	if err != nil || len(history) != 16 {
		t.Fatal(len(history), err)
	}
	for _, r := range o.rows() {
		if r.Profile != ca.ProfileClient {
			continue
		}
		want := 365
		if r.ProfileVersion > 0 {
			want = history[r.ProfileVersion-1].LifeDays
		}
		if lifeOf(r) != want {
			t.Errorf("version %d made a certificate for %d days, not %d", r.ProfileVersion, lifeOf(r), want)
		}
	}
	o.agree()
}
