package verify_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	cryptoasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
)

// The tests stand in a year of their own: noon is when the usual stamp is made,
// epoch when the usual certificates begin.
var (
	epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	noon  = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
)

const year = 365 * 24 * time.Hour

// party is a key with its certificate.
type party struct {
	key  *sm2.PrivateKey
	cert *certs.Certificate
}

func (p *party) Public() *ecdsa.PublicKey { return &p.key.PublicKey }

func (p *party) SignMessage(_ context.Context, m []byte) ([]byte, error) {
	return p.key.SignWithSM2(rand.Reader, nil, m)
}

func (p *party) signs() certs.StatementSigner {
	return certs.StatementSigner{Certificate: p.cert, Signer: p}
}

// profile is what a certificate is asked to be.
type profile struct {
	name     string
	ca       bool
	eku      certs.OID
	from, to time.Time // zero: ten years from the epoch
	key      *sm2.PrivateKey
	uscc     string
	crl      string
	more     []pkix.Extension
}

const (
	forSigning = smx509.KeyUsageDigitalSignature | smx509.KeyUsageContentCommitment
	forIssuing = smx509.KeyUsageCertSign | smx509.KeyUsageCRLSign
)

// newParty is certified by issuer, by itself if that is nil. The library that
// makes the certificate is not the one that the engine reads it with.
func newParty(t testing.TB, issuer *party, p profile) *party {
	t.Helper()
	if p.key == nil {
		var err error
		if p.key, err = sm2.GenerateKey(rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	if p.from.IsZero() {
		p.from, p.to = epoch, epoch.Add(10*year)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	id := ses.Imprint(p.key.X.Bytes())
	c := &smx509.Certificate{SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{Country: []string{"CN"}, CommonName: p.name},
		NotBefore: p.from, NotAfter: p.to, KeyUsage: forSigning, SubjectKeyId: id[:20]}
	if p.ca {
		c.KeyUsage, c.BasicConstraintsValid, c.IsCA = forIssuing, true, true
	}
	if p.eku != "" {
		c.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: usage(t, p.eku)}}
	}
	if p.crl != "" {
		c.CRLDistributionPoints = []string{p.crl}
	}
	if p.uscc != "" {
		text, err := asn1.MarshalWithParams(p.uscc, "printable")
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 156, 10260, 4, 1, 4}, Value: text})
	}
	c.ExtraExtensions = append(c.ExtraExtensions, p.more...)
	parent, by := c, p.key
	if issuer != nil {
		parent, by = issuer.cert.SMX509(), issuer.key
	}
	der, err := smx509.CreateCertificate(rand.Reader, c, parent, &p.key.PublicKey, by)
	if err != nil {
		t.Fatal(err)
	}
	read, err := certs.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &party{p.key, read}
}

func usage(t testing.TB, o certs.OID) []byte {
	t.Helper()
	var b cryptobyte.Builder
	b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, o) })
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// region is a province as its list tells of it, with one agency's seal.
type region struct {
	code                                       string
	root, issuing, maker, tsa, status, listing *party
	signer                                     *party
	seal                                       []byte
	services                                   []certs.RegionService
	faces                                      map[string]*pdf.PreparedFace
}

func newRegion(t testing.TB, code string) *region {
	t.Helper()
	r := &region{code: code, faces: map[string]*pdf.PreparedFace{}}
	r.root = newParty(t, nil, profile{name: code + " root", ca: true})
	r.issuing = newParty(t, r.root, profile{name: code + " issuing", ca: true})
	r.maker = newParty(t, r.issuing, profile{name: code + " 制章者", eku: certs.OIDEKUSealMaker})
	r.tsa = newParty(t, r.issuing, profile{name: code + " TSA", eku: certs.OIDEKUTimeStamping})
	r.status = newParty(t, r.issuing, profile{name: code + " status", eku: certs.OIDEKUStatusSigner})
	r.listing = newParty(t, r.issuing, profile{name: code + " list", eku: certs.OIDEKUTrustList})
	r.signer = newParty(t, r.issuing, profile{name: r.sealID(1)})
	r.seal = r.makeSeal(t, sealOrder{})
	for _, s := range []struct {
		typ certs.ServiceType
		by  *party
	}{{certs.ServiceAgencyCA, r.root}, {certs.ServiceAgencyCA, r.issuing}, {certs.ServiceSealMaker, r.maker}, {certs.ServiceTSA, r.tsa}, {certs.ServiceStatusSigner, r.status}} {
		r.services = append(r.services, certs.RegionService{Type: s.typ, Name: s.by.cert.Subject.CommonName, Certificate: s.by.cert.Raw,
			History: []certs.ServiceStatus{{State: certs.Granted, Since: epoch}}})
	}
	return r
}

func (r *region) sealID(n int) string { return r.code + "0000000" + string(rune('0'+n)) }

// then writes a further state into the history of a party's service.
func (r *region) then(p *party, state certs.ServiceState, since time.Time) {
	for i := range r.services {
		if string(r.services[i].Certificate) == string(p.cert.Raw) {
			r.services[i].History = append(r.services[i].History, certs.ServiceStatus{State: state, Since: since})
		}
	}
}

// sealOrder is what a seal is asked to be; zero members are the usual.
type sealOrder struct {
	id                string
	maker             *party
	signer            *party
	created, from, to time.Time
	picture           []byte
}

func (r *region) makeSeal(t testing.TB, o sealOrder) []byte {
	t.Helper()
	if o.id == "" {
		o.id = r.sealID(1)
	}
	if o.maker == nil {
		o.maker = r.maker
	}
	if o.signer == nil {
		o.signer = r.signer
	}
	if o.created.IsZero() {
		o.created = epoch.Add(24 * time.Hour)
	}
	if o.from.IsZero() {
		o.from, o.to = o.created, o.created.Add(3*year)
	}
	if o.picture == nil {
		o.picture = []byte("a picture that no test looks at")
	}
	der, err := ses.BuildSeal(t.Context(), ses.SealSpec{ID: o.id, Name: "示例局", Type: 1, SignerCerts: [][]byte{o.signer.cert.Raw}, Created: o.created,
		ValidFrom: o.from, ValidTo: o.to, Picture: ses.Picture{Type: "PNG", Data: o.picture, Width: 42, Height: 42}}, o.maker, o.maker.cert.Raw)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// world is a scheme of two regions.
type world struct {
	scheme *party
	r, far *region // 520000 and 440000
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return &world{newParty(t, nil, profile{name: "scheme", eku: certs.OIDEKUTrustList}), newRegion(t, "520000"), newRegion(t, "440000")}
}

// bundle is what the scheme and its regions publish at a time.
func (w *world) bundle(t testing.TB, at time.Time) *certs.Bundle {
	t.Helper()
	ends := at.Add(certs.ListLife)
	scheme := certs.SchemeList{Iat: at, Exp: ends, Sequence: 12, K: 1, Keys: []certs.Base64{w.scheme.cert.Raw}}
	b := &certs.Bundle{}
	for _, r := range []*region{w.r, w.far} {
		scheme.Regions = append(scheme.Regions, certs.SchemeRegion{Code: r.code, Name: r.code, URL: "https://" + r.code + ".example", Keys: []certs.Base64{r.listing.cert.Raw}})
		list, err := certs.SignRegionList(t.Context(), certs.RegionList{Iss: r.code, Iat: at, Exp: ends, Sequence: 128, Name: r.code,
			URL: "https://" + r.code + ".example", Services: r.services}, r.listing.signs())
		if err != nil {
			t.Fatal(err)
		}
		b.Regions = append(b.Regions, json.RawMessage(list))
	}
	list, err := certs.SignSchemeList(t.Context(), scheme, []certs.StatementSigner{w.scheme.signs()})
	if err != nil {
		t.Fatal(err)
	}
	b.Scheme = list
	return b
}

// trust opens the lists made at a time as they stand at another.
func (w *world) trust(t testing.TB, made, at time.Time) *certs.Trust {
	t.Helper()
	trust, err := w.bundle(t, made).Open(certs.TrustOptions{At: at})
	if err != nil && !errors.Is(err, certs.ErrTrustExpired) {
		t.Fatal(err)
	}
	return trust
}
