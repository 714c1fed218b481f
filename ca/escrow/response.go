package escrow

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// encodeResponse writes a CSRResponse (GM/T 0092-2020 clause 8 and annex A):
//
//	CSRResponse ::= SEQUENCE {
//	  signCertificate     CertificateSet,
//	  encryptedPrivateKey [0] SM2EnvelopedKey OPTIONAL,
//	  encryptCertificate  [1] CertificateSet OPTIONAL }
//
// The tags are as the library's reader has them, [0] around the SEQUENCE and [1]
// in the place of the SET's own. Each set holds the agency's certificate alone:
// DER sorts a SET OF, and readers take the first of it for the agency's.
func encodeResponse(signing, envelope, encryption []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { b.AddBytes(signing) })
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(envelope) })
		b.AddASN1(asn1.Tag(1).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddBytes(encryption) })
	})
	return b.Bytes()
}

// MaxResponse bounds a CSRResponse: two certificates and an envelope take 3 KB.
const MaxResponse = 64 << 10

var errResponse = errors.New("it is no CSRResponse of GM/T 0092-2020 with both certificates and an enveloped key")

// ParseResponse takes a CSRResponse apart, for whoever wants to read one of ours
// with other programs: the parts are DER.
func ParseResponse(der []byte) (signing, envelope, encryption []byte, err error) {
	if len(der) > MaxResponse {
		return nil, nil, nil, errResponse
	}
	in := cryptobyte.String(der)
	var seq, set, enveloped, other, s, e, c cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&set, asn1.SET) ||
		!seq.ReadASN1(&enveloped, asn1.Tag(0).ContextSpecific().Constructed()) || !seq.ReadASN1(&other, asn1.Tag(1).ContextSpecific().Constructed()) || !seq.Empty() ||
		!set.ReadASN1Element(&s, asn1.SEQUENCE) || !set.Empty() || !enveloped.ReadASN1Element(&e, asn1.SEQUENCE) || !enveloped.Empty() ||
		!other.ReadASN1Element(&c, asn1.SEQUENCE) || !other.Empty() {
		return nil, nil, nil, errResponse
	}
	return s, e, c, nil
}
