// Package outsidetest makes certificate authorities of somebody else's make for
// tests: the library's, which shares no code with ours.
package outsidetest

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

// Authority is one, with a root of its own or under another.
type Authority struct {
	Name        string
	Certificate *smx509.Certificate
	DER         []byte
	CRL         string // the address that its certificates name

	t   testing.TB
	key *sm2.PrivateKey
	now func() time.Time
}

// serial draws a serial number.
func serial(t testing.TB) *big.Int {
	t.Helper()
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	return n.Add(n, big.NewInt(1))
}

// New makes an authority, above nil for a root.
func New(t testing.TB, name string, above *Authority, now func() time.Time) *Authority {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{Name: name, CRL: "http://ca.example.cn/" + url.PathEscape(name) + ".crl", t: t, key: key, now: now}
	template := &smx509.Certificate{SerialNumber: serial(t), Subject: pkix.Name{Country: []string{"CN"}, Organization: []string{"某电子认证服务有限公司"}, CommonName: name},
		NotBefore: now().Add(-time.Hour), NotAfter: now().AddDate(10, 0, 0), KeyUsage: smx509.KeyUsage(x509.KeyUsageCertSign | x509.KeyUsageCRLSign), IsCA: true, BasicConstraintsValid: true,
		SignatureAlgorithm: smx509.SM2WithSM3}
	parent, signer := template, key
	if above != nil {
		template.CRLDistributionPoints = []string{above.CRL}
		parent, signer = above.Certificate, above.key
	}
	if a.DER, err = smx509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer); err != nil {
		t.Fatal(err)
	}
	if a.Certificate, err = smx509.ParseCertificate(a.DER); err != nil {
		t.Fatal(err)
	}
	return a
}

// PEM is its certificate.
func (a *Authority) PEM() []byte { return PEM(a.DER) }

// PEM writes a certificate as a file has it.
func PEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// Certify answers a certification request as such authorities do: key and subject
// are taken from the request once its signature holds. change, if not nil, spoils
// what would be signed.
func (a *Authority) Certify(csr []byte, change func(*smx509.Certificate)) []byte {
	a.t.Helper()
	r, err := smx509.ParseCertificateRequest(csr)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := r.CheckSignature(); err != nil {
		a.t.Fatal(err)
	}
	template := &smx509.Certificate{SerialNumber: serial(a.t), Subject: r.Subject, NotBefore: a.now().Add(-time.Minute), NotAfter: a.now().AddDate(2, 0, 0), PublicKey: r.PublicKey,
		KeyUsage: smx509.KeyUsage(x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment), CRLDistributionPoints: []string{a.CRL}, SignatureAlgorithm: smx509.SM2WithSM3}
	if change != nil {
		change(template)
	}
	der, err := smx509.CreateCertificate(rand.Reader, template, a.Certificate, template.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}

// List is its revocation list, DER.
func (a *Authority) List(revoked ...smx509.RevocationListEntry) []byte {
	a.t.Helper()
	der, err := smx509.CreateRevocationList(rand.Reader, &smx509.RevocationList{Number: serial(a.t), ThisUpdate: a.now(), NextUpdate: a.now().Add(24 * time.Hour),
		RevokedCertificateEntries: revoked}, a.Certificate, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return der
}
