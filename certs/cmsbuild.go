package certs

import (
	"bytes"
	"context"
	"fmt"
	"hash"
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
	suite        suite
}

// suite is how a key signs a SignedData of ours.
type suite struct {
	digest    digestAlgorithm
	signature OID
}

// suites by the kind of key: SM2 for all that we do, P-256 for companions.
var suites = map[keyKind]suite{
	kindSM2:   {digestAlgorithms[OIDSM3], OIDSM2WithSM3},
	kindECDSA: {digestAlgorithms[oidSHA256], "1.2.840.10045.4.3.2"},
}

func suiteOf(c *Certificate) (suite, error) {
	kind := keyKind(0)
	switch c.key.(type) {
	case sm2Key:
		kind = kindSM2
	case ecdsaKey:
		kind = kindECDSA
	}
	s, ok := suites[kind]
	if !ok {
		return s, fmt.Errorf("%w: a key that signs no SignedData of ours", ErrUnsupported)
	}
	return s, nil
}

func (s suite) addDigest(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddOID(b, s.digest.oid) })
}

// NewSignedDataBuilder prepares for a signer, a content type and the
// certificates to include. Who signs elsewhere gives no signer, and calls
// Attributes and Assemble.
func NewSignedDataBuilder(signer Signer, cert *Certificate, chain []*Certificate, contentType OID) (*SignedDataBuilder, error) {
	if signer != nil && !signer.Public().Equal(cert.PublicKey) {
		return nil, fmt.Errorf("%w: the certificate is another key's", ErrKeyUsage)
	}
	b, err := newSignedDataBuilder(cert, chain, contentType)
	if err != nil {
		return nil, err
	}
	b.signer = signer
	kind, err := EncodeAttribute(OIDContentType, func(c *cryptobyte.Builder) { AddOID(c, contentType) })
	if err != nil {
		return nil, err
	}
	cv2, err := EncodeAttribute(OIDSigningCertV2, func(c *cryptobyte.Builder) { b.suite.addSigningCertificateV2(c, cert) })
	if err != nil {
		return nil, err
	}
	b.fixed = [][]byte{kind, cv2}
	return b, nil
}

func newSignedDataBuilder(cert *Certificate, chain []*Certificate, contentType OID) (*SignedDataBuilder, error) {
	how, err := suiteOf(cert)
	if err != nil {
		return nil, err
	}
	b := &SignedDataBuilder{contentType: contentType, version: 1, suite: how}
	if contentType != OIDData { // RFC 5652 5.1
		b.version = 3
	}
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

// AsBuilt tells whether s is, octet for octet, what the builder would have made of
// the same parts. What no signature covers (versions, parameters, the order of
// certificates, how an unsigned attribute is written) is then as it was written.
func (s *SignedData) AsBuilt() bool {
	if s.Signer == nil || s.signedAttrs == nil {
		return false
	}
	b, err := newSignedDataBuilder(s.Signer, s.Certificates, s.ContentType)
	if err != nil {
		return false
	}
	again, err := b.Assemble(s.Content, s.signedAttrs, s.signature, s.Unsigned...)
	return err == nil && bytes.Equal(again, s.Raw)
}

// asWritten is AsBuilt of what holds its content and nothing unsigned.
func (s *SignedData) asWritten() bool {
	return s.Content != nil && len(s.Unsigned) == 0 && s.AsBuilt()
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

// addSigningCertificateV2 is RFC 5035 3, with the digest named where it is not the
// default, SHA-256.
func (s suite) addSigningCertificateV2(b *cryptobyte.Builder, cert *Certificate) {
	h := s.digest.new()
	h.Write(cert.Raw)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				if s.digest.oid != oidSHA256 {
					s.addDigest(b)
				}
				b.AddASN1OctetString(h.Sum(nil))
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

// EncodeAttribute makes the DER of an attribute with one value.
func EncodeAttribute(o OID, value func(*cryptobyte.Builder)) ([]byte, error) {
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

// Attributes is the DER of the SET of signed attributes, what is to be signed, over a
// content of this digest; extra are attributes as EncodeAttribute makes them.
func (s *SignedDataBuilder) Attributes(digest [32]byte, extra ...[]byte) ([]byte, error) {
	md, err := EncodeAttribute(OIDMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(digest[:]) })
	if err != nil {
		return nil, err
	}
	attrs := append(append(slices.Clone(s.fixed), md), extra...)
	slices.SortFunc(attrs, bytes.Compare) // X.690 11.6
	n := 0
	for _, a := range attrs {
		n += len(a)
	}
	return encodeAbout(n+8, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
			for _, a := range attrs {
				b.AddBytes(a)
			}
		})
	})
}

// Hash is what the attributes are to be fed to by whoever signs digests. With SM2 it
// would need the key (ZA), and keys of SM2 sign messages.
func (s *SignedDataBuilder) Hash() (hash.Hash, error) {
	if s.suite.digest.std == 0 {
		return nil, fmt.Errorf("%w: SM2 signs messages", ErrUnsupported)
	}
	return s.suite.digest.new(), nil
}

// Build signs content once.
func (s *SignedDataBuilder) Build(ctx context.Context, content []byte, detached bool, extra ...[]byte) ([]byte, error) {
	if s.signer == nil {
		return nil, fmt.Errorf("%w: no signer", ErrKeyUsage)
	}
	signed, err := s.Attributes(sm3.Sum(content), extra...)
	if err != nil {
		return nil, err
	}
	signature, err := s.signer.SignMessage(ctx, signed)
	if err != nil {
		return nil, err
	}
	if detached {
		content = nil
	} else if content == nil {
		content = []byte{}
	}
	return s.Assemble(content, signed, signature)
}

// Assemble makes the ContentInfo of a signature over signed, which Attributes made;
// a nil content is detached.
func (s *SignedDataBuilder) Assemble(content, signed, signature []byte, unsigned ...Attribute) ([]byte, error) {
	set := cryptobyte.String(signed)
	if !set.ReadASN1(&set, asn1.SET) {
		return nil, malformed("signed attributes")
	}
	n := 256 // headers, versions and algorithms
	var after [][]byte
	for _, a := range unsigned {
		at, err := EncodeAttribute(a.Type, func(b *cryptobyte.Builder) { b.AddBytes(a.Value) })
		if err != nil {
			return nil, err
		}
		after = append(after, at)
		n += len(at)
	}
	slices.SortFunc(after, bytes.Compare) // a SET OF, and not under the signature
	n += len(content) + len(s.certificates) + len(s.sid) + len(set) + len(signature)
	return encodeAbout(n, func(b *cryptobyte.Builder) { s.contentInfo(b, content, set, signature, after) })
}

func (s *SignedDataBuilder) contentInfo(b *cryptobyte.Builder, content, attrs, signature []byte, unsigned [][]byte) {
	explicit := asn1.Tag(0).ContextSpecific().Constructed()
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddOID(b, OIDSignedData)
		b.AddASN1(explicit, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(int64(s.version))
				b.AddASN1(asn1.SET, s.suite.addDigest)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					AddOID(b, s.contentType)
					if content != nil {
						b.AddASN1(explicit, func(b *cryptobyte.Builder) { b.AddASN1OctetString(content) })
					}
				})
				b.AddBytes(s.certificates)
				b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { s.signerInfo(b, attrs, signature, unsigned) })
				})
			})
		})
	})
}

func (s *SignedDataBuilder) signerInfo(b *cryptobyte.Builder, attrs, signature []byte, unsigned [][]byte) {
	b.AddASN1Int64(1)
	b.AddBytes(s.sid)
	s.suite.addDigest(b)
	b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(attrs) })
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddOID(b, s.suite.signature) })
	b.AddASN1OctetString(signature)
	if len(unsigned) > 0 {
		b.AddASN1(asn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			for _, a := range unsigned {
				b.AddBytes(a)
			}
		})
	}
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
		at, err := EncodeAttribute(OIDSigningTime, func(b *cryptobyte.Builder) { AddTime(b, spec.Time) })
		if err != nil {
			return nil, err
		}
		extra = append(extra, at)
	}
	for _, a := range spec.Extra {
		at, err := EncodeAttribute(a.Type, func(b *cryptobyte.Builder) { b.AddBytes(a.Value) })
		if err != nil {
			return nil, err
		}
		extra = append(extra, at)
	}
	return b.Build(ctx, spec.Content, spec.Detached, extra...)
}
