// Package companion is the authority whose signatures readers abroad know (P-256,
// ECDSA with SHA-256): a root of its own and one certificate below it, with which the
// province signs a sealed document once more, for programs that know no SM2. It says
// nothing that a seal does not say better, and makes nothing valid (interface.md).
//
// New opens it over a store and a key store; Sign makes a signature, and what is
// missing of the certificates before it; Root is what a trust list names.
package companion

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

var (
	// ErrNotFound: no such intent, or it was given up.
	ErrNotFound = errors.New("no such certificate of the companion authority")
	// ErrSerialTaken: the serial number has been used; the authority draws again.
	ErrSerialTaken = errors.New("the serial number has been used")
	// ErrDraft: a certificate that was to be signed breaks a rule.
	ErrDraft = errors.New("the draft of a companion certificate breaks a rule")
)

// Names of acts in the journal.
const (
	ActIssued    = "companion.issued"
	ActAbandoned = "companion.abandoned" // signed perhaps, and never handed out
)

// Role of a certificate.
type Role string

const (
	Root   Role = "root"
	Signer Role = "signer"
)

// Row is a certificate in the register.
type Row struct {
	Serial    string    `cbor:"1,keyasint" json:"serial"` // hex
	Role      Role      `cbor:"2,keyasint" json:"role"`
	Issuer    string    `cbor:"3,keyasint" json:"issuer"` // serial of the root's
	KeyID     string    `cbor:"4,keyasint" json:"keyId"`
	NotBefore time.Time `cbor:"5,keyasint" json:"notBefore"`
	NotAfter  time.Time `cbor:"6,keyasint" json:"notAfter"`
	DER       []byte    `cbor:"7,keyasint" json:"certificate"`
	Act       act.ID    `cbor:"8,keyasint" json:"actId"`
}

// Intent is what is recorded before a certificate is signed, so that no signature can
// exist of which nothing is known (protocol.md 8).
type Intent struct {
	Serial    string    `cbor:"1,keyasint" json:"serial"`
	Role      Role      `cbor:"2,keyasint" json:"role"`
	KeyID     string    `cbor:"3,keyasint" json:"keyId"`
	TBS       []byte    `cbor:"4,keyasint" json:"-"`
	At        time.Time `cbor:"5,keyasint" json:"at"`
	Abandoned time.Time `cbor:"6,keyasint" json:"abandoned,omitzero"`
}

// Store keeps the register. Every write is durable on return, whole or not at all;
// nothing is ever deleted but an intent whose certificate came.
type Store interface {
	// PutIntent fails with ErrSerialTaken if the serial has ever been used.
	PutIntent(ctx context.Context, i Intent) error
	// CommitCertificate replaces the intent by the certificate, with its act;
	// ErrNotFound if there is none, or if it was abandoned.
	CommitCertificate(ctx context.Context, a act.Act, r Row) error
	// CommitAbandoned keeps the intent as abandoned; ErrNotFound if it is not pending.
	CommitAbandoned(ctx context.Context, a act.Act, i Intent) error
	// Intents lists those whose certificate never came, pending and abandoned.
	Intents(ctx context.Context) ([]Intent, error)
	// Certificates are in the order of their acts.
	Certificates(ctx context.Context) ([]Row, error)
}

// Config of New.
type Config struct {
	Store              Store
	Keys               hsm.CompanionStore
	Clock              func() time.Time
	Rand               io.Reader
	Region, RegionName string
	Demonstration      bool // its certificates say that they are of no worth
}

// Authority signs. Its methods may be called concurrently.
type Authority struct {
	c Config

	mu      sync.Mutex
	settled bool // what an earlier process left was given up
	signer  *credential
}

// credential is a key with its certificate and the root above it.
type credential struct {
	key     hsm.CompanionKey
	cert    *certs.Certificate
	builder *certs.SignedDataBuilder
}

// New checks the configuration.
func New(c Config) (*Authority, error) {
	if c.Store == nil || c.Keys == nil || c.Clock == nil || c.Rand == nil || len(c.Region) != 6 || c.RegionName == "" {
		return nil, errors.New("companion: incomplete configuration")
	}
	return &Authority{c: c}, nil
}

// Root gives every root that there has been, oldest first.
func (a *Authority) Root(ctx context.Context) (out []Row, err error) {
	all, err := a.c.Store.Certificates(ctx)
	for _, r := range all {
		if r.Role == Root {
			out = append(out, r)
		}
	}
	return out, err
}

// List gives all certificates, oldest first.
func (a *Authority) List(ctx context.Context) ([]Row, error) { return a.c.Store.Certificates(ctx) }

// MaxSignature bounds what Sign gives: two certificates, attributes and a signature.
const MaxSignature = 4 << 10

// Sign makes a detached SignedData (RFC 5652) over a content of this SHA-256, with the
// attributes that PAdES wants (ETSI EN 319 142-1 6.3): no signing-time among them.
func (a *Authority) Sign(ctx context.Context, digest [32]byte) ([]byte, error) {
	c, err := a.current(ctx)
	if err != nil {
		return nil, err
	}
	attributes, err := c.builder.Attributes(digest)
	if err != nil {
		return nil, err
	}
	h, err := c.builder.Hash()
	if err != nil {
		return nil, err
	}
	h.Write(attributes)
	signature, err := c.key.SignDigest(ctx, h.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("companion: %w", err)
	}
	der, err := c.builder.Assemble(nil, attributes, signature)
	if err == nil && len(der) > MaxSignature {
		err = fmt.Errorf("companion: a signature of %d octets", len(der))
	}
	return der, err
}
