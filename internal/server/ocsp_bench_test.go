package server_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/ca"
	"yinxin/certs"
)

// asked is how many certificates the clients ask about in turn.
const asked = 100

// questions are addresses of OCSP by GET, each about a certificate of its own.
func (p *benchProvince) questions(b *testing.B) (paths []string) {
	b.Helper()
	issuer, err := p.p.CA.Purpose(b.Context(), ca.PurposeIssuing)
	if err != nil {
		b.Fatal(err)
	}
	for range asked {
		key, err := sm2.GenerateKey(rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		der, err := smx509.CreateCertificateRequest(rand.Reader, &smx509.CertificateRequest{}, key)
		if err != nil {
			b.Fatal(err)
		}
		row, err := p.p.CA.Issue(b.Context(), ca.IssueRequest{Profile: ca.ProfileClient, Agency: benchAgency, AgencyName: "示例局", CommonName: "bench", Who: "bench", Why: "bench",
			CSR: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})})
		if err != nil {
			b.Fatal(err)
		}
		serial, _ := new(big.Int).SetString(row.Serial, 16)
		id, err := certs.NewCertID(issuer.Certificate, serial)
		if err != nil {
			b.Fatal(err)
		}
		request, err := certs.BuildOCSPRequest(id, nil)
		if err != nil {
			b.Fatal(err)
		}
		paths = append(paths, "/ocsp/"+url.QueryEscape(base64.StdEncoding.EncodeToString(request)))
	}
	return paths
}

// BenchmarkOCSPHTTP: answers by GET to 32 clients in another process, beside a bare
// handler that gives the same octets.
func BenchmarkOCSPHTTP(b *testing.B) {
	p := newBenchProvince(b)
	paths := p.questions(b)
	resp, err := http.Get(p.url + paths[0])
	if err != nil {
		b.Fatal(err)
	}
	der, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode != http.StatusOK {
		b.Fatal(resp.Status, err)
	}
	if _, err := certs.ParseOCSPResponse(der); err != nil {
		b.Fatal(err)
	}
	b.Run("get", func(b *testing.B) { drive(b, load{URL: p.url, Paths: paths}) })
	bare := listen(b, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/ocsp-response")
		w.Write(der)
	}))
	b.Run("bare", func(b *testing.B) { drive(b, load{URL: bare, Paths: paths}) })
}
