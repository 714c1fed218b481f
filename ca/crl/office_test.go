package crl_test

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/crl"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/store/bolt"
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

type office struct {
	*ca.Authority
	t     testing.TB
	store ca.Store
	keys  hsm.Keystore
	now   time.Time
	lists *crl.Publisher
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, now: noon}
	clock := func() time.Time { return o.now }
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := softkey.Create(softkey.Options{Dir: filepath.Join(dir, "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: clock, Iterations: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(db.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	})
	o.store, o.keys = db.CA(), keys
	if o.Authority, err = ca.New(ca.Config{Store: o.store, Keys: keys, Clock: clock, Rand: rand.Reader, Region: "520000", RegionName: "贵州省", BaseURL: "https://seal.example", Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if err := o.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.restart()
	return o
}

// restart is a publisher that remembers nothing.
func (o *office) restart() {
	o.lists = crl.New(o.Authority, o.store, func() time.Time { return o.now })
}

func (o *office) list(issuer ca.Purpose) *certs.CRL {
	o.t.Helper()
	der, err := o.lists.List(o.t.Context(), issuer)
	if err != nil {
		o.t.Fatal(err)
	}
	c, err := certs.ParseCRL(der)
	if err != nil {
		o.t.Fatal(err)
	}
	by := o.certificate(issuer)
	if err := c.CheckSignatureFrom(by); err != nil {
		o.t.Fatal(err)
	}
	return c
}

func (o *office) certificate(p ca.Purpose) *certs.Certificate {
	o.t.Helper()
	c, err := o.Purpose(o.t.Context(), p)
	if err != nil {
		o.t.Fatal(err)
	}
	return c.Certificate
}

func (o *office) issue() *big.Int {
	o.t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	csr, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{Subject: pkix.Name{}}, k)
	if err != nil {
		o.t.Fatal(err)
	}
	row, err := o.Issue(o.t.Context(), ca.IssueRequest{Profile: ca.ProfilePerson, Agency: "11370000MB2852565A", AgencyName: "某局", CommonName: "张三", CSR: csr, Who: "test", Why: "x"})
	if err != nil {
		o.t.Fatal(err)
	}
	serial, _ := new(big.Int).SetString(row.Serial, 16)
	return serial
}

func (o *office) revoke(serial *big.Int, reason int, since time.Time) {
	o.t.Helper()
	if _, err := o.Revoke(o.t.Context(), ca.RevokeRequest{Serial: serial.Text(16), Reason: reason, Invalidity: since, Who: "test", Why: "x"}); err != nil {
		o.t.Fatal(err)
	}
}
