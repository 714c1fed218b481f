package interop

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/agency"
	"yinxin/internal/server"
)

// clientAuthority has OpenSSL make a P-256 authority and a client certificate of it
// for an agency; it gives the files.
func clientAuthority(t testing.TB, code string) (authority, certificate, key string) {
	t.Helper()
	program, dir := openssl(t), t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	extensions := write(t, "client.ext", []byte("keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\n"))
	p256 := []string{"req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256"}
	for _, args := range [][]string{
		append(append([]string{}, p256...), "-x509", "-days", "2", "-subj", "/CN=client CA", "-keyout", in("ca.key"), "-out", in("ca.pem")),
		append(append([]string{}, p256...), "-subj", "/C=CN/CN=gateway/serialNumber="+code, "-keyout", in("client.key"), "-out", in("client.csr")),
		{"x509", "-req", "-in", in("client.csr"), "-CA", in("ca.pem"), "-CAkey", in("ca.key"), "-CAcreateserial", "-days", "1", "-sha256", "-extfile", extensions, "-out", in("client.pem")},
	} {
		if out, ok := run(t, program, args...); !ok {
			t.Fatal(out)
		}
	}
	return in("ca.pem"), in("client.pem"), in("client.key")
}

// A program with a P-256 client certificate enrols for SM2 where two officers are
// needed: curl is told to wait (RFC 7030 4.2.3), an officer approves, and the same
// request is answered with the certificate. A program decides nothing.
func TestESTByClientCertificateAndApproval(t *testing.T) {
	t.Parallel()
	h, program := newHouse(t), openssl(t)
	authority, certificate, key := clientAuthority(t, agencyID)
	pem, err := os.ReadFile(authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	s, err := server.New(server.Config{Province: h.Province, Clock: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewUnstartedServer(s.Handler())
	ts.TLS = &tls.Config{MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool}
	ts.StartTLS()
	t.Cleanup(ts.Close)
	person := func(name string, scopes ...string) (string, act.Officer) {
		secret, k, err := h.Agencies.CreateKey(t.Context(), agency.KeyRequest{Agency: agencyID, Officer: name, Scopes: scopes, Who: "test"})
		if err != nil {
			t.Fatal(err)
		}
		return secret, act.Officer{Name: name, KeyID: k.ID, Agency: agencyID}
	}
	_, chief := person("主任", agency.ScopeAdmin)
	if _, err := h.Approvals.SetRule(t.Context(), ca.KindIssue(ca.ProfileClient), true, chief, "双人", nil); err != nil {
		t.Fatal(err)
	}
	li, _ := person("李四", agency.ScopeCertificateApprove)
	trust := write(t, "server.pem", pemOf("CERTIFICATE", ts.Certificate().Raw))
	reply, headers := filepath.Join(t.TempDir(), "reply"), filepath.Join(t.TempDir(), "headers")
	call := func(path string, args ...string) (status, body, head string) {
		t.Helper()
		args = append([]string{"-sS", "--tlsv1.3", "--cacert", trust, "-o", reply, "-D", headers, "-w", "%{http_code}"}, args...)
		status, ok := run(t, curl(t), append(args, ts.URL+path)...)
		b, err := os.ReadFile(reply)
		d, herr := os.ReadFile(headers)
		if !ok || err != nil || herr != nil {
			t.Fatal(path, status, err, herr)
		}
		return strings.TrimSpace(status), string(b), string(d)
	}
	credential := []string{"--cert", certificate, "--key", key}
	enrol := append([]string{"-H", "Content-Type: application/pkcs10", "--data-binary", "@" + sm2Request(t, "/C=CN/O=示例局/CN=gateway")}, credential...)
	status, body, head := call("/.well-known/est/simpleenroll", enrol...)
	var asked, again approval.Request
	if err := json.Unmarshal([]byte(body), &asked); err != nil || status != "202" || !strings.Contains(strings.ToLower(head), "\nretry-after: 60") {
		t.Fatal(status, head, body)
	}
	if asked.By.KeyID != "" || len(asked.By.Certificate) != 64 || !asked.By.Unverified || asked.By.Agency != agencyID || asked.Agency != agencyID {
		t.Errorf("it was asked by %+v", asked.By)
	}
	if status, body, _ = call("/.well-known/est/simpleenroll", enrol...); status != "202" || json.Unmarshal([]byte(body), &again) != nil || again.ID != asked.ID {
		t.Errorf("a poll: %s %s", status, body)
	}
	approve := "/api/v1/requests/" + asked.ID.String() + "/approve"
	decide := []string{"-H", "Content-Type: application/json", "-d", `{"reason":"同意"}`}
	if status, body, _ = call(approve, append(append([]string{}, decide...), credential...)...); status != "401" {
		t.Errorf("the program decides: %s %s", status, body)
	}
	if status, body, _ = call(approve, append(append([]string{}, decide...), "-H", "Authorization: Bearer "+li)...); status != "200" {
		t.Fatal(status, body)
	}
	if status, body, _ = call("/.well-known/est/simpleenroll", enrol...); status != "200" {
		t.Fatal(status, body)
	}
	der, err := exec.Command(program, "base64", "-d", "-in", reply).Output()
	if err != nil {
		t.Fatal(err)
	}
	if out, ok := run(t, program, "pkcs7", "-inform", "DER", "-in", write(t, "reply.der", der), "-print_certs", "-noout"); !ok || !strings.Contains(out, "CN = gateway") {
		t.Error(out)
	}
}
