package certs

import (
	"bytes"
	"crypto/sha1" // RFC 6960 names certificates by it; nothing is proven by it
	"crypto/sha256"
	"fmt"
	"math/big"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Limits of OCSP messages, each with what it stops.
const (
	// MaxOCSPRequest stops a body made to fill memory: sixteen questions with
	// SHA-256 take 2 KB.
	MaxOCSPRequest = 4 << 10
	// MaxOCSPAsked stops one request from buying many looks into the register.
	MaxOCSPAsked = 16
	// MaxOCSPResponse stops an answer without end: one about one certificate,
	// with its responder's, takes 1 KB.
	MaxOCSPResponse = 64 << 10
	// maxOCSPAnswers and maxOCSPCertificates stop an answer that is searched for
	// long: who asks for more than MaxOCSPAsked asks twice.
	maxOCSPAnswers      = 64
	maxOCSPCertificates = 8
	// MaxNonce is RFC 9654 2.1: what is echoed is signed, and not to be a way to
	// have a text of one's own signed.
	MaxNonce = 128
)

const (
	OIDOCSPBasic     OID = "1.3.6.1.5.5.7.48.1.1"
	oidOCSPNonce     OID = "1.3.6.1.5.5.7.48.1.2"
	OIDArchiveCutoff OID = "1.3.6.1.5.5.7.48.1.6"
	oidSHA1          OID = "1.3.14.3.2.26"
	oidSHA256        OID = "2.16.840.1.101.3.4.2.1"
	// OIDInvalidityDate is an extension of a CRL's entry and of an OCSP answer.
	OIDInvalidityDate = oidExtInvalidity
)

// certIDHashes are those by which a certificate's issuer may be named. SHA-1 is
// what RFC 5019 2.1.1 has every client send; a name is no proof, so that its
// weakness harms nobody.
var certIDHashes = map[OID]func([]byte) []byte{
	oidSHA1:   func(b []byte) []byte { s := sha1.Sum(b); return s[:] },
	oidSHA256: func(b []byte) []byte { s := sha256.Sum256(b); return s[:] },
	OIDSM3:    func(b []byte) []byte { s := sm3.Sum(b); return s[:] },
}

// CertIDHashes is how many names a CertID may give an issuer.
const CertIDHashes = 3

// CertID names a certificate by its issuer and serial number (RFC 6960 4.1.1).
type CertID struct {
	Raw               []byte // as it stands: an answer repeats it octet for octet
	Hash              OID
	NameHash, KeyHash []byte
	Serial            *big.Int
}

// NewCertID names a certificate of an issuer, by SM3.
func NewCertID(issuer *Certificate, serial *big.Int) (CertID, error) {
	id := CertID{Hash: OIDSM3, Serial: serial}
	var err error
	if id.NameHash, id.KeyHash, err = issuer.hashes(OIDSM3); err != nil {
		return id, err
	}
	id.Raw, err = encode(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddOID(b, id.Hash) })
			b.AddASN1OctetString(id.NameHash)
			b.AddASN1OctetString(id.KeyHash)
			b.AddASN1BigInt(serial)
		})
	})
	return id, err
}

// hashes are those of the issuer's name and of its public key, without tag,
// length and unused bits.
func (c *Certificate) hashes(hash OID) (name, key []byte, err error) {
	sum, ok := certIDHashes[hash]
	if !ok {
		return nil, nil, fmt.Errorf("%w: hash %s", ErrUnsupported, hash)
	}
	bits, err := c.keyBits()
	if err != nil {
		return nil, nil, err
	}
	return sum(c.RawSubject), sum(bits), nil
}

func (c *Certificate) keyBits() (bits []byte, err error) {
	spki := cryptobyte.String(c.RawSPKI)
	var seq cryptobyte.String
	if !spki.ReadASN1(&seq, asn1.SEQUENCE) || !seq.SkipASN1(asn1.SEQUENCE) || !seq.ReadASN1BitStringAsBytes(&bits) {
		return nil, malformed("public key")
	}
	return bits, nil
}

// Issuer is the part of the name that is the issuer's, to be looked up among
// those of IssuerNames.
func (id *CertID) Issuer() string {
	return string(id.Hash) + " " + string(id.NameHash) + string(id.KeyHash)
}

// IssuerNames are all the names that a CertID may give an issuer.
func IssuerNames(issuer *Certificate) ([]string, error) {
	var out []string
	for hash := range certIDHashes {
		name, key, err := issuer.hashes(hash)
		if err != nil {
			return nil, err
		}
		out = append(out, (&CertID{Hash: hash, NameHash: name, KeyHash: key}).Issuer())
	}
	return out, nil
}

// Names tells whether it is c that is named, by its issuer.
func (id *CertID) Names(c, issuer *Certificate) bool {
	sum, known := certIDHashes[id.Hash]
	if !known || id.Serial.Cmp(c.Serial) != 0 || !c.Issuer.Equal(issuer.Subject) {
		return false
	}
	bits, err := issuer.keyBits()
	// The name as it stands in the certificate that is asked about, not in its issuer's.
	return err == nil && bytes.Equal(id.NameHash, sum(c.RawIssuer)) && bytes.Equal(id.KeyHash, sum(bits))
}

// readCertID takes a hash that nobody here knows too: what it names is unknown,
// and not malformed.
func readCertID(s *cryptobyte.String) (id CertID, err error) {
	var element, seq, algorithm cryptobyte.String
	var ok bool
	if !s.ReadASN1Element(&element, asn1.SEQUENCE) {
		return id, malformed("CertID")
	}
	id.Raw = element
	if !element.ReadASN1(&seq, asn1.SEQUENCE) || !seq.ReadASN1(&algorithm, asn1.SEQUENCE) {
		return id, malformed("CertID")
	}
	if id.Hash, ok = ReadOID(&algorithm); !ok || !emptyOrNull(algorithm) {
		return id, malformed("CertID: hash algorithm")
	}
	if !seq.ReadASN1Bytes(&id.NameHash, asn1.OCTET_STRING) || !seq.ReadASN1Bytes(&id.KeyHash, asn1.OCTET_STRING) {
		return id, malformed("CertID: hashes")
	}
	if id.Serial, err = new(dialect).serial(&seq); err != nil {
		return id, fmt.Errorf("CertID: %w", err)
	}
	if !seq.Empty() {
		return id, malformed("CertID")
	}
	return id, nil
}

// readNonce reads the value of the extension (RFC 9654 2.1).
func readNonce(value []byte) ([]byte, error) {
	v := cryptobyte.String(value)
	var nonce cryptobyte.String
	if !v.ReadASN1(&nonce, asn1.OCTET_STRING) || !v.Empty() || len(nonce) == 0 || len(nonce) > MaxNonce {
		return nil, malformed(fmt.Sprintf("nonce: not 1 to %d octets", MaxNonce))
	}
	return nonce, nil
}

// AddNonce writes the extension that carries a nonce, if there is one.
func AddNonce(b *cryptobyte.Builder, nonce []byte) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddOID(b, oidOCSPNonce)
		b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1OctetString(nonce) })
	})
}
