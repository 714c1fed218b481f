package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// MaxCertificate bounds a certificate's DER: real ones take 1 to 2 KB, and a
// stamp or a bundle can bring many.
const MaxCertificate = 64 << 10

// Certificate is one SM2 certificate, read strictly. It is not to be changed.
type Certificate struct {
	Raw, RawTBS, RawSubject, RawIssuer, RawSPKI []byte
	Serial                                      *big.Int
	Subject, Issuer                             Name
	NotBefore, NotAfter                         time.Time
	PublicKey                                   *ecdsa.PublicKey
	Signature                                   []byte // DER SEQUENCE{r, s}

	KeyUsage     KeyUsage
	EKUs         []OID
	EKUCritical  bool
	IsCA         bool
	MaxPathLen   int // -1: no limit
	SubjectKeyID []byte
	// AuthorityKeyID is its keyIdentifier alone.
	AuthorityKeyID                []byte
	CRLURLs, OCSPURLs, IssuerURLs []string
	Policies                      []OID
	USCC                          string // 统一社会信用代码, if the certificate holds one
	Extensions                    []Extension

	unhandled []OID // critical extensions that nothing here understands
	sum       [32]byte
}

// Extension is one extension as it stands.
type Extension struct {
	ID       OID
	Critical bool
	Value    []byte
}

// KeyUsage holds the bits of RFC 5280 4.2.1.3, bit 0 lowest.
type KeyUsage uint16

const (
	KeyUsageDigitalSignature KeyUsage = 1 << iota
	KeyUsageNonRepudiation
	KeyUsageKeyEncipherment
	KeyUsageDataEncipherment
	KeyUsageKeyAgreement
	KeyUsageCertSign
	KeyUsageCRLSign
)

// usageNames are RFC 5280's, in the order of the bits.
var usageNames = []string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign"}

// Names lists the uses by the names of RFC 5280 4.2.1.3.
func (u KeyUsage) Names() (out []string) {
	for i, name := range usageNames {
		if u&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// ParseCertificate reads exactly one certificate. It accepts what RFC 5280 and
// GM/T 0015 allow and nothing else.
func ParseCertificate(der []byte) (*Certificate, error) {
	if len(der) > MaxCertificate {
		return nil, malformed("certificate: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var outer, tbs cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return nil, malformed("certificate")
	}
	c := &Certificate{Raw: der, RawTBS: tbs, MaxPathLen: -1, sum: sm3.Sum(der)}
	algorithm, err := signatureAlgorithm(&outer)
	if err != nil {
		return nil, err
	}
	if !outer.ReadASN1BitStringAsBytes(&c.Signature) || !outer.Empty() {
		return nil, malformed("certificate: signature")
	}
	if _, err := SignatureToRaw(c.Signature); err != nil {
		return nil, err
	}
	if err := c.parseTBS(tbs, algorithm); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Certificate) parseTBS(tbs cryptobyte.String, algorithm []byte) error {
	var seq, version, validity, name, spki cryptobyte.String
	var explicit bool
	var v int
	if !tbs.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadOptionalASN1(&version, &explicit, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!explicit || !version.ReadASN1Integer(&v) || !version.Empty() || v != 2 {
		return malformed("certificate: not version 3")
	}
	var err error
	if c.Serial, err = readSerial(&seq); err != nil {
		return err
	}
	inner, err := signatureAlgorithm(&seq)
	if err != nil {
		return err
	}
	if !bytes.Equal(inner, algorithm) { // RFC 5280 4.1.1.2
		return malformed("certificate: its two signature algorithms differ")
	}
	if !seq.ReadASN1Element(&name, asn1.SEQUENCE) {
		return malformed("issuer")
	}
	c.RawIssuer = name
	if c.Issuer, err = parseName(name); err != nil {
		return err
	}
	if !seq.ReadASN1(&validity, asn1.SEQUENCE) {
		return malformed("validity")
	}
	var ok1, ok2 bool
	c.NotBefore, ok1 = readTime(&validity)
	c.NotAfter, ok2 = readTime(&validity)
	if !ok1 || !ok2 || !validity.Empty() {
		return malformed("validity")
	}
	if !seq.ReadASN1Element(&name, asn1.SEQUENCE) {
		return malformed("subject")
	}
	c.RawSubject = name
	if c.Subject, err = parseName(name); err != nil {
		return err
	}
	if !seq.ReadASN1Element(&spki, asn1.SEQUENCE) {
		return malformed("public key")
	}
	c.RawSPKI = spki
	if c.PublicKey, err = ParsePublicKey(spki); err != nil {
		return err
	}
	return c.parseExtensions(seq)
}

// ParsePublicKey reads the SubjectPublicKeyInfo of an SM2 key, whose point
// must be on the curve.
func ParsePublicKey(spki []byte) (*ecdsa.PublicKey, error) {
	in := cryptobyte.String(spki)
	var seq, algorithm cryptobyte.String
	var point []byte
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&algorithm, asn1.SEQUENCE) ||
		!seq.ReadASN1BitStringAsBytes(&point) || !seq.Empty() {
		return nil, malformed("public key")
	}
	kind, ok1 := ReadOID(&algorithm)
	curve, ok2 := ReadOID(&algorithm)
	// Tongsuo and OpenSSL write the curve in the algorithm's place too.
	if !ok1 || kind != OIDECPublicKey && kind != OIDSM2Curve || !ok2 || curve != OIDSM2Curve || !algorithm.Empty() {
		return nil, fmt.Errorf("%w: the public key is not of the SM2 curve", ErrUnsupported)
	}
	if len(point) != 65 || point[0] != 4 { // GM/T 0009-2012 7.1: 04, X, Y
		return nil, malformed("public key: the point is not uncompressed")
	}
	key, err := sm2.NewPublicKey(point)
	if err != nil {
		return nil, malformed("public key: the point is not on the curve")
	}
	return key, nil
}

// maxPEM bounds a text file that holds one certificate.
const maxPEM = 256 << 10

// ParseCertificatePEMOrDER reads a file as users have them: DER, or the first
// CERTIFICATE block of a PEM file, whatever text stands before it.
func ParseCertificatePEMOrDER(b []byte) (*Certificate, error) {
	if len(b) > maxPEM {
		return nil, malformed("certificate file: too long")
	}
	for rest := b; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return ParseCertificate(b)
		}
		if block.Type == "CERTIFICATE" {
			return ParseCertificate(block.Bytes)
		}
	}
}

// SM3 is the fingerprint: SM3 of the DER.
func (c *Certificate) SM3() [32]byte { return c.sum }

// Equal tells whether both are the same bytes.
func (c *Certificate) Equal(o *Certificate) bool { return c != nil && o != nil && c.sum == o.sum }

// Verify checks a signature by the certificate's key: SM2 with ZA of the
// default user id over message, DER SEQUENCE{r, s}.
func (c *Certificate) Verify(message, signature []byte) error {
	if !sm2.VerifyASN1WithSM2(c.PublicKey, nil, message, signature) {
		return ErrSignature
	}
	return nil
}

// CheckSignatureFrom checks the signature on c alone; BuildPath checks the rest.
func (c *Certificate) CheckSignatureFrom(issuer *Certificate) error {
	return issuer.Verify(c.RawTBS, c.Signature)
}

// SMX509 is a twin for the library's CreateCertificate and
// CreateRevocationList, which take no more of an issuer than this.
func (c *Certificate) SMX509() *smx509.Certificate {
	var subject pkix.Name
	subject.CommonName = c.Subject.CommonName
	return &smx509.Certificate{
		Raw: c.Raw, RawTBSCertificate: c.RawTBS, RawSubjectPublicKeyInfo: c.RawSPKI, RawSubject: c.RawSubject, RawIssuer: c.RawIssuer,
		SignatureAlgorithm: smx509.SM2WithSM3, PublicKeyAlgorithm: smx509.ECDSA, PublicKey: c.PublicKey, Version: 3,
		SerialNumber: c.Serial, Subject: subject, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		KeyUsage: smx509.KeyUsage(c.KeyUsage), BasicConstraintsValid: c.IsCA, IsCA: c.IsCA, SubjectKeyId: c.SubjectKeyID,
	}
}
