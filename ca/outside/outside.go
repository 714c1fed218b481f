// Package outside is for the authorities that are not ours and may issue the
// certificates of our seals: the State wants e-government certificates from licensed
// ones (国办发〔2025〕33号).
//
// Add enters an authority, which the region's trust list then names beside our own;
// Withdraw and Distrust end it there, and nothing brings it back. Request asks for a
// seal's certificate, and Admit checks the one that came.
package outside

import (
	"context"
	"errors"
	"io"
	"time"

	"yinxin/ca"
	"yinxin/certs"
	"yinxin/internal/act"
)

var (
	// ErrNotFound: no such authority.
	ErrNotFound = errors.New("no such outside authority")
	// ErrRefused: a rule refuses the act.
	ErrRefused = errors.New("refused")
	// ErrChanged: the authority changed meanwhile.
	ErrChanged = errors.New("the outside authority changed meanwhile; nothing was done")
	// ErrBadCertificate: what was given is no certificate.
	ErrBadCertificate = errors.New("the certificate cannot be read")
)

// Names of acts in the journal.
const (
	ActAdded      = "outside.added"
	ActWithdrawn  = "outside.withdrawn"
	ActDistrusted = "outside.distrusted"
	ActImported   = "certificate.imported"
)

// Limits: the region's list names every authority, for ever.
const (
	maxAuthorities = 64
	maxAddresses   = 4
	maxAddress     = 200
	maxSubjects    = 100 // organisations that an authority is limited to
	maxText        = 200
	maxGrounds     = 1000
)

// Authority is an outside authority. Entries are never removed.
type Authority struct {
	ID            string   `cbor:"1,keyasint" json:"id"` // the first half of SM3 of its certificate, hex
	Name          string   `cbor:"2,keyasint" json:"name"`
	Certificate   []byte   `cbor:"3,keyasint" json:"certificate"`
	Addresses     []string `cbor:"4,keyasint,omitempty" json:"addresses,omitempty"`     // of its CRL and OCSP
	Organisations []string `cbor:"5,keyasint,omitempty" json:"organisations,omitempty"` // USCCs that it may speak for, none for all
	History       []Change `cbor:"6,keyasint" json:"history"`
}

// Change is a state since a moment, and who said so.
type Change struct {
	State certs.ServiceState `cbor:"1,keyasint" json:"state"`
	Since time.Time          `cbor:"2,keyasint" json:"since"`
	At    time.Time          `cbor:"3,keyasint" json:"at"`
	Who   string             `cbor:"4,keyasint" json:"who"`
	Why   string             `cbor:"5,keyasint" json:"why"`
}

// State is the present one.
func (a Authority) State() certs.ServiceState { return a.History[len(a.History)-1].State }

// Service is what the region's list says of the authority (protocol.md 3).
func (a Authority) Service(region string) certs.RegionService {
	s := certs.RegionService{Type: certs.ServiceAgencyCA, Name: a.Name, Certificate: a.Certificate, Addresses: a.Addresses,
		Organisations: a.Organisations, Prefixes: []string{region[:2]}}
	for _, h := range a.History {
		s.History = append(s.History, certs.ServiceStatus{State: h.State, Since: h.Since})
	}
	return s
}

// Store keeps the authorities. Every write is durable on return, whole or not at all.
type Store interface {
	// CommitAuthority keeps a new version of an authority, if the present one has so
	// many entries of history (0: there is none); else it fails with ErrChanged.
	CommitAuthority(ctx context.Context, a act.Act, next Authority, before int) error
	Authority(ctx context.Context, id string) (Authority, error)
	// Authorities are in the order of their ids.
	Authorities(ctx context.Context) ([]Authority, error)
}

// Config of New. Trust gives what the region trusts now.
type Config struct {
	Store  Store
	CA     *ca.Authority
	Trust  func(ctx context.Context) (*certs.Trust, error)
	Clock  func() time.Time
	Rand   io.Reader
	Region string
}

// Office keeps the outside authorities. Its methods may be called concurrently.
type Office struct{ c Config }

// New checks the configuration.
func New(c Config) (*Office, error) {
	if c.Store == nil || c.CA == nil || c.Trust == nil || c.Clock == nil || c.Rand == nil || len(c.Region) != 6 {
		return nil, errors.New("outside: incomplete configuration")
	}
	return &Office{c}, nil
}

// Authorities lists them.
func (o *Office) Authorities(ctx context.Context) ([]Authority, error) {
	return o.c.Store.Authorities(ctx)
}

func (o *Office) now() time.Time { return o.c.Clock().UTC().Truncate(time.Second) }
