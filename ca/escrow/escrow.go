// Package escrow is the key centre (密钥管理中心): it makes the encryption key pairs
// of agencies, keeps them, and hands them out.
//
// A dual certificate (双证书) is two: the signing key stays with the agency, the
// encryption pair is made here, inside hsm, where it stays. Issue issues both
// certificates and delivers the pair enveloped to the agency's signing key, as a
// CSRResponse (GM/T 0092-2020). AskRecovery asks for a key that an agency lost,
// or that a court wants: two different officers, always (ca/approval).
//
// A pair begins as a record of its own, before either certificate, so that none
// of its halves is ever unknown; Init completes what an earlier process left.
package escrow

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"yinxin/ca"
	"yinxin/ca/approval"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// Names of acts in the journal.
const (
	ActBegun     = "pair.begun"
	ActDelivered = "pair.delivered"
	ActAbandoned = "pair.abandoned"
	ActRecovered = "key.recovered"
)

// KindRecover is the kind of request for an escrowed key.
const KindRecover = "escrow:recover"

var (
	// ErrNotFound: no such pair, or no key of that certificate is kept here.
	ErrNotFound = errors.New("the key centre has no such key")
	// ErrSettled: the pair was delivered or abandoned before.
	ErrSettled = errors.New("the pair is settled already")
	// ErrRecovered: the request was carried out before.
	ErrRecovered = errors.New("the key was handed out on this request already")
	// ErrRefused: a rule refuses it.
	ErrRefused = errors.New("refused")
)

// State of a pair.
type State string

// The states. Delivered and abandoned are for ever.
const (
	StateBegun     State = "begun"
	StateDelivered State = "delivered"
	StateAbandoned State = "abandoned"
)

// Pair is a signing and an encryption certificate of one subject. Its id is that
// of the act that began it.
type Pair struct {
	ID         act.ID    `cbor:"1,keyasint" json:"id"`
	Agency     string    `cbor:"2,keyasint" json:"agency"`
	AgencyName string    `cbor:"3,keyasint" json:"agencyName"`
	Profile    string    `cbor:"4,keyasint" json:"profile"` // of the signing certificate
	CommonName string    `cbor:"5,keyasint" json:"commonName"`
	CSR        []byte    `cbor:"6,keyasint" json:"-"`
	Who        string    `cbor:"7,keyasint" json:"who"`
	Why        string    `cbor:"8,keyasint" json:"why"`
	KeyID      string    `cbor:"9,keyasint" json:"keyId"` // of the encryption pair, in hsm
	Begun      time.Time `cbor:"10,keyasint" json:"begun"`
	State      State     `cbor:"11,keyasint" json:"state"`
	Delivery   Delivery  `cbor:"12,keyasint" json:"delivery,omitzero"`
	Failure    string    `cbor:"13,keyasint,omitempty" json:"failure,omitempty"` // why it was abandoned
	Settled    time.Time `cbor:"14,keyasint" json:"settled,omitzero"`
	Replaces   string    `cbor:"15,keyasint,omitempty" json:"replaces,omitempty"` // serial of the signing certificate that this pair's renews
}

// Delivery is what the agency got. The envelope in the response is drawn anew
// each time it is made, so the response is kept: a retry gets the same octets.
type Delivery struct {
	Signing    string `cbor:"1,keyasint" json:"signing"`    // serial number
	Encryption string `cbor:"2,keyasint" json:"encryption"` // serial number
	Response   []byte `cbor:"3,keyasint" json:"response"`   // CSRResponse, DER
}

// Recovery is a key that was handed out. Its id is that of the request on which
// two officers agreed.
type Recovery struct {
	ID        act.ID    `cbor:"1,keyasint" json:"id"`
	Serial    string    `cbor:"2,keyasint" json:"serial"` // of the encryption certificate
	Agency    string    `cbor:"3,keyasint" json:"agency"`
	KeyID     string    `cbor:"4,keyasint" json:"keyId"`
	Recipient []byte    `cbor:"5,keyasint" json:"recipient"` // point that it was enveloped to
	Envelope  []byte    `cbor:"6,keyasint" json:"envelope"`  // SM2EnvelopedKey, DER
	Asked     string    `cbor:"7,keyasint" json:"askedBy"`
	Approved  string    `cbor:"8,keyasint" json:"approvedBy"`
	Why       string    `cbor:"9,keyasint" json:"why"`
	Case      string    `cbor:"10,keyasint,omitempty" json:"case,omitempty"`
	At        time.Time `cbor:"11,keyasint" json:"at"`
}

// Filter of a list of pairs; Cursor is the id of the last pair seen.
type Filter struct {
	Agency string
	State  State
	Cursor string
	Limit  int
}

// Store keeps pairs and recoveries. Every write is durable on return, whole or
// not at all.
type Store interface {
	// CommitBegun keeps a pair under the id of its act; act.ErrRetryTaken.
	CommitBegun(ctx context.Context, a act.Act, p Pair) error
	// CommitSettled makes a begun pair what it is given as, and fails with
	// ErrSettled, and the pair as it stands, if it is not begun any more.
	CommitSettled(ctx context.Context, a act.Act, p Pair) (Pair, error)
	Pair(ctx context.Context, id act.ID) (Pair, error)
	// PairOf finds a delivered pair by the serial of either certificate.
	PairOf(ctx context.Context, serial string) (Pair, error)
	// Pairs are in the order in which they were begun; next is the cursor to go on
	// from.
	Pairs(ctx context.Context, f Filter) (out []Pair, next string, err error)
	// Unsettled are the pairs that are begun and nothing else yet.
	Unsettled(ctx context.Context) ([]Pair, error)
	// CommitRecovered fails with ErrRecovered if there is a recovery of that id.
	CommitRecovered(ctx context.Context, a act.Act, r Recovery) error
	Recovery(ctx context.Context, id act.ID) (Recovery, error)
	// Recoveries are those of a certificate, in the order of asking.
	Recoveries(ctx context.Context, serial string) ([]Recovery, error)
	Done(ctx context.Context, slot [32]byte, now time.Time) (act.Done, bool, error)
}

// Authority issues both certificates: ca.Authority.
type Authority interface {
	Admit(ctx context.Context, r ca.IssueRequest) (ref string, err error)
	Issue(ctx context.Context, r ca.IssueRequest) (ca.Row, error)
	IssueTwin(ctx context.Context, r ca.TwinRequest) (ca.Row, error)
	Certificate(ctx context.Context, serial string) (ca.Row, error)
}

// Keystore makes the pairs and can hand them out.
type Keystore interface {
	hsm.Keystore
	hsm.Enveloper
}

// Gate is where two officers agree: approval.Office.
type Gate interface {
	// Ask keeps a request for the second officer, or gives the one that was kept
	// under the same idempotency key.
	Ask(ctx context.Context, a act.Asked) (approval.Request, error)
}

// Config of New.
type Config struct {
	Store Store
	CA    Authority
	Keys  Keystore
	Gate  Gate
	Clock func() time.Time
	Rand  io.Reader
	Log   *slog.Logger
}

// Office is the key centre. Its methods may be called concurrently.
type Office struct{ c Config }

// New checks the configuration.
func New(c Config) (*Office, error) {
	if c.Store == nil || c.CA == nil || c.Keys == nil || c.Gate == nil || c.Clock == nil || c.Rand == nil || c.Log == nil {
		return nil, errors.New("escrow: incomplete configuration")
	}
	return &Office{c}, nil
}

func (o *Office) now() time.Time { return o.c.Clock().UTC().Truncate(time.Second) }
