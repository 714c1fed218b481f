package certs

import (
	"crypto/ecdsa"
	"fmt"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ParsePublicKey reads the SubjectPublicKeyInfo of an SM2 key, whose point
// must be on the curve.
func ParsePublicKey(spki []byte) (*ecdsa.PublicKey, error) {
	in := cryptobyte.String(spki)
	var seq, algorithm cryptobyte.String
	var point []byte
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&algorithm, asn1.SEQUENCE) ||
		!seq.ReadASN1BitStringAsBytes(&point) || !seq.Empty() {
		return nil, malformed("public key")
	}
	kind, ok1 := ReadOID(&algorithm)
	curve, ok2 := ReadOID(&algorithm)
	// Tongsuo and OpenSSL write the curve in the algorithm's place too.
	if !ok1 || kind != OIDECPublicKey && kind != OIDSM2Curve || !ok2 || curve != OIDSM2Curve || !algorithm.Empty() {
		return nil, fmt.Errorf("%w: the public key is not of the SM2 curve", ErrUnsupported)
	}
	if len(point) != 65 || point[0] != 4 { // GM/T 0009-2012 7.1: 04, X, Y
		return nil, malformed("public key: the point is not uncompressed")
	}
	key, err := sm2.NewPublicKey(point)
	if err != nil {
		return nil, malformed("public key: the point is not on the curve")
	}
	return key, nil
}
