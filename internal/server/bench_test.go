package server_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"go.etcd.io/bbolt"

	"yinxin/internal/agency"
	"yinxin/internal/province"
	"yinxin/internal/server"
	"yinxin/seal"
)

const benchAgency = "11520000MB1A00001X"

// benchProvince is a province that serves on a real socket.
type benchProvince struct {
	p    *province.Province
	seal seal.Seal
	key  string
	url  string
	tls  string // the same over TLS
}

func newBenchProvince(b *testing.B) *benchProvince {
	b.Helper()
	debug.SetGCPercent(800) // as `yinxin serve` does, for both sides
	o := province.Options{Dir: filepath.Join(b.TempDir(), "data"), Passphrase: []byte("bench"), Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Iterations: 10}
	if err := province.Init(b.Context(), o, province.Identity{Region: "520000", Name: "贵州省", URL: "http://127.0.0.1:1"}); err != nil {
		b.Fatal(err)
	}
	p, err := province.Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	b.Cleanup(func() {
		stop()
		if err := p.Close(); err != nil {
			b.Error(err)
		}
	})
	go p.Run(ctx)
	bp := &benchProvince{p: p}
	if _, err := p.Agencies.Add(ctx, agency.AddRequest{ID: benchAgency, Name: "示例局", Region: "520000", Who: "bench"}); err != nil {
		b.Fatal(err)
	}
	if bp.key, _, err = p.Agencies.CreateKey(ctx, agency.KeyRequest{Agency: benchAgency, Scopes: []string{agency.ScopeStamp, agency.ScopeCertificateIssue}, Who: "bench"}); err != nil {
		b.Fatal(err)
	}
	if bp.seal, err = p.Seals.Make(ctx, seal.MakeRequest{Agency: benchAgency, AgencyName: "示例局", Name: "示例局", Who: "bench", Why: "bench"}); err != nil {
		b.Fatal(err)
	}
	s, err := server.New(server.Config{Province: p, Clock: time.Now, Log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		b.Fatal(err)
	}
	bp.url, bp.tls = listen(b, s.Handler()), listenTLS(b, s.Handler())
	return bp
}

func listen(b *testing.B, h http.Handler) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	return serveOn(b, l, h, "http://")
}

// listenTLS is listen over TLS 1.3, which the load generator does not check.
func listenTLS(b *testing.B, h http.Handler) string {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		b.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		b.Fatal(err)
	}
	return serveOn(b, l, h, "https://")
}

func serveOn(b *testing.B, l net.Listener, h http.Handler, scheme string) string {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go srv.Serve(l)
	b.Cleanup(func() { srv.Close() })
	return scheme + l.Addr().String()
}

// load is what the other process is asked to send.
type load struct {
	URL, Key, Body string
	Paths          []string // by GET, one after another, instead of a body
	Requests       int
	Distinct       bool // put a number in the body's @ each time
}

const loadClients = 32

// TestLoad is no test: it is the load generator, in a process of its own.
func TestLoad(t *testing.T) {
	spec := os.Getenv("YINXIN_BENCH_LOAD")
	if spec == "" {
		t.Skip("the load generator of the benchmarks")
	}
	var l load
	if err := json.Unmarshal([]byte(spec), &l); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: loadClients, MaxConnsPerHost: loadClients}}
	var sent atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range loadClients {
		wg.Go(func() {
			for n := sent.Add(1); n <= int64(l.Requests); n = sent.Add(1) {
				body := l.Body
				if l.Distinct {
					body = strings.Replace(body, "@", strconv.FormatInt(n, 10), 1)
				}
				req, err := http.NewRequest(http.MethodPost, l.URL, strings.NewReader(body))
				if len(l.Paths) > 0 {
					req, err = http.NewRequest(http.MethodGet, l.URL+l.Paths[n%int64(len(l.Paths))], nil)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if len(l.Paths) == 0 {
					req.Header.Set("Authorization", "Bearer "+l.Key)
					req.Header.Set("Content-Type", "application/json")
				}
				resp, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode/100 != 2 {
					t.Errorf("%s %v", resp.Status, err)
					return
				}
			}
		})
	}
	wg.Wait()
	fmt.Printf("\nseconds=%g\n", time.Since(start).Seconds())
}

// drive has the other process send b.N requests and reports how many a second were
// answered.
func drive(b *testing.B, l load) {
	b.Helper()
	l.Requests = b.N
	spec, err := json.Marshal(l)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestLoad$", "-test.v")
	cmd.Env = append(os.Environ(), "YINXIN_BENCH_LOAD="+string(spec))
	b.ResetTimer()
	out, err := cmd.CombinedOutput()
	b.StopTimer()
	_, after, ok := strings.Cut(string(out), "\nseconds=")
	line, _, _ := strings.Cut(after, "\n")
	seconds, perr := strconv.ParseFloat(line, 64)
	if err != nil || !ok || perr != nil {
		b.Fatalf("load: %v %.2000s", err, out)
	}
	b.ReportMetric(float64(b.N)/seconds, "req/s")
	b.ReportMetric(float64((cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()).Microseconds())/float64(b.N), "client-us/req")
}

func decision(b *testing.B) string {
	b.Helper()
	doc, err := os.ReadFile("../../cmd/yinxin/decisions/decision.json")
	if err != nil {
		b.Fatal(err)
	}
	return string(doc)
}

// BenchmarkStampHTTP: JSON stamps, durable, with time-stamp, from 32 clients in
// another process, beside a handler that makes the same two signatures and does
// nothing else.
func BenchmarkStampHTTP(b *testing.B) {
	p := newBenchProvince(b)
	body := fmt.Sprintf(`{"sealId":%q,"operator":"bench","document":%s}`, p.seal.ID, decision(b))
	b.Run("stamp", func(b *testing.B) {
		drive(b, load{URL: p.url + "/api/v1/stamps", Key: p.key, Body: body})
	})
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	der, err := p.p.Store.Seals().SealDER(b.Context(), p.seal.SM3)
	if err != nil {
		b.Fatal(err)
	}
	// TBS_Sign is the seal and some 200 octets, a token's signed attributes some 150.
	tbs, signed := make([]byte, len(der)+200), make([]byte, 150)
	floor := listen(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, message := range [][]byte{tbs, signed} {
			if _, err := key.SignWithSM2(rand.Reader, nil, message); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
		}
		io.WriteString(w, "{}")
	}))
	b.Run("two-signatures", func(b *testing.B) { drive(b, load{URL: floor, Key: "x", Body: body}) })
}

// BenchmarkIssueHTTP: certificates from PKCS#10 requests over TLS, beside a bare issuer that
// signs by the library and keeps the certificate with group commit.
func BenchmarkIssueHTTP(b *testing.B) {
	p := newBenchProvince(b)
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, key)
	if err != nil {
		b.Fatal(err)
	}
	csr := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
	body, err := json.Marshal(map[string]string{"profile": "client", "commonName": "bench", "csr": csr, "operator": "bench", "reason": "bench"})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("issue", func(b *testing.B) {
		drive(b, load{URL: p.tls + "/api/v1/certificates", Key: p.key, Body: string(body)})
	})
	bare := newBareIssuer(b)
	url := listenTLS(b, bare)
	b.Run("bare", func(b *testing.B) { drive(b, load{URL: url, Key: "x", Body: string(body)}) })
}

// bareIssuer checks the request's proof of possession, signs a certificate by the
// library and keeps it: one bucket, one write, group commit.
type bareIssuer struct {
	key    *sm2.PrivateKey
	parent *smx509.Certificate
	queue  chan bareRow
}

type bareRow struct {
	serial, der []byte
	done        chan error
}

func newBareIssuer(b *testing.B) *bareIssuer {
	b.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "bare.db"), 0o600, nil)
	if err != nil {
		b.Fatal(err)
	}
	i := &bareIssuer{key: key, queue: make(chan bareRow, 512)}
	template := &smx509.Certificate{SerialNumber: randomSerial(), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	template.Subject.CommonName = "bare"
	der, err := smx509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		b.Fatal(err)
	}
	if i.parent, err = smx509.ParseCertificate(der); err != nil {
		b.Fatal(err)
	}
	ended := make(chan struct{})
	go i.commit(db, ended)
	b.Cleanup(func() {
		close(i.queue)
		<-ended
		db.Close()
	})
	return i
}

func (i *bareIssuer) commit(db *bbolt.DB, ended chan struct{}) {
	defer close(ended)
	for first := range i.queue {
		batch := []bareRow{first}
		for len(i.queue) > 0 && len(batch) < 512 {
			batch = append(batch, <-i.queue)
		}
		err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("certificates"))
			for _, row := range batch {
				if err == nil {
					err = bucket.Put(row.serial, row.der)
				}
			}
			return err
		})
		for _, row := range batch {
			row.done <- err
		}
	}
}

func (i *bareIssuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	der, serial, err := i.issue(r)
	if err == nil {
		row := bareRow{serial, der, make(chan error, 1)}
		i.queue <- row
		err = <-row.done
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Write(der)
}

func (i *bareIssuer) issue(r *http.Request) (der, serial []byte, err error) {
	var form struct{ CSR string }
	if err := json.NewDecoder(r.Body).Decode(&form); err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode([]byte(form.CSR))
	if block == nil {
		return nil, nil, errors.New("no PEM")
	}
	req, err := smx509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	if err := req.CheckSignature(); err != nil {
		return nil, nil, err
	}
	template := &smx509.Certificate{SerialNumber: randomSerial(), NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour)}
	template.Subject.CommonName = "bench"
	der, err = smx509.CreateCertificate(rand.Reader, template, i.parent, req.PublicKey.(*ecdsa.PublicKey), i.key)
	return der, template.SerialNumber.Bytes(), err
}

func randomSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b[:])
}
