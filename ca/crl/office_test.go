package crl_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"strings"
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
	t       testing.TB
	dir     string
	db      *bolt.DB
	keys    hsm.Keystore
	now     time.Time
	clock   func() time.Time
	wrap    func(crl.Store) crl.Store // nil: the store as it is
	log     bytes.Buffer
	stopped bool
	lists   *crl.Publisher
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, now: noon}
	return o.at(func() time.Time { return o.now })
}

// at is open by another clock.
func (o *office) at(clock func() time.Time) *office {
	t := o.t
	t.Helper()
	o.clock, o.dir = clock, t.TempDir()
	keys, err := softkey.Create(o.keyOptions())
	if err != nil {
		t.Fatal(err)
	}
	o.keys = keys
	t.Cleanup(func() {
		if !o.stopped {
			o.close()
		}
	})
	o.start(true)
	return o
}

// reopen is another process on the folder of an office that was closed.
func (o *office) reopen() {
	o.t.Helper()
	keys, err := softkey.Open(o.keyOptions())
	if err != nil {
		o.t.Fatal(err)
	}
	o.keys = keys
	o.start(false)
}

func (o *office) keyOptions() softkey.Options {
	return softkey.Options{Dir: filepath.Join(o.dir, "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: o.clock, Iterations: 10}
}

func (o *office) start(create bool) {
	o.t.Helper()
	var err error
	if o.db, err = bolt.Open(filepath.Join(o.dir, "store.db"), bolt.Options{Create: create}); err != nil {
		o.t.Fatal(err)
	}
	if o.Authority, err = ca.New(ca.Config{Store: o.db.CA(), Keys: o.keys, Clock: o.clock, Rand: rand.Reader, Region: "520000", RegionName: "贵州省", BaseURL: "https://seal.example", Log: slog.New(slog.DiscardHandler)}); err != nil {
		o.t.Fatal(err)
	}
	if err := o.Init(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
	o.lists = o.publisher()
}

// publisher is one that remembers nothing.
func (o *office) publisher() *crl.Publisher {
	o.t.Helper()
	store := o.db.CRLs()
	if o.wrap != nil {
		store = o.wrap(store)
	}
	p, err := crl.New(crl.Config{Authority: o.Authority, Store: store, Clock: o.clock, Log: slog.New(slog.NewTextHandler(&o.log, nil))})
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

// restart is another process on the same folder.
func (o *office) restart() {
	o.t.Helper()
	if err := o.db.Close(); err != nil {
		o.t.Fatal(err)
	}
	o.start(false)
}

// snapshot is a backup of the register.
func (o *office) snapshot() []byte {
	o.t.Helper()
	var b bytes.Buffer
	if err := o.db.Snapshot(&b); err != nil {
		o.t.Fatal(err)
	}
	return b.Bytes()
}

// restore begins again from a backup.
func (o *office) restore(backup []byte) {
	o.t.Helper()
	if err := o.db.Close(); err != nil {
		o.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.dir, "store.db"), backup, 0o600); err != nil {
		o.t.Fatal(err)
	}
	o.start(false)
}

func (o *office) close() {
	if err := errors.Join(o.db.Close(), o.keys.Close()); err != nil {
		o.t.Error(err)
	}
}

// fetch gives a list, read by the library, of which the signature was checked.
func (o *office) fetch(name string) *smx509.RevocationList {
	o.t.Helper()
	l, err := o.lists.List(o.t.Context(), name)
	if err != nil {
		o.t.Fatal(name, err)
	}
	return o.read(l)
}

func (o *office) read(l crl.List) *smx509.RevocationList {
	o.t.Helper()
	r, err := smx509.ParseRevocationList(l.DER)
	if err != nil {
		o.t.Fatal(l.Name, err)
	}
	issuer, _, _ := strings.Cut(l.Name, "-")
	by, err := o.Issuer(o.t.Context(), issuer)
	if err != nil {
		o.t.Fatal(l.Name, err)
	}
	if err := r.CheckSignatureFrom(by.Certificate.SMX509()); err != nil {
		o.t.Fatal(l.Name, err)
	}
	if r.Number.Uint64() != l.Number || !r.ThisUpdate.Equal(l.This) || !r.NextUpdate.Equal(l.Next) || len(r.RevokedCertificateEntries) != l.Entries {
		o.t.Fatalf("%s: the header tells %+v", l.Name, l.Header)
	}
	return r
}

// list gives a full list as our own reader has it.
func (o *office) list(issuer ca.Purpose) *certs.CRL {
	o.t.Helper()
	l, err := o.lists.List(o.t.Context(), string(issuer))
	if err != nil {
		o.t.Fatal(err)
	}
	o.read(l)
	c, err := certs.ParseCRL(l.DER)
	if err != nil {
		o.t.Fatal(err)
	}
	if err := c.CheckSignatureFrom(o.certificate(issuer)); err != nil {
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

func (o *office) issue() *big.Int { return o.issueOf(ca.ProfilePerson) }

func (o *office) issueOf(profile string) *big.Int {
	o.t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		o.t.Fatal(err)
	}
	csr, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{Subject: pkix.Name{}}, k)
	if err != nil {
		o.t.Fatal(err)
	}
	row, err := o.Issue(o.t.Context(), ca.IssueRequest{Profile: profile, Agency: "11370000MB2852565A", AgencyName: "某局", CommonName: "张三", CSR: csr, Who: "test", Why: "x"})
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
