package certs

import (
	"bytes"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of a SignedData, each against one made to eat memory or time.
const (
	MaxSignedData    = 1 << 20 // a token with its chain takes 3 KB, a stamp its seal besides
	maxCMSCerts      = 16
	maxCMSAttributes = 32
)

// SignedData is a CMS SignedData with one signer: RFC 5652 5, or GB/T 35275 with
// a notice.
type SignedData struct {
	Raw          []byte
	ContentType  OID
	Content      []byte // nil when detached
	Certificates []*Certificate
	Signer       *Certificate // nil when it is not among Certificates
	Attributes   []Attribute  // signed ones; empty only when there are none
	Unsigned     []Attribute  // one for each value: nothing vouches for them
	Notices      []string

	d           *dialect
	digest      digestAlgorithm
	algorithm   signatureAlgorithm
	signedAttrs []byte // as signed, with the SET tag
	received    []byte // the signature value
	signature   []byte // the same; with SM2 of the field, as DER SEQUENCE{r, s}
	issuer      []byte // of the signer, with serial; or
	serial      *big.Int
	keyID       []byte // its key identifier
}

// ParseSignedData reads exactly one ContentInfo, SM2 with SM3 alone and strictly.
// It checks no signature: Verify does.
func ParseSignedData(der []byte) (*SignedData, error) { return new(dialect).signedData(der) }

// ParseFieldSignedData reads what ParseSignedData does and the slips of the field
// too, each with a notice: certificates as ParseLenient has them, r||s raw,
// attributes out of order (formats.md 2). What was signed is the octets received.
func ParseFieldSignedData(der []byte) (*SignedData, error) {
	return (&dialect{lenient: true}).signedData(der)
}

// ParseAnySignedData reads signatures abroad: RSA and ECDSA with SHA-2. Nothing
// that judges a seal reads by it.
func ParseAnySignedData(der []byte) (*SignedData, error) {
	return (&dialect{foreign: true}).signedData(der)
}

func (d *dialect) signedData(der []byte) (*SignedData, error) {
	if len(der) > MaxSignedData {
		return nil, malformed("SignedData: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var info, wrapped, sd cryptobyte.String
	if !in.ReadASN1(&info, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("ContentInfo")
	}
	s := &SignedData{Raw: der, d: d}
	kind, ok := ReadOID(&info)
	switch {
	case !ok:
		return nil, malformed("ContentInfo")
	case kind == OIDGMSignedData:
		s.Notices = append(s.Notices, "GB/T 35275 identifiers")
	case kind != OIDSignedData:
		return nil, fmt.Errorf("%w: content type %s", ErrUnsupported, kind)
	}
	if !info.ReadASN1(&wrapped, asn1.Tag(0).ContextSpecific().Constructed()) || !info.Empty() ||
		!wrapped.ReadASN1(&sd, asn1.SEQUENCE) || !wrapped.Empty() {
		return nil, malformed("SignedData")
	}
	return s, s.parse(sd)
}

func (s *SignedData) parse(sd cryptobyte.String) error {
	var version int
	var digests, encap, certSet, crls, signers, signer cryptobyte.String
	var hasCerts, hasCRLs bool
	if !sd.ReadASN1Integer(&version) || version != 1 && version != 3 || !sd.ReadASN1(&digests, asn1.SET) {
		return malformed("SignedData: version")
	}
	if err := s.d.digestAlgorithms(digests); err != nil {
		return err
	}
	if !sd.ReadASN1(&encap, asn1.SEQUENCE) {
		return malformed("SignedData: content")
	}
	if err := s.parseContent(encap); err != nil {
		return err
	}
	// RFC 5652 5.1: no signature covers the version, so it is what the rest makes
	// it. GB/T 35275 writers differ.
	if len(s.Notices) == 0 && !s.d.foreign && s.ContentType != OIDData && version != 3 {
		return malformed("SignedData: version")
	}
	if !sd.ReadOptionalASN1(&certSet, &hasCerts, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!sd.ReadOptionalASN1(&crls, &hasCRLs, asn1.Tag(1).ContextSpecific().Constructed()) ||
		!sd.ReadASN1(&signers, asn1.SET) || !sd.Empty() || !signers.ReadASN1(&signer, asn1.SEQUENCE) || !signers.Empty() {
		return malformed("SignedData: not one signer")
	}
	for !certSet.Empty() {
		var raw cryptobyte.String
		if !certSet.ReadASN1Element(&raw, asn1.SEQUENCE) || len(s.Certificates) == maxCMSCerts {
			return malformed("SignedData: certificates")
		}
		c, err := s.certificate(raw)
		if err != nil {
			return err
		}
		if c != nil {
			s.Certificates = append(s.Certificates, c)
		}
	}
	if err := s.parseSigner(signer); err != nil {
		return err
	}
	s.findSigner()
	return nil
}

// certificate reads one of the set; nil is one to pass over.
func (s *SignedData) certificate(raw []byte) (*Certificate, error) {
	c, err := ParseCertificate(raw)
	if err == nil || !s.d.foreign && !s.d.lenient {
		return c, err
	}
	if s.d.foreign {
		// Chains abroad hold certificates of every kind. The signer's is among those
		// that can be read, or there is no signer.
		if c, err = ParseAnyCertificate(raw); err == nil {
			return c, nil
		}
		both := &dialect{foreign: true, lenient: true}
		if c, err = both.certificate(raw); err != nil {
			s.Notices = append(s.Notices, "a certificate cannot be read")
			return nil, nil
		}
		s.Notices = append(s.Notices, fmt.Sprintf("a certificate read leniently: %v", both.seen))
		return c, nil
	}
	c, slips, err := ParseLenient(raw)
	if err == nil {
		s.Notices = append(s.Notices, fmt.Sprintf("a certificate read leniently: %v", slips))
	}
	return c, err
}

func (s *SignedData) parseContent(encap cryptobyte.String) error {
	var ok, present bool
	var wrapped, content cryptobyte.String
	if s.ContentType, ok = ReadOID(&encap); !ok {
		return malformed("SignedData: content type")
	}
	if !encap.ReadOptionalASN1(&wrapped, &present, asn1.Tag(0).ContextSpecific().Constructed()) || !encap.Empty() {
		return malformed("SignedData: content")
	}
	if present {
		if !wrapped.ReadASN1(&content, asn1.OCTET_STRING) || !wrapped.Empty() {
			return malformed("SignedData: content")
		}
		s.Content = append([]byte{}, content...)
	}
	return nil
}
