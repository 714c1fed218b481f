package certs

import (
	"bytes"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

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
	if s.signedAttrs == nil && isAttributes(content) {
		return fmt.Errorf("%w: what was signed are attributes and not this content", ErrSignature)
	}
	h, err := s.Hash(signer)
	if err != nil {
		return err
	}
	h.Write(content)
	return s.VerifySum(signer, h.Sum(nil))
}

// Hash is what a content that is streamed is to be fed to, for VerifySum.
func (s *SignedData) Hash(signer *Certificate) (hash.Hash, error) {
	if s.signedAttrs == nil {
		return s.algorithm.hash(signer)
	}
	return s.digest.new(), nil
}

// VerifySum is Verify of the content of which Hash gave this sum. Whoever streams a
// content without signed attributes must know that it is no SET of attributes.
func (s *SignedData) VerifySum(signer *Certificate, sum []byte) error {
	if s.signedAttrs == nil {
		return s.algorithm.verifySum(signer, sum, s.signature)
	}
	digest, err := s.MessageDigest()
	if err != nil {
		return err
	}
	if !bytes.Equal(digest, sum) {
		return fmt.Errorf("%w: messageDigest is not that of the content", ErrSignature)
	}
	return s.VerifyAttributes(signer)
}

// MessageDigest is what the signed attributes say of the content; contentType must
// stand beside it and be the content's (RFC 5652 5.3).
func (s *SignedData) MessageDigest() ([]byte, error) {
	value, ok := s.Attribute(OIDContentType)
	in := cryptobyte.String(value)
	if kind, read := ReadOID(&in); !ok || !read || !in.Empty() || kind != s.ContentType {
		return nil, malformed("SignedData: contentType attribute")
	}
	var digest []byte
	value, ok = s.Attribute(OIDMessageDigest)
	in = value
	if !ok || !in.ReadASN1Bytes(&digest, asn1.OCTET_STRING) || !in.Empty() {
		return nil, malformed("SignedData: messageDigest attribute")
	}
	return digest, nil
}

// VerifyAttributes checks the signature over the signed attributes, whatever digest
// stands in them.
func (s *SignedData) VerifyAttributes(signer *Certificate) error {
	if s.signedAttrs == nil {
		return malformed("SignedData: no signed attributes")
	}
	if err := s.names(signer); err != nil {
		return err
	}
	h, err := s.algorithm.hash(signer)
	if err != nil {
		return err
	}
	h.Write(s.signedAttrs)
	return s.algorithm.verifySum(signer, h.Sum(nil), s.signature)
}

// NamesSigner tells whether a signingCertificateV2 is there, which must then name
// Signer.
func (s *SignedData) NamesSigner() (bool, error) {
	_, ok := s.Attribute(OIDSigningCertV2)
	if s.Signer == nil {
		return false, malformed("SignedData: it lacks its signer's certificate")
	}
	return ok, s.names(s.Signer)
}

func (s *SignedData) names(signer *Certificate) error {
	value, ok := s.Attribute(OIDSigningCertV2)
	if !ok {
		return nil
	}
	return s.d.namesCertificate(value, signer)
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
func (d *dialect) namesCertificate(value []byte, signer *Certificate) error {
	in := cryptobyte.String(value)
	var seq, ids, id cryptobyte.String
	var sum []byte
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&ids, asn1.SEQUENCE) || !ids.ReadASN1(&id, asn1.SEQUENCE) {
		return malformed("signingCertificateV2")
	}
	digest, err := digestAlgorithms[oidSHA256], error(nil) // the default of RFC 5035, which SM2 never is
	if !d.foreign || id.PeekASN1Tag(asn1.SEQUENCE) {
		digest, err = d.digestAlgorithm(&id)
	}
	if err != nil {
		return err
	}
	if !id.ReadASN1Bytes(&sum, asn1.OCTET_STRING) {
		return malformed("signingCertificateV2")
	}
	h := digest.new()
	h.Write(signer.Raw)
	if !bytes.Equal(sum, h.Sum(nil)) {
		return fmt.Errorf("%w: signingCertificateV2 names another certificate", ErrSignature)
	}
	return nil
}
