package evidence

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/ca/ocsp"
	"yinxin/certs"
	"yinxin/hsm/softkey"
	"yinxin/internal/store/bolt"
	"yinxin/verify"
)

// desk is a real responder behind a server that can misbehave, and a list beside it.
type desk struct {
	url       string
	request   string
	responder *ocsp.Responder

	mu    sync.Mutex
	asked []string // methods
	// held is what a cache on the way gives to a GET; nil for nothing.
	held []byte
	// say, if set, is answered instead, to either.
	say func(w http.ResponseWriter)
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	db, err := bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{Create: true})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := softkey.Create(softkey.Options{Dir: filepath.Join(dir, "keys"), Passphrase: []byte("x"), Rand: rand.Reader, Clock: time.Now, Iterations: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(db.Close(), keys.Close()); err != nil {
			t.Error(err)
		}
	})
	authority, err := ca.New(ca.Config{Store: db.CA(), Keys: keys, Clock: time.Now, Rand: rand.Reader, Region: "520000", RegionName: "贵州省", BaseURL: "https://seal.example", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := authority.Init(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := &desk{responder: ocsp.New(authority, db.CA(), time.Now)}
	d.url = serve(t, d.answer)
	d.request = string(requestFor(t, authority))
	return d
}

func requestFor(t *testing.T, authority *ca.Authority) []byte {
	t.Helper()
	k, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{Subject: pkix.Name{}}, k)
	if err != nil {
		t.Fatal(err)
	}
	row, err := authority.Issue(t.Context(), ca.IssueRequest{Profile: ca.ProfilePerson, Agency: "11370000MB2852565A", AgencyName: "某局", CommonName: "张三", CSR: csr, Who: "test", Why: "x"})
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := authority.Purpose(t.Context(), ca.PurposeIssuing)
	if err != nil {
		t.Fatal(err)
	}
	serial, _ := new(big.Int).SetString(row.Serial, 16)
	id, err := certs.NewCertID(issuer.Certificate, serial)
	if err != nil {
		t.Fatal(err)
	}
	request, err := certs.BuildOCSPRequest(id, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func (d *desk) answer(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.URL.Path == "/crl" {
		w.Write([]byte("list"))
		return
	}
	d.asked = append(d.asked, r.Method)
	request, err := io.ReadAll(r.Body)
	if r.Method == http.MethodGet {
		escaped, _ := strings.CutPrefix(r.URL.EscapedPath(), "/ocsp/")
		text, _ := url.PathUnescape(escaped)
		request, err = base64.StdEncoding.DecodeString(text)
	} else if r.Header.Get("Content-Type") != mediaRequest {
		err = errors.New(r.Header.Get("Content-Type"))
	}
	switch {
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	case d.say != nil:
		d.say(w)
	case r.Method == http.MethodGet && d.held != nil:
		w.Write(d.held)
	default:
		a, err := d.responder.Respond(r.Context(), request, time.Time{})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		w.Write(a.DER)
	}
}

func (d *desk) want(at time.Time) verify.Want {
	return verify.Want{Kind: verify.KindOCSP, URL: d.url + "/ocsp", Request: d.request, Else: d.url + "/crl", At: at}
}

// What caches may hold is asked for first; where it is older than the moment in
// question, an answer as of now.
func TestAnAnswerIsNewEnough(t *testing.T) {
	d := newDesk(t)
	c := NewCollector()
	got := collect(t, c, d.want(time.Time{}))
	if len(got) != 1 || got[0].Kind != verify.KindOCSP || len(d.asked) != 1 || d.asked[0] != http.MethodGet {
		t.Fatalf("%d answers, asked by %v", len(got), d.asked)
	}
	d.held = got[0].Raw
	asOf, _ := got[0].AsOf()
	if again := collect(t, c, d.want(asOf)); len(again) != 1 || !bytes.Equal(again[0].Raw, d.held) || len(d.asked) != 1 {
		t.Fatal("what was said is asked again:", d.asked)
	}
	time.Sleep(time.Until(asOf.Add(time.Second))) // times are whole seconds
	newer := collect(t, c, d.want(asOf.Add(time.Second)))
	if len(newer) != 1 || len(d.asked) != 3 || d.asked[1] != http.MethodGet || d.asked[2] != http.MethodPost {
		t.Fatalf("%d answers, asked by %v", len(newer), d.asked)
	}
	if made, _ := newer[0].AsOf(); !made.After(asOf) || len(newer[0].Nonce()) != nonceLength {
		t.Errorf("as of %s, nonce %q", made, newer[0].Nonce())
	}
}

// Where there is no answer the list does.
func TestTheListWhereNobodyAnswers(t *testing.T) {
	d := newDesk(t)
	replayed := collect(t, NewCollector(), d.want(time.Now().Add(time.Hour))) // by POST, with a nonce of its own
	for name, say := range map[string]func(w http.ResponseWriter){
		"an error of HTTP":        func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"an error of OCSP":        func(w http.ResponseWriter) { w.Write([]byte{0x30, 3, 0x0a, 1, 6}) },
		"a page":                  func(w http.ResponseWriter) { io.WriteString(w, "<html>") },
		"nothing":                 func(http.ResponseWriter) {},
		"the answer to another's": func(w http.ResponseWriter) { w.Write(replayed[0].Raw) },
	} {
		d.say = say
		since := time.Time{}
		if name == "the answer to another's" {
			since = time.Now().Add(time.Hour) // so that a new one is asked for
		}
		got := collect(t, NewCollector(), d.want(since))
		if len(got) != 1 || got[0].Kind != verify.KindCRL || string(got[0].Raw) != "list" {
			t.Errorf("%s: %+v", name, got)
		}
		w := d.want(since)
		w.Else = ""
		if got := collect(t, NewCollector(), w); len(got) != 0 {
			t.Errorf("%s, and no list: %+v", name, got)
		}
	}
}

// What was answered is kept in the file and read back as it was.
func TestAnswersAreSaved(t *testing.T) {
	d := newDesk(t)
	c := NewCollector()
	got := collect(t, c, d.want(time.Time{}))
	path := filepath.Join(t.TempDir(), "evidence.zip")
	if err := Save(path, &verify.Evidence{Items: c.Said()}); err != nil {
		t.Fatal(err)
	}
	e, err := Load(path)
	if err != nil || len(e.Items) != 1 || e.Items[0].Kind != verify.KindOCSP || !bytes.Equal(e.Items[0].Raw, got[0].Raw) {
		t.Fatalf("%+v %v", e, err)
	}
	asOf, until := e.Items[0].AsOf()
	if want, _ := got[0].AsOf(); !asOf.Equal(want) || !until.After(asOf) {
		t.Errorf("%s to %s", asOf, until)
	}
}
