package tsa

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The values of PKIStatus that are given or taken (RFC 3161 2.4.2).
const (
	statusGranted   = 0
	statusRejection = 2
)

// Answer gives the TimeStampResp to a query. There is always one; refused tells why
// no token is in it: a *Refusal where the query is at fault, else what keeps the
// authority from stamping.
func (a *Authority) Answer(ctx context.Context, query []byte) (reply []byte, refused error) {
	q, err := ParseQuery(query)
	var token []byte
	if err == nil {
		token, _, err = a.token(ctx, q)
	}
	if err != nil {
		return rejection(asRefusal(err)), err
	}
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(statusGranted) })
			b.AddBytes(token)
		})
	}), nil
}

// asRefusal says what of an error may be known outside.
func asRefusal(err error) *Refusal {
	var r *Refusal
	switch {
	case errors.As(err, &r):
		return r
	case errors.Is(err, ErrClockBackwards), errors.Is(err, ErrCertificate):
		return refuse(timeNotAvailable, "%s", err)
	case errors.Is(err, errSigning):
		return refuse(timeNotAvailable, "the certificate of the time-stamp authority is not in force")
	}
	return refuse(systemFailure, "the time-stamp authority failed; nothing was stamped")
}

func rejection(r *Refusal) []byte {
	return encode(func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(statusRejection)
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.UTF8String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(r.sentence)) })
				})
				b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) { r.failure.addBits(b) })
			})
		})
	})
}

// addBits writes a named-bit list with one bit: trailing zeros are left out (X.690
// 11.2.2).
func (f failure) addBits(b *cryptobyte.Builder) {
	bits := make([]byte, f/8+1)
	bits[f/8] = 0x80 >> (f % 8)
	b.AddUint8(uint8(7 - f%8))
	b.AddBytes(bits)
}

// encode is for what cannot fail: lengths are bounded above.
func encode(f func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic()
}

// maxStatusText bounds what an authority elsewhere says of a refusal: it goes into
// our errors and logs.
const maxStatusText = 200

// parseReply takes the token out of a TimeStampResp. Only "granted" is taken:
// nothing in our queries leaves room for modifications.
func parseReply(der []byte) (token []byte, err error) {
	in := cryptobyte.String(der)
	var resp, info, rest cryptobyte.String
	var status int
	if !in.ReadASN1(&resp, asn1.SEQUENCE) || !in.Empty() || !resp.ReadASN1(&info, asn1.SEQUENCE) || !info.ReadASN1Integer(&status) {
		return nil, errors.New("its answer is no TimeStampResp of RFC 3161")
	}
	if status != statusGranted {
		return nil, fmt.Errorf("it refuses with status %d: %q", status, statusText(info))
	}
	if !resp.ReadASN1Element(&rest, asn1.SEQUENCE) || !resp.Empty() {
		return nil, errors.New("its answer says granted and holds no token, or more")
	}
	return bytes.Clone(rest), nil
}

func statusText(info cryptobyte.String) string {
	var list, text cryptobyte.String
	if !info.PeekASN1Tag(asn1.SEQUENCE) || !info.ReadASN1(&list, asn1.SEQUENCE) || !list.ReadASN1(&text, asn1.UTF8String) {
		return ""
	}
	return string(text[:min(len(text), maxStatusText)])
}
