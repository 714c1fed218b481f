package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/asn1"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca"
	"yinxin/ca/tsa"
	"yinxin/certs"
	"yinxin/internal/server"
	"yinxin/internal/testlong"
)

// served is the address of a house's server.
func (h *house) served(t testing.TB) string {
	t.Helper()
	s, err := server.New(server.Config{Province: h.Province, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(s.Handler())
	t.Cleanup(ts.Close)
	return ts.URL
}

func curl(t testing.TB) string {
	t.Helper()
	return testlong.Tool(t, "curl", "curl")
}

// timeStampResp is RFC 3161 2.4.2, read by the standard library.
type timeStampResp struct {
	Status struct {
		Status  int
		Text    []asn1.RawValue `asn1:"optional"`
		Failure asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

// OpenSSL asks, curl carries, OpenSSL reads the answer, and checks the signature over
// the signed attributes. `openssl ts -verify` 3.0 has no way to name the user id that
// SM2 signs with, so it fails on every such token:
//
//	openssl ts -verify -queryfile q.tsq -in r.tsr -CAfile root.pem -untrusted issuing.pem
func TestOpenSSLAsksForTheTime(t *testing.T) {
	t.Parallel()
	h, program, url := newHouse(t), openssl(t), ""
	url = h.served(t) + "/tsa"
	data := write(t, "decision", []byte("准予"))
	for _, c := range []struct {
		args        []string
		shows, hash string
	}{
		{[]string{"-sm3", "-cert"}, "Status: Granted.", "sm3"}, {[]string{"-sha256"}, "Status: Granted.", "sha256"}, {[]string{"-sha512", "-cert", "-no_nonce"}, "Status: Granted.", "sha512"},
		{[]string{"-sm3", "-tspolicy", string(certs.OIDTSAPolicy)}, "Status: Granted.", "sm3"},
		{[]string{"-sha1"}, "Failure info: unrecognized or unsupported algorithm identifier", ""},
		{[]string{"-sm3", "-tspolicy", "1.2.3"}, "the requested TSA policy is not supported by the TSA", ""},
	} {
		dir := t.TempDir()
		query, reply := filepath.Join(dir, "q.tsq"), filepath.Join(dir, "r.tsr")
		if out, ok := run(t, program, append([]string{"ts", "-query", "-data", data, "-out", query}, c.args...)...); !ok {
			t.Fatal(out)
		}
		if out, ok := run(t, curl(t), "-sS", "--fail", "-H", "Content-Type: application/timestamp-query", "--data-binary", "@"+query, "-o", reply, url); !ok {
			t.Fatal(out)
		}
		text, ok := run(t, program, "ts", "-reply", "-in", reply, "-text")
		if !ok || !strings.Contains(text, c.shows) || !strings.Contains(text, "Hash Algorithm: "+c.hash) && c.hash != "" {
			t.Errorf("%q: %s", c.args, text)
		}
		var resp timeStampResp
		decode(t, read(t, reply), &resp)
		if c.hash == "" {
			continue
		}
		signer := parseToken(t, resp.Token.FullBytes).Content.Signers[0]
		checkSignature(t, fmt.Sprint(c.args), keyOf(t, h.purpose(t, ca.PurposeTSA)), append([]byte{0x31}, signer.Attributes.FullBytes[1:]...), signer.Signature)
	}
}

// tsaConfig has `openssl ts -reply` be an authority. It knows no SM2: its signatures
// would be over another digest than GM/T 0009's, so it is given an RSA key.
const tsaConfig = `[tsa]
default_tsa = t
[t]
dir = %[1]s
serial = $dir/serial
crypto_device = builtin
signer_cert = $dir/tsa.pem
signer_key = $dir/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sm3, sha256
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
`

// OpenSSL grants our query; its RSA token is refused, since no verifier of seals
// takes one, and so is nothing in its place.
func TestAnOutsideAuthorityByOpenSSL(t *testing.T) {
	t.Parallel()
	program, dir := openssl(t), t.TempDir()
	must := func(args ...string) {
		t.Helper()
		if out, ok := run(t, program, args...); !ok {
			t.Fatal(out)
		}
	}
	config := filepath.Join(dir, "tsa.cnf")
	for name, text := range map[string]string{"tsa.cnf": fmt.Sprintf(tsaConfig, dir), "serial": "01\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	must("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", filepath.Join(dir, "tsa.key"), "-out", filepath.Join(dir, "tsa.pem"), "-subj", "/CN=TSA", "-days", "2",
		"-addext", "extendedKeyUsage=critical,timeStamping", "-addext", "keyUsage=critical,digitalSignature")
	granted := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := filepath.Join(dir, "q")
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = os.WriteFile(query, b, 0o600)
		}
		if err != nil {
			t.Error(err)
		}
		if out, ok := run(t, program, "ts", "-reply", "-config", config, "-queryfile", query, "-out", query+".tsr"); !ok {
			t.Error(out)
		}
		reply := read(t, query+".tsr")
		if bytes.Contains(reply[:16], []byte{0x30, 3, 2, 1, 0}) {
			granted++
		}
		w.Header().Set("Content-Type", tsa.MediaReply)
		_, _ = w.Write(reply)
	}))
	t.Cleanup(s.Close)
	o, err := tsa.NewOutside(tsa.OutsideConfig{URL: s.URL, Accept: func(context.Context, *certs.TimeStamp) error { return nil }, Clock: time.Now, Rand: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	if token, _, err := o.Stamp(t.Context(), sm3.Sum([]byte("x"))); err == nil || token != nil || granted != 1 {
		t.Fatalf("granted %d times: %v", granted, err)
	}
}
