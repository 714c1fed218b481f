package ca

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// MaxRequest bounds a certification request: real ones take 300 octets, and a
// subject of a megabyte would be signed only to be refused by everyone.
const MaxRequest = 16 << 10

// parseRequest reads a PKCS#10 request (RFC 2986) and checks its proof of
// possession. Nothing but the key is taken from it: the subject comes from the
// register.
func parseRequest(der []byte) (*ecdsa.PublicKey, error) {
	if len(der) > MaxRequest {
		return nil, fmt.Errorf("%w: longer than %d octets", ErrBadRequest, MaxRequest)
	}
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrBadRequest, what) }
	in := cryptobyte.String(der)
	var outer, info, seq, subject, spki, attributes, algorithm cryptobyte.String
	var signature []byte
	var version int
	var has bool
	if !in.ReadASN1(&outer, asn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Element(&info, asn1.SEQUENCE) ||
		!outer.ReadASN1(&algorithm, asn1.SEQUENCE) || !outer.ReadASN1BitStringAsBytes(&signature) || !outer.Empty() {
		return nil, bad("it is no PKCS#10 request")
	}
	signed := []byte(info)
	o, ok := certs.ReadOID(&algorithm)
	if !ok || o != certs.OIDSM2WithSM3 {
		return nil, bad("it is not signed by SM2 with SM3")
	}
	if !info.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || version != 0 || !seq.ReadASN1(&subject, asn1.SEQUENCE) ||
		!seq.ReadASN1Element(&spki, asn1.SEQUENCE) ||
		!seq.ReadOptionalASN1(&attributes, &has, asn1.Tag(0).ContextSpecific().Constructed()) || !seq.Empty() {
		return nil, bad("it is no PKCS#10 request")
	}
	key, err := certs.ParsePublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	if !sm2.VerifyASN1WithSM2(key, nil, signed, signature) {
		return nil, bad("its proof of possession fails: the signature is not by its key")
	}
	return key, nil
}
