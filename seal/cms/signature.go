package cms

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
)

// Signature is a plain SignedData of the field, in whichever form it says what it is
// over (formats.md 2):
//
//   - signed attributes, whose messageDigest is SM3 of the original;
//   - a content that is SM3 of the original, as octets or as base64 text, signed
//     itself, so hashed twice, or by attributes;
//   - a content that is the original;
//   - none of these: it is over the original as it stands.
type Signature struct {
	*certs.SignedData
	// DataHash is SM3 of the original, as the signature has it; nil where the
	// signature is over the original itself, which VerifySignature is then to be given.
	DataHash []byte
}

// ParseSignature reads exactly one ContentInfo, with what the field has made of it as
// notices. It checks no signature.
func ParseSignature(der []byte) (*Signature, error) {
	sd, err := certs.ParseFieldSignedData(der)
	if err != nil {
		return nil, err
	}
	s := &Signature{SignedData: sd}
	switch {
	case sd.Content != nil:
		s.DataHash = s.digestInContent(sd.Content)
	case sd.Signed() != nil:
		if s.DataHash, err = sd.MessageDigest(); err != nil {
			return nil, err
		}
		if len(s.DataHash) != sm3.Size {
			return nil, malformed("messageDigest is not one of SM3")
		}
	}
	return s, nil
}

// digestInContent takes a content that has the form of a digest for one: no original
// that is signed in a document is 32 octets long, or 44 of base64.
func (s *Signature) digestInContent(content []byte) []byte {
	if len(content) == sm3.Size {
		return content
	}
	text := bytes.TrimSpace(content)
	if len(text) == base64.StdEncoding.EncodedLen(sm3.Size) {
		if sum, err := base64.StdEncoding.Strict().DecodeString(string(text)); err == nil && len(sum) == sm3.Size {
			s.Notices = append(s.Notices, "the content is base64 text of the digest")
			return sum
		}
	}
	sum := sm3.Sum(content)
	return sum[:]
}

// VerifySignature checks the signature and not that DataHash is the original's. The
// original counts only where DataHash is nil.
func (s *Signature) VerifySignature(signer *certs.Certificate, original []byte) error {
	switch {
	case s.Content != nil:
		return s.SignedData.Verify(signer, nil)
	case s.Signed() != nil:
		return s.VerifyAttributes(signer)
	}
	err := s.SignedData.Verify(signer, original)
	if err == nil || original == nil {
		return err
	}
	// Some sign the digest where they would put it as content.
	sum := sm3.Sum(original)
	if s.SignedData.Verify(signer, sum[:]) != nil {
		return err
	}
	return nil
}

// Verify checks all: the signature, and that it is over the original.
func (s *Signature) Verify(signer *certs.Certificate, original []byte) error {
	if sum := sm3.Sum(original); s.DataHash != nil && !bytes.Equal(s.DataHash, sum[:]) {
		return fmt.Errorf("%w: it is over another original", certs.ErrSignature)
	}
	return s.VerifySignature(signer, original)
}
