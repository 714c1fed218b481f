package ca_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
)

func TestWhatIsNotIssued(t *testing.T) {
	o := fresh(t)
	before := len(o.rows())
	for name, change := range map[string]func(*ca.IssueRequest){
		"a seal maker":                 func(r *ca.IssueRequest) { r.Profile = ca.ProfileSealMaker },
		"a TSA":                        func(r *ca.IssueRequest) { r.Profile = ca.ProfileTSA },
		"an authority":                 func(r *ca.IssueRequest) { r.Profile = ca.ProfileIssuing },
		"no profile":                   func(r *ca.IssueRequest) { r.Profile = "" },
		"a wrong USCC":                 func(r *ca.IssueRequest) { r.Agency = usccA[:17] + "B" },
		"no USCC":                      func(r *ca.IssueRequest) { r.Agency = "" },
		"no name":                      func(r *ca.IssueRequest) { r.AgencyName = "" },
		"a name with a line break":     func(r *ca.IssueRequest) { r.AgencyName = "某局\n" },
		"a name with a zero":           func(r *ca.IssueRequest) { r.AgencyName = "某\x00局" },
		"a name turned round":          func(r *ca.IssueRequest) { r.AgencyName = "某\u202e局" },
		"a name with no width":         func(r *ca.IssueRequest) { r.AgencyName = "某\u200b局" },
		"a name with spaces around":    func(r *ca.IssueRequest) { r.AgencyName = " 某局" },
		"a name that is no text":       func(r *ca.IssueRequest) { r.AgencyName = "\xff" },
		"a name of 201 characters":     func(r *ca.IssueRequest) { r.AgencyName = strings.Repeat("长", 201) },
		"a seal code of 13 digits":     func(r *ca.IssueRequest) { r.CommonName = code[1:] },
		"a seal code of letters":       func(r *ca.IssueRequest) { r.CommonName = "5201000000000X" },
		"a seal code in wide digits":   func(r *ca.IssueRequest) { r.CommonName = "５２０１０００００００００１" },
		"nobody":                       func(r *ca.IssueRequest) { r.Who = "" },
		"no reason":                    func(r *ca.IssueRequest) { r.Why = "" },
		"a reason of a thousand and 1": func(r *ca.IssueRequest) { r.Why = strings.Repeat("x", 1001) },
		"neither key nor request":      func(r *ca.IssueRequest) { r.Key = nil },
		"key and request":              func(r *ca.IssueRequest) { r.CSR = request(t) },
	} {
		r := sealOrder(o.key(hsm.UsageSign))
		change(&r)
		if _, err := o.Issue(t.Context(), r); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(o.rows()); n != before {
		t.Fatalf("%d certificates of refused orders", n-before)
	}
	if gone, err := o.Abandoned(t.Context()); err != nil || len(gone) != 0 {
		t.Fatal("an intent of a refused order:", gone, err)
	}
	serial, der, err := o.IssueSealCertificate(t.Context(), usccA, strings.Repeat("长", 182), code, o.key(hsm.UsageSign), "test", "a long name", nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, err := certs.ParseCertificate(der); err != nil || c.Subject.Organization != usccA+strings.Repeat("长", 182) || serial == "" {
		t.Fatal(err)
	}
}

func TestLists(t *testing.T) {
	o := fresh(t)
	of := map[string][]string{}
	for i, agency := range []string{usccA, usccB, usccA} {
		o.now = o.now.Add(time.Second) // ids of one millisecond are in no order
		r := agencyOrder(request(t))
		r.Agency = agency
		row, err := o.Issue(t.Context(), r)
		if err != nil {
			t.Fatal(i, err)
		}
		of[agency] = append(of[agency], row.Serial)
	}
	if _, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: of[usccA][0], Reason: certs.ReasonSuperseded, Who: "test", Why: "x"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		f    ca.Filter
		want []string
	}{
		"an agency's":        {ca.Filter{Agency: usccA}, of[usccA]},
		"another's":          {ca.Filter{Agency: usccB}, of[usccB]},
		"an agency's valid":  {ca.Filter{Agency: usccA, State: ca.StateValid}, of[usccA][1:]},
		"revoked":            {ca.Filter{State: ca.StateRevoked}, of[usccA][:1]},
		"one":                {ca.Filter{Agency: usccA, Limit: 1}, of[usccA][:1]},
		"after it":           {ca.Filter{Agency: usccA, Cursor: of[usccA][0]}, of[usccA][1:]},
		"after the last":     {ca.Filter{Agency: usccA, Cursor: of[usccA][1]}, nil},
		"expired":            {ca.Filter{State: ca.StateExpired}, nil},
		"a limit below zero": {ca.Filter{Agency: usccB, Limit: -1}, of[usccB]},
	} {
		rows, _, err := o.Certificates(t.Context(), c.f)
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, r.Serial)
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	for name, f := range map[string]ca.Filter{"a wrong USCC": {Agency: "x"}, "a state that is none": {State: "good"}} {
		if _, _, err := o.Certificates(t.Context(), f); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := o.Certificates(t.Context(), ca.Filter{Cursor: "00"}); !errors.Is(err, ca.ErrNotFound) {
		t.Error("a cursor that is no serial:", err)
	}
	if _, err := o.Certificate(t.Context(), "00"); !errors.Is(err, ca.ErrNotFound) {
		t.Error(err)
	}
}
