package verify_test

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cryptoasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/verify"
)

// said is an OCSP answer as it is ordered; what it leaves out is usual: good, as of
// ten minutes ago, for a day.
type said struct {
	about, issuer, by *party
	status            certs.OCSPStatus
	gone              revocation
	at, until, made   time.Time
	endless           bool // no nextUpdate
	cutoff            time.Time
}

var noCheck = pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{5, 0}}

// responder is one that an authority certified.
func responder(t testing.TB, issuer *party, more ...pkix.Extension) *party {
	t.Helper()
	return newParty(t, issuer, profile{name: issuer.cert.Subject.CommonName + " OCSP", eku: certs.OIDEKUOCSPSigning, more: more})
}

// serves puts a party into the region's list as a service.
func (r *region) serves(typ certs.ServiceType, p *party) {
	r.services = append(r.services, certs.RegionService{Type: typ, Name: p.cert.Subject.CommonName, Certificate: p.cert.Raw,
		History: []certs.ServiceStatus{{State: certs.Granted, Since: epoch}}})
}

func explicit(n uint8) cryptoasn1.Tag { return cryptoasn1.Tag(n).ContextSpecific().Constructed() }

func seqOf(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) {
	b.AddASN1(cryptoasn1.SEQUENCE, f)
}

// item writes the response as RFC 6960 4.2.1 has it. No code of the responder's is
// in it.
func (a said) item(t testing.TB) verify.Item {
	t.Helper()
	if a.status == 0 {
		a.status = certs.OCSPGood
	}
	if a.until.IsZero() {
		a.until = a.at.Add(24 * time.Hour)
	}
	if a.made.IsZero() {
		a.made = a.at
	}
	tbs := encoded(t, func(b *cryptobyte.Builder) {
		seqOf(b, func(b *cryptobyte.Builder) {
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(a.by.cert.RawSubject) })
			b.AddASN1GeneralizedTime(a.made)
			seqOf(b, func(b *cryptobyte.Builder) { a.add(t, b) })
		})
	})
	signature, err := a.by.SignMessage(t.Context(), tbs)
	if err != nil {
		t.Fatal(err)
	}
	basic := encoded(t, func(b *cryptobyte.Builder) {
		seqOf(b, func(b *cryptobyte.Builder) {
			b.AddBytes(tbs)
			seqOf(b, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM2WithSM3) })
			b.AddASN1BitString(signature)
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
				seqOf(b, func(b *cryptobyte.Builder) { b.AddBytes(a.by.cert.Raw) })
			})
		})
	})
	return verify.NewItem(verify.KindOCSP, encoded(t, func(b *cryptobyte.Builder) {
		seqOf(b, func(b *cryptobyte.Builder) {
			b.AddASN1Enum(0)
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
				seqOf(b, func(b *cryptobyte.Builder) {
					certs.AddOID(b, certs.OIDOCSPBasic)
					b.AddASN1OctetString(basic)
				})
			})
		})
	}))
}

func encoded(t testing.TB, f func(*cryptobyte.Builder)) []byte {
	t.Helper()
	var b cryptobyte.Builder
	f(&b)
	der, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (a said) add(t testing.TB, b *cryptobyte.Builder) {
	id, err := certs.NewCertID(a.issuer.cert, a.about.cert.Serial)
	if err != nil {
		t.Fatal(err)
	}
	seqOf(b, func(b *cryptobyte.Builder) {
		b.AddBytes(id.Raw)
		switch a.status {
		case certs.OCSPGood:
			b.AddASN1(cryptoasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
		case certs.OCSPRevoked:
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(a.gone.at)
				if a.gone.reason != 0 {
					b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(a.gone.reason)) })
				}
			})
		default:
			b.AddASN1(cryptoasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
		}
		b.AddASN1GeneralizedTime(a.at)
		if !a.endless {
			b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(a.until) })
		}
		if a.gone.invalid.IsZero() && a.cutoff.IsZero() {
			return
		}
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			seqOf(b, func(b *cryptobyte.Builder) {
				for o, at := range map[certs.OID]time.Time{certs.OIDInvalidityDate: a.gone.invalid, certs.OIDArchiveCutoff: a.cutoff} {
					if at.IsZero() {
						continue
					}
					seqOf(b, func(b *cryptobyte.Builder) {
						certs.AddOID(b, o)
						b.AddASN1(cryptoasn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(at) })
					})
				}
			})
		})
	})
}

// ocspScene is a scene in which OCSP answers take the place of every CRL.
type ocspScene struct {
	*scene
	issuing, root *party // who answers for them
	// words are the answers by whom they are about, in this order: signer, issuing
	// authority, maker, TSA, status signer.
	signer, authority, maker, tsa, status said
}

func newOCSPScene(t testing.TB) *ocspScene {
	s := &ocspScene{scene: newScene(t)}
	s.issuing, s.root = responder(t, s.r.issuing, noCheck), responder(t, s.r.root, noCheck)
	s.r.serves(certs.ServiceOCSP, s.issuing)
	s.r.serves(certs.ServiceOCSP, s.root)
	about := func(p *party) said { return said{about: p, issuer: s.r.issuing, by: s.issuing, at: s.known} }
	s.signer, s.maker, s.tsa, s.status = about(s.r.signer), about(s.r.maker), about(s.r.tsa), about(s.r.status)
	s.authority = said{about: s.r.issuing, issuer: s.r.root, by: s.root, at: s.known}
	return s
}

// judge judges by the answers, the seal lists and what more there is.
func (s *ocspScene) judge() verify.Report {
	s.Helper()
	s.evidence = s.without(func(i verify.Item) bool { return i.Kind == verify.KindCRL })
	for _, a := range []said{s.signer, s.authority, s.maker, s.tsa, s.status} {
		if a.by != nil {
			s.evidence = append(s.evidence, a.item(s))
		}
	}
	s.evidence = append(s.evidence, s.more...)
	return s.scene.judge()
}
