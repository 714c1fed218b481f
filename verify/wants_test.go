package verify_test

import (
	"bytes"
	"crypto/rand"
	"math/big"
	"slices"
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
func pointing(t testing.TB, issuer *party, name, url string, ocsp ...string) *party {
	t.Helper()
	key, err := sm2.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &smx509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: issuer.cert.SMX509().Subject, NotBefore: epoch, NotAfter: epoch.Add(10 * year),
		KeyUsage: forSigning, CRLDistributionPoints: []string{url}, OCSPServer: ocsp}
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

// A responder is asked where the certificate names one and its issuer is at hand, and
// the list is what is asked for else. Of several stamps the latest moment counts.
func TestWantsAnAnswerBeforeAList(t *testing.T) {
	s := newScene(t)
	s.order.signer = pointing(t, s.r.issuing, s.r.sealID(1), "http://127.0.0.1:1/crl", "http://127.0.0.1:1/ocsp")
	s.order.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
	doc := s.r.sealJSON(t, s.order, decision)
	s.order.claimed, s.order.proven = noon.Add(time.Minute), noon.Add(2*time.Minute)
	doc = s.r.sealJSON(t, s.order, doc)
	var asked []verify.Want
	for _, w := range verify.Open(bytes.NewReader(doc), int64(len(doc)), "", nil).Wants(s.input()) {
		if strings.HasPrefix(w.URL, "http://127.0.0.1") {
			asked = append(asked, w)
		}
	}
	if len(asked) != 1 || asked[0].Kind != verify.KindOCSP || asked[0].URL != "http://127.0.0.1:1/ocsp" || asked[0].Else != "http://127.0.0.1:1/crl" || !asked[0].At.Equal(s.order.proven) {
		t.Fatalf("%+v", asked)
	}
	r, err := certs.ParseOCSPRequest([]byte(asked[0].Request))
	if err != nil || len(r.IDs) != 1 || !r.Plain || !r.IDs[0].Names(s.order.signer.cert, s.r.issuing.cert) {
		t.Errorf("%+v %v", r, err)
	}
	stranger := newParty(t, nil, profile{name: "520000 issuing", ca: true})
	s.order.signer = pointing(t, stranger, s.r.sealID(1), "http://127.0.0.1:1/crl", "http://127.0.0.1:1/ocsp")
	s.order.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
	for _, w := range wants(s) {
		if strings.HasPrefix(w.URL, "http://127.0.0.1") {
			t.Errorf("a stranger's responder is asked: %+v", w)
		}
	}
}

// Who signs what a region says of its seals is asked about too: if nobody told that
// it was revoked, its statements would count.
func TestTheStatusSignerIsAskedAbout(t *testing.T) {
	s := newScene(t)
	signer := pointing(t, s.r.issuing, "status", "http://127.0.0.1:1/crl", "http://127.0.0.1:1/ocsp")
	s.r.serves(certs.ServiceStatusSigner, signer)
	asked := func() bool {
		return slices.ContainsFunc(wants(s), func(w verify.Want) bool {
			r, err := certs.ParseOCSPRequest([]byte(w.Request))
			return w.Kind == verify.KindOCSP && err == nil && r.IDs[0].Names(signer.cert, s.r.issuing.cert)
		})
	}
	if !asked() {
		t.Error("it is not asked about")
	}
	s.r.then(signer, certs.Withdrawn, noon)
	if asked() {
		t.Error("it signs nothing any more and is asked about")
	}
}
