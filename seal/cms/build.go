package cms

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
	"yinxin/seal/ses"
)

// Builder makes the stamps of one seal: what does not change from one to the next is
// encoded once.
type Builder struct {
	data *certs.SignedDataBuilder
	seal []byte // the attribute
}

// NewBuilder prepares a seal and the certificate that stamps with it, the only one
// that a stamp holds: its chain is the trust list's to give, as with ses.
func NewBuilder(sealDER, signerCert []byte) (*Builder, error) {
	cert, err := certs.ParseCertificate(signerCert)
	if err != nil {
		return nil, err
	}
	b := &Builder{}
	if b.data, err = certs.NewSignedDataBuilder(nil, cert, nil, certs.OIDData); err != nil {
		return nil, err
	}
	b.seal, err = certs.EncodeAttribute(certs.OIDSESealAttr, func(b *cryptobyte.Builder) { b.AddBytes(sealDER) })
	return b, err
}

// StampSpec says what Attributes makes. StampID is 16 octets; ExpectedSeals 0 for
// none.
type StampSpec struct {
	DataHash      [32]byte
	StampID       []byte
	ExpectedSeals int
}

// Attributes is what the seal's key signs. It begins with the octet of a SET, a
// TBS_Sign with that of a SEQUENCE: a signature over one is none over the other.
func (b *Builder) Attributes(spec StampSpec) ([]byte, error) {
	if len(spec.StampID) != 16 || spec.ExpectedSeals < 0 || spec.ExpectedSeals > ses.MaxExpectedSeals {
		return nil, errors.New("stamp: id or number of expected seals")
	}
	extra := [][]byte{b.seal}
	id, err := certs.EncodeAttribute(certs.OIDStampID, func(b *cryptobyte.Builder) { b.AddASN1OctetString(spec.StampID) })
	if err != nil {
		return nil, err
	}
	extra = append(extra, id)
	if spec.ExpectedSeals > 0 {
		n, err := certs.EncodeAttribute(certs.OIDExpectedSeals, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(spec.ExpectedSeals)) })
		if err != nil {
			return nil, err
		}
		extra = append(extra, n)
	}
	signed, err := b.data.Attributes(spec.DataHash, extra...)
	if err == nil && len(signed) > certs.MaxSignedData/2 {
		err = fmt.Errorf("stamp: a seal of %d octets is too large for profile cms", len(b.seal))
	}
	return signed, err
}

// Stamp puts the SignedData together; a nil token leaves the time-stamp out.
func (b *Builder) Stamp(attributes, signature, token []byte) ([]byte, error) {
	var unsigned []certs.Attribute
	if token != nil {
		in := cryptobyte.String(token)
		var whole cryptobyte.String
		if !in.ReadASN1Element(&whole, asn1.SEQUENCE) || !in.Empty() {
			return nil, malformed("time-stamp")
		}
		unsigned = append(unsigned, certs.Attribute{Type: certs.OIDTimeStampToken, Value: token})
	}
	return b.data.Assemble(nil, attributes, signature, unsigned...)
}
