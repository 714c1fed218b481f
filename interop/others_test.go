package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/emmansun/gmsm/pkcs7"
	"github.com/emmansun/gmsm/smx509"
	tjx509 "github.com/tjfoc/gmsm/x509"

	"yinxin/ca"
	"yinxin/seal"
)

// The request that goes to an outside authority, made on a key of the store.
func TestOthersCheckOurRequest(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r, err := h.Seals.Ask(t.Context(), seal.MakeRequest{Agency: agencyID, AgencyName: "示例局", Name: "示例局", Who: "test", Why: "test"}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	der := r.CSR
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	judges := map[string]func([]byte) error{
		"OpenSSL": func(b []byte) error {
			if out, ok := run(t, openssl(t), "req", "-inform", "DER", "-in", file(t, b), "-noout", "-verify", "-vfyopt", distid); !ok || !strings.Contains(out, "verify OK") {
				return fmt.Errorf("%s", out)
			}
			return nil
		},
		"BouncyCastle": func(b []byte) error {
			if out, ok := bouncyCastle(t, "request", file(t, b)); !ok {
				return fmt.Errorf("%s", out)
			}
			return nil
		},
		"smx509": func(b []byte) error {
			c, err := smx509.ParseCertificateRequest(b)
			if err != nil {
				return err
			}
			return c.CheckSignature()
		},
		"tjfoc": func(b []byte) error {
			c, err := tjx509.ParseCertificateRequest(b)
			if err != nil {
				return err
			}
			return c.CheckSignature()
		},
	}
	for name, judge := range judges {
		if err := judge(der); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if judge(damaged(der)) == nil {
			t.Errorf("%s takes a damaged request", name)
		}
	}
}

// BouncyCastle, tjfoc and the library's CMS read what EST sends. Of a time-stamp the library's
// CMS reads the form and can check nothing: it knows signatures by the identifier of
// GM/T 0010 (1.2.156.10197.1.301.1), and none by that of SM2 with SM3.
func TestOthersReadOurCMS(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	url := h.served(t)
	resp, err := http.Get(url + "/.well-known/est/cacerts")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	p7, err := pkcs7.Parse(der)
	if err != nil || len(p7.Certificates) != 2 {
		t.Fatal(err)
	}
	for _, p := range []ca.Purpose{ca.PurposeRoot, ca.PurposeIssuing} {
		if !slices.ContainsFunc(p7.Certificates, func(c *smx509.Certificate) bool { return bytes.Equal(c.Raw, h.purpose(t, p)) }) {
			t.Errorf("%s is not among them", p)
		}
	}
	if theirs, err := tjx509.ParsePKCS7(der); err != nil || len(theirs.Certificates) != 2 {
		t.Error("tjfoc:", err)
	}
	if out, ok := bouncyCastle(t, "certificates", file(t, der)); !ok || strings.Count(out, "certificate: ") != 2 {
		t.Error(out)
	}
	_, reply := stamped(t, url+"/tsa", file(t, []byte("准予")), "-sm3", "-cert")
	var granted timeStampResp
	decode(t, read(t, reply), &granted)
	if p7, err = pkcs7.Parse(granted.Token.FullBytes); err != nil {
		t.Fatal(err)
	}
	if err := p7.Verify(); err == nil || !strings.Contains(err.Error(), `unsupported algorithm "1.2.156.10197.1.501"`) {
		t.Error(err)
	}
	if _, err := tjx509.ParsePKCS7(granted.Token.FullBytes); err == nil || !strings.Contains(err.Error(), "base 128 integer too large") {
		t.Error("tjfoc, of the certificate in a token:", err)
	}
}
