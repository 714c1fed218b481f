package server

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/province/provincetest"
)

// certificateRequest is a PKCS#10 request, whose last octet is changed if spoiled.
func certificateRequest(t testing.TB, spoiled bool) string {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	if spoiled {
		der[len(der)-1] ^= 1
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

func certificateBody(t testing.TB, csr string) string {
	t.Helper()
	b, err := json.Marshal(certificateForm{Profile: ca.ProfileClient, CommonName: "审批系统", CSR: csr, Operator: "x", Reason: "y"})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCertificateOverHTTP(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	body := certificateBody(t, certificateRequest(t, false))
	var row ca.Row
	first := h.post(t, "/api/v1/certificates", body, key("k")).want(t, http.StatusCreated, &row)
	c, err := certs.ParseCertificate(row.DER)
	if err != nil {
		t.Fatal(err)
	}
	issuer, err := certs.ParseCertificate(h.get(t, "/ca/issuing.cer").body)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.CheckSignatureFrom(issuer); err != nil || row.Agency != provincetest.Agency || !strings.Contains(c.Subject.String(), "示例局") {
		t.Errorf("%+v %s %v", row, c.Subject, err)
	}
	h.Clock.Move(time.Minute)
	if again := h.post(t, "/api/v1/certificates", body, key("k")).want(t, http.StatusCreated, nil); !bytes.Equal(again.body, first.body) {
		t.Errorf("a retry is answered otherwise:\n%s\n%s", first.body, again.body)
	}
	h.post(t, "/api/v1/certificates", certificateBody(t, certificateRequest(t, false)), key("k")).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
	h.post(t, "/api/v1/stamps", `{"sealId":"`+h.Seal.ID+`","operator":"x","document":{}}`, key("k")).problem(t, http.StatusUnprocessableEntity, "RETRY_MISMATCH")
	var shown ca.Row
	if h.get(t, "/api/v1/certificates/"+row.Serial, bearer(h.key)).want(t, http.StatusOK, &shown); !bytes.Equal(shown.DER, row.DER) {
		t.Error("another certificate is shown")
	}
	listed := func(query string) (n int) {
		for cursor := ""; ; {
			var l listOf[ca.Row]
			h.get(t, "/api/v1/certificates?limit=1"+query+"&cursor="+cursor, bearer(h.key)).want(t, http.StatusOK, &l)
			for _, r := range l.Items {
				if r.Agency != provincetest.Agency {
					t.Errorf("%s is shown", r.Subject)
				}
			}
			n += len(l.Items)
			if cursor = l.Next; cursor == "" || n > 10 {
				return n
			}
		}
	}
	if n := listed(""); n != 2 { // the seal's, and this one
		t.Errorf("%d certificates", n)
	}
	h.post(t, "/api/v1/certificates/"+row.Serial+"/revoke", `{"operator":"x","grounds":"lost","reason":"superseded"}`).want(t, http.StatusOK, &shown)
	if shown.Revocation == nil || shown.Revocation.Reason != certs.ReasonSuperseded || listed("&state=revoked") != 1 {
		t.Errorf("%+v", shown.Revocation)
	}
	h.get(t, "/api/v1/certificates?cursor=99", bearer(h.key)).problem(t, http.StatusNotFound, "NOT_FOUND")
}

func TestCertificatesThatAreRefused(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	good := certificateRequest(t, false)
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"no PEM":               {certificateBody(t, "x"), http.StatusBadRequest},
		"no request":           {certificateBody(t, "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n"), http.StatusBadRequest},
		"no proof of the key":  {certificateBody(t, certificateRequest(t, true)), http.StatusBadRequest},
		"profile of a CA":      {strings.Replace(certificateBody(t, good), `"profile":"client"`, `"profile":"issuing"`, 1), http.StatusUnprocessableEntity},
		"profile of a TSA":     {strings.Replace(certificateBody(t, good), `"profile":"client"`, `"profile":"tsa"`, 1), http.StatusUnprocessableEntity},
		"profile that is none": {strings.Replace(certificateBody(t, good), `"profile":"client"`, `"profile":"none"`, 1), http.StatusUnprocessableEntity},
		"nobody asks":          {strings.Replace(certificateBody(t, good), `"operator":"x"`, `"operator":""`, 1), http.StatusUnprocessableEntity},
	} {
		if a := h.post(t, "/api/v1/certificates", c.body); a.StatusCode != c.status {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
	var l listOf[ca.Row]
	if h.get(t, "/api/v1/certificates", bearer(h.key)).want(t, http.StatusOK, &l); len(l.Items) != 1 {
		t.Errorf("refused requests left %d certificates", len(l.Items)-1)
	}
}
