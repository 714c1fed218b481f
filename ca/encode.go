package ca

import (
	"crypto/ecdsa"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// The certificate is encoded here and not by the library, because protocol.md 9
// fixes what the library does not let us say: UTF8String in names, and our
// extended key usages.

// Name is a subject: C is always CN.
type Name struct {
	Organization string `cbor:"1,keyasint,omitempty" json:"organization,omitempty"`
	CommonName   string `cbor:"2,keyasint,omitempty" json:"commonName,omitempty"`
}

// template is everything of a certificate but its signature.
type template struct {
	profile             Profile
	serial              *big.Int
	issuer              []byte // DER of its subject; nil: self-signed
	issuerKeyID         []byte
	subject             Name
	notBefore, notAfter time.Time
	key                 *ecdsa.PublicKey
	uscc                string
	crlURL, issuerURL   string // "": of a self-signed certificate
	freshestURL         string // of the delta list, "" for none
	ocspURL, cpsURL     string
}

func encode(f func(*cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	f(&b)
	return b.Bytes()
}

func addSequence(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(asn1.SEQUENCE, f) }

func addName(b *cryptobyte.Builder, n Name) {
	addSequence(b, func(b *cryptobyte.Builder) {
		add := func(o certs.OID, tag asn1.Tag, text string) {
			if text == "" {
				return
			}
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
				addSequence(b, func(b *cryptobyte.Builder) {
					certs.AddOID(b, o)
					b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
				})
			})
		}
		add("2.5.4.6", asn1.PrintableString, "CN")
		add("2.5.4.10", asn1.UTF8String, n.Organization)
		add("2.5.4.3", asn1.UTF8String, n.CommonName)
	})
}

// point is the uncompressed public point.
func point(key *ecdsa.PublicKey) ([]byte, error) {
	p, err := sm2.PublicKeyToECDH(key)
	if err != nil {
		return nil, err
	}
	return p.Bytes(), nil
}

// keyID is the first 20 octets of SM3 over the point (protocol.md 9).
func keyID(point []byte) []byte { sum := sm3.Sum(point); return sum[:20] }

// addPublicKey writes SubjectPublicKeyInfo of a point (GM/T 0009).
func addPublicKey(b *cryptobyte.Builder, point []byte) {
	addSequence(b, func(b *cryptobyte.Builder) {
		addSequence(b, func(b *cryptobyte.Builder) {
			certs.AddOID(b, certs.OIDECPublicKey)
			certs.AddOID(b, certs.OIDSM2Curve)
		})
		b.AddASN1BitString(point)
	})
}

// tbs encodes TBSCertificate.
func (t *template) tbs() ([]byte, error) {
	pt, err := point(t.key)
	if err != nil {
		return nil, err
	}
	subject, err := encode(func(b *cryptobyte.Builder) { addName(b, t.subject) })
	if err != nil {
		return nil, err
	}
	issuer := t.issuer
	if issuer == nil {
		issuer = subject
	}
	return encode(func(b *cryptobyte.Builder) {
		addSequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
			b.AddASN1BigInt(t.serial)
			certs.AddSM2WithSM3(b)
			b.AddBytes(issuer)
			addSequence(b, func(b *cryptobyte.Builder) {
				certs.AddTime(b, t.notBefore)
				certs.AddTime(b, t.notAfter)
			})
			b.AddBytes(subject)
			addPublicKey(b, pt)
			b.AddASN1(asn1.Tag(3).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				addSequence(b, func(b *cryptobyte.Builder) { t.addExtensions(b, keyID(pt)) })
			})
		})
	})
}

func (t *template) addExtensions(b *cryptobyte.Builder, own []byte) {
	p := t.profile.c
	if p.CA {
		certs.AddExtension(b, "2.5.29.19", true, func(b *cryptobyte.Builder) {
			addSequence(b, func(b *cryptobyte.Builder) {
				b.AddASN1Boolean(true)
				if p.PathLen >= 0 {
					b.AddASN1Int64(int64(p.PathLen))
				}
			})
		})
	}
	t.addConstraints(b)
	certs.AddExtension(b, "2.5.29.15", true, func(b *cryptobyte.Builder) { addKeyUsage(b, p.KeyUsage) })
	if p.EKU != "" {
		certs.AddExtension(b, "2.5.29.37", p.EKUCritical, func(b *cryptobyte.Builder) {
			addSequence(b, func(b *cryptobyte.Builder) { certs.AddOID(b, p.EKU) })
		})
	}
	certs.AddExtension(b, "2.5.29.14", false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(own) })
	if t.issuerKeyID != nil {
		certs.AddExtension(b, "2.5.29.35", false, func(b *cryptobyte.Builder) {
			addSequence(b, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(t.issuerKeyID) })
			})
		})
	}
	if t.crlURL != "" {
		certs.AddExtension(b, "2.5.29.31", false, func(b *cryptobyte.Builder) { addCRLPoint(b, t.crlURL) })
	}
	if t.freshestURL != "" {
		certs.AddExtension(b, "2.5.29.46", false, func(b *cryptobyte.Builder) { addCRLPoint(b, t.freshestURL) })
	}
	if len(p.Policies) > 0 {
		certs.AddExtension(b, "2.5.29.32", false, func(b *cryptobyte.Builder) { t.addPolicies(b) })
	}
	if t.issuerURL != "" {
		certs.AddExtension(b, "1.3.6.1.5.5.7.1.1", false, func(b *cryptobyte.Builder) {
			addSequence(b, func(b *cryptobyte.Builder) {
				addAccess(b, "1.3.6.1.5.5.7.48.1", t.ocspURL)
				addAccess(b, "1.3.6.1.5.5.7.48.2", t.issuerURL)
			})
		})
	}
	if t.uscc != "" {
		certs.AddExtension(b, certs.OIDUSCC, false, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.PrintableString, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.uscc)) })
		})
	}
	if p.OCSPNoCheck {
		certs.AddExtension(b, certs.OIDOCSPNoCheck, false, func(b *cryptobyte.Builder) { b.AddASN1NULL() })
	}
}

// addConstraints writes what a CA's own certificate forbids to those below it.
func (t *template) addConstraints(b *cryptobyte.Builder) {
	p := t.profile.c
	if len(p.Permitted) > 0 {
		certs.AddExtension(b, "2.5.29.30", true, func(b *cryptobyte.Builder) {
			addSequence(b, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
					for _, n := range p.Permitted { // GeneralSubtree: directoryName [4], minimum 0 left out
						addSequence(b, func(b *cryptobyte.Builder) {
							b.AddASN1(asn1.Tag(4).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { addName(b, n) })
						})
					}
				})
			})
		})
	}
	if p.RequirePolicy {
		certs.AddExtension(b, "2.5.29.36", true, func(b *cryptobyte.Builder) {
			addSequence(b, func(b *cryptobyte.Builder) { // requireExplicitPolicy [0] 0: at once
				b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddUint8(0) })
			})
		})
	}
}

// addPolicies writes each policy with the address of the practice statement, the
// only qualifier that RFC 5280 4.2.1.4 recommends.
func (t *template) addPolicies(b *cryptobyte.Builder) {
	addSequence(b, func(b *cryptobyte.Builder) {
		for _, policy := range t.profile.c.Policies {
			addSequence(b, func(b *cryptobyte.Builder) {
				certs.AddOID(b, policy)
				addSequence(b, func(b *cryptobyte.Builder) {
					addSequence(b, func(b *cryptobyte.Builder) {
						certs.AddOID(b, certs.OIDQualifierCPS)
						b.AddASN1(asn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(t.cpsURL)) })
					})
				})
			})
		}
	})
}

func addAccess(b *cryptobyte.Builder, method certs.OID, uri string) {
	addSequence(b, func(b *cryptobyte.Builder) {
		certs.AddOID(b, method)
		addURI(b, uri)
	})
}

// addKeyUsage writes a named-bit list: trailing zero bits are left out
// (X.690 11.2.2).
func addKeyUsage(b *cryptobyte.Builder, u certs.KeyUsage) {
	var bits byte
	last := 0
	for i := range 8 {
		if u&(1<<i) != 0 {
			bits |= 0x80 >> i
			last = i
		}
	}
	b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(7 - last))
		b.AddUint8(bits)
	})
}

func addURI(b *cryptobyte.Builder, uri string) {
	b.AddASN1(asn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(uri)) })
}

func addCRLPoint(b *cryptobyte.Builder, uri string) {
	wrapped := asn1.Tag(0).ContextSpecific().Constructed()
	addSequence(b, func(b *cryptobyte.Builder) {
		addSequence(b, func(b *cryptobyte.Builder) {
			b.AddASN1(wrapped, func(b *cryptobyte.Builder) {
				b.AddASN1(wrapped, func(b *cryptobyte.Builder) { addURI(b, uri) })
			})
		})
	})
}

// assemble puts tbs and its signature together.
func assemble(tbs, signature []byte) ([]byte, error) {
	return encode(func(b *cryptobyte.Builder) {
		addSequence(b, func(b *cryptobyte.Builder) {
			b.AddBytes(tbs)
			certs.AddSM2WithSM3(b)
			b.AddASN1BitString(signature)
		})
	})
}
