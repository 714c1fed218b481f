package certs

import (
	"bytes"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func (s *SignedData) parseSigner(in cryptobyte.String) error {
	var version int
	var sid, attrs, algorithm, unsigned cryptobyte.String
	var hasAttrs, hasUnsigned bool
	var err error
	if !in.ReadASN1Integer(&version) {
		return malformed("signer: version")
	}
	switch {
	case version == 1 && in.ReadASN1(&sid, asn1.SEQUENCE):
		var issuer cryptobyte.String
		if !sid.ReadASN1Element(&issuer, asn1.SEQUENCE) {
			return malformed("signer: issuer")
		}
		s.issuer = issuer
		if s.serial, err = s.d.serial(&sid); err != nil || !sid.Empty() {
			return malformed("signer: serial number")
		}
	case version == 3 && in.ReadASN1(&sid, asn1.Tag(0).ContextSpecific()):
		s.keyID = sid
	default:
		return malformed("signer: identifier")
	}
	if s.digest, err = s.d.digestAlgorithm(&in); err != nil {
		return err
	}
	if !in.ReadOptionalASN1(&attrs, &hasAttrs, asn1.Tag(0).ContextSpecific().Constructed()) ||
		!in.ReadASN1(&algorithm, asn1.SEQUENCE) || !in.ReadASN1Bytes(&s.signature, asn1.OCTET_STRING) ||
		!in.ReadOptionalASN1(&unsigned, &hasUnsigned, asn1.Tag(1).ContextSpecific().Constructed()) || !in.Empty() {
		return malformed("signer")
	}
	if err := s.parseSignature(algorithm); err != nil {
		return err
	}
	if hasUnsigned {
		if err := s.parseUnsigned(unsigned); err != nil {
			return err
		}
	}
	if !hasAttrs {
		return nil
	}
	return s.parseAttributes(attrs)
}

// parseSignature reads the algorithm, and the value in one of its forms.
func (s *SignedData) parseSignature(algorithm cryptobyte.String) error {
	var err error
	s.received = s.signature
	if s.algorithm, err = s.d.signatureAlgorithm(algorithm, s.digest); err != nil {
		return err
	}
	if s.d.lenient && len(s.signature) == rawSignature {
		s.Notices = append(s.Notices, "signature value is raw r||s")
		s.signature, err = SignatureFromRaw(s.signature)
	}
	return err
}

// rawSignature is the length of r||s.
const rawSignature = 64

// parseUnsigned takes what nothing vouches for as it comes, within the limit.
func (s *SignedData) parseUnsigned(in cryptobyte.String) error {
	for !in.Empty() {
		var seq, set cryptobyte.String
		if !in.ReadASN1(&seq, asn1.SEQUENCE) {
			return malformed("unsigned attribute")
		}
		o, ok := ReadOID(&seq)
		if !ok || !seq.ReadASN1(&set, asn1.SET) || !seq.Empty() || set.Empty() {
			return malformed("unsigned attribute")
		}
		for !set.Empty() {
			var value cryptobyte.String
			var tag asn1.Tag
			if !set.ReadAnyASN1Element(&value, &tag) {
				return malformed("unsigned attribute")
			}
			if s.Unsigned = append(s.Unsigned, Attribute{o, value}); len(s.Unsigned) > maxCMSAttributes {
				return malformed("unsigned attributes: too many")
			}
		}
	}
	return nil
}

func (s *SignedData) parseAttributes(attrs cryptobyte.String) error {
	var err error
	content := attrs
	if s.signedAttrs, err = encode(func(b *cryptobyte.Builder) { b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(content) }) }); err != nil {
		return err
	}
	var last []byte
	unordered, seen := false, map[OID]bool{}
	for !attrs.Empty() {
		var element, seq, set, value cryptobyte.String
		var tag asn1.Tag
		if !attrs.ReadASN1Element(&element, asn1.SEQUENCE) {
			return malformed("signed attribute")
		}
		// The signature is over the DER of the SET, so it is in order; the same
		// attribute twice would let two readers see two digests.
		if bytes.Compare(last, element) >= 0 && last != nil {
			if !s.d.lenient {
				return malformed("signed attributes: not in DER order")
			}
			unordered = true
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
	if unordered {
		s.Notices = append(s.Notices, "signed attributes are not in the order of DER")
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

// SignatureValue is the signer's as received: what a time-stamp is over (RFC 3161
// appendix A).
func (s *SignedData) SignatureValue() []byte { return s.received }

// Signed gives the octets that are signed where there are signed attributes, else nil.
func (s *SignedData) Signed() []byte { return s.signedAttrs }
