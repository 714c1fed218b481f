package certs

import (
	//lint:ignore SA1019 NIST's suite asks for it, and archives hold it; it is read only by ParseAnyCertificate and never signs
	"crypto/dsa"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// dsaKey is a DSA key; one without parameters takes those of its issuer
// (RFC 3279 2.3.2, RFC 5280 6.1.4 (e)).
type dsaKey struct{ dsa.PublicKey }

func (k dsaKey) verify(a algorithm, message, signature []byte) error {
	in := cryptobyte.String(signature)
	var seq cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if a.kind != kindDSA || k.P == nil || !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() ||
		!seq.ReadASN1Integer(r) || !seq.ReadASN1Integer(s) || !seq.Empty() {
		return ErrSignature
	}
	digest := a.digest(message)
	// FIPS 186-4 4.6: the leftmost min(N, outlen) bits.
	digest = digest[:min(len(digest), (k.Q.BitLen()+7)/8)]
	if !dsa.Verify(&k.PublicKey, digest, r, s) {
		return ErrSignature
	}
	return nil
}

// Sizes of FIPS 186-4 4.2: a stranger's numbers must not decide what a check
// costs.
const (
	maxDSAPrime    = 3072
	maxDSASubprime = 256
)

func readDSA(parameters, content cryptobyte.String) (publicKey, error) {
	var k dsaKey
	k.Y = new(big.Int)
	if !content.ReadASN1Integer(k.Y) || !content.Empty() || k.Y.Sign() <= 0 || k.Y.BitLen() > maxDSAPrime {
		return nil, malformed("DSA key")
	}
	if parameters.Empty() {
		return k, nil
	}
	var seq cryptobyte.String
	k.P, k.Q, k.G = new(big.Int), new(big.Int), new(big.Int)
	if !parameters.ReadASN1(&seq, asn1.SEQUENCE) || !parameters.Empty() ||
		!seq.ReadASN1Integer(k.P) || !seq.ReadASN1Integer(k.Q) || !seq.ReadASN1Integer(k.G) || !seq.Empty() ||
		k.P.BitLen() > maxDSAPrime || k.Q.BitLen() > maxDSASubprime || k.Q.BitLen() < 160 ||
		k.P.BitLen() < 1024 || k.G.Cmp(big.NewInt(1)) <= 0 || k.G.Cmp(k.P) >= 0 || k.Y.Cmp(k.P) >= 0 {
		return nil, malformed("DSA parameters")
	}
	return k, nil
}

// working gives the key with the parameters that it takes from its issuer's.
func working(key, issuer publicKey) publicKey {
	k, ok := key.(dsaKey)
	from, same := issuer.(dsaKey)
	if !ok || !same || k.P != nil {
		return key
	}
	k.Parameters = from.Parameters
	return k
}

// whole tells whether a key needs no other's parameters.
func whole(key publicKey) bool {
	k, ok := key.(dsaKey)
	return !ok || k.P != nil
}
