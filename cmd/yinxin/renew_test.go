package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
)

// pkcs10 writes a request on a new SM2 key.
func (o *office) pkcs10(name string) string {
	o.t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, key)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.write(name, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func (o *office) row(args ...string) (r ca.Row) {
	o.t.Helper()
	if err := json.Unmarshal([]byte(o.want(0, append(args, "--json")...)), &r); err != nil {
		o.t.Fatal(err)
	}
	return r
}

// The province's keys and an agency's certificate are renewed by the command line,
// each process anew; what was sealed before is valid, and the journal verifies.
func TestRenewalByTheCommandLine(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.stamp("decision.pdf", "before.pdf")
	for _, purpose := range []string{"tsa", "journal", "status", "trust-list", "issuing", "ocsp.2"} {
		if out := o.want(0, "ca", "renew", purpose, "--why", "a new key"); !strings.HasPrefix(out, "renewed "+purpose) {
			t.Errorf("%s: %q", purpose, out)
		}
	}
	o.want(0, "journal", "verify")
	o.stamp("decision.pdf", "after.pdf")
	o.want(0, "trust", "export", "-o", "renewed.json")
	o.want(exitRefused, "ca", "renew", "root", "--why", "x")
	o.want(exitBadInput, "ca", "renew", "nothing", "--why", "x")
	o.want(exitUsage, "ca", "renew", "tsa")
	o.want(exitUsage, "ca", "renew", "tsa", "--why", "x", "--supersede")

	old := o.row("ca", "issue", "--agency", agencyOf(o), "--cn", "网关", "--why", "x", o.pkcs10("first.csr"))
	if old.Issuer != "issuing.2" {
		t.Errorf("issued by %s", old.Issuer)
	}
	row := o.row("ca", "renew", old.Serial, o.pkcs10("second.csr"), "--why", "it ends", "--supersede")
	if row.Replaces != old.Serial || row.Subject != old.Subject {
		t.Errorf("%+v", row)
	}
	if was := o.row("ca", "show", old.Serial); was.Revocation == nil || was.Revocation.Who == "" {
		t.Errorf("%+v", was.Revocation)
	}
	o.want(exitRefused, "ca", "renew", old.Serial, o.pkcs10("third.csr"), "--why", "x")
	o.want(exitBadInput, "ca", "renew", "4000", o.pkcs10("third.csr"), "--why", "x")
	o.want(exitBadInput, "ca", "renew", row.Serial, o.write("no.csr", []byte("x")), "--why", "x")
	o.want(0, "journal", "verify")
}

// agencyOf is the agency of the office's seal.
func agencyOf(o *office) string {
	o.t.Helper()
	var seals []struct{ Agency string }
	if err := json.Unmarshal([]byte(o.want(0, "seal", "list", "--json")), &seals); err != nil || len(seals) == 0 {
		o.t.Fatal(err)
	}
	return seals[0].Agency
}

func TestServeTLS(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "server"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert := o.write("tls.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	private := o.write("tls.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitUsage, []string{"--tls-cert", cert}}, {exitUsage, []string{"--tls-key", private}}, {exitUsage, []string{"--client-ca", cert}},
		{exitBadInput, []string{"--tls-cert", cert, "--tls-key", cert}}, {exitBadInput, []string{"--tls-cert", cert, "--tls-key", private, "--client-ca", private}},
		{exitBadInput, []string{"--tls-cert", "nothing", "--tls-key", private}},
	} {
		o.want(c.code, append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)...)
	}
	p := o.serve("--tls-cert", cert, "--tls-key", private, "--client-ca", cert)
	defer p.stop()
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatal(p.url)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(o.read("tls.pem"))
	get := func(newest uint16) error {
		client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MaxVersion: newest}}}
		defer client.CloseIdleConnections()
		resp, err := client.Get(p.url + "/.well-known/est/cacerts")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.TLS.Version != tls.VersionTLS13 {
			t.Errorf("%d over %x", resp.StatusCode, resp.TLS.Version)
		}
		return nil
	}
	if err := get(tls.VersionTLS13); err != nil {
		t.Error(err)
	}
	if err := get(tls.VersionTLS12); err == nil {
		t.Error("TLS 1.2 was spoken")
	}
}
