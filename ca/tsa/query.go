package tsa

import (
	"bytes"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

const (
	// MaxQuery bounds a TimeStampReq: a real one takes 60 to 100 octets, and nothing in
	// a longer one would be granted.
	MaxQuery = 4 << 10
	// maxNonce in bits: clients use 64, and what they send stands in the token.
	maxNonce = 512
)

// Query is a TimeStampReq (RFC 3161 2.4.1).
type Query struct {
	Hash         certs.OID
	Imprint      []byte
	Policy       certs.OID // "" if any will do
	Nonce        *big.Int  // nil without
	Certificates bool      // certReq: the token holds its signer's certificate

	null bool // NULL stands beside the hash's identifier
}

// hashes are those that are stamped, with the octets of their digests. MD5 and
// SHA-1 are not: two documents can be made that share a digest.
var hashes = map[certs.OID]int{
	certs.OIDSM3:             32,
	"2.16.840.1.101.3.4.2.1": 32, // SHA-256
	"2.16.840.1.101.3.4.2.2": 48, // SHA-384
	"2.16.840.1.101.3.4.2.3": 64, // SHA-512
}

// failure is a bit of PKIFailureInfo (RFC 3161 2.4.2).
type failure int

const (
	badAlg              failure = 0
	badRequest          failure = 2
	badDataFormat       failure = 5
	timeNotAvailable    failure = 14
	unacceptedPolicy    failure = 15
	unacceptedExtension failure = 16
	systemFailure       failure = 25
)

// Refusal is why a query gets no token, in a sentence for whoever sent it.
type Refusal struct {
	failure  failure
	sentence string
}

func (r *Refusal) Error() string { return r.sentence }

func refuse(f failure, format string, args ...any) *Refusal {
	return &Refusal{f, fmt.Sprintf(format, args...)}
}

// ParseQuery reads exactly one TimeStampReq. Its error is a *Refusal.
func ParseQuery(der []byte) (*Query, error) {
	if len(der) > MaxQuery {
		return nil, refuse(badDataFormat, "the query is longer than %d octets", MaxQuery)
	}
	in := cryptobyte.String(bytes.Clone(der))
	var req, imprint cryptobyte.String
	var version int
	if !in.ReadASN1(&req, asn1.SEQUENCE) || !in.Empty() || !req.ReadASN1Integer(&version) || !req.ReadASN1(&imprint, asn1.SEQUENCE) {
		return nil, refuse(badDataFormat, "this is no TimeStampReq of RFC 3161")
	}
	if version != 1 {
		return nil, refuse(badRequest, "the version of the query is %d, not 1", version)
	}
	q := &Query{}
	if err := q.parseImprint(imprint); err != nil {
		return nil, err
	}
	return q, q.parseOptions(req)
}

func (q *Query) parseImprint(imprint cryptobyte.String) error {
	var algorithm cryptobyte.String
	if !imprint.ReadASN1(&algorithm, asn1.SEQUENCE) {
		return refuse(badDataFormat, "the messageImprint cannot be read")
	}
	var ok bool
	if q.Hash, ok = certs.ReadOID(&algorithm); !ok || !algorithm.Empty() && !bytes.Equal(algorithm, []byte{5, 0}) {
		return refuse(badDataFormat, "the hash algorithm cannot be read, or has parameters")
	}
	q.null = !algorithm.Empty()
	size, known := hashes[q.Hash]
	if !known {
		return refuse(badAlg, "the hash algorithm %s is not stamped: SM3, SHA-256, SHA-384 and SHA-512 are", q.Hash)
	}
	if !imprint.ReadASN1Bytes(&q.Imprint, asn1.OCTET_STRING) || !imprint.Empty() || len(q.Imprint) != size {
		return refuse(badDataFormat, "the imprint is not a digest of its algorithm")
	}
	return nil
}

func (q *Query) parseOptions(req cryptobyte.String) error {
	if req.PeekASN1Tag(asn1.OBJECT_IDENTIFIER) {
		var ok bool
		if q.Policy, ok = certs.ReadOID(&req); !ok {
			return refuse(badDataFormat, "the reqPolicy cannot be read")
		}
	}
	if req.PeekASN1Tag(asn1.INTEGER) {
		q.Nonce = new(big.Int)
		if !req.ReadASN1Integer(q.Nonce) || q.Nonce.BitLen() > maxNonce {
			return refuse(badDataFormat, "the nonce is longer than %d bits or cannot be read", maxNonce)
		}
	}
	// DER leaves a default out, but a client that writes FALSE means nothing else.
	if req.PeekASN1Tag(asn1.BOOLEAN) && !req.ReadASN1Boolean(&q.Certificates) {
		return refuse(badDataFormat, "the certReq cannot be read")
	}
	var extensions cryptobyte.String
	var has bool
	if !req.ReadOptionalASN1(&extensions, &has, asn1.Tag(0).ContextSpecific().Constructed()) || !req.Empty() {
		return refuse(badDataFormat, "something in the query is not of RFC 3161")
	}
	switch {
	case has: // 2.4.1: critical or not
		return refuse(unacceptedExtension, "no extension of a query is known here")
	case q.Policy != "" && q.Policy != certs.OIDTSAPolicy:
		return refuse(unacceptedPolicy, "time-stamps are made under policy %s alone", certs.OIDTSAPolicy)
	}
	return nil
}

// Marshal gives the DER of a query.
func (q *Query) Marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		q.addImprint(b)
		if q.Policy != "" {
			certs.AddOID(b, q.Policy)
		}
		if q.Nonce != nil {
			b.AddASN1BigInt(q.Nonce)
		}
		if q.Certificates {
			b.AddASN1Boolean(true)
		}
	})
	return b.Bytes()
}

// addImprint writes the messageImprint as it was asked: clients compare it octet for
// octet.
func (q *Query) addImprint(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			certs.AddOID(b, q.Hash)
			if q.null {
				b.AddASN1NULL()
			}
		})
		b.AddASN1OctetString(q.Imprint)
	})
}
