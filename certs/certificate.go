package certs

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/smx509"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// MaxCertificate bounds a certificate's DER: real ones take 1 to 2 KB, and a
// stamp or a bundle can bring many.
const MaxCertificate = 64 << 10

// Certificate is one certificate, of an SM2 key unless ParseAnyCertificate read
// it. It is not to be changed.
type Certificate struct {
	Raw, RawTBS, RawSubject, RawIssuer, RawSPKI []byte
	Serial                                      *big.Int
	Subject, Issuer                             Name
	NotBefore, NotAfter                         time.Time
	PublicKey                                   *ecdsa.PublicKey // the SM2 key; nil if the key is another's
	Signature                                   []byte           // with SM2, DER SEQUENCE{r, s}

	KeyUsage     KeyUsage
	EKUs         []OID
	EKUCritical  bool
	IsCA         bool
	MaxPathLen   int // -1: no limit
	AltNames     []GeneralName
	SubjectKeyID []byte
	// AuthorityKeyID is its keyIdentifier alone.
	AuthorityKeyID                []byte
	CRLURLs, OCSPURLs, IssuerURLs []string
	CRLPoints, FreshestCRL        []DistributionPoint
	Policies                      []OID
	USCC                          string // 统一社会信用代码, if the certificate holds one
	Extensions                    []Extension

	key       publicKey
	algorithm algorithm
	policy    policyRules
	names     *nameConstraints
	// namesUnread: it has alternative names that could not be read, so that no
	// constraint can be said to be kept.
	namesUnread bool
	unhandled   []OID // critical extensions that nothing here understands
	sum         [32]byte
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

// ParseCertificate reads exactly one SM2 certificate. It accepts what RFC 5280
// and GM/T 0015 allow and nothing else.
func ParseCertificate(der []byte) (*Certificate, error) { return new(dialect).certificate(der) }

// ParseAnyCertificate reads a certificate whose key and signature may be RSA,
// DSA or ECDSA too: those of authorities abroad. Nothing that judges a seal
// reads by it.
func ParseAnyCertificate(der []byte) (*Certificate, error) {
	return (&dialect{foreign: true}).certificate(der)
}

func (d *dialect) certificate(der []byte) (*Certificate, error) {
	if len(der) > MaxCertificate {
		return nil, malformed("certificate: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var outer, tbs cryptobyte.String
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Element(&tbs, asn1.SEQUENCE) {
		return nil, malformed("certificate")
	}
	c := &Certificate{Raw: der, RawTBS: tbs, MaxPathLen: -1, policy: noRules, sum: sm3.Sum(der)}
	raw, algorithm, err := d.signature(&outer)
	if err != nil {
		return nil, err
	}
	c.algorithm = algorithm
	if !outer.ReadASN1BitStringAsBytes(&c.Signature) || !outer.Empty() {
		return nil, malformed("certificate: signature")
	}
	if algorithm.kind == kindSM2 {
		if _, err := SignatureToRaw(c.Signature); err != nil {
			return nil, err
		}
	}
	if err := d.tbs(c, tbs, raw); err != nil {
		return nil, err
	}
	return c, nil
}

func (d *dialect) tbs(c *Certificate, tbs cryptobyte.String, algorithm []byte) error {
	var seq cryptobyte.String
	if !tbs.ReadASN1(&seq, asn1.SEQUENCE) {
		return malformed("certificate")
	}
	version, err := d.version(&seq)
	if err != nil {
		return err
	}
	if c.Serial, err = d.serial(&seq); err != nil {
		return err
	}
	inner, again, err := d.signature(&seq)
	if err != nil {
		return err
	}
	// RFC 5280 4.1.1.2
	if !bytes.Equal(inner, algorithm) && (again != c.algorithm || !d.overlook(OversightParameters)) {
		return malformed("certificate: its two signature algorithms differ")
	}
	if err := d.names(c, &seq); err != nil {
		return err
	}
	var spki cryptobyte.String
	if !seq.ReadASN1Element(&spki, asn1.SEQUENCE) {
		return malformed("public key")
	}
	c.RawSPKI = spki
	if c.key, err = d.publicKey(spki); err != nil {
		return err
	}
	if key, ok := c.key.(sm2Key); ok {
		c.PublicKey = key.PublicKey
	}
	if version < 2 {
		if !seq.Empty() { // extensions are version 3's
			return malformed("certificate: what follows the public key")
		}
		return nil
	}
	return d.extensions(c, seq)
}

// version gives the number as it is written: 2 for version 3.
func (d *dialect) version(seq *cryptobyte.String) (int, error) {
	var version cryptobyte.String
	var explicit bool
	v := 0
	if !seq.ReadOptionalASN1(&version, &explicit, asn1.Tag(0).ContextSpecific().Constructed()) ||
		explicit && (!version.ReadASN1Integer(&v) || !version.Empty()) || v < 0 || v > 2 {
		return 0, malformed("certificate: version")
	}
	if v != 2 && !d.overlook(OversightVersion) {
		return 0, malformed("certificate: not version 3")
	}
	return v, nil
}

// names reads issuer, validity and subject.
func (d *dialect) names(c *Certificate, seq *cryptobyte.String) error {
	var validity, name cryptobyte.String
	var err error
	if !seq.ReadASN1Element(&name, asn1.SEQUENCE) {
		return malformed("issuer")
	}
	c.RawIssuer = name
	if c.Issuer, err = d.name(name); err != nil {
		return err
	}
	if !seq.ReadASN1(&validity, asn1.SEQUENCE) {
		return malformed("validity")
	}
	var ok1, ok2 bool
	c.NotBefore, ok1 = d.time(&validity)
	c.NotAfter, ok2 = d.time(&validity)
	if !ok1 || !ok2 || !validity.Empty() {
		return malformed("validity")
	}
	if !seq.ReadASN1Element(&name, asn1.SEQUENCE) {
		return malformed("subject")
	}
	c.RawSubject = name
	c.Subject, err = d.name(name)
	return err
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

// Verify checks a signature by the certificate's SM2 key, with ZA of the
// default user id over message, DER SEQUENCE{r, s}.
func (c *Certificate) Verify(message, signature []byte) error {
	return c.key.verify(algorithms[OIDSM2WithSM3], message, signature)
}

// CheckSignatureFrom checks the signature on c alone; BuildPath checks the rest.
func (c *Certificate) CheckSignatureFrom(issuer *Certificate) error {
	return c.algorithm.check(issuer.key, c.RawTBS, c.Signature, false)
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
