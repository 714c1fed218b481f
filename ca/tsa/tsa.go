// Package tsa is the time-stamp authority (时间戳服务): RFC 3161 tokens over SM3
// imprints, signed by SM2 (GB/T 20520). New gives an Authority; Stamp is called
// in process by the seal office for every stamp.
package tsa

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"yinxin/certs"
)

// Accuracy is what a token claims, and how far the clock may fall back before
// the authority refuses: a time that could be wrong by more than it says must
// not be signed.
const Accuracy = time.Second

// ErrClockBackwards: the clock stands before a time that was already signed.
var ErrClockBackwards = errors.New("the time-stamp authority refuses: the clock went backwards")

// ErrCertificate: the authority's certificate is not valid at the time that
// would be signed, so no verifier would take the token.
var ErrCertificate = errors.New("the time-stamp authority refuses: its certificate is not valid now")

// Config of New. NotBefore is the latest time known to have passed, such as
// that of the newest act in the store: it keeps the refusal across a restart.
type Config struct {
	Signer      certs.Signer
	Certificate *certs.Certificate
	Chain       []*certs.Certificate
	Clock       func() time.Time
	Rand        io.Reader
	NotBefore   time.Time
}

// Authority makes tokens. Its methods may be called concurrently.
type Authority struct {
	c       Config
	builder *certs.SignedDataBuilder
	head    []byte // version and policy
	tail    []byte // accuracy

	mu     sync.Mutex
	latest time.Time
	serial *big.Int
}

// New prepares everything of a token that does not change.
func New(c Config) (*Authority, error) {
	// RFC 3161 2.3; a verifier takes no other.
	if e := c.Certificate.EKUs; len(e) != 1 || e[0] != certs.OIDEKUTimeStamping || !c.Certificate.EKUCritical {
		return nil, fmt.Errorf("tsa: %w: %s is not for time-stamping alone", certs.ErrKeyUsage, c.Certificate.Subject)
	}
	b, err := certs.NewSignedDataBuilder(c.Signer, c.Certificate, c.Chain, certs.OIDTSTInfo)
	if err != nil {
		return nil, fmt.Errorf("tsa: %w", err)
	}
	a := &Authority{c: c, builder: b, latest: c.NotBefore.UTC()}
	var head, tail cryptobyte.Builder
	head.AddASN1Int64(1)
	certs.AddOID(&head, certs.OIDTSAPolicy)
	tail.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(Accuracy / time.Second)) })
	if a.head, err = head.Bytes(); err != nil {
		return nil, err
	}
	if a.tail, err = tail.Bytes(); err != nil {
		return nil, err
	}
	// Serials of this process begin at a random place: 16 octets of which the
	// last eight count.
	var seed [16]byte
	if _, err := io.ReadFull(c.Rand, seed[:8]); err != nil {
		return nil, fmt.Errorf("tsa: %w", err)
	}
	seed[0] = seed[0]&0x7f | 0x40
	a.serial = new(big.Int).SetBytes(seed[:])
	return a, nil
}

// Certificates is what stands in every token, octet for octet: a register needs it
// once.
func (a *Authority) Certificates() []byte { return a.builder.Certificates() }

var one = big.NewInt(1)

// tick gives the time to sign and a serial of its own.
func (a *Authority) tick() (time.Time, *big.Int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.c.Clock().UTC().Truncate(time.Millisecond)
	if now.Add(Accuracy).Before(a.latest) {
		return now, nil, fmt.Errorf("%w: it stands at %s, %s was signed already", ErrClockBackwards, now.Format(time.RFC3339), a.latest.Format(time.RFC3339))
	}
	if now.Before(a.latest) {
		now = a.latest // within the accuracy; times never fall
	}
	if now.Before(a.c.Certificate.NotBefore) || now.After(a.c.Certificate.NotAfter) {
		return now, nil, ErrCertificate
	}
	a.latest = now
	a.serial.Add(a.serial, one)
	return now, new(big.Int).Set(a.serial), nil
}

// Stamp makes a token over a SM3 imprint; the time in it is genTime.
func (a *Authority) Stamp(ctx context.Context, imprint [32]byte) (token []byte, genTime time.Time, err error) {
	genTime, serial, err := a.tick()
	if err != nil {
		return nil, genTime, err
	}
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(a.head)
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { certs.AddOID(b, certs.OIDSM3) })
			b.AddASN1OctetString(imprint[:])
		})
		b.AddASN1BigInt(serial)
		b.AddASN1(asn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(generalized(genTime))) })
		b.AddBytes(a.tail)
	})
	info, err := b.Bytes()
	if err != nil {
		return nil, genTime, err
	}
	token, err = a.builder.Build(ctx, info, false)
	return token, genTime, err
}

// generalized writes the fraction without trailing zeros (RFC 3161 2.4.2).
func generalized(t time.Time) string {
	return t.Format("20060102150405.999999999") + "Z"
}
