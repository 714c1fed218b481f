package ca_test

import (
	"crypto/rand"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/hsm/softkey"
	"yinxin/internal/store/bolt"
)

const (
	usccA = "11370000MB2852565A"
	usccB = "11110000000021135M"
	code  = "52010000000001"
)

var noon = time.Date(2026, 11, 24, 4, 0, 0, 0, time.UTC)

// office is an authority over a real store and real keys, which can be killed
// and started again.
type office struct {
	*ca.Authority
	t    testing.TB
	dir  string
	db   *bolt.DB
	keys *softkey.Store
	now  time.Time
	rand io.Reader
	wrap func(ca.Store) ca.Store // nil: the store as it is
}

// empty is an office before its first start.
func empty(t testing.TB) *office {
	t.Helper()
	o := &office{t: t, dir: t.TempDir(), now: noon, rand: rand.Reader}
	t.Cleanup(o.kill)
	o.open(true)
	return o
}

// base is the folder of an office that was started once, for all to copy.
var (
	base string
	fill sync.Once
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if base, err = os.MkdirTemp("", "ca"); err != nil {
		panic(err)
	}
	defer os.RemoveAll(base)
	return m.Run()
}

// fresh is an office that was started.
func fresh(t testing.TB) *office {
	t.Helper()
	fill.Do(func() {
		o := &office{t: t, dir: base, now: noon, rand: rand.Reader}
		o.open(true)
		o.start()
		o.kill()
	})
	o := &office{t: t, dir: filepath.Join(t.TempDir(), "office"), now: noon, rand: rand.Reader}
	if err := os.CopyFS(o.dir, os.DirFS(base)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.kill)
	o.open(false)
	o.start()
	return o
}

// open makes or opens the folder, and an authority that was not yet started.
func (o *office) open(create bool) {
	o.t.Helper()
	var err error
	if o.db, err = bolt.Open(filepath.Join(o.dir, "store.db"), bolt.Options{Create: create}); err != nil {
		o.t.Fatal(err)
	}
	k := softkey.Options{Dir: filepath.Join(o.dir, "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: o.clock, Iterations: 10}
	if create {
		o.keys, err = softkey.Create(k)
	} else {
		o.keys, err = softkey.Open(k)
	}
	if err != nil {
		o.t.Fatal(err)
	}
	store := o.db.CA()
	if o.wrap != nil {
		store = o.wrap(store)
	}
	o.Authority, err = ca.New(ca.Config{Store: store, Keys: o.keys, Clock: o.clock, Rand: randOf{o}, Region: "520000", RegionName: "贵州省", BaseURL: "https://seal.example", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) clock() time.Time { return o.now }

// randOf lets a test change the source of a running office.
type randOf struct{ *office }

func (r randOf) Read(b []byte) (int, error) { return io.ReadFull(r.rand, b) }

func (o *office) start() {
	o.t.Helper()
	if err := o.Init(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) kill() {
	if o.db != nil {
		o.db.Close()
		o.keys.Close()
	}
	o.db = nil
}

// restart is another process on the same folder.
func (o *office) restart() {
	o.t.Helper()
	o.kill()
	o.wrap, o.rand = nil, rand.Reader
	o.open(false)
	o.start()
}

func (o *office) key(u hsm.Usage) hsm.Key {
	o.t.Helper()
	k, err := o.keys.Generate(o.t.Context(), "印章", u)
	if err != nil {
		o.t.Fatal(err)
	}
	return k
}

func (o *office) rows() []ca.Row {
	o.t.Helper()
	rows, _, err := o.Certificates(o.t.Context(), ca.Filter{})
	if err != nil {
		o.t.Fatal(err)
	}
	return rows
}

func (o *office) purpose(p ca.Purpose) *certs.Certificate {
	o.t.Helper()
	c, err := o.Purpose(o.t.Context(), p)
	if err != nil {
		o.t.Fatal(err)
	}
	return c.Certificate
}

// sealOrder is what the seal office asks for.
func sealOrder(k hsm.Key) ca.IssueRequest {
	return ca.IssueRequest{Profile: ca.ProfileAgencySeal, Agency: usccA, AgencyName: "某市行政审批局", CommonName: code, Key: k, Who: "test", Why: "a seal"}
}

// request is a good PKCS#10 request on a fresh key.
func request(t testing.TB) []byte {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{Subject: pkix.Name{CommonName: "要别的名字"}}, k)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// agencyOrder is what an agency asks for by a request.
func agencyOrder(csr []byte) ca.IssueRequest {
	return ca.IssueRequest{Profile: ca.ProfileClient, Agency: usccA, AgencyName: "某市行政审批局", CommonName: "业务系统", CSR: csr, Who: "test", Why: "a client"}
}
