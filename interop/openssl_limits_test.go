package interop

import (
	"encoding/hex"
	"path/filepath"
	"strings"
	"testing"

	"yinxin/ca"
)

// What OpenSSL cannot check, as docs/interop.md has it: an SM2 signature wherever a
// command cannot be told the user id, for OpenSSL has no default. The day one of these
// can be checked, it is to be checked, and the page changed.
func TestWhatOpenSSLCannotCheck(t *testing.T) {
	t.Parallel()
	h, program, dir := newHouse(t), openssl(t), t.TempDir()
	issuer := func(p ca.Purpose) string { return write(t, "i.pem", pemOf("CERTIFICATE", h.purpose(t, p))) }
	root, issuing, responder := issuer(ca.PurposeRoot), issuer(ca.PurposeIssuing), issuer(ca.PurposeOCSP)
	row, err := h.CA.Certificate(t.Context(), h.seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := hex.DecodeString(h.seal.CertSerial)
	if err != nil {
		t.Fatal(err)
	}
	leaf, list := write(t, "c.pem", pemOf("CERTIFICATE", row.DER)), file(t, h.list(t, "issuing"))
	listPEM := write(t, "l.pem", pemOf("X509 CRL", h.list(t, "issuing")))
	answer := file(t, h.answer(t, ca.PurposeIssuing, serial, nil))
	query, reply := stamped(t, h.served(t)+"/tsa", file(t, []byte("准予")), "-sm3", "-cert")
	token := filepath.Join(dir, "token")
	if out, ok := run(t, program, "ts", "-reply", "-in", reply, "-token_out", "-out", token); !ok {
		t.Fatal(out)
	}
	for what, c := range map[string]struct {
		args []string
		says string
	}{
		"a link, without the user id": {[]string{"verify", "-partial_chain", "-trusted", issuing, leaf}, "error 7 at 0 depth lookup: certificate signature failure"},
		"a whole path":                {[]string{"verify", "-CAfile", root, "-untrusted", issuing, "-vfyopt", distid, leaf}, "error 7 at 1 depth lookup: certificate signature failure"},
		"a request, without":          {[]string{"req", "-in", write(t, "r.pem", foreignRequest(t, foreignKey(t))), "-noout", "-verify"}, "verify failure"},
		"a list":                      {[]string{"crl", "-inform", "DER", "-in", list, "-noout", "-CAfile", issuing, "-verify"}, "verify failure"},
		"a link, by a list":           {[]string{"verify", "-crl_check", "-CRLfile", listPEM, "-partial_chain", "-trusted", issuing, "-vfyopt", distid, leaf}, "error 8 at 0 depth lookup: CRL signature failure"},
		"an OCSP answer": {[]string{"ocsp", "-issuer", issuing, "-sm3", "-cert", leaf, "-respin", answer, "-no_nonce", "-VAfile", responder, "-CAfile", root},
			"Response Verify Failure"},
		"a time-stamp":             {[]string{"ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", root, "-untrusted", issuing}, "Verification: FAILED"},
		"a time-stamp, by its CMS": {[]string{"cms", "-verify", "-inform", "DER", "-in", token, "-noverify", "-out", filepath.Join(dir, "out")}, "CMS Verification failure"},
	} {
		if out, _ := run(t, program, c.args...); !strings.Contains(out, c.says) {
			t.Errorf("%s: OpenSSL does not say %q but %s", what, c.says, out)
		}
	}
}
