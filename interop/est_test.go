package interop

import (
	"crypto/tls"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/internal/agency"
	"yinxin/internal/server"
)

// sm2Request has OpenSSL make an SM2 key and a request, and gives the request's base64
// as RFC 7030 sends it.
func sm2Request(t testing.TB, subject string) (body string) {
	t.Helper()
	program, dir := openssl(t), t.TempDir()
	key, csr := filepath.Join(dir, "k.pem"), filepath.Join(dir, "r.der")
	for _, args := range [][]string{
		{"ecparam", "-name", "SM2", "-genkey", "-noout", "-out", key},
		{"req", "-new", "-utf8", "-sm3", "-sigopt", distid, "-key", key, "-subj", subject, "-outform", "DER", "-out", csr},
		{"base64", "-in", csr, "-out", filepath.Join(dir, "r.b64")},
	} {
		if out, ok := run(t, program, args...); !ok {
			t.Fatal(out)
		}
	}
	return filepath.Join(dir, "r.b64")
}

// OpenSSL makes the request, curl speaks RFC 7030 over TLS 1.3 with a bearer key, once
// as a header and once as a password, and OpenSSL prints what comes back.
func TestESTByCurl(t *testing.T) {
	t.Parallel()
	h, program := newHouse(t), openssl(t)
	s, err := server.New(server.Config{Province: h.Province, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(s.Handler())
	ts.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	ts.StartTLS()
	t.Cleanup(ts.Close)
	trust := write(t, "server.pem", pemOf("CERTIFICATE", ts.Certificate().Raw))
	secret, _, err := h.Agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: agencyID, Scopes: []string{agency.ScopeCertificateIssue}, Who: "test"})
	if err != nil {
		t.Fatal(err)
	}
	est := func(operation string, args ...string) string {
		t.Helper()
		reply := filepath.Join(t.TempDir(), "reply")
		args = append([]string{"-sS", "--fail-with-body", "--tlsv1.3", "--cacert", trust, "-o", reply}, args...)
		if out, ok := run(t, curl(t), append(args, ts.URL+"/.well-known/est/"+operation)...); !ok {
			b, _ := os.ReadFile(reply)
			t.Fatal(operation, out, string(b))
		}
		der, err := exec.Command(program, "base64", "-d", "-in", reply).Output()
		if err != nil {
			t.Fatal(err)
		}
		return write(t, "reply.der", der)
	}
	print := func(p7 string) string {
		t.Helper()
		out, ok := run(t, program, "pkcs7", "-inform", "DER", "-in", p7, "-print_certs", "-noout")
		if !ok {
			t.Fatal(out)
		}
		return out
	}
	if out := print(est("cacerts")); strings.Count(out, "subject=") != 2 {
		t.Error(out)
	}
	if out, ok := run(t, program, "asn1parse", "-inform", "DER", "-in", est("csrattrs")); !ok || !strings.Contains(out, ":id-ecPublicKey") || !strings.Contains(out, ":SM2-with-SM3") {
		t.Error(out)
	}
	pkcs10 := []string{"-H", "Content-Type: application/pkcs10", "-H", "Content-Transfer-Encoding: base64", "--data-binary"}
	enrol := func(operation, body string, credential ...string) {
		t.Helper()
		out := print(est(operation, append(append(append([]string{}, pkcs10...), "@"+body), credential...)...))
		if strings.Count(out, "subject=") != 1 || !strings.Contains(out, "CN = gateway") {
			t.Errorf("%s: %s", operation, out)
		}
	}
	subject := "/C=CN/O=示例局/CN=gateway"
	enrol("simpleenroll", sm2Request(t, subject), "-H", "Authorization: Bearer "+secret)
	enrol("simplereenroll", sm2Request(t, subject), "-u", "est:"+secret)
	rows, _, err := h.CA.Certificates(t.Context(), ca.Filter{Agency: agencyID})
	if err != nil || rows[len(rows)-1].Replaces != rows[len(rows)-2].Serial {
		t.Fatal(err)
	}
	if out, ok := run(t, curl(t), append(append([]string{"-sS", "--fail", "--cacert", trust}, pkcs10...), "@"+sm2Request(t, subject), ts.URL+"/.well-known/est/simpleenroll")...); ok {
		t.Error("enrolled without a credential:", out)
	}
}
