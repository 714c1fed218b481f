package main

import (
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
)

// client issues a client's certificate and gives its serial.
func (o *office) clientCertificate() string {
	o.t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, key)
	if err != nil {
		o.t.Fatal(err)
	}
	o.write("request.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	var row ca.Row
	if err := json.Unmarshal([]byte(o.want(0, "ca", "issue", "--json", "--agency", demoAgency, "--cn", "业务系统", "--why", "test", "request.pem")), &row); err != nil {
		o.t.Fatal(err)
	}
	return row.Serial
}

// list reads a list that the command wrote.
func (o *office) list(args ...string) *smx509.RevocationList {
	o.t.Helper()
	o.want(0, append([]string{"ca", "crl", "-o", "list.crl"}, args...)...)
	l, err := smx509.ParseRevocationList(o.read("list.crl"))
	if err != nil {
		o.t.Fatal(err)
	}
	return l
}

func TestHoldOnTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	serial := o.clientCertificate()
	before := o.list("--delta")
	o.want(exitRefused, "ca", "release", "--why", "found", serial)
	o.want(0, "ca", "revoke", "--reason", "certificateHold", "--why", "lost", serial)
	for _, args := range [][]string{nil, {"--shard", ca.Shard(serial)}, {"--delta"}} {
		l := o.list(args...)
		if e := l.RevokedCertificateEntries; len(e) != 1 || e[0].SerialNumber.Text(16) != serial || e[0].ReasonCode != certs.ReasonCertificateHold {
			t.Errorf("%v: %+v", args, e)
		}
		if l.Number.Cmp(before.Number) <= 0 {
			t.Errorf("%v: number %d after %d", args, l.Number, before.Number)
		}
	}
	o.want(0, "ca", "release", "--why", "found", serial)
	if e := o.list("--delta").RevokedCertificateEntries; len(e) != 1 || e[0].ReasonCode != certs.ReasonRemoveFromCRL {
		t.Errorf("%+v", e)
	}
	if e := o.list().RevokedCertificateEntries; len(e) != 0 {
		t.Errorf("%+v", e)
	}
	text := o.want(0, "ca", "show", serial)
	for _, want := range []string{" valid ", "\nheld ", "by tester: lost\n", "\nreleased ", "by tester: found\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var shown struct{ Changes []ca.Change }
	if err := json.Unmarshal([]byte(o.want(0, "ca", "show", "--json", serial)), &shown); err != nil || len(shown.Changes) != 2 || shown.Changes[1].Act != ca.ActReleased {
		t.Errorf("%+v %v", shown, err)
	}
	o.want(exitUsage, "ca", "revoke", "--reason", "certificateHold", "--since", "2026-01-01T00:00:00Z", "--why", "x", serial)
	o.want(exitUsage, "ca", "crl", "--delta", "--shard", "40")
	o.want(exitUsage, "ca", "release", serial)
	for _, args := range [][]string{{"--shard", "80"}, {"--issuer", "root", "--delta"}, {"--issuer", "tsa"}} {
		o.want(exitBadInput, append([]string{"ca", "crl", "-o", "no.crl"}, args...)...)
	}
	o.want(0, "journal", "verify")
}
