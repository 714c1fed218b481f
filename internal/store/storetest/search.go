package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

// mixed is a register of every kind of row: two agencies and none, three profiles,
// ends over two years, some revoked by either issuer, issued second by second.
func (b *bench) mixed(t *testing.T) (rows []ca.Row) {
	s := b.CA()
	for i := range 60 {
		b.now = b.now.Add(700 * time.Millisecond)
		r := row(fmt.Sprintf("%02x%02d", 0x40+i*7%23, i))
		r.Agency = []string{usccA, usccB, ""}[i%3]
		r.Profile = []string{ca.ProfileAgencySeal, ca.ProfileClient, ca.ProfileTSA, ca.ProfileClient}[i%4]
		r.Issuer = []string{"issuing", "root", "issuing.2"}[i%5%3]
		r.Subject = fmt.Sprintf("C=CN, O=%s示例局%d, CN=Name %c", r.Agency, i, 'A'+i%26)
		r.KeyID = fmt.Sprint("k", i%2)
		r.NotAfter = morning.AddDate(0, i*11%24, i%3).Add(time.Duration(i) * time.Second)
		r.IssuedAt = b.now.Truncate(time.Second)
		check(t, "its intent", s.PutIntent(t.Context(), intent(r.Serial, byte(i))), nil)
		a := b.issue(t, &r)
		check(t, "a certificate", s.CommitCertificate(t.Context(), a, r), nil)
		if i%6 == 1 {
			rev := b.act(t, ca.ActRevoked, r.Serial, "x")
			got, err := s.CommitRevocation(t.Context(), rev, ca.Revocation{Serial: r.Serial, At: morning, Reason: []int{certs.ReasonSuperseded, certs.ReasonCertificateHold}[i/6%2], Who: "x", Why: "y"})
			check(t, "a revocation", err, nil)
			r = got
		}
		rows = append(rows, r)
	}
	return rows
}

// caSearch: whatever the filter and the page, the list is what the filter matches,
// each row once, in one order.
func caSearch(t *testing.T, b *bench) {
	rows := b.mixed(t)
	now := morning.AddDate(0, 9, 0)
	half := rows[30].IssuedAt
	for name, f := range map[string]ca.Filter{
		"all": {}, "agency": {Agency: usccA}, "profile": {Profile: ca.ProfileClient}, "issuer": {Issuer: "root"}, "key": {KeyID: "k1"},
		"valid": {State: ca.StateValid}, "expired": {State: ca.StateExpired}, "revoked": {State: ca.StateRevoked}, "held": {State: ca.StateHeld}, "of an agency, held": {State: ca.StateHeld, Agency: usccB}, "revoked by one": {State: ca.StateRevoked, Issuer: "issuing"},
		"of an agency, valid": {State: ca.StateValid, Agency: usccB}, "of an agency, revoked": {State: ca.StateRevoked, Agency: usccB},
		"a part of the subject": {Subject: "name b"}, "in Chinese": {Subject: "例局1"}, "serial": {Serial: "4"}, "a longer serial": {Serial: rows[8].Serial[:2]}, "no serial": {Serial: "ff"},
		"ends after": {ExpiresAfter: rows[9].NotAfter}, "ends before": {ExpiresBefore: rows[9].NotAfter}, "ends between": {ExpiresAfter: morning.AddDate(0, 3, 0), ExpiresBefore: morning.AddDate(0, 12, 0)},
		"ends between, valid":                  {ExpiresAfter: morning.AddDate(0, 3, 0), ExpiresBefore: morning.AddDate(0, 12, 0), State: ca.StateValid},
		"ends between, expired":                {ExpiresAfter: morning.AddDate(0, 3, 0), ExpiresBefore: morning.AddDate(0, 12, 0), State: ca.StateExpired},
		"a fraction of a second before an end": {ExpiresAfter: rows[9].NotAfter.Add(-time.Millisecond), ExpiresBefore: rows[9].NotAfter.Add(time.Millisecond)},
		"issued after":                         {IssuedAfter: half}, "issued before": {IssuedBefore: half}, "issued between, of one": {Agency: usccA, IssuedAfter: rows[10].IssuedAt, IssuedBefore: half},
		"issued after, by one": {Issuer: "issuing", IssuedAfter: half}, "issued within a second": {IssuedAfter: half.Add(300 * time.Millisecond), IssuedBefore: half.Add(1500 * time.Millisecond)},
		"issued after and expired": {IssuedAfter: half, State: ca.StateExpired}, "before all": {IssuedBefore: morning}, "after all": {IssuedAfter: morning.AddDate(1, 0, 0)},
		"all of it": {Agency: usccB, Profile: ca.ProfileClient, State: ca.StateValid, Subject: "示例", ExpiresAfter: morning, IssuedAfter: morning, Serial: "4"},
	} {
		var want []string
		for _, r := range rows {
			if f.Matches(r, now) {
				want = append(want, r.Serial)
			}
		}
		slices.Sort(want)
		var order []string
		for _, f.Limit = range []int{1, 7, 1000} {
			var got []string
			for f.Cursor = ""; ; {
				page, next, err := b.CA().Certificates(t.Context(), f, now)
				if err != nil || len(page) > f.Limit {
					t.Fatalf("%s: %d rows of %d, %v", name, len(page), f.Limit, err)
				}
				for _, r := range page {
					got = append(got, r.Serial)
				}
				if f.Cursor = next; next == "" {
					break
				}
			}
			if order == nil {
				order = slices.Clone(got)
			}
			if !slices.Equal(got, order) {
				t.Errorf("%s, by %d: another order", name, f.Limit)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s, by %d: %v, want %v", name, f.Limit, got, want)
			}
		}
	}
}

// caExpiring counts what a filter would list.
func caExpiring(t *testing.T, b *bench) {
	rows := b.mixed(t)
	for _, window := range [][2]time.Time{{morning, morning.AddDate(0, 6, 0)}, {rows[9].NotAfter, rows[9].NotAfter.Add(time.Second)}, {morning.AddDate(0, 6, 0), morning.AddDate(9, 0, 0)}, {morning, morning}} {
		want := map[string]int{}
		for _, r := range rows {
			if r.Revocation == nil && !r.NotAfter.Before(window[0]) && r.NotAfter.Before(window[1]) {
				want[r.Profile]++
			}
		}
		if got, err := b.CA().Expiring(t.Context(), window[0], window[1]); err != nil || !same(got, want) {
			t.Errorf("%v: %v, want %v: %v", window, got, want, err)
		}
	}
}
