package storetest

import (
	"fmt"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

func caLists(t *testing.T, b *bench) {
	s := b.CA()
	for i := range 9 {
		r := row(fmt.Sprintf("%02d", 90-i)) // issued against the order of serials
		if i%3 == 1 {
			r.Agency = usccB
		}
		if i%3 == 2 {
			r.Agency = ""
		}
		if i == 3 {
			r.NotAfter = morning.Add(time.Hour)
		}
		check(t, "its intent", s.PutIntent(t.Context(), intent(r.Serial, byte(i))), nil)
		a := b.issue(t, &r)
		check(t, "a certificate", s.CommitCertificate(t.Context(), a, r), nil)
	}
	a := b.act(t, ca.ActRevoked, "84", "x")
	if _, err := s.CommitRevocation(t.Context(), a, ca.Revocation{Serial: "84", At: morning, Reason: certs.ReasonSuperseded, Who: "x", Why: "y"}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		f    ca.Filter
		want []string
	}{
		"all":            {ca.Filter{}, []string{"90", "89", "88", "87", "86", "85", "84", "83", "82"}},
		"one agency's":   {ca.Filter{Agency: usccA}, []string{"90", "87", "84"}},
		"valid":          {ca.Filter{Agency: usccA, State: ca.StateValid}, []string{"90"}},
		"expired":        {ca.Filter{State: ca.StateExpired}, []string{"87"}},
		"revoked":        {ca.Filter{State: ca.StateRevoked}, []string{"84"}},
		"after":          {ca.Filter{Cursor: "84"}, []string{"83", "82"}},
		"of it, after":   {ca.Filter{Agency: usccA, Cursor: "87"}, []string{"84"}},
		"after the last": {ca.Filter{Cursor: "82"}, nil},
		"none":           {ca.Filter{Agency: "11110000000021135"}, nil}, // the beginning of a code
	} {
		for _, limit := range []int{100, 2} {
			c.f.Limit = limit
			rows, _, err := s.Certificates(t.Context(), c.f, morning.AddDate(0, 0, 1))
			var got []string
			for _, r := range rows {
				got = append(got, r.Serial)
			}
			if want := c.want[:min(limit, len(c.want))]; err != nil || !sameStrings(got, want) {
				t.Errorf("%s, by %d: %v, want %v, %v", name, limit, got, want, err)
			}
		}
	}
	_, _, err := s.Certificates(t.Context(), ca.Filter{Cursor: "77", Limit: 9}, morning)
	check(t, "after an unknown one", err, ca.ErrNotFound)
}
