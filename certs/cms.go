package certs

import (
	"bytes"
	"fmt"
	"math/big"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of a SignedData.
const (
	MaxSignedData     = 1 << 20 // a token with its chain takes 3 KB
	maxCMSCerts       = 16
	maxCMSAttributes  = 32
	maxAttributeBytes = 256 << 10
)

// SignedData is a CMS SignedData with one signer, read strictly: RFC 5652 5,
// or GB/T 35275 with a notice.
type SignedData struct {
	Raw          []byte
	ContentType  OID
	Content      []byte // nil when detached
	Certificates []*Certificate
	Signer       *Certificate // nil when it is not among Certificates
	Attributes   []Attribute  // signed ones; empty only when there are none
	Notices      []string

	signedAttrs []byte // as signed, with the SET tag
	signature   []byte
	issuer      []byte // of the signer, with serial; or
	serial      *big.Int
	keyID       []byte // its key identifier
}

// ParseSignedData reads exactly one ContentInfo. It checks no signature:
// Verify does.
func ParseSignedData(der []byte) (*SignedData, error) {
	if len(der) > MaxSignedData {
		return nil, malformed("SignedData: too long")
	}
	der = bytes.Clone(der)
	in := cryptobyte.String(der)
	var info, wrapped, sd cryptobyte.String
	if !in.ReadASN1(&info, asn1.SEQUENCE) || !in.Empty() {
		return nil, malformed("ContentInfo")
	}
	s := &SignedData{Raw: der}
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
	if err := onlySM3(&digests); err != nil || !digests.Empty() {
		return malformed("SignedData: digest algorithms")
	}
	if !sd.ReadASN1(&encap, asn1.SEQUENCE) {
		return malformed("SignedData: content")
	}
	if err := s.parseContent(encap); err != nil {
		return err
	}
	// RFC 5652 5.1: no signature covers the version, so it is what the rest makes
	// it. GB/T 35275 writers differ.
	if len(s.Notices) == 0 && s.ContentType != OIDData && version != 3 {
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
		c, err := ParseCertificate(raw)
		if err != nil {
			return err
		}
		s.Certificates = append(s.Certificates, c)
	}
	if err := s.parseSigner(signer); err != nil {
		return err
	}
	s.findSigner()
	return nil
}

// onlySM3 reads one AlgorithmIdentifier that must be SM3: a digest of the
// signer's choosing would let a weak one in.
func onlySM3(in *cryptobyte.String) error {
	var seq cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) {
		return malformed("digest algorithm")
	}
	o, ok := ReadOID(&seq)
	if !ok || !emptyOrNull(seq) {
		return malformed("digest algorithm")
	}
	if o != OIDSM3 {
		return fmt.Errorf("%w: digest algorithm %s", ErrUnsupported, o)
	}
	return nil
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

func (s *SignedData) parseSigner(in cryptobyte.String) error {
	var version int
	var sid, attrs, algorithm, unsigned cryptobyte.String
	var hasAttrs, hasUnsigned bool
	if !in.ReadASN1Integer(&version) {
		return malformed("signer: version")
	}
	switch {
	case version == 1 && in.ReadASN1(&sid, asn1.SEQUENCE):
		var issuer cryptobyte.String
		var err error
		if !sid.ReadASN1Element(&issuer, asn1.SEQUENCE) {
			return malformed("signer: issuer")
		}
		s.issuer = issuer
		if s.serial, err = new(dialect).serial(&sid); err != nil || !sid.Empty() {
			return malformed("signer: serial number")
		}
	case version == 3 && in.ReadASN1(&sid, asn1.Tag(0).ContextSpecific()):
		s.keyID = sid
	default:
		return malformed("signer: identifier")
	}
	if err := onlySM3(&in); err != nil {
		return err
	}
	if !in.ReadOptionalASN1(&attrs, &hasAttrs, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!in.ReadASN1(&algorithm, asn1.SEQUENCE) || !in.ReadASN1Bytes(&s.signature, asn1.OCTET_STRING) ||
		!in.ReadOptionalASN1(&unsigned, &hasUnsigned, asn1.Tag(1).ContextSpecific().Constructed()) || !in.Empty() {
		return malformed("signer")
	}
	o, ok := ReadOID(&algorithm)
	if !ok || !emptyOrNull(algorithm) || o != OIDSM2WithSM3 && o != OIDSM2Sign {
		return fmt.Errorf("%w: signature algorithm %s", ErrUnsupported, o)
	}
	if !hasAttrs {
		return nil
	}
	return s.parseAttributes(attrs)
}

func (s *SignedData) parseAttributes(attrs cryptobyte.String) error {
	if len(attrs) > maxAttributeBytes {
		return malformed("signed attributes: too long")
	}
	var err error
	content := attrs
	if s.signedAttrs, err = encode(func(b *cryptobyte.Builder) { b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(content) }) }); err != nil {
		return err
	}
	var last []byte
	seen := map[OID]bool{}
	for !attrs.Empty() {
		var element, seq, set, value cryptobyte.String
		var tag asn1.Tag
		if !attrs.ReadASN1Element(&element, asn1.SEQUENCE) {
			return malformed("signed attribute")
		}
		// The signature is over the DER of the SET, so it is in order; the same
		// attribute twice would let two readers see two digests.
		if bytes.Compare(last, element) >= 0 && last != nil {
			return malformed("signed attributes: not in DER order")
		}
		last = element
		if !element.ReadASN1(&seq, asn1.SEQUENCE) {
			return malformed("signed attribute")
		}
		o, ok := ReadOID(&seq)
		if !ok || seen[o] || !seq.ReadASN1(&set, asn1.SET) || !seq.Empty() || !set.ReadAnyASN1Element(&value, &tag) || !set.Empty() {
			return malformed("signed attribute")
		}
		seen[o] = true
		if s.Attributes = append(s.Attributes, Attribute{o, value}); len(s.Attributes) > maxCMSAttributes {
			return malformed("signed attributes: too many")
		}
	}
	if len(s.Attributes) == 0 {
		return malformed("signed attributes: none")
	}
	return nil
}

func (s *SignedData) findSigner() {
	for _, c := range s.Certificates {
		if s.keyID != nil && bytes.Equal(c.SubjectKeyID, s.keyID) ||
			s.serial != nil && c.Serial.Cmp(s.serial) == 0 && bytes.Equal(c.RawIssuer, s.issuer) {
			s.Signer = c
			return
		}
	}
}

// Attribute gives the DER of a signed attribute's value.
func (s *SignedData) Attribute(o OID) ([]byte, bool) {
	for _, a := range s.Attributes {
		if a.Type == o {
			return a.Value, true
		}
	}
	return nil, false
}

// Verify checks the signature by the signer's certificate over content (the
// included one if nil): contentType and messageDigest must be among the signed
// attributes and right, and a signingCertificateV2, if there, must name the
// certificate.
func (s *SignedData) Verify(signer *Certificate, content []byte) error {
	if content == nil {
		content = s.Content
	}
	if content == nil {
		return malformed("SignedData: nothing to verify")
	}
	if s.signedAttrs == nil {
		if isAttributes(content) {
			return fmt.Errorf("%w: what was signed are attributes and not this content", ErrSignature)
		}
		return signer.Verify(content, s.signature)
	}
	sum := sm3.Sum(content)
	value, ok := s.Attribute(OIDContentType)
	in := cryptobyte.String(value)
	if kind, read := ReadOID(&in); !ok || !read || !in.Empty() || kind != s.ContentType {
		return malformed("SignedData: contentType attribute")
	}
	var digest []byte
	value, ok = s.Attribute(OIDMessageDigest)
	in = value
	if !ok || !in.ReadASN1Bytes(&digest, asn1.OCTET_STRING) || !in.Empty() {
		return malformed("SignedData: messageDigest attribute")
	}
	if !bytes.Equal(digest, sum[:]) {
		return fmt.Errorf("%w: messageDigest is not that of the content", ErrSignature)
	}
	if value, ok = s.Attribute(OIDSigningCertV2); ok {
		if err := namesCertificate(value, signer); err != nil {
			return err
		}
	}
	return signer.Verify(s.signedAttrs, s.signature)
}

// isAttributes tells whether content is what is signed where there are signed
// attributes: a signature over them could else be handed out as one over
// content that the signer never saw (RFC 5652 does not tell the two apart).
func isAttributes(content []byte) bool {
	in := cryptobyte.String(content)
	var set cryptobyte.String
	if !in.ReadASN1(&set, asn1.SET) || !in.Empty() {
		return false
	}
	for !set.Empty() {
		var attribute cryptobyte.String
		if !set.ReadASN1(&attribute, asn1.SEQUENCE) {
			return false
		}
		if o, ok := ReadOID(&attribute); ok && o == OIDMessageDigest {
			return true
		}
	}
	return false
}

// namesCertificate checks the first ESSCertIDv2 (RFC 5035 3).
func namesCertificate(value []byte, signer *Certificate) error {
	in := cryptobyte.String(value)
	var seq, ids, id cryptobyte.String
	var sum []byte
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&ids, asn1.SEQUENCE) || !ids.ReadASN1(&id, asn1.SEQUENCE) {
		return malformed("signingCertificateV2")
	}
	if err := onlySM3(&id); err != nil {
		return err
	}
	if !id.ReadASN1Bytes(&sum, asn1.OCTET_STRING) {
		return malformed("signingCertificateV2")
	}
	if own := signer.SM3(); !bytes.Equal(sum, own[:]) {
		return fmt.Errorf("%w: signingCertificateV2 names another certificate", ErrSignature)
	}
	return nil
}
