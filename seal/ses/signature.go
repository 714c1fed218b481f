package ses

import (
	"bytes"
	"crypto/ecdsa"
	"math/big"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// normalise gives the one DER form of a signature value. Deployed seals carry
// r||s raw, or integers that are not minimal; they are read with a notice, but
// never under our vendor id (protocol.md 2, Encodings).
func (s *Seal) normalise(value []byte, notices *[]string) ([]byte, error) {
	if _, err := certs.SignatureToRaw(value); err == nil {
		return value, nil
	}
	if s.Vendor == VendorID {
		return nil, malformed("signature value")
	}
	if len(value) == 64 {
		*notices = append(*notices, "signature value is raw r||s")
		return certs.SignatureFromRaw(value)
	}
	r, t, ok := looseIntegers(value)
	if !ok {
		return nil, malformed("signature value")
	}
	*notices = append(*notices, "signature value is not minimal DER")
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	t.FillBytes(raw[32:])
	return certs.SignatureFromRaw(raw)
}

// looseIntegers reads SEQUENCE{r, s} whose integers may have leading zeros and
// are never negative.
func looseIntegers(value []byte) (r, s *big.Int, ok bool) {
	in := cryptobyte.String(value)
	var seq, a, b cryptobyte.String
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&a, asn1.INTEGER) || !seq.ReadASN1(&b, asn1.INTEGER) || !seq.Empty() {
		return nil, nil, false
	}
	if len(a) == 0 || len(b) == 0 || len(a) > 40 || len(b) > 40 {
		return nil, nil, false
	}
	r, s = new(big.Int).SetBytes(a), new(big.Int).SetBytes(b)
	return r, s, r.BitLen() <= 256 && s.BitLen() <= 256 && r.Sign() > 0 && s.Sign() > 0
}

func verify(key *ecdsa.PublicKey, message, signature []byte) error {
	if key == nil || !sm2.VerifyASN1WithSM2(key, nil, message, signature) {
		return ErrSignature
	}
	return nil
}

// VerifySignature checks the seal by the maker's certificate, which must be
// the one in the seal.
func (s *Seal) VerifySignature(maker *certs.Certificate) error {
	if !bytes.Equal(maker.Raw, s.MakerCert) {
		return ErrSignature
	}
	return s.VerifySignatureKey(maker.PublicKey)
}

// VerifySignatureKey checks the seal by a bare key, for certificates that only
// a lenient reader can read.
func (s *Seal) VerifySignatureKey(key *ecdsa.PublicKey) error {
	return verify(key, s.Signed, s.signatureDER)
}

// SM3 is that of the SESeal's DER: the name of this very seal.
func (s *Seal) SM3() [32]byte { return sm3.Sum(s.Raw) }

// HasSigner tells whether a certificate is in the seal's list, byte for byte
// or by the plain SM3 of its DER (formats.md 1.4).
func (s *Seal) HasSigner(cert []byte) bool {
	for _, c := range s.Certs {
		if bytes.Equal(c, cert) {
			return true
		}
	}
	sum := sm3.Sum(cert)
	for _, d := range s.CertDigests {
		if bytes.Equal(d.Value, sum[:]) {
			return true
		}
	}
	return false
}

// VerifySignature checks the stamp by the signer's certificate, which must be
// the one in the stamp.
func (s *Stamp) VerifySignature(signer *certs.Certificate) error {
	if !bytes.Equal(signer.Raw, s.SignerCert) {
		return ErrSignature
	}
	return s.VerifySignatureKey(signer.PublicKey)
}

// VerifySignatureKey checks the stamp by a bare key.
func (s *Stamp) VerifySignatureKey(key *ecdsa.PublicKey) error {
	return verify(key, s.Signed, s.signatureDER)
}
