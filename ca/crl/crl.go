// Package crl builds certificate revocation lists (RFC 5280 5) on demand from
// the register of package ca. New gives a Publisher; its List is the list of an
// issuer as of the second in which it is asked for.
package crl

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/ca"
	"yinxin/certs"
)

// Life of a list: a verifier takes none older than 24 hours (protocol.md 4).
const Life = 24 * time.Hour

// Publisher gives the lists of an authority.
type Publisher struct {
	authority *ca.Authority
	store     ca.Store
	clock     func() time.Time

	mu    sync.Mutex
	lists map[ca.Purpose]list
}

type list struct {
	der     []byte
	made    time.Time
	revoked uint64
}

// New gives a publisher over the authority's register.
func New(a *ca.Authority, s ca.Store, clock func() time.Time) *Publisher {
	return &Publisher{authority: a, store: s, clock: clock, lists: map[ca.Purpose]list{}}
}

// ErrNoIssuer: no lists are made for it.
var ErrNoIssuer = errors.New("no such issuer of revocation lists")

// ErrClockBackwards: the clock stands before the list that was made last, or
// before a revocation; a list from the past would hide revocations from those
// who compare times.
var ErrClockBackwards = errors.New("the clock went backwards")

// List gives the newest list of an issuer by its name, DER; one that was re-keyed goes
// on signing the list of what it issued. A revocation that was
// acknowledged before the call is in it.
func (p *Publisher) List(ctx context.Context, issuer ca.Purpose) ([]byte, error) {
	cred, err := p.authority.Issuer(ctx, string(issuer))
	if errors.Is(err, ca.ErrNotFound) {
		return nil, ErrNoIssuer
	}
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock().UTC().Truncate(time.Second)
	count, err := p.store.RevokedCount(ctx, string(issuer))
	if err != nil {
		return nil, err
	}
	last, ok := p.lists[issuer]
	if ok && now.Before(last.made) {
		return nil, ErrClockBackwards
	}
	// A list speaks for a stamp only if it was made at or after it (protocol.md
	// 4, Fresh), so one from an earlier second does not do.
	if ok && last.revoked == count && now.Equal(last.made) {
		return last.der, nil
	}
	der, err := p.build(ctx, issuer, cred, now)
	if err != nil {
		return nil, err
	}
	p.lists[issuer] = list{der, now, count}
	return der, nil
}

func (p *Publisher) build(ctx context.Context, issuer ca.Purpose, cred ca.Credential, now time.Time) ([]byte, error) {
	revoked, err := p.store.Revoked(ctx, string(issuer))
	if err != nil {
		return nil, err
	}
	// After a restart no list is remembered, but the revocations are.
	for _, r := range revoked {
		if r.At.After(now) {
			return nil, ErrClockBackwards
		}
	}
	number, err := p.store.NextCRLNumber(ctx, string(issuer))
	if err != nil {
		return nil, err
	}
	tbs, err := encodeTBS(cred.Certificate, revoked, number, now)
	if err != nil {
		return nil, err
	}
	signature, err := cred.Key.SignMessage(ctx, tbs)
	if err != nil {
		return nil, fmt.Errorf("sign CRL: %w", err)
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		addAlgorithm(b)
		b.AddASN1BitString(signature)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, err
	}
	parsed, err := certs.ParseCRL(der)
	if err != nil {
		return nil, fmt.Errorf("the CRL made cannot be read: %w", err)
	}
	return der, parsed.CheckSignatureFrom(cred.Certificate)
}

func addAlgorithm(b *cryptobyte.Builder) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM2WithSM3) })
}

func addTime(b *cryptobyte.Builder, t time.Time) {
	if t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}

func encodeTBS(issuer *certs.Certificate, revoked []ca.Revocation, number uint64, now time.Time) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addAlgorithm(b)
		b.AddBytes(issuer.RawSubject)
		addTime(b, now)
		addTime(b, now.Add(Life))
		if len(revoked) > 0 { // RFC 5280 5.1.2.6: absent when empty
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, r := range revoked {
					addEntry(b, r)
				}
			})
		}
		b.AddASN1(asn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addExtension(b, "2.5.29.35", func(b *cryptobyte.Builder) {
					b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1(asn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(issuer.SubjectKeyID) })
					})
				})
				addExtension(b, "2.5.29.20", func(b *cryptobyte.Builder) { b.AddASN1Uint64(number) })
			})
		})
	})
	return b.Bytes()
}

func addExtension(b *cryptobyte.Builder, o certs.OID, value func(*cryptobyte.Builder)) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		certs.AddOID(b, o)
		b.AddASN1(asn1.OCTET_STRING, value)
	})
}

func addEntry(b *cryptobyte.Builder, r ca.Revocation) {
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		serial, err := hex.DecodeString(r.Serial)
		if err != nil {
			b.SetError(err)
			return
		}
		b.AddASN1BigInt(new(big.Int).SetBytes(serial))
		addTime(b, r.At.UTC())
		if r.Reason == certs.ReasonUnspecified && r.Invalidity.IsZero() {
			return
		}
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if r.Reason != certs.ReasonUnspecified { // RFC 5280 5.3.1: absent rather than 0
				addExtension(b, "2.5.29.21", func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(r.Reason)) })
			}
			if !r.Invalidity.IsZero() {
				addExtension(b, "2.5.29.24", func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(r.Invalidity.UTC()) })
			}
		})
	})
}
