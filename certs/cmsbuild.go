package certs

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Attribute is a signed attribute: Value is the DER of its one value.
type Attribute struct {
	Type  OID
	Value []byte
}

// SignedDataSpec says what BuildSignedData makes.
type SignedDataSpec struct {
	ContentType OID
	Content     []byte
	Detached    bool // Content is signed and not included
	Signer      Signer
	Certificate *Certificate
	Chain       []*Certificate // included beside the signer's
	Time        time.Time      // signingTime, zero for none
	Extra       []Attribute    // further signed attributes
}

// SignedDataBuilder makes many SignedData with one key: what does not change
// from one to the next is encoded once.
type SignedDataBuilder struct {
	signer       Signer
	contentType  OID
	certificates []byte   // [0] IMPLICIT CertificateSet, whole
	sid          []byte   // issuerAndSerialNumber
	fixed        [][]byte // attributes that do not change
	version      int
}

// NewSignedDataBuilder prepares for a signer, a content type and the
// certificates to include.
func NewSignedDataBuilder(signer Signer, cert *Certificate, chain []*Certificate, contentType OID) (*SignedDataBuilder, error) {
	if !signer.Public().Equal(cert.PublicKey) {
		return nil, fmt.Errorf("%w: the certificate is another key's", ErrKeyUsage)
	}
	b, err := newSignedDataBuilder(cert, chain, contentType)
	if err != nil {
		return nil, err
	}
	b.signer = signer
	kind, err := attribute(OIDContentType, func(c *cryptobyte.Builder) { AddOID(c, contentType) })
	if err != nil {
		return nil, err
	}
	cv2, err := attribute(OIDSigningCertV2, func(c *cryptobyte.Builder) { addSigningCertificateV2(c, cert) })
	if err != nil {
		return nil, err
	}
	b.fixed = [][]byte{kind, cv2}
	return b, nil
}

func newSignedDataBuilder(cert *Certificate, chain []*Certificate, contentType OID) (*SignedDataBuilder, error) {
	b := &SignedDataBuilder{contentType: contentType, version: 1}
	if contentType != OIDData { // RFC 5652 5.1
		b.version = 3
	}
	var err error
	if b.certificates, err = encode(func(c *cryptobyte.Builder) {
		c.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(c *cryptobyte.Builder) {
			for _, raw := range certificateSet(cert, chain) {
				c.AddBytes(raw)
			}
		})
	}); err != nil {
		return nil, err
	}
	if b.sid, err = encode(func(c *cryptobyte.Builder) {
		c.AddASN1(asn1.SEQUENCE, func(c *cryptobyte.Builder) {
			c.AddBytes(cert.RawIssuer)
			c.AddASN1BigInt(cert.Serial)
		})
	}); err != nil {
		return nil, err
	}
	return b, nil
}

// asWritten tells whether s is, octet for octet, what Build would have made of
// the same parts. What no signature covers (versions, parameters, the order of
// certificates, attributes that are not signed) is then as it was written.
func (s *SignedData) asWritten() bool {
	if s.Signer == nil || s.Content == nil || s.signedAttrs == nil {
		return false
	}
	b, err := newSignedDataBuilder(s.Signer, s.Certificates, s.ContentType)
	if err != nil {
		return false
	}
	set := cryptobyte.String(s.signedAttrs)
	if !set.ReadASN1(&set, asn1.SET) {
		return false
	}
	again, err := encode(func(c *cryptobyte.Builder) { b.contentInfo(c, s.Content, false, set, s.signature) })
	return err == nil && bytes.Equal(again, s.Raw)
}

// certificateSet is a SET OF, so in DER its elements are in order.
func certificateSet(cert *Certificate, chain []*Certificate) [][]byte {
	raw := [][]byte{cert.Raw}
	for _, c := range chain {
		raw = append(raw, c.Raw)
	}
	slices.SortFunc(raw, bytes.Compare)
	return slices.CompactFunc(raw, bytes.Equal)
}

// addSigningCertificateV2 is RFC 5035 3 with SM3 named, since the default is
// SHA-256.
func addSigningCertificateV2(b *cryptobyte.Builder, cert *Certificate) {
	sum := cert.SM3()
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddOID(b, OIDSM3) })
				b.AddASN1OctetString(sum[:])
			})
		})
	})
}

func encode(f func(*cryptobyte.Builder)) ([]byte, error) { return encodeAbout(256, f) }

// encodeAbout is encode of about n octets, which saves growing to them.
func encodeAbout(n int, f func(*cryptobyte.Builder)) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, n))
	f(b)
	return b.Bytes()
}

func attribute(o OID, value func(*cryptobyte.Builder)) ([]byte, error) {
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddOID(b, o)
			b.AddASN1(asn1.SET, value)
		})
	})
}

// Certificates is the CertificateSet that stands in each of them, with its tag.
func (s *SignedDataBuilder) Certificates() []byte { return s.certificates }

// WithoutCertificates makes the same SignedData without the certificates, for whoever
// has them already (RFC 3161 2.4.1, certReq).
func (s *SignedDataBuilder) WithoutCertificates() *SignedDataBuilder {
	bare := *s
	bare.certificates = nil
	return &bare
}

// Build signs content once.
func (s *SignedDataBuilder) Build(ctx context.Context, content []byte, detached bool, extra ...[]byte) ([]byte, error) {
	digest := sm3.Sum(content)
	md, err := attribute(OIDMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest[:]) })
	if err != nil {
		return nil, err
	}
	attrs := append(append(slices.Clone(s.fixed), md), extra...)
	slices.SortFunc(attrs, bytes.Compare) // X.690 11.6
	set := bytes.Join(attrs, nil)
	signed, err := encode(func(b *cryptobyte.Builder) { b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(set) }) })
	if err != nil {
		return nil, err
	}
	signature, err := s.signer.SignMessage(ctx, signed)
	if err != nil {
		return nil, err
	}
	const around = 256 // headers, versions and algorithms
	return encodeAbout(len(content)+len(s.certificates)+len(s.sid)+len(set)+len(signature)+around, func(b *cryptobyte.Builder) {
		s.contentInfo(b, content, detached, set, signature)
	})
}

func (s *SignedDataBuilder) contentInfo(b *cryptobyte.Builder, content []byte, detached bool, attrs, signature []byte) {
	digestAlgorithm := func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddOID(b, OIDSM3) })
	}
	explicit := asn1.Tag(0).ContextSpecific().Constructed()
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddOID(b, OIDSignedData)
		b.AddASN1(explicit, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(int64(s.version))
				b.AddASN1(asn1.SET, digestAlgorithm)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					AddOID(b, s.contentType)
					if !detached {
						b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
					}
				})
				b.AddBytes(s.certificates)
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(1)
						b.AddBytes(s.sid)
						digestAlgorithm(b)
						b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddBytes(attrs) })
						b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddOID(b, OIDSM2WithSM3) })
						b.AddASN1OctetString(signature)
					})
				})
			})
		})
	})
}

// BuildSignedData makes one ContentInfo with RFC 5652 identifiers, SM3,
// SM2-with-SM3 and the signed attributes contentType, messageDigest,
// signingCertificateV2 and, if a time is given, signingTime.
func BuildSignedData(ctx context.Context, spec SignedDataSpec) ([]byte, error) {
	b, err := NewSignedDataBuilder(spec.Signer, spec.Certificate, spec.Chain, spec.ContentType)
	if err != nil {
		return nil, err
	}
	var extra [][]byte
	if !spec.Time.IsZero() {
		at, err := attribute(OIDSigningTime, func(b *cryptobyte.Builder) { AddTime(b, spec.Time) })
		if err != nil {
			return nil, err
		}
		extra = append(extra, at)
	}
	for _, a := range spec.Extra {
		at, err := attribute(a.Type, func(b *cryptobyte.Builder) { b.AddBytes(a.Value) })
		if err != nil {
			return nil, err
		}
		extra = append(extra, at)
	}
	return b.Build(ctx, spec.Content, spec.Detached, extra...)
}
