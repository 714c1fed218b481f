package ocsp_test

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"errors"
	"log/slog"
	"math/big"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/ocsp"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/store/bolt"
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

// office is an authority with a responder and a clock that can be moved.
type office struct {
	*ca.Authority
	t         testing.TB
	store     ca.Store
	keys      hsm.Keystore
	responder *ocsp.Responder

	mu sync.Mutex
	at time.Time
}

func (o *office) now() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.at
}

func (o *office) move(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.at = o.at.Add(d)
}

func open(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, at: noon}
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := softkey.Create(softkey.Options{Dir: filepath.Join(dir, "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: o.now, Iterations: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(db.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	})
	o.store, o.keys = db.CA(), keys
	if o.Authority, err = ca.New(ca.Config{Store: o.store, Keys: keys, Clock: o.now, Rand: rand.Reader, Region: "520000", RegionName: "贵州省", BaseURL: "https://seal.example", Log: slog.New(slog.DiscardHandler)}); err != nil {
		t.Fatal(err)
	}
	if err := o.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.responder = ocsp.New(o.Authority, o.store, o.now)
	return o
}

func (o *office) credential(p ca.Purpose) ca.Credential {
	o.t.Helper()
	c, err := o.Purpose(o.t.Context(), p)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

func (o *office) issue() *certs.Certificate {
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
	c, err := certs.ParseCertificate(row.DER)
	if err != nil {
		o.t.Fatal(err)
	}
	return c
}

func (o *office) revoke(c *certs.Certificate, reason int, since time.Time) {
	o.t.Helper()
	if _, err := o.Revoke(o.t.Context(), ca.RevokeRequest{Serial: c.Serial.Text(16), Reason: reason, Invalidity: since, Who: "test", Why: "x"}); err != nil {
		o.t.Fatal(err)
	}
}

// ask makes the request for a certificate of an issuer.
func ask(t testing.TB, issuer *certs.Certificate, serial *big.Int, nonce []byte) []byte {
	t.Helper()
	id, err := certs.NewCertID(issuer, serial)
	if err != nil {
		t.Fatal(err)
	}
	der, err := certs.BuildOCSPRequest(id, nonce)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// answer asks about a certificate, by its issuer, and wants a good signature.
func (o *office) answer(issuer ca.Purpose, c *certs.Certificate, since time.Time) (certs.OCSPAnswer, ocsp.Answer) {
	o.t.Helper()
	by := o.credential(issuer).Certificate
	a, err := o.responder.Respond(o.t.Context(), ask(o.t, by, c.Serial, nil), since)
	if err != nil {
		o.t.Fatal(err)
	}
	r := o.read(a, issuer)
	found, ok := r.Find(c, by)
	if !ok || !found.ThisUpdate.Equal(a.ThisUpdate) || !found.NextUpdate.Equal(a.NextUpdate) {
		o.t.Fatalf("%t %+v %+v", ok, found, a)
	}
	return found, a
}

func (o *office) read(a ocsp.Answer, issuer ca.Purpose) *certs.OCSPResponse {
	o.t.Helper()
	r, err := certs.ParseOCSPResponse(a.DER)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := r.CheckSignatureFrom(o.credential(issuer).Certificate); err != nil {
		o.t.Fatal(err)
	}
	return r
}
