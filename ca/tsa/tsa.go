// Package tsa is the time-stamp authority (时间戳服务): RFC 3161 tokens, signed by
// SM2 (GB/T 20520). New gives an Authority; Stamp is called in process by the seal
// office for every stamp, Answer answers a query of anyone's over HTTP. NewOutside
// gives an authority elsewhere, which can stand in its place.
package tsa

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"sync"
	"sync/atomic"
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

// errSigning: what signs is revoked, or cannot be had.
var errSigning = errors.New("the time-stamp authority refuses")

// ErrSigner: what signs is not for time-stamping alone, or not the certificate's key.
var ErrSigner = errors.New("the time-stamp authority refuses: its certificate is not one for time-stamping")

// Signing is what signs tokens at the moment, with the certificates above it.
type Signing struct {
	Signer      certs.Signer
	Certificate *certs.Certificate
	Chain       []*certs.Certificate
}

// Config of New. Signing is asked for each token, and its error (that the
// certificate is revoked) ends time-stamping at once. NotBefore is the latest time
// known to have passed, such as that of the newest act in the store: it keeps the
// refusal of a clock across a restart.
type Config struct {
	Signing   func(ctx context.Context) (Signing, error)
	Clock     func() time.Time
	Rand      io.Reader
	NotBefore time.Time
}

// Authority makes tokens. Its methods may be called concurrently.
type Authority struct {
	c     Config
	tail  []byte // accuracy
	ready atomic.Pointer[ready]

	mu     sync.Mutex
	latest time.Time
	serial *big.Int
}

// ready is what does not change from one token of a certificate to the next.
type ready struct {
	certificate *certs.Certificate
	builder     *certs.SignedDataBuilder
	bare        *certs.SignedDataBuilder // without certificates
}

// New prepares everything of a token that does not change.
func New(c Config) (*Authority, error) {
	if c.Signing == nil || c.Clock == nil || c.Rand == nil {
		return nil, errors.New("tsa: incomplete configuration")
	}
	a := &Authority{c: c, latest: c.NotBefore.UTC()}
	var tail cryptobyte.Builder
	tail.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1Int64(int64(Accuracy / time.Second)) })
	var err error
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

// signing gives what signs now, laid out; anew when the certificate was renewed.
func (a *Authority) signing(ctx context.Context) (*ready, error) {
	s, err := a.c.Signing(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errSigning, err)
	}
	if r := a.ready.Load(); r != nil && r.certificate == s.Certificate {
		return r, nil
	}
	// RFC 3161 2.3; a verifier takes no other.
	if e := s.Certificate.EKUs; len(e) != 1 || e[0] != certs.OIDEKUTimeStamping || !s.Certificate.EKUCritical {
		return nil, ErrSigner
	}
	b, err := certs.NewSignedDataBuilder(s.Signer, s.Certificate, s.Chain, certs.OIDTSTInfo)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	r := &ready{s.Certificate, b, b.WithoutCertificates()}
	a.ready.Store(r)
	return r, nil
}

// Certificates is what stands in every token, octet for octet, since the certificate
// was renewed last: a register needs it once. None before the first token.
func (a *Authority) Certificates() []byte {
	if r := a.ready.Load(); r != nil {
		return r.builder.Certificates()
	}
	return nil
}

var one = big.NewInt(1)

// tick gives the time to sign and a serial of its own.
func (a *Authority) tick(c *certs.Certificate) (time.Time, *big.Int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now, err := a.timeLocked()
	if err != nil {
		return now, nil, err
	}
	if now.Before(c.NotBefore) || now.After(c.NotAfter) {
		return now, nil, ErrCertificate
	}
	a.latest = now
	a.serial.Add(a.serial, one)
	return now, new(big.Int).Set(a.serial), nil
}

func (a *Authority) time() (time.Time, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.timeLocked()
}

// timeLocked is the time that may be signed.
func (a *Authority) timeLocked() (time.Time, error) {
	now := a.c.Clock().UTC().Truncate(time.Millisecond)
	if now.Add(Accuracy).Before(a.latest) {
		return now, fmt.Errorf("%w: it stands at %s, %s was signed already", ErrClockBackwards, now.Format(time.RFC3339), a.latest.Format(time.RFC3339))
	}
	if now.Before(a.latest) {
		now = a.latest // within the accuracy; times never fall
	}
	return now, nil
}

// Stamp makes a token over a SM3 imprint; the time in it is genTime.
func (a *Authority) Stamp(ctx context.Context, imprint [32]byte) (token []byte, genTime time.Time, err error) {
	return a.token(ctx, &Query{Hash: certs.OIDSM3, Imprint: imprint[:], Certificates: true})
}

func (a *Authority) token(ctx context.Context, q *Query) (token []byte, genTime time.Time, err error) {
	by, err := a.signing(ctx)
	if err != nil {
		// A clock that stands before the certificate's beginning is what is wrong then.
		if _, clock := a.time(); clock != nil {
			err = clock
		}
		return nil, time.Time{}, err
	}
	genTime, serial, err := a.tick(by.certificate)
	if err != nil {
		return nil, genTime, err
	}
	info, err := a.info(q, genTime, serial)
	if err != nil {
		return nil, genTime, err
	}
	builder := by.builder
	if !q.Certificates {
		builder = by.bare
	}
	token, err = builder.Build(ctx, info, false)
	return token, genTime, err
}

// info is a TSTInfo (RFC 3161 2.4.2). It claims no ordering: two tokens of one
// millisecond bear one time. It names no tsa: signingCertificateV2, which is signed,
// names the certificate itself.
func (a *Authority) info(q *Query, genTime time.Time, serial *big.Int) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		certs.AddOID(b, certs.OIDTSAPolicy)
		q.addImprint(b)
		b.AddASN1BigInt(serial)
		b.AddASN1(asn1.GeneralizedTime, func(b *cryptobyte.Builder) { b.AddBytes([]byte(generalized(genTime))) })
		b.AddBytes(a.tail)
		if q.Nonce != nil {
			b.AddASN1BigInt(q.Nonce)
		}
	})
	return b.Bytes()
}

// generalized writes the fraction without trailing zeros (RFC 3161 2.4.2).
func generalized(t time.Time) string {
	return t.Format("20060102150405.999999999") + "Z"
}
