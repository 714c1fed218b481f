package ca_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/certs"
)

func TestAnAgencyRenews(t *testing.T) {
	for _, c := range []struct {
		name              string
		rekey, supersedes bool
	}{{"the same key", false, false}, {"a new key", true, false}, {"a new key, the old one ended", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			o := fresh(t)
			csr := request(t)
			old, err := o.Issue(t.Context(), agencyOrder(csr))
			if err != nil {
				t.Fatal(err)
			}
			if c.rekey {
				csr = request(t)
			}
			o.now = o.now.Add(300 * day)
			r := ca.RenewRequest{Serial: old.Serial, AgencyName: "改了名的局", CSR: csr, Supersede: c.supersedes, Who: "test", Why: "it ends", Retry: retry("k", 1)}
			row, err := o.RenewCertificate(t.Context(), r)
			if err != nil || row.Replaces != old.Serial || row.Profile != old.Profile || row.Agency != old.Agency || !row.NotAfter.After(old.NotAfter) {
				t.Fatal(row, err)
			}
			was, _ := certs.ParseCertificate(old.DER)
			is, err := certs.ParseCertificate(row.DER)
			if err != nil || is.Subject.CommonName != was.Subject.CommonName || is.Subject.Organization != "改了名的局" || is.PublicKey.Equal(was.PublicKey) == c.rekey {
				t.Fatal(is.Subject, err)
			}
			after, err := o.Certificate(t.Context(), old.Serial)
			if err != nil || (after.Revocation != nil) != c.supersedes || c.supersedes && after.Revocation.Reason != certs.ReasonSuperseded {
				t.Fatal(after.Revocation, err)
			}
			o.restart()
			if again, err := o.RenewCertificate(t.Context(), r); err != nil || !bytes.Equal(again.DER, row.DER) {
				t.Fatal("the retry:", err)
			}
			o.agree()
		})
	}
}

func TestWhatIsNotRenewed(t *testing.T) {
	o := fresh(t)
	issue := func(r ca.IssueRequest) string {
		t.Helper()
		row, err := o.Issue(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return row.Serial
	}
	revoked := issue(agencyOrder(request(t)))
	if _, err := o.Revoke(t.Context(), ca.RevokeRequest{Serial: revoked, Who: "test", Why: "gone"}); err != nil {
		t.Fatal(err)
	}
	tsa, err := o.Purpose(t.Context(), ca.PurposeTSA)
	if err != nil {
		t.Fatal(err)
	}
	sealed := issue(sealOrder(o.key("sign")))
	expired := issue(agencyOrder(request(t)))
	o.now = o.now.Add(year)
	good := issue(agencyOrder(request(t)))
	before := len(o.rows())
	for name, c := range map[string]struct {
		serial string
		csr    []byte
		want   error
	}{
		"revoked": {revoked, request(t), ca.ErrRefused}, "expired": {expired, request(t), ca.ErrRefused}, "a seal's": {sealed, request(t), ca.ErrRefused},
		"the office's own": {tsa.Row.Serial, request(t), ca.ErrRefused}, "unknown": {"4000", request(t), ca.ErrNotFound}, "no request": {good, []byte("x"), ca.ErrBadRequest},
	} {
		if _, err := o.RenewCertificate(t.Context(), ca.RenewRequest{Serial: c.serial, AgencyName: "局", CSR: c.csr, Who: "test", Why: "why"}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(o.rows()) - before; n != 0 {
		t.Fatalf("%d certificates were issued", n)
	}
}

// The new certificate stands, and the old one's revocation fails: a retry revokes.
func TestARenewalGoesOnToTheRevocation(t *testing.T) {
	for _, persisted := range []bool{false, true} {
		o := fresh(t)
		old, err := o.Issue(t.Context(), agencyOrder(request(t)))
		if err != nil {
			t.Fatal(err)
		}
		o.kill()
		o.wrap = func(s ca.Store) ca.Store { return &faulty{s, map[string]*fault{"revocation": {1, persisted}}} }
		o.open(false)
		o.start()
		o.now = o.now.Add(time.Minute)
		r := ca.RenewRequest{Serial: old.Serial, AgencyName: "局", CSR: request(t), Supersede: true, Who: "test", Why: "why", Retry: retry("k", 1)}
		first, err := o.RenewCertificate(t.Context(), r)
		if !errors.Is(err, errDisk) || first.Serial == "" {
			t.Fatal(err)
		}
		o.restart()
		again, err := o.RenewCertificate(t.Context(), r)
		if err != nil || again.Serial != first.Serial {
			t.Fatal(err)
		}
		if row, err := o.Certificate(t.Context(), old.Serial); err != nil || row.Revocation == nil {
			t.Fatal("the old certificate is not revoked:", err)
		}
		o.agree()
	}
}
