package ocsp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/certs"
)

// The errors of OCSPResponseStatus that are sent (RFC 6960 4.2.1).
const (
	malformedRequest = 1
	internalError    = 2
	tryLater         = 3
	unauthorized     = 6 // RFC 5019 2.2.3: of an issuer that is none of ours
)

const successful = "successful"

var statusNames = map[byte]string{malformedRequest: "malformedRequest", internalError: "internalError", tryLater: "tryLater", unauthorized: "unauthorized"}

// refusal is an error of the protocol; it is not signed.
func refusal(status byte) Answer {
	return Answer{DER: []byte{0x30, 3, 0x0a, 1, status}, Status: statusNames[status]}
}

// word is what is said of one certificate.
type word struct {
	id         certs.CertID
	status     certs.OCSPStatus
	revocation *ca.Revocation
}

// sign makes an answer as of now.
func (r *Responder) sign(ctx context.Context, req *certs.OCSPRequest, by issuer, now time.Time) (Answer, error) {
	if err := r.tick(now); err != nil {
		return Answer{}, err
	}
	words := make([]word, len(req.IDs))
	for i, id := range req.IDs {
		var err error
		if words[i], err = r.look(ctx, id, by); err != nil {
			return Answer{}, err
		}
		if rev := words[i].revocation; rev != nil && rev.At.After(now) {
			if rev.At.After(r.clock()) {
				return Answer{}, fmt.Errorf("%w: %s was revoked %s", ErrClockBackwards, rev.Serial, rev.At.Format(time.RFC3339))
			}
			now = rev.At // it came while this was asked
		}
	}
	cred, err := r.authority.Responder(ctx, by.name)
	if err != nil {
		return Answer{}, err
	}
	t := times{this: now, next: now.Add(Life), cutoff: by.certificate.NotBefore}
	if end := cred.Certificate.NotAfter; t.next.After(end) { // nobody takes a responder's word after its end
		t.next = end
	}
	der, err := encode(ctx, cred, by, words, t, req.Nonce)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{DER: der, Status: successful, ThisUpdate: t.this, NextUpdate: t.next, Tag: tagOf(der)}
	if w := words[0]; req.Plain && len(words) == 1 && w.status != certs.OCSPUnknown {
		a.Public = true
		r.keep(req, &kept{a, by.name, serialOf(w.id), cred.Certificate, w.revocation})
	}
	return a, nil
}

// tick refuses a time before one that was signed.
func (r *Responder) tick(now time.Time) error {
	for {
		latest := r.latest.Load()
		if now.Add(backwards).Unix() < latest {
			return fmt.Errorf("%w: it stands at %s, %s was signed already", ErrClockBackwards, now.Format(time.RFC3339), time.Unix(latest, 0).UTC().Format(time.RFC3339))
		}
		if now.Unix() <= latest || r.latest.CompareAndSwap(latest, now.Unix()) {
			return nil
		}
	}
}

// serialOf is the serial number as rows have it.
func serialOf(id certs.CertID) string { return hex.EncodeToString(id.Serial.Bytes()) }

// look asks the register. Good is what it knows as issued by this issuer and not
// revoked. Of all else the status is "unknown": of a serial number that was never
// given, and of an intent whose certificate never came, since what was perhaps
// signed and never handed out is no certificate of ours. RFC 6960 2.2 would let it
// be called revoked; "unknown" says what is so, and no verifier takes it for good.
func (r *Responder) look(ctx context.Context, id certs.CertID, by issuer) (word, error) {
	unknown := word{id: id, status: certs.OCSPUnknown}
	known, err := r.names(ctx, false)
	if err != nil {
		return unknown, err
	}
	if at, ok := known[id.Issuer()]; !ok || at.name != by.name {
		return unknown, nil
	}
	row, err := r.store.Certificate(ctx, serialOf(id))
	switch {
	case errors.Is(err, ca.ErrNotFound):
		return unknown, nil
	case err != nil:
		return unknown, err
	case row.Issuer != by.name:
		return unknown, nil
	case row.Revocation != nil:
		return word{id, certs.OCSPRevoked, row.Revocation}, nil
	}
	return word{id: id, status: certs.OCSPGood}, nil
}

type times struct{ this, next, cutoff time.Time }

func explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

func sequence(b *cryptobyte.Builder, f func(*cryptobyte.Builder)) { b.AddASN1(asn1.SEQUENCE, f) }

// encode signs ResponseData and puts the whole together (RFC 6960 4.2.1). The
// responder is named by its name: the other choice is a SHA-1 of its key.
func encode(ctx context.Context, cred ca.Credential, by issuer, words []word, t times, nonce []byte) ([]byte, error) {
	tbs := cryptobyte.NewBuilder(make([]byte, 0, 512))
	sequence(tbs, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) { b.AddBytes(cred.Certificate.RawSubject) })
		b.AddASN1GeneralizedTime(t.this)
		sequence(b, func(b *cryptobyte.Builder) {
			for _, w := range words {
				w.add(b, t)
			}
		})
		if nonce != nil {
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
				sequence(b, func(b *cryptobyte.Builder) { certs.AddNonce(b, nonce) })
			})
		}
	})
	signed, err := tbs.Bytes()
	if err != nil {
		return nil, err
	}
	signature, err := cred.Key.SignMessage(ctx, signed)
	if err != nil {
		return nil, fmt.Errorf("sign OCSP answer: %w", err)
	}
	out := cryptobyte.NewBuilder(make([]byte, 0, 2048))
	sequence(out, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				certs.AddOID(b, certs.OIDOCSPBasic)
				b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					sequence(b, func(b *cryptobyte.Builder) {
						b.AddBytes(signed)
						certs.AddSM2WithSM3(b)
						b.AddASN1BitString(signature)
						if cred.Certificate.Equal(by.certificate) {
							return // whoever asks has it
						}
						b.AddASN1(explicit(0), func(b *cryptobyte.Builder) {
							sequence(b, func(b *cryptobyte.Builder) { b.AddBytes(cred.Certificate.Raw) })
						})
					})
				})
			})
		})
	})
	return out.Bytes()
}

// add writes a SingleResponse. Since the register forgets nothing, an answer about
// a certificate that has ended is as good as before: the archive cutoff says so
// from the authority's own beginning (RFC 6960 4.4.4, as ETSI EN 319 411-2 has it).
func (w word) add(b *cryptobyte.Builder, t times) {
	sequence(b, func(b *cryptobyte.Builder) {
		b.AddBytes(w.id.Raw)
		switch w.status {
		case certs.OCSPGood:
			b.AddASN1(asn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
		case certs.OCSPRevoked:
			b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
				b.AddASN1GeneralizedTime(w.revocation.At.UTC())
				if w.revocation.Reason != certs.ReasonUnspecified { // RFC 5280 5.3.1: absent rather than 0
					b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(w.revocation.Reason)) })
				}
			})
		default:
			b.AddASN1(asn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {})
		}
		b.AddASN1GeneralizedTime(t.this)
		b.AddASN1(explicit(0), func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(t.next) })
		if w.status == certs.OCSPUnknown {
			return
		}
		b.AddASN1(explicit(1), func(b *cryptobyte.Builder) {
			sequence(b, func(b *cryptobyte.Builder) {
				addTime(b, certs.OIDArchiveCutoff, t.cutoff)
				if w.revocation != nil && !w.revocation.Invalidity.IsZero() {
					addTime(b, certs.OIDInvalidityDate, w.revocation.Invalidity.UTC())
				}
			})
		})
	})
}

func addTime(b *cryptobyte.Builder, o certs.OID, t time.Time) {
	sequence(b, func(b *cryptobyte.Builder) {
		certs.AddOID(b, o)
		b.AddASN1(asn1.OCTET_STRING, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(t) })
	})
}
