package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha1" // registered for suites and archives, refused unless asked for
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"fmt"
	"math/big"

	"github.com/emmansun/gmsm/sm2"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// ErrWeak: the signature is by an algorithm under which forgeries can be made.
var ErrWeak = errors.New("the signature algorithm is too weak")

// publicKey is a key of any algorithm; path validation knows no more of it.
type publicKey interface {
	// verify checks a signature by an algorithm over a message.
	verify(a algorithm, message, signature []byte) error
}

// algorithm is how a certificate or list was signed.
type algorithm struct {
	oid  OID
	kind keyKind
	hash crypto.Hash // 0 with SM2, whose hash takes in the key
}

type keyKind uint8

const (
	kindSM2 keyKind = iota + 1
	kindRSA
	kindECDSA
	kindDSA
)

// RFC 3279, 4055, 5754 and 5758; MD5 and what is older are not among them.
var algorithms = map[OID]algorithm{
	OIDSM2WithSM3:            {OIDSM2WithSM3, kindSM2, 0},
	"1.2.840.113549.1.1.5":   {"1.2.840.113549.1.1.5", kindRSA, crypto.SHA1},
	"1.2.840.113549.1.1.11":  {"1.2.840.113549.1.1.11", kindRSA, crypto.SHA256},
	"1.2.840.113549.1.1.12":  {"1.2.840.113549.1.1.12", kindRSA, crypto.SHA384},
	"1.2.840.113549.1.1.13":  {"1.2.840.113549.1.1.13", kindRSA, crypto.SHA512},
	"1.2.840.10045.4.1":      {"1.2.840.10045.4.1", kindECDSA, crypto.SHA1},
	"1.2.840.10045.4.3.2":    {"1.2.840.10045.4.3.2", kindECDSA, crypto.SHA256},
	"1.2.840.10045.4.3.3":    {"1.2.840.10045.4.3.3", kindECDSA, crypto.SHA384},
	"1.2.840.10045.4.3.4":    {"1.2.840.10045.4.3.4", kindECDSA, crypto.SHA512},
	"1.2.840.10040.4.3":      {"1.2.840.10040.4.3", kindDSA, crypto.SHA1},
	"2.16.840.1.101.3.4.3.2": {"2.16.840.1.101.3.4.3.2", kindDSA, crypto.SHA256},
}

// signature reads an AlgorithmIdentifier of a signature, its parameters absent
// or NULL (formats.md 3: real certificates show both).
func (d *dialect) signature(s *cryptobyte.String) (raw []byte, a algorithm, err error) {
	var element, seq cryptobyte.String
	if !s.ReadASN1Element(&element, asn1.SEQUENCE) {
		return nil, a, malformed("signature algorithm")
	}
	raw = element
	element.ReadASN1(&seq, asn1.SEQUENCE)
	oid, ok := ReadOID(&seq)
	if !ok || !emptyOrNull(seq) {
		return nil, a, malformed("signature algorithm")
	}
	if a, ok = algorithms[oid]; !ok || a.kind != kindSM2 && !d.foreign {
		return nil, a, fmt.Errorf("%w: signature algorithm %s", ErrUnsupported, oid)
	}
	return raw, a, nil
}

// check checks a signature by a key. SHA-1 collisions can be bought, so such a
// signature counts only where a caller has a reason to read archives.
func (a algorithm) check(key publicKey, message, signature []byte, sha1 bool) error {
	if a.hash == crypto.SHA1 && !sha1 {
		return fmt.Errorf("%w: SHA-1", ErrWeak)
	}
	return key.verify(a, message, signature)
}

func (a algorithm) digest(message []byte) []byte {
	h := a.hash.New()
	h.Write(message)
	return h.Sum(nil)
}

type sm2Key struct{ *ecdsa.PublicKey }

func (k sm2Key) verify(a algorithm, message, signature []byte) error {
	if a.kind != kindSM2 || !sm2.VerifyASN1WithSM2(k.PublicKey, nil, message, signature) {
		return ErrSignature
	}
	return nil
}

type rsaKey struct{ *rsa.PublicKey }

func (k rsaKey) verify(a algorithm, message, signature []byte) error {
	if a.kind != kindRSA || rsa.VerifyPKCS1v15(k.PublicKey, a.hash, a.digest(message), signature) != nil {
		return ErrSignature
	}
	return nil
}

type ecdsaKey struct{ *ecdsa.PublicKey }

func (k ecdsaKey) verify(a algorithm, message, signature []byte) error {
	if a.kind != kindECDSA || !ecdsa.VerifyASN1(k.PublicKey, a.digest(message), signature) {
		return ErrSignature
	}
	return nil
}

// publicKey reads a SubjectPublicKeyInfo.
func (d *dialect) publicKey(spki []byte) (publicKey, error) {
	if d.foreign {
		in := cryptobyte.String(spki)
		var seq, id, content cryptobyte.String
		if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1(&id, asn1.SEQUENCE) {
			return nil, malformed("public key")
		}
		kind, ok := ReadOID(&id)
		if !ok || !seq.ReadASN1(&content, asn1.BIT_STRING) || !content.Skip(1) || !seq.Empty() {
			return nil, malformed("public key")
		}
		switch kind {
		case oidRSA:
			return readRSA(content)
		case oidDSA:
			return readDSA(id, content)
		case OIDECPublicKey:
			if curve, ok := ReadOID(&id); ok && curves[curve] != nil {
				return readECDSA(curves[curve], content)
			}
		}
	}
	key, err := ParsePublicKey(spki)
	return sm2Key{key}, err
}

const (
	oidRSA OID = "1.2.840.113549.1.1.1"
	oidDSA OID = "1.2.840.10040.4.1"
)

var curves = map[OID]elliptic.Curve{
	"1.2.840.10045.3.1.7": elliptic.P256(), "1.3.132.0.34": elliptic.P384(), "1.3.132.0.35": elliptic.P521(),
}

// maxRSA bounds a modulus in bits: a check costs its square, and a stranger
// chooses it.
const maxRSA = 8192

func readRSA(content cryptobyte.String) (publicKey, error) {
	var seq cryptobyte.String
	n, e := new(big.Int), 0
	if !content.ReadASN1(&seq, asn1.SEQUENCE) || !content.Empty() || !seq.ReadASN1Integer(n) || !seq.ReadASN1Integer(&e) || !seq.Empty() ||
		n.Sign() <= 0 || n.BitLen() > maxRSA || e < 3 || e > 1<<31-1 || e%2 == 0 {
		return nil, malformed("RSA key")
	}
	return rsaKey{&rsa.PublicKey{N: n, E: e}}, nil
}

func readECDSA(curve elliptic.Curve, point []byte) (publicKey, error) {
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil, malformed("ECDSA key")
	}
	return ecdsaKey{key}, nil
}
