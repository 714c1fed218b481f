// Package hsm is the room that private keys never leave. A Keystore makes and
// finds keys; a Key signs and decrypts. hsm/softkey keeps keys in encrypted
// files; every back end passes the suite of hsm/hsmtest.
package hsm

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"time"
)

// Usage of a key pair: signing and encryption pairs are apart (双证书).
type Usage string

const (
	UsageSign    Usage = "sign"
	UsageEncrypt Usage = "encrypt"
)

// State of a key. Destroyed is for ever; its id is never used again.
type State string

const (
	Active    State = "active"
	Suspended State = "suspended"
	Destroyed State = "destroyed"
)

// Info is what may be known of a key by anyone.
type Info struct {
	ID      string    `json:"id"`
	Usage   Usage     `json:"usage"`
	State   State     `json:"state"`
	Label   string    `json:"label"`
	Created time.Time `json:"created"`
	Uses    uint64    `json:"uses"` // signatures and decryptions, never too low
}

// Key is one SM2 key pair. Its methods may be called concurrently. They return
// ErrSuspended, ErrDestroyed or ErrWrongUsage where the key may not be used,
// and the context's error if it has ended.
type Key interface {
	Info() Info
	// Public is a point on the SM2 curve.
	Public() *ecdsa.PublicKey
	// SignMessage signs SM3(ZA || message), ZA with the default user id
	// (GM/T 0009-2012 clause 10), and gives DER SEQUENCE{r, s}.
	SignMessage(ctx context.Context, message []byte) ([]byte, error)
	// SignDigest signs e, 32 octets, as it stands.
	SignDigest(ctx context.Context, e []byte) ([]byte, error)
	// Decrypt opens an SM2Cipher (GM/T 0009-2012 clause 7.2, DER).
	Decrypt(ctx context.Context, ciphertext []byte) ([]byte, error)
}

// MaxLabel bounds a label: what a store writes it must be able to read.
const MaxLabel = 256

// Keystore makes keys and finds them again. Its methods may be called
// concurrently.
type Keystore interface {
	// Generate makes a key pair; it is durable when Generate returns. The label
	// is at most MaxLabel octets of UTF-8, else ErrLabel.
	Generate(ctx context.Context, label string, u Usage) (Key, error)
	// Key finds a key by its id, also a suspended or destroyed one.
	Key(ctx context.Context, id string) (Key, error)
	List(ctx context.Context) ([]Info, error)
	// SetState is durable when it returns. Nothing leads out of Destroyed.
	SetState(ctx context.Context, id string, s State) error
	Close() error
}

var (
	ErrNotFound        = errors.New("no such key")
	ErrSuspended       = errors.New("the key is suspended")
	ErrDestroyed       = errors.New("the key is destroyed")
	ErrWrongUsage      = errors.New("the key is not for this use")
	ErrLabel           = errors.New("the label of a key is too long or no text")
	ErrWrongPassphrase = errors.New("the passphrase does not open the keys")
	ErrCorrupt         = errors.New("the key store is damaged")
	ErrWrite           = errors.New("the key store cannot be written")
	ErrInUse           = errors.New("the key store is in use by another process")
)
