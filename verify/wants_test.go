package verify_test

import (
	"bytes"
	"crypto/rand"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"

	"yinxin/certs"
	"yinxin/verify"
)

func wants(s *scene) []verify.Want {
	doc := s.r.sealJSON(s, s.order, decision)
	return verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil).Wants(s.input())
}

// The seal's own register is asked about the seal; and nobody, where no one that
// is trusted gives an address.
func TestWants(t *testing.T) {
	s := newScene(t)
	got := wants(s)
	if len(got) != 1 || got[0].Kind != verify.KindSealStatus || got[0].Region != "520000" || got[0].Key != s.r.sealID(1) ||
		got[0].URL != "https://520000.example/api/v1/seals/52000000000001/status?seal="+hexOf(t, s.r.seal) || !got[0].At.Equal(s.order.proven) {
		t.Errorf("%+v", got)
	}
	s.noTrust = true
	if got := wants(s); len(got) != 0 {
		t.Errorf("without trust: %+v", got)
	}
}

// pointing is a certificate with an address for its revocations, which anyone can
// write into one of their own.
func pointing(t testing.TB, issuer *party, name, url string) *party {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &smx509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: issuer.cert.SMX509().Subject, NotBefore: epoch, NotAfter: epoch.Add(10 * year),
		KeyUsage: forSigning, CRLDistributionPoints: []string{url}}
	c.Subject.CommonName = name
	der, err := smx509.CreateCertificate(rand.Reader, c, issuer.cert.SMX509(), &key.PublicKey, issuer.key)
	if err != nil {
		t.Fatal(err)
	}
	read, err := certs.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &party{key, read}
}

func TestAStrangersAddressIsNotVisited(t *testing.T) {
	s := newScene(t)
	stranger := newParty(t, nil, profile{name: "520000 issuing", ca: true})
	for name, by := range map[string]*party{"issued by a stranger": stranger, "issued by the region": s.r.issuing} {
		s.order.signer = pointing(t, by, s.r.sealID(1), "http://127.0.0.1:1/"+"crl")
		s.order.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
		asked := false
		for _, w := range wants(s) {
			asked = asked || w.Kind == verify.KindCRL && strings.HasPrefix(w.URL, "http://127.0.0.1")
		}
		if asked != (by == s.r.issuing) {
			t.Errorf("%s: asked is %v", name, asked)
		}
	}
}
