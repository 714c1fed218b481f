package certs

import (
	"fmt"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

// emptyOrNull accepts absent parameters and NULL.
func emptyOrNull(s cryptobyte.String) bool {
	return s.Empty() || len(s) == 2 && s[0] == byte(asn1.NULL) && s[1] == 0
}

// ReadTime reads UTCTime or GeneralizedTime in the one form of RFC 5280 4.1.2.5.
func ReadTime(s *cryptobyte.String) (time.Time, bool) { return readTime(s) }

// readTime reads RFC 5280 4.1.2.5: UTCTime or GeneralizedTime, in seconds, Z.
// The library's reader would take minutes and offsets too, so two readers
// could see two encodings of one moment.
func readTime(s *cryptobyte.String) (t time.Time, ok bool) {
	if !s.PeekASN1Tag(asn1.UTCTime) {
		return readGeneralizedTime(s)
	}
	whole := *s
	var content cryptobyte.String
	ok = s.ReadASN1UTCTime(&t) && whole.ReadASN1(&content, asn1.UTCTime) && len(content) == len("060102150405Z")
	return t.UTC(), ok
}

// time reads a time of a certificate.
func (d *dialect) time(s *cryptobyte.String) (time.Time, bool) {
	saved := *s
	t, ok := readTime(s)
	if ok || !d.lenient {
		return t, ok
	}
	*s = saved
	ok = s.PeekASN1Tag(asn1.UTCTime) && s.ReadASN1UTCTime(&t)
	if !ok {
		*s = saved
		ok = s.ReadASN1GeneralizedTime(&t)
	}
	return t.UTC(), ok && d.overlook(OversightTime)
}

func readGeneralizedTime(s *cryptobyte.String) (t time.Time, ok bool) {
	whole := *s
	var content cryptobyte.String
	ok = s.ReadASN1GeneralizedTime(&t) && whole.ReadASN1(&content, asn1.GeneralizedTime) && len(content) == len("20060102150405Z")
	return t.UTC(), ok
}

// AddTime writes a time as RFC 5280 wants it: UTCTime through 2049.
func AddTime(b *cryptobyte.Builder, t time.Time) {
	if t = t.UTC(); t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}

// AddExtension writes an Extension (RFC 5280 4.1); value is what its OCTET STRING holds.
func AddExtension(b *cryptobyte.Builder, o OID, critical bool, value func(*cryptobyte.Builder)) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddOID(b, o)
		if critical { // the default is left out
			b.AddASN1Boolean(true)
		}
		b.AddASN1(asn1.OCTET_STRING, value)
	})
}

// AddSM2WithSM3 writes the AlgorithmIdentifier of our signatures, without parameters
// (GM/T 0009).
func AddSM2WithSM3(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { AddOID(b, OIDSM2WithSM3) })
}

// maxSerial is the longest serial of RFC 5280 4.1.2.2, in octets.
const maxSerial = 20

func (d *dialect) serial(s *cryptobyte.String) (*big.Int, error) {
	n := new(big.Int)
	if !s.ReadASN1Integer(n) {
		return nil, malformed("serial number")
	}
	// RFC 5280 4.1.2.2 has readers "gracefully handle" what is zero or negative.
	odd := n.Sign() <= 0 || n.BitLen()/8+1 > maxSerial
	if odd && n.BitLen() <= maxOddSerial*8 && (d.foreign || d.overlook(OversightSerial)) {
		return n, nil
	}
	if odd {
		return nil, malformed("serial number: not 1 to 20 octets and positive")
	}
	return n, nil
}

// maxOddSerial is the longest that is read at all, so that a serial number
// cannot be the bulk of what is kept of a list.
const maxOddSerial = 64

// SignatureToRaw turns DER SEQUENCE{r, s} into 64 octets r||s.
func SignatureToRaw(der []byte) ([]byte, error) {
	in := cryptobyte.String(der)
	var seq cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !in.ReadASN1(&seq, asn1.SEQUENCE) || !in.Empty() || !seq.ReadASN1Integer(r) || !seq.ReadASN1Integer(s) || !seq.Empty() ||
		r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 256 || s.BitLen() > 256 {
		return nil, malformed("signature value")
	}
	out := make([]byte, 64)
	r.FillBytes(out[:32])
	s.FillBytes(out[32:])
	return out, nil
}

// SignatureFromRaw turns 64 octets r||s into DER SEQUENCE{r, s}.
func SignatureFromRaw(raw []byte) ([]byte, error) {
	if len(raw) != 64 {
		return nil, malformed("signature value: not 64 octets")
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[:32]))
		b.AddASN1BigInt(new(big.Int).SetBytes(raw[32:]))
	})
	return b.Bytes()
}
