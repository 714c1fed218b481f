// Package certs is what a certificate is to whoever reads one: SM2 X.509
// certificates (GM/T 0015), path validation at a given time, CRLs, time-stamp
// tokens, CMS SignedData, signed statements and trust lists (protocol.md 1, 3, 4).
//
// FindPath and Lists are RFC 5280 6 over keys of any algorithm: ParseCertificate
// and ParseCRL, by which seals are judged, read SM2 alone and strictly,
// ParseAnyCertificate and ParseAnyCRL other keys too, ParseLenient what the field
// has in its certificates.
//
// A verifier begins with ParseBundle and Bundle.Open, and asks the Trust it
// gets; a signer begins with SignStatement or BuildSignedData. Nothing here
// touches a network, a file or a clock: times come in as arguments.
//
// The reader is our own because the library's refuses an extended key usage
// whose object identifier has a component over 32 bits, and ours, made from a
// UUID (protocol.md 9), has one of 128.
package certs

import (
	"context"
	"crypto/ecdsa"
	"errors"
)

// Signer signs with one SM2 key; hsm.Key satisfies it.
type Signer interface {
	Public() *ecdsa.PublicKey
	// SignMessage signs with ZA of the default user id and gives DER
	// SEQUENCE{r, s}.
	SignMessage(ctx context.Context, message []byte) ([]byte, error)
}

var (
	// ErrMalformed: the bytes are not what they should be.
	ErrMalformed = errors.New("malformed")
	// ErrSignature: the signature does not verify.
	ErrSignature = errors.New("the signature does not verify")
	// ErrUnsupported: an algorithm or version this reader does not know.
	ErrUnsupported = errors.New("not supported")
)
