package ses

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/emmansun/gmsm/sm3"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// SealSpec says what BuildSeal makes. Dates in whole seconds.
type SealSpec struct {
	Generation         Generation // V4 or V5; 0 is V4
	ID, Name           string
	Type               int
	SignerCerts        [][]byte // the certificates that may stamp with it
	Created            time.Time
	ValidFrom, ValidTo time.Time
	Picture            Picture
}

// StampSpec says what BuildTBS makes. StampID is 16 octets; ExpectedSeals 0
// for none. Generation is the seal's, which the stamp's must be; 0 is V4.
type StampSpec struct {
	Generation    Generation
	SealDER       []byte
	TimeInfo      time.Time
	DataHash      [32]byte
	PropertyInfo  string
	StampID       []byte
	ExpectedSeals int
}

// MaxExpectedSeals bounds what a stamp may ask for.
const MaxExpectedSeals = 1000

// written tells which generations are written, and that V4 is the default.
func written(g Generation) (Generation, bool) {
	if g == 0 {
		g = V4
	}
	return g, g == V4 || g == V5
}

// BuildSeal makes a SESeal, signed by the maker over eSealInfo.
func BuildSeal(ctx context.Context, spec SealSpec, maker certs.Signer, makerCert []byte) ([]byte, error) {
	if len(spec.SignerCerts) == 0 || spec.ID == "" || spec.ValidTo.Before(spec.ValidFrom) {
		return nil, errors.New("seal: incomplete")
	}
	var ok bool
	if spec.Generation, ok = written(spec.Generation); !ok {
		return nil, fmt.Errorf("seal: generation %d is not written", spec.Generation)
	}
	info, err := encode(len(spec.Picture.Data)+len(spec.SignerCerts)*(1<<10)+small, func(b *cryptobyte.Builder) { addInfo(b, spec) })
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	signature, err := maker.SignMessage(ctx, info)
	if err != nil {
		return nil, err
	}
	der, err := encode(len(info)+len(makerCert)+small, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddBytes(info)
			b.AddASN1OctetString(makerCert)
			certs.AddOID(b, certs.OIDSM2WithSM3)
			b.AddASN1BitString(signature)
		})
	})
	if err != nil {
		return nil, err
	}
	// What cannot be read again must not leave.
	if _, err := ParseSeal(der); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	return der, nil
}

func addInfo(b *cryptobyte.Builder, spec SealSpec) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addText(b, asn1.IA5String, "ES")
			b.AddASN1Int64(int64(spec.Generation))
			addText(b, asn1.IA5String, VendorID)
		})
		addText(b, asn1.IA5String, spec.ID)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Int64(int64(spec.Type))
			addText(b, asn1.UTF8String, spec.Name)
			b.AddASN1Int64(1)
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, c := range spec.SignerCerts {
					b.AddASN1OctetString(c)
				}
			})
			for _, t := range []time.Time{spec.Created, spec.ValidFrom, spec.ValidTo} {
				b.AddASN1GeneralizedTime(t.UTC())
			}
		})
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addText(b, asn1.IA5String, spec.Picture.Type)
			b.AddASN1OctetString(spec.Picture.Data)
			b.AddASN1Int64(int64(spec.Picture.Width))
			b.AddASN1Int64(int64(spec.Picture.Height))
		})
	})
}

func addText(b *cryptobyte.Builder, tag asn1.Tag, s string) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s)) })
}

// encode makes DER of about n octets.
func encode(n int, f func(*cryptobyte.Builder)) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, n))
	f(b)
	return b.Bytes()
}

// small is room for headers, times, identifiers and a signature.
const small = 256

// BuildTBS makes TBS_Sign, the octets that a stamp's key signs. The seal
// stands in it as it was made.
func BuildTBS(spec StampSpec) ([]byte, error) {
	if len(spec.StampID) != 16 || spec.ExpectedSeals < 0 || spec.ExpectedSeals > MaxExpectedSeals {
		return nil, errors.New("stamp: id or number of expected seals")
	}
	g, ok := written(spec.Generation)
	if !ok {
		return nil, fmt.Errorf("stamp: generation %d is not written", g)
	}
	tail, err := encode(small, func(b *cryptobyte.Builder) {
		b.AddASN1GeneralizedTime(spec.TimeInfo.UTC())
		b.AddASN1BitString(spec.DataHash[:])
		addText(b, asn1.IA5String, spec.PropertyInfo)
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addExtension(b, certs.OIDStampID, func(b *cryptobyte.Builder) { b.AddASN1OctetString(spec.StampID) })
				if spec.ExpectedSeals > 0 {
					addExtension(b, certs.OIDExpectedSeals, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(spec.ExpectedSeals)) })
				}
			})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	return wrap([]byte{0x02, 0x01, byte(g)}, spec.SealDER, tail), nil
}

// addExtension writes that it is not critical, which DER would leave out: all makers
// of the field write it, and ofdrw drops an extension without it and then holds the
// signature, which it checks over its own encoding, for wrong.
func addExtension(b *cryptobyte.Builder, o certs.OID, value func(*cryptobyte.Builder)) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		certs.AddOID(b, o)
		b.AddASN1Boolean(false)
		b.AddASN1(asn1.OCTET_STRING, value)
	})
}

// BuildStamp puts a SES_Signature together; a nil token leaves the time-stamp
// out.
func BuildStamp(tbs, signerCert, signature, token []byte) ([]byte, error) {
	tail, err := encode(len(signerCert)+len(token)+small, func(b *cryptobyte.Builder) {
		b.AddASN1OctetString(signerCert)
		certs.AddOID(b, certs.OIDSM2WithSM3)
		b.AddASN1BitString(signature)
		if token != nil {
			b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1BitString(token) })
		}
	})
	if err != nil {
		return nil, fmt.Errorf("stamp: %w", err)
	}
	return wrap(tbs, tail), nil
}

// wrap makes a SEQUENCE of parts with a single copy: a seal's picture is most
// of a stamp, and nested builders would move it each time.
func wrap(parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := appendHeader(make([]byte, 0, n+6), n)
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

func appendHeader(out []byte, n int) []byte {
	out = append(out, byte(asn1.SEQUENCE))
	switch {
	case n < 0x80:
		return append(out, byte(n))
	case n < 0x100:
		return append(out, 0x81, byte(n))
	case n < 0x10000:
		return append(out, 0x82, byte(n>>8), byte(n))
	}
	return append(out, 0x83, byte(n>>16), byte(n>>8), byte(n))
}

// Imprint is what a time-stamp is over: SM3 of the content of the signature
// BIT STRING without its unused-bits octet (protocol.md 2).
func Imprint(signature []byte) [32]byte { return sm3.Sum(signature) }
