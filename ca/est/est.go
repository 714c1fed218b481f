// Package est is what Enrollment over Secure Transport (RFC 7030) puts on the wire:
// bodies in base64, certificates without a signature around them, and what a request
// should be made of. The HTTP of it is internal/server's.
package est

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/certs"
)

// MaxBody bounds a request in base64 with its line breaks; ca.MaxRequest is that of
// the octets.
const MaxBody = ca.MaxRequest * 3 / 2

// ErrBody: the body is no base64 of a request.
var ErrBody = errors.New("the body is not a PKCS#10 request in base64")

// Decode takes the base64 of a body (RFC 8951 3.1), with line breaks or without. A
// request in PEM, which many a tool writes, is no base64 and is refused.
func Decode(body []byte) ([]byte, error) {
	if len(body) > MaxBody {
		return nil, ErrBody
	}
	var text []byte
	for _, b := range body {
		if b != '\r' && b != '\n' && b != ' ' && b != '\t' {
			text = append(text, b)
		}
	}
	der, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || len(der) == 0 || len(der) > ca.MaxRequest {
		return nil, ErrBody
	}
	return der, nil
}

// lineLength is RFC 2045 6.8, which readers of base64 with a line buffer need.
const lineLength = 76

// Encode gives the base64 of an answer. Lines end in LF alone: RFC 8951 3.1 has any
// white space be read, and base64(1) takes no CR.
func Encode(der []byte) []byte {
	text := base64.StdEncoding.EncodeToString(der)
	var out bytes.Buffer
	for len(text) > 0 {
		n := min(len(text), lineLength)
		out.WriteString(text[:n])
		out.WriteByte('\n')
		text = text[n:]
	}
	return out.Bytes()
}

// CertsOnly is a SignedData that holds certificates and no signature (RFC 5272 4.1,
// "certs-only").
func CertsOnly(list ...*certs.Certificate) ([]byte, error) {
	set := make([][]byte, 0, len(list))
	for _, c := range list {
		set = append(set, c.Raw)
	}
	slices.SortFunc(set, bytes.Compare) // X.690 11.6: a SET OF has an order
	set = slices.CompactFunc(set, bytes.Equal)
	var b cryptobyte.Builder
	explicit := asn1.Tag(0).ContextSpecific().Constructed()
	empty := func(*cryptobyte.Builder) {}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		certs.AddOID(b, certs.OIDSignedData)
		b.AddASN1(explicit, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(asn1.SET, empty)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDData) })
				b.AddASN1(explicit, func(b *cryptobyte.Builder) {
					for _, raw := range set {
						b.AddBytes(raw)
					}
				})
				b.AddASN1(asn1.SET, empty)
			})
		})
	})
	return b.Bytes()
}

// Attributes are the CsrAttrs of a request that is accepted (RFC 7030 4.5.2): a key
// on the SM2 curve, a signature by SM2 with SM3.
func Attributes() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			certs.AddOID(b, certs.OIDECPublicKey)
			b.AddASN1(asn1.SET, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM2Curve) })
		})
		certs.AddOID(b, certs.OIDSM2WithSM3)
	})
	return b.Bytes()
}
