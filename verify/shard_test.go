package verify_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	cryptoasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/seal/ses"
	"yinxin/verify"
)

const (
	itsShard      = "http://gz.example/crl/issuing-4a.crl"
	anothersShard = "http://gz.example/crl/issuing-4b.crl"
)

// portion says of which certificates a list is, and on which it builds.
type portion struct {
	shard  string // "": of all
	flag   int    // context tag of a BOOLEAN of the issuingDistributionPoint, 0 for none
	number int64
	base   int64 // of a delta
}

// partial is a list of a part of an issuer's certificates.
func (p *party) partial(t testing.TB, of portion, at time.Time, gone ...revocation) verify.Item {
	t.Helper()
	l := &smx509.RevocationList{Number: big.NewInt(of.number), ThisUpdate: at, NextUpdate: at.Add(24 * time.Hour)}
	for _, g := range gone {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries, smx509.RevocationListEntry{SerialNumber: g.who.cert.Serial, RevocationTime: g.at, ReasonCode: g.reason})
	}
	if of.shard != "" || of.flag != 0 {
		var b cryptobyte.Builder
		b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if of.shard != "" {
				zero, six := cryptoasn1.Tag(0).ContextSpecific().Constructed(), cryptoasn1.Tag(6).ContextSpecific()
				b.AddASN1(zero, func(b *cryptobyte.Builder) {
					b.AddASN1(zero, func(b *cryptobyte.Builder) {
						b.AddASN1(six, func(b *cryptobyte.Builder) { b.AddBytes([]byte(of.shard)) })
					})
				})
			}
			if of.flag != 0 {
				b.AddASN1(cryptoasn1.Tag(of.flag).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddUint8(0xff) })
			}
		})
		l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: b.BytesOrPanic()})
	}
	if of.base != 0 {
		value, err := asn1.Marshal(of.base)
		if err != nil {
			t.Fatal(err)
		}
		l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: value})
	}
	der, err := smx509.CreateRevocationList(rand.Reader, l, p.cert.SMX509(), p.key)
	if err != nil {
		t.Fatal(err)
	}
	return verify.NewItem(verify.KindCRL, der)
}

// sharded is the usual scene with a signer whose certificate names a shard of an
// authority of its own, of whose lists nothing is at hand.
func sharded(t testing.TB) (*scene, *party) {
	t.Helper()
	s := newScene(t)
	agencies := newParty(t, s.r.root, profile{name: "520000 agencies", ca: true})
	s.r.services = append(s.r.services, certs.RegionService{Type: certs.ServiceAgencyCA, Name: "agencies", Certificate: agencies.cert.Raw,
		History: []certs.ServiceStatus{{State: certs.Granted, Since: epoch}}})
	s.order.signer = newParty(t, agencies, profile{name: s.r.sealID(1), crl: itsShard})
	s.r.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
	return s, agencies
}

// A shard, a partial list or a delta speaks of the certificates in its scope and
// of no other: only then does its silence make a stamp valid.
func TestListsSpeakOfTheirScope(t *testing.T) {
	const onlyUser, onlyCA = 1, 2
	type list struct {
		of      portion
		revoked bool
		at      time.Time // zero: as the usual evidence
	}
	before := noon.Add(-48 * time.Hour)
	for name, c := range map[string]struct {
		give    []list
		verdict verify.Verdict
		code    verify.Code
	}{
		"none":                       {nil, verify.CannotConfirm, verify.StatusUnavailable},
		"the whole list":             {[]list{{of: portion{number: 1}}}, verify.Valid, ""},
		"the whole list with it":     {[]list{{of: portion{number: 1}, revoked: true}}, verify.NotValid, verify.CertificateRevokedBefore},
		"its shard":                  {[]list{{of: portion{number: 1, shard: itsShard}}}, verify.Valid, ""},
		"its shard with it":          {[]list{{of: portion{number: 1, shard: itsShard}, revoked: true}}, verify.NotValid, verify.CertificateRevokedBefore},
		"another's shard":            {[]list{{of: portion{number: 1, shard: anothersShard}}}, verify.CannotConfirm, verify.StatusUnavailable},
		"another's shard with it":    {[]list{{of: portion{number: 1, shard: anothersShard}, revoked: true}}, verify.CannotConfirm, verify.StatusUnavailable},
		"of users":                   {[]list{{of: portion{number: 1, flag: onlyUser}}}, verify.Valid, ""},
		"of authorities":             {[]list{{of: portion{number: 1, flag: onlyCA}}}, verify.CannotConfirm, verify.StatusUnavailable},
		"a delta alone":              {[]list{{of: portion{number: 2, base: 1, shard: itsShard}}}, verify.CannotConfirm, verify.StatusUnavailable},
		"a delta alone with it":      {[]list{{of: portion{number: 2, base: 1, shard: itsShard}, revoked: true}}, verify.NotValid, verify.CertificateRevokedBefore},
		"a delta of another shard":   {[]list{{of: portion{number: 2, base: 1, shard: anothersShard}, revoked: true}}, verify.CannotConfirm, verify.StatusUnavailable},
		"a delta on an older shard":  {[]list{{of: portion{number: 2, base: 1, shard: itsShard}}, {of: portion{number: 1, shard: itsShard}, at: before}}, verify.Valid, ""},
		"a delta on another's shard": {[]list{{of: portion{number: 2, base: 1, shard: itsShard}}, {of: portion{number: 1, shard: anothersShard}, at: before}}, verify.CannotConfirm, verify.StatusUnavailable},
		"a delta on a newer shard":   {[]list{{of: portion{number: 4, base: 3, shard: itsShard}}, {of: portion{number: 2, shard: itsShard}, at: before}}, verify.CannotConfirm, verify.StatusStale},
		"the base alone, of old":     {[]list{{of: portion{number: 1, shard: itsShard}, at: before}}, verify.CannotConfirm, verify.StatusStale},
	} {
		t.Run(name, func(t *testing.T) {
			s, agencies := sharded(t)
			s.evidence = s.usual()
			for _, l := range c.give {
				var gone []revocation
				if l.revoked {
					gone = []revocation{{who: s.order.signer, at: noon.Add(-time.Hour), reason: certs.ReasonSuperseded}}
				}
				made := s.known
				if !l.at.IsZero() {
					made = l.at
				}
				s.evidence = append(s.evidence, agencies.partial(t, l.of, made, gone...))
			}
			expect(t, s.judge(), c.verdict, c.code)
		})
	}
}

// misspelt is a party whose name's UTF8String became an IA5String, as programs of
// the field write Chinese; its issuer signed what stands there.
func misspelt(t testing.TB, issuer *party, name string, eku certs.OID) *party {
	t.Helper()
	p := newParty(t, issuer, profile{name: name, eku: eku})
	utf8 := append([]byte{0x0c, byte(len(name))}, name...)
	ia5 := append([]byte{0x16, byte(len(name))}, name...)
	tbs := bytes.Replace(p.cert.RawTBS, utf8, ia5, 1)
	if bytes.Equal(tbs, p.cert.RawTBS) {
		t.Fatal("no UTF8String to misspell")
	}
	signature, err := issuer.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	var b cryptobyte.Builder
	b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddASN1(cryptoasn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM2WithSM3) })
		b.AddASN1BitString(signature)
	})
	der := b.BytesOrPanic()
	if _, err := certs.ParseCertificate(der); err == nil {
		t.Fatal("the strict reader reads it")
	}
	if p.cert, _, err = certs.ParseLenient(der); err != nil {
		t.Fatal(err)
	}
	return p
}

// A certificate of the field is read with a notice under another's vendor id, and
// never under ours.
func TestCertificatesOfTheField(t *testing.T) {
	file := []byte("any file")
	for _, who := range []string{"signer", "maker"} {
		s := newScene(t)
		s.order.signer = s.r.signer
		if who == "signer" {
			s.order.signer = misspelt(t, s.r.issuing, "某省某局", "")
		} else {
			s.r.maker = misspelt(t, s.r.issuing, "某省制章者", certs.OIDEKUSealMaker)
		}
		s.r.seal = s.r.makeSeal(t, sealOrder{signer: s.order.signer})
		s.order.property = ses.PropertyFile
		ours := s.r.stamp(t, s.order, sm3.Sum(file))
		expect(t, judge(file, ours, s.input()), verify.NotValid, verify.StampMalformed)

		s.order.seal = foreignSeal(t, s.r)
		theirs := s.r.stamp(t, s.order, sm3.Sum(file))
		r := judge(file, theirs, s.input())
		if who == "signer" {
			expect(t, r, verify.ValidWithNotice, verify.FormatNotice)
		} else {
			// The lists name services by certificates that the strict reader reads.
			expect(t, r, verify.CannotConfirm, verify.FormatNotice)
		}
		if who == "signer" && r.Stamps[0].Signer.Subject != "C=CN, CN=某省某局" {
			t.Errorf("shown as %s", r.Stamps[0].Signer.Subject)
		}
	}
}
