package ca_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"yinxin/ca"
	"yinxin/certs"
)

func (o *office) issue() ca.Row {
	o.t.Helper()
	row, err := o.Issue(o.t.Context(), agencyOrder(request(o.t)))
	if err != nil {
		o.t.Fatal(err)
	}
	return row
}

func (o *office) purposeRow(p ca.Purpose) ca.Row {
	o.t.Helper()
	c, err := o.Purpose(o.t.Context(), p)
	if err != nil {
		o.t.Fatal(err)
	}
	return c.Row
}

func TestRevoke(t *testing.T) {
	o := fresh(t)
	o.now = noon.Add(90 * time.Minute).Add(700 * time.Millisecond)
	for reason := range 12 {
		row := o.issue()
		got, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: row.Serial, Reason: reason, Invalidity: noon.Add(time.Duration(reason) * time.Millisecond), Who: "某人", Why: "丢失"})
		switch reason {
		case 2, 6, 7, 8, 10, 11: // an authority's, hold, none, undone, an attribute authority's, none
			if !errors.Is(err, ca.ErrRefused) {
				t.Errorf("reason %d: %v", reason, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(reason, err)
		}
		want := &ca.Revocation{Serial: row.Serial, At: noon.Add(90 * time.Minute), Reason: reason, Invalidity: noon, Who: "某人", Why: "丢失"}
		if d := cmp.Diff(want, got.Revocation); d != "" || got.State(noon) != ca.StateRevoked {
			t.Error(d)
		}
	}
	for name, reason := range ca.Reasons {
		if reason == certs.ReasonCertificateHold || reason == certs.ReasonRemoveFromCRL {
			t.Errorf("%s is among the reasons", name)
		}
	}
	o.restart()
	o.agree()
}

func TestWhatIsNotRevoked(t *testing.T) {
	o := fresh(t)
	row := o.issue()
	for name, change := range map[string]func(*ca.RevokeRequest){
		"a root":                  func(r *ca.RevokeRequest) { r.Serial = o.purposeRow(ca.PurposeRoot).Serial },
		"the scheme's key":        func(r *ca.RevokeRequest) { r.Serial = o.purposeRow(ca.PurposeScheme).Serial },
		"nobody":                  func(r *ca.RevokeRequest) { r.Who = "" },
		"no grounds":              func(r *ca.RevokeRequest) { r.Why = "" },
		"grounds that are a book": func(r *ca.RevokeRequest) { r.Why = strings.Repeat("x", 1001) },
		"a second from now":       func(r *ca.RevokeRequest) { r.Invalidity = noon.Add(time.Second) },
		"a reason below zero":     func(r *ca.RevokeRequest) { r.Reason = -1 },
	} {
		r := ca.RevokeRequest{Serial: row.Serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "x"}
		change(&r)
		if _, err := o.Revoke(t.Context(), r); !errors.Is(err, ca.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: "00", Who: "test", Why: "x"}); !errors.Is(err, ca.ErrNotFound) {
		t.Error(err)
	}
	// Within the present second is not the future.
	o.now = noon.Add(100 * time.Millisecond)
	if _, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: row.Serial, Invalidity: noon.Add(900 * time.Millisecond), Who: "test", Why: "x"}); err != nil {
		t.Error(err)
	}
}

// A revocation is made worse, never undone or weakened.
func TestRevokedAgain(t *testing.T) {
	o := fresh(t)
	hour := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }
	var none time.Time
	for name, c := range map[string]struct {
		first, second         int
		invalidity, again     time.Time
		worse                 bool
		wantReason            int
		wantInvalid, wantedAt time.Time
	}{
		"the same":                        {certs.ReasonSuperseded, certs.ReasonSuperseded, none, none, false, certs.ReasonSuperseded, none, hour(10)},
		"another reason":                  {certs.ReasonSuperseded, certs.ReasonCessationOfOperation, none, none, false, certs.ReasonSuperseded, none, hour(10)},
		"another reason, earlier":         {certs.ReasonSuperseded, certs.ReasonCessationOfOperation, none, hour(1), false, certs.ReasonSuperseded, none, hour(10)},
		"compromised after all":           {certs.ReasonSuperseded, certs.ReasonKeyCompromise, none, none, true, certs.ReasonKeyCompromise, none, hour(10)},
		"compromised since long":          {certs.ReasonSuperseded, certs.ReasonKeyCompromise, none, hour(2), true, certs.ReasonKeyCompromise, hour(2), hour(10)},
		"compromised later than it ended": {certs.ReasonSuperseded, certs.ReasonKeyCompromise, none, hour(11), true, certs.ReasonKeyCompromise, hour(10), hour(10)},
		"its earlier end is kept":         {certs.ReasonSuperseded, certs.ReasonKeyCompromise, hour(3), none, true, certs.ReasonKeyCompromise, hour(3), hour(10)},
		"not compromised after all":       {certs.ReasonKeyCompromise, certs.ReasonSuperseded, none, none, false, certs.ReasonKeyCompromise, none, hour(10)},
		"compromised since earlier":       {certs.ReasonKeyCompromise, certs.ReasonKeyCompromise, hour(5), hour(4), true, certs.ReasonKeyCompromise, hour(4), hour(10)},
		"compromised since later":         {certs.ReasonKeyCompromise, certs.ReasonKeyCompromise, hour(5), hour(6), false, certs.ReasonKeyCompromise, hour(5), hour(10)},
		"not since then after all":        {certs.ReasonKeyCompromise, certs.ReasonKeyCompromise, hour(5), none, false, certs.ReasonKeyCompromise, hour(5), hour(10)},
	} {
		t.Run(name, func(t *testing.T) {
			o.now = noon
			row := o.issue()
			revoke := func(reason int, since, at time.Time) (ca.Row, error) {
				o.now = at
				return o.Revoke(t.Context(), ca.RevokeRequest{Serial: row.Serial, Reason: reason, Invalidity: since, Who: "test", Why: "x"})
			}
			if _, err := revoke(c.first, c.invalidity, hour(10)); err != nil {
				t.Fatal(err)
			}
			_, err := revoke(c.second, c.again, hour(20))
			if c.worse != (err == nil) || err != nil && !errors.Is(err, ca.ErrRevoked) {
				t.Fatal(err)
			}
			after, err := o.Certificate(t.Context(), row.Serial)
			if err != nil {
				t.Fatal(err)
			}
			want := &ca.Revocation{Serial: row.Serial, At: c.wantedAt, Reason: c.wantReason, Invalidity: c.wantInvalid, Who: "test", Why: "x"}
			if d := cmp.Diff(want, after.Revocation); d != "" {
				t.Fatal(d)
			}
		})
	}
}

// A revoked authority signs no more certificates, in this process or the next,
// also when it was not told whether the revocation stands.
func TestARevokedAuthorityIssuesNothing(t *testing.T) {
	for _, unsure := range []bool{false, true} {
		o := fresh(t)
		o.kill()
		if unsure {
			o.wrap = func(s ca.Store) ca.Store { return &faulty{s, map[string]*fault{"revocation": {1, true}}} }
		}
		o.open(false)
		o.start()
		o.issue()
		r := ca.RevokeRequest{Serial: o.purposeRow(ca.PurposeIssuing).Serial, Reason: certs.ReasonSuperseded, Who: "test", Why: "x"}
		if _, err := o.Revoke(t.Context(), r); unsure != errors.Is(err, errDisk) || !unsure && err != nil {
			t.Fatal(err)
		}
		if _, err := o.Issue(t.Context(), agencyOrder(request(t))); !errors.Is(err, ca.ErrRefused) {
			t.Fatal("issued by a revoked authority:", err)
		}
		o.restart()
		if _, err := o.Issue(t.Context(), agencyOrder(request(t))); !errors.Is(err, ca.ErrRefused) {
			t.Fatal("issued by a revoked authority after a restart:", err)
		}
		// That it was a compromise after all is known by either name.
		r.Reason = certs.ReasonCACompromise
		if row, err := o.Revoke(t.Context(), r); err != nil || row.Revocation.Reason != certs.ReasonCACompromise {
			t.Fatal(err)
		}
		r.Reason = certs.ReasonKeyCompromise
		if _, err := o.Revoke(t.Context(), r); !errors.Is(err, ca.ErrRevoked) {
			t.Fatal(err)
		}
	}
}

func TestRevocationFaults(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		o := fresh(t)
		o.kill()
		o.wrap = func(s ca.Store) ca.Store { return &faulty{s, map[string]*fault{"revocation": {1, persisted}}} }
		o.open(false)
		o.start()
		row := o.issue()
		r := ca.RevokeRequest{Serial: row.Serial, Reason: certs.ReasonKeyCompromise, Who: "test", Why: "x"}
		if _, err := o.Revoke(t.Context(), r); !errors.Is(err, errDisk) {
			t.Fatal(err)
		}
		o.restart()
		_, err := o.Revoke(t.Context(), r)
		if persisted != errors.Is(err, ca.ErrRevoked) || !persisted && err != nil {
			t.Fatal(err)
		}
		if after, err := o.Certificate(t.Context(), row.Serial); err != nil || after.State(noon) != ca.StateRevoked {
			t.Fatal(err)
		}
	}
}
