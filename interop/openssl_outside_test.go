package interop

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"yinxin/ca/outside"
	"yinxin/seal"
	"yinxin/verify"
)

// opensslCA is a certificate authority that is OpenSSL and a folder.
type opensslCA struct {
	t       testing.TB
	dir     string
	program string
}

func newOpenSSLCA(t testing.TB) *opensslCA {
	t.Helper()
	a := &opensslCA{t, t.TempDir(), openssl(t)}
	a.put("ext", "keyUsage=critical,digitalSignature,nonRepudiation\ncrlDistributionPoints=URI:http://ca.example.cn/list.crl\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n")
	a.put("ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=crlnumber\ndefault_md=sm3\ndefault_crl_days=1\ncertificate=ca.pem\nprivate_key=ca.key\n")
	a.put("index.txt", "")
	a.put("crlnumber", "01\n")
	a.run("ecparam", "-name", "SM2", "-genkey", "-noout", "-out", "ca.key")
	a.run("req", "-new", "-x509", "-key", "ca.key", "-sm3", "-sigopt", distid, "-utf8", "-subj", "/C=CN/O=某电子认证服务有限公司/CN=某根", "-days", "3650",
		"-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "ca.pem")
	return a
}

func (a *opensslCA) put(name, text string) {
	a.t.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *opensslCA) get(name string) []byte { return read(a.t, filepath.Join(a.dir, name)) }

func (a *opensslCA) run(args ...string) {
	a.t.Helper()
	cmd := exec.CommandContext(a.t.Context(), a.program, args...)
	cmd.Dir = a.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		a.t.Fatalf("openssl %v: %v\n%s", args, err, out)
	}
}

// certify answers a request whose proof of possession OpenSSL has checked.
func (a *opensslCA) certify(csr []byte) []byte {
	a.t.Helper()
	a.put("r.pem", string(pemOf("CERTIFICATE REQUEST", csr)))
	a.run("req", "-verify", "-in", "r.pem", "-noout", "-vfyopt", distid)
	a.run("x509", "-req", "-in", "r.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-sm3", "-sigopt", distid, "-vfyopt", distid, "-days", "700", "-set_serial", "0x4711",
		"-extfile", "ext", "-out", "c.pem")
	return a.get("c.pem")
}

func (a *opensslCA) list() verify.Item {
	a.t.Helper()
	a.run("ca", "-config", "ca.cnf", "-gencrl", "-sigopt", distid, "-out", "list.pem")
	block, _ := pem.Decode(a.get("list.pem"))
	if block == nil {
		a.t.Fatal("OpenSSL's list is no PEM")
	}
	return verify.NewItem(verify.KindCRL, block.Bytes)
}

// OpenSSL is the outside authority: it takes the request, issues the certificate, and
// publishes the revocation lists that a verdict stands on.
func TestOpenSSLIsTheOutsideAuthority(t *testing.T) {
	t.Parallel()
	h, a := newHouse(t), newOpenSSLCA(t)
	if _, err := h.Outside.Add(t.Context(), outside.AddRequest{Certificate: a.get("ca.pem"), Name: "某根", Addresses: []string{"http://ca.example.cn/list.crl"}, Who: "test", Why: "test"}); err != nil {
		t.Fatal(err)
	}
	r, err := h.Seals.Ask(t.Context(), seal.MakeRequest{Agency: agencyID, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := h.Seals.Import(t.Context(), r.ID, a.certify(r.CSR), a.get("ca.pem"), "test", "test")
	if err != nil {
		t.Fatal(err)
	}
	// From the next second on the certificate has begun for whoever rounds down.
	time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	stamped, err := h.Seals.StampJSON(t.Context(), seal.StampRequest{SealID: s.ID, Agency: agencyID, Operator: "张三"}, []byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	judge := func(what string, want verify.Verdict, code verify.Code, more ...verify.Item) {
		t.Helper()
		d := verify.Open(bytes.NewReader(stamped.Document), stamped.Size(), "", nil)
		in, err := h.Input(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		in.Evidence.Items = append(in.Evidence.Items, more...)
		report := h.Engine.Judge(d, in)
		if report.Verdict != want || code != "" && !slices.ContainsFunc(report.Reasons, func(r verify.Reason) bool { return r.Code == code }) {
			t.Errorf("%s: %s %v, want %s %s", what, report.Verdict, report.Reasons, want, code)
		}
	}
	judge("no list", verify.CannotConfirm, verify.StatusUnavailable)
	judge("a list without it", verify.Valid, "", a.list())
	a.run("ca", "-config", "ca.cnf", "-revoke", "c.pem", "-crl_compromise", time.Now().UTC().Add(-time.Hour).Format("20060102150405Z"))
	judge("a list that tells of a compromise before", verify.NotValid, verify.CertificateRevokedBefore, a.list())
}
