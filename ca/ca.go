// Package ca is the certificate authority: it makes the province's own chain,
// issues certificates to agencies, and revokes them.
//
// New opens an Authority over a store and a key store; Init is called before
// anything else: it settles what a killed process left, and makes what is
// missing of the chain and of the certificates of each purpose. Issue, Revoke,
// Hold, Renew and SetProfile are the acts. What is signed goes through ca/lint; the
// faces are ca/crl, ca/ocsp, ca/tsa and ca/est.
package ca

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"yinxin/ca/lint"
	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

var (
	// ErrBadRequest: the certification request is not one, or its proof of
	// possession fails.
	ErrBadRequest = errors.New("the certification request cannot be accepted")
	// ErrRefused: a rule refuses the act.
	ErrRefused = errors.New("refused")
	// ErrLost: the register does not know any more which certificate is current.
	ErrLost = errors.New("the register of certificates is damaged")
	// ErrNotFound: no such certificate.
	ErrNotFound = errors.New("no such certificate")
	// ErrRevoked: it is revoked already, which is never undone.
	ErrRevoked = errors.New("the certificate is revoked already")
	// ErrNotHeld: it is not on hold, so that there is nothing to release.
	ErrNotHeld = errors.New("the certificate is not on hold")
	// ErrKeyTaken: the key has a certificate for something else. A key serves one
	// purpose (protocol.md 1).
	ErrKeyTaken = errors.New("the key serves another purpose already")
	// ErrEnded: what would sign is revoked or not in validity.
	ErrEnded = errors.New("the service cannot sign")
	// ErrSerialTaken: the serial number has been used; the office draws again.
	ErrSerialTaken = errors.New("the serial number has been used")
	// ErrKeyCompromised: a certificate on the key was revoked because somebody else
	// may have it. No certificate stands on it ever again.
	ErrKeyCompromised = errors.New("the key is known to be compromised")
	// ErrTwinned: the signing certificate has an encryption certificate already.
	ErrTwinned = errors.New("the certificate has its encryption certificate already")
	// ErrRetryMismatch: the idempotency key was used for another request.
	ErrRetryMismatch = act.ErrRetryMismatch
)

// Names of acts in the journal.
const (
	ActIssued    = "certificate.issued"
	ActRevoked   = "certificate.revoked"
	ActHeld      = "certificate.held"
	ActReleased  = "certificate.released"
	ActAbandoned = "certificate.abandoned" // signed perhaps, and never handed out
	ActProfile   = "profile.set"

	ActCompromised = "certificates.compromised" // many revoked at once, for one key
)

// Row is a certificate in the register.
type Row struct {
	Serial     string      `cbor:"1,keyasint" json:"serial"` // hex
	Issuer     string      `cbor:"2,keyasint" json:"issuer"` // name of the issuer, such as issuing.2 (Credential.Name); its own purpose for a self-signed one
	Profile    string      `cbor:"3,keyasint" json:"profile"`
	Purpose    Purpose     `cbor:"4,keyasint,omitempty" json:"purpose,omitempty"` // of the office's own keys
	Agency     string      `cbor:"5,keyasint,omitempty" json:"agency,omitempty"`  // USCC
	Subject    string      `cbor:"6,keyasint" json:"subject"`
	NotBefore  time.Time   `cbor:"7,keyasint" json:"notBefore"`
	NotAfter   time.Time   `cbor:"8,keyasint" json:"notAfter"`
	KeyID      string      `cbor:"9,keyasint,omitempty" json:"keyId,omitempty"` // in hsm; empty when the agency holds the key
	DER        []byte      `cbor:"10,keyasint" json:"certificate"`
	IssuedAt   time.Time   `cbor:"11,keyasint" json:"issuedAt"`
	Act        act.ID      `cbor:"12,keyasint" json:"actId"`
	Who        string      `cbor:"13,keyasint" json:"who"`
	Why        string      `cbor:"14,keyasint" json:"why"`
	Revocation *Revocation `cbor:"15,keyasint,omitempty" json:"revocation,omitempty"`
	Twin       string      `cbor:"16,keyasint,omitempty" json:"twin,omitempty"`     // serial of the signing certificate that this encryption certificate goes with (双证书)
	Replaces   string      `cbor:"17,keyasint,omitempty" json:"replaces,omitempty"` // serial of the certificate that this one renews
	// ProfileVersion is which setting of the profile made it; 0 is the program's own.
	ProfileVersion uint32 `cbor:"20,keyasint,omitempty" json:"profileVersion,omitempty"`
}

// Revocation is for ever, but for a hold (Authority.Hold).
type Revocation struct {
	Serial     string    `cbor:"1,keyasint" json:"serial"`
	At         time.Time `cbor:"2,keyasint" json:"at"`
	Reason     int       `cbor:"3,keyasint" json:"reason"` // RFC 5280 5.3.1
	Invalidity time.Time `cbor:"4,keyasint" json:"invalidityDate,omitzero"`
	Who        string    `cbor:"5,keyasint" json:"who"`
	Why        string    `cbor:"6,keyasint" json:"why"`
}

// The states of a certificate.
const (
	StateValid   = "valid"
	StateRevoked = "revoked"
	StateHeld    = "held" // counts as revoked, and may be released
	StateExpired = "expired"
)

// State is the state at a moment. Revoked goes before expired, since it says more.
func (r Row) State(now time.Time) string {
	switch {
	case r.Revocation != nil && r.Revocation.Reason == certs.ReasonCertificateHold:
		return StateHeld
	case r.Revocation != nil:
		return StateRevoked
	case now.After(r.NotAfter):
		return StateExpired
	}
	return StateValid
}

// Intent is what is recorded before a certificate is signed, so that no
// signature can exist of which nothing is known (protocol.md 8).
type Intent struct {
	Serial  string   `cbor:"1,keyasint" json:"serial"`
	Profile string   `cbor:"2,keyasint" json:"profile"`
	Agency  string   `cbor:"3,keyasint,omitempty" json:"agency,omitempty"`
	Subject string   `cbor:"4,keyasint" json:"subject"` // its common name
	KeySM3  [32]byte `cbor:"5,keyasint" json:"-"`       // of the point
	// At is when it was recorded, Abandoned when its certificate was given up.
	At        time.Time `cbor:"6,keyasint" json:"at"`
	TBS       []byte    `cbor:"7,keyasint" json:"-"`
	Abandoned time.Time `cbor:"8,keyasint" json:"abandoned,omitzero"`
}

// Owner is what the key of the intent serves, and nothing else ever.
func (i Intent) Owner() string { return i.Profile + "\x00" + i.Agency + "\x00" + i.Subject }

// Store keeps the register. Every write is durable on return, whole or not at
// all.
type Store interface {
	// PutIntent fails with ErrSerialTaken if the serial has ever been used, with
	// ErrKeyTaken if the key was intended for another owner, with
	// ErrKeyCompromised if a certificate on it was revoked for that.
	PutIntent(ctx context.Context, i Intent) error
	// CommitCertificate replaces the intent by the certificate, with its act. It
	// fails if there is no such intent, or if it was abandoned, with ErrTwinned
	// if another certificate is the row's twin's, and with ErrKeyCompromised if that
	// came to be known since.
	CommitCertificate(ctx context.Context, a act.Act, r Row) error
	// CommitAbandoned keeps the intent as abandoned since the act's time;
	// ErrNotFound if it is not pending.
	CommitAbandoned(ctx context.Context, a act.Act, serial string) error
	// Intents lists those whose certificate never came, pending and abandoned.
	Intents(ctx context.Context) ([]Intent, error)
	Certificate(ctx context.Context, serial string) (Row, error)
	// Revocation gives what revoked a certificate, nil for nothing, without reading
	// the rest of its row; ErrNotFound if it was never issued.
	Revocation(ctx context.Context, serial string) (*Revocation, error)
	// CertificateByAct finds what an act issued.
	CertificateByAct(ctx context.Context, id act.ID) (Row, error)
	// Twin is the encryption certificate that goes with a signing certificate.
	Twin(ctx context.Context, signing string) (Row, error)
	// Certificates lists what the filter matches, in an order that is the same from
	// page to page. A store may stop before f.Limit rows are found; next is the
	// cursor to go on from, "" at the end; ErrNotFound for a cursor that names none.
	// A page costs what its rows cost, not what the register holds, for each of
	// agency, issue, expiry, beginning of the serial, and for the revoked.
	Certificates(ctx context.Context, f Filter, now time.Time) (rows []Row, next string, err error)
	// Expiring counts by profile what is not revoked and ends from a moment on and
	// before another, without reading the certificates.
	Expiring(ctx context.Context, from, before time.Time) (map[string]int, error)
	// Current is the newest certificate of a purpose; ErrNotFound before the first.
	Current(ctx context.Context, p Purpose) (Row, error)
	// History is every certificate that a purpose has had, oldest first.
	History(ctx context.Context, p Purpose) ([]Row, error)
	// CommitRevocation fails with ErrRevoked if the certificate is revoked and r
	// does not make that worse (Revocation.Over).
	CommitRevocation(ctx context.Context, a act.Act, r Revocation) (Row, error)
	// CommitRevocations is CommitRevocation of many in one act. It passes over those
	// that are revoked and not made worse, and fails with ErrRevoked, without a trace,
	// if those are all; changed counts the others.
	CommitRevocations(ctx context.Context, a act.Act, list []Revocation) (changed int, err error)
	// CommitRelease ends a hold; ErrNotHeld if the certificate is not on hold.
	CommitRelease(ctx context.Context, a act.Act, r Revocation) (Row, error)
	// Changes gives the revocations, holds and releases of a certificate, oldest first.
	Changes(ctx context.Context, serial string) ([]Change, error)
	// RevokedCount counts the revocations, holds and releases of an issuer's
	// certificates, so that whoever remembers the count knows whether what he knows is
	// still whole. The scope is an issuer's name, or the name with "-" and a shard.
	RevokedCount(ctx context.Context, scope string) (uint64, error)
	Done(ctx context.Context, slot [32]byte, now time.Time) (act.Done, bool, error)
	ProfileStore
}

// Config of New.
type Config struct {
	Store              Store
	Keys               hsm.Keystore
	Clock              func() time.Time
	Rand               io.Reader
	Region, RegionName string
	BaseURL            string // of the public endpoint, for CRL and issuer addresses
	Demonstration      bool   // its certificates say that they are of no worth
	Log                *slog.Logger
	Gate               Gate // nil: no act waits for a second officer
}

// Authority issues and revokes. Its methods may be called concurrently.
type Authority struct {
	c        Config
	linter   *lint.Linter
	standard map[string]Profile                 // protocol.md 9
	profiles atomic.Pointer[map[string]Profile] // as the operator has set them
	setting  sync.Mutex                         // held while one is set

	renewing sync.Mutex // one renewal at a time: the next generation is counted; guards warned
	warned   time.Time

	mu        sync.Mutex
	recovered bool                                // what an earlier process left was settled
	held      atomic.Pointer[map[held]Credential] // written under mu, read by every stamp
}

// maxBaseURL keeps a certificate small: it holds the address up to five times.
const maxBaseURL = 200

// New checks the configuration.
func New(c Config) (*Authority, error) {
	if c.Store == nil || c.Keys == nil || c.Clock == nil || c.Rand == nil || c.Log == nil {
		return nil, errors.New("ca: incomplete configuration")
	}
	if len(c.Region) != 6 || strings.Trim(c.Region, "0123456789") != "" || !plainName(c.RegionName) {
		return nil, fmt.Errorf("ca: region %q or name %q", c.Region, c.RegionName)
	}
	// The address stands in every certificate for as long as it lives.
	u, err := url.Parse(c.BaseURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil || len(c.BaseURL) > maxBaseURL {
		return nil, fmt.Errorf("ca: %q is no address such as https://seal.example.gov.cn", c.BaseURL)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	profiles, err := standardProfiles(c.Demonstration)
	if err != nil {
		return nil, err
	}
	linter, err := lint.New(c.Rand)
	if err != nil {
		return nil, err
	}
	a := &Authority{c: c, linter: linter, standard: profiles}
	a.profiles.Store(&profiles)
	return a, nil
}

// Shard names the part of an issuer's revocation list that a certificate of ours
// belongs to: the first two digits of its serial number. Serials are random but
// for two bits (newSerial), so that there are 64 shards, 40 to 7f, of one size,
// and a shard is a range of the register.
func Shard(serial string) string { return serial[:2] }

// now in whole seconds, as certificates have it.
func (a *Authority) now() time.Time { return a.c.Clock().UTC().Truncate(time.Second) }
