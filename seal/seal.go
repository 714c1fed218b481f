// Package seal is the seal office (印章管理): the register of seals, the life of
// each, and the stamping service. NewOffice opens it over a store; Apply, File,
// Freeze, Thaw, Vary, Renew, Cancel and Destroy are the life of a seal, Grant and
// Ungrant say who may stamp with it, AskUse asks a second person for one use;
// StampJSON, StampPDF, StampOFD
// and StampDetached seal documents.
package seal

import (
	"context"
	"errors"
	"time"

	"yinxin/internal/act"
	"yinxin/seal/face"
	"yinxin/verify/status"
)

var (
	ErrNotFound      = errors.New("no such seal or stamp")
	ErrNotInForce    = errors.New("the seal is not in force")
	ErrNoRight       = errors.New("the caller may not use this seal")
	ErrRefused       = errors.New("refused")
	ErrDocument      = errors.New("the document cannot be sealed")
	ErrOrder         = errors.New("the order for the stamp is not understood")
	ErrTooLarge      = errors.New("the document is too large for its format")
	ErrQuota         = errors.New("the seal's quota for today is used up")
	ErrInFlight      = errors.New("a request with this idempotency key is being done")
	ErrRetryMismatch = act.ErrRetryMismatch
	// ErrNotApproved: the grant wants each use approved by a second person, and this
	// one is not, or not any more.
	ErrNotApproved = errors.New("this use of the seal is not approved")
	// ErrNotAgain: the stamp stands in the register, and this program cannot lay out
	// what it covers.
	ErrNotAgain = errors.New("the stamp was made, and its document cannot be laid out again as it was sealed")
	// ErrEvidence: the stamp stands, and what it was ordered with beside it does not yet.
	ErrEvidence = errors.New("the stamp was made, and its evidence could not be collected; the same request under its idempotency key completes it")
	// ErrChanged: the seal, its certificate or the right to use it changed
	// between the signature and the commit; nothing was sealed.
	ErrChanged = errors.New("the seal changed while the document was being sealed; nothing was sealed")
)

// Names of acts in the journal.
const (
	ActMade      = "seal.made"
	ActFrozen    = "seal.frozen"
	ActThawed    = "seal.thawed"
	ActCancelled = "seal.cancelled"
	ActApplied   = "seal.applied"
	ActFiled     = "seal.filed"
	ActVaried    = "seal.changed"
	ActRenewed   = "seal.renewed"
	ActDestroyed = "seal.destroyed"
	ActGranted   = "seal.granted"
	ActUngranted = "seal.ungranted"
	ActPolicy    = "seal.policy"
	ActStamped   = "stamp.made"

	ActUnaccounted = "key.unaccounted" // signatures without act: at most n
)

// Seal is a row of the register (印章).
type Seal struct {
	ID         string            `cbor:"1,keyasint" json:"id"` // 14 digits: region, serial
	Version    uint64            `cbor:"2,keyasint" json:"version"`
	Agency     string            `cbor:"3,keyasint" json:"agency"` // USCC of the owner
	Name       string            `cbor:"4,keyasint" json:"name"`
	State      status.SealState  `cbor:"5,keyasint" json:"state"`
	Intervals  []status.Interval `cbor:"6,keyasint" json:"intervals"` // when it was not in force, for ever
	SM3        [32]byte          `cbor:"7,keyasint" json:"-"`         // of the SESeal's DER
	ValidFrom  time.Time         `cbor:"8,keyasint" json:"validFrom"`
	ValidTo    time.Time         `cbor:"9,keyasint" json:"validTo"`
	KeyID      string            `cbor:"10,keyasint" json:"keyId"`
	CertSerial string            `cbor:"11,keyasint" json:"certificateSerial"`
	WidthMM    int               `cbor:"12,keyasint" json:"widthMm"`
	HeightMM   int               `cbor:"13,keyasint" json:"heightMm"`
	Policy     Policy            `cbor:"14,keyasint" json:"policy"`
	Made       time.Time         `cbor:"15,keyasint" json:"made"`

	Edition     int          `cbor:"16,keyasint,omitempty" json:"edition"` // of its SESeal, from 1
	EditionMade time.Time    `cbor:"17,keyasint,omitzero" json:"editionMade,omitzero"`
	Earlier     []Edition    `cbor:"18,keyasint,omitempty" json:"earlier,omitempty"` // editions that were replaced
	Class       Class        `cbor:"19,keyasint,omitzero" json:"class,omitzero"`
	MustFile    bool         `cbor:"20,keyasint,omitempty" json:"mustFile,omitempty"` // it does not stamp before it is filed
	Filing      *Filing      `cbor:"21,keyasint,omitempty" json:"filing,omitempty"`
	End         *End         `cbor:"22,keyasint,omitempty" json:"end,omitempty"`
	Drawn       bool         `cbor:"24,keyasint,omitempty" json:"drawn,omitempty"` // its picture is ours, not uploaded
	Face        *face.Spec   `cbor:"25,keyasint,omitempty" json:"face,omitempty"`  // as it was described; nil for an upload, or a face with the name alone
	Destroyed   *Destruction `cbor:"23,keyasint,omitempty" json:"destroyed,omitempty"`
}

// Policy says who may stamp with a seal and how.
type Policy struct {
	Agencies []string `cbor:"1,keyasint,omitempty" json:"agencies,omitempty"` // beside the owner
	Matters  []string `cbor:"2,keyasint,omitempty" json:"matters,omitempty"`  // matter codes, none for all
	PerDay   uint64   `cbor:"3,keyasint,omitempty" json:"perDay,omitempty"`   // 0 for no limit

	Grants []Grant `cbor:"4,keyasint,omitempty" json:"grants,omitempty"`
	// Closed: the owner's own may stamp by a grant alone, as anyone else.
	Closed bool `cbor:"5,keyasint,omitempty" json:"closed,omitempty"`
	// Networks (CIDR) from which a bearer key may stamp; none: from anywhere.
	Networks []string `cbor:"6,keyasint,omitempty" json:"networks,omitempty"`
	Last     uint64   `cbor:"7,keyasint,omitempty" json:"-"` // grants that were ever made
}

// Change is a step in a seal's life: the record of its act.
type Change struct {
	Seal Seal      `cbor:"1,keyasint"`
	Who  string    `cbor:"2,keyasint"`
	Why  string    `cbor:"3,keyasint"`
	At   time.Time `cbor:"4,keyasint"`
	// Request and Approved: the request that a second officer approved, and who that
	// was, where one had to.
	Request  string `cbor:"5,keyasint,omitempty"`
	Approved string `cbor:"6,keyasint,omitempty"`
	Grant    *Grant `cbor:"7,keyasint,omitempty"` // that was given or ended
}

// Stamp is an entry of the seal-use register (用印记录). It keeps what a retry
// needs to rebuild the same bytes, never the document (protocol.md 8).
type Stamp struct {
	ID          act.ID    `cbor:"1,keyasint" json:"stampId"`
	SealID      string    `cbor:"2,keyasint" json:"sealId"`
	SealVersion uint64    `cbor:"3,keyasint" json:"sealVersion"`
	SealSM3     [32]byte  `cbor:"4,keyasint" json:"-"`
	Agency      string    `cbor:"5,keyasint" json:"agency"` // that asked
	Operator    string    `cbor:"6,keyasint" json:"operator"`
	Matter      string    `cbor:"7,keyasint,omitempty" json:"matterCode,omitempty"`
	Reason      string    `cbor:"8,keyasint,omitempty" json:"reason,omitempty"`
	Format      string    `cbor:"9,keyasint" json:"format"`
	SealedAt    time.Time `cbor:"10,keyasint" json:"sealedAt"`
	Claimed     time.Time `cbor:"11,keyasint" json:"-"` // timeInfo
	DataHash    [32]byte  `cbor:"12,keyasint" json:"-"`
	Code        string    `cbor:"13,keyasint" json:"verificationCode"`
	Expected    int       `cbor:"14,keyasint,omitempty" json:"expectedSeals,omitempty"`
	Placement   *Place    `cbor:"15,keyasint,omitempty" json:"placement,omitempty"`
	Stripped    []byte    `cbor:"16,keyasint" json:"-"` // the stamp without its seal, and TokenCerts
	Pages       int       `cbor:"17,keyasint,omitempty" json:"pageCount,omitempty"`
	Key         string    `cbor:"18,keyasint,omitempty" json:"credential,omitempty"` // id of the bearer key
	TokenCerts  [32]byte  `cbor:"20,keyasint" json:"-"`                              // SM3 of the certificates in its token, zero if they stand in Stripped
	Approval    string    `cbor:"19,keyasint,omitempty" json:"approvalId,omitempty"` // 审批编号, as the agency names it
	Order       *Order    `cbor:"21,keyasint,omitempty" json:"order,omitempty"`      // nil for the ordinary stamp
	Job         string    `cbor:"40,keyasint,omitempty" json:"jobId,omitempty"`      // the batch that it was made in
	Companion   []byte    `cbor:"50,keyasint,omitempty" json:"-"`                    // the SignedData that readers abroad know
	Spots       []Spot    `cbor:"22,keyasint,omitempty" json:"spots,omitempty"`      // what a keyword or riding order came to
	With        []act.ID  `cbor:"23,keyasint,omitempty" json:"with,omitempty"`       // the other stamps of the same request, of which this is the first
	Base        string    `cbor:"24,keyasint,omitempty" json:"-"`                    // the address that its printed code names
	Grant       string    `cbor:"30,keyasint,omitempty" json:"grantId,omitempty"`    // by which it was made; "" for the owner's own right

	// Distrusted is the end of the seal as of a time before this stamp, as far as is
	// known today: of a compromise since T, all that was stamped after it.
	Distrusted *status.Interval `cbor:"-" json:"distrusted,omitempty"`
}

// Filter of the register; what is empty lets everything through. Agency finds what
// an agency asked for and what others sealed with its seals. Key is the id of a
// bearer key. Cursor is what the list before gave as next.
type Filter struct {
	SealID, Agency, Operator, Matter string
	Format, Key                      string
	From, To                         time.Time
	Cursor                           string
	Limit                            int
}

// Tally is what the acts say that a key has signed.
type Tally struct {
	Stamps, Requests, Unaccounted uint64
}

// Guard is what must still hold inside the transaction that commits a stamp.
type Guard struct {
	SealID      string
	SealVersion uint64
	KeyID       string // the key that signed, whose use the stamp accounts for
	CertSerial  string
	PerDay      uint64
	Day         string // the quota's, 2006-01-02
	Agency      string // the caller's, which must not have been closed
	Key         string // the caller's bearer key, which must be in force; "" for none

	Grant       string // of which GrantPerDay is the quota; "" for none
	GrantPerDay uint64
	Use         *act.ID // the approval of this use, which it uses up
	Input       [32]byte
	Matter      string
	Operator    string // who stamps, who is not to be the second person
}

// SealFilter of a list of seals; Cursor is what the list before gave as next.
type SealFilter struct {
	Agency string
	State  status.SealState
	Kind   Kind
	Cursor string
	Limit  int
}

// Wants tells whether a list shows the seal.
func (f SealFilter) Wants(s Seal) bool {
	return (f.Agency == "" || s.Agency == f.Agency) && (f.State == "" || s.State == f.State) && (f.Kind == "" || s.Class.kind() == f.Kind)
}

// Store keeps the register. Every write is durable on return, whole or not at
// all; nothing is ever deleted.
type Store interface {
	// NextSeal allots the next serial of a region whose seal code (region and eight
	// digits) no seal and no request has.
	NextSeal(ctx context.Context, region string) (uint64, error)
	// CommitSeal keeps a new version of a seal, if the present one is of version
	// before (0: there is none), with its SESeal if der is not nil; else it fails
	// with ErrChanged.
	CommitSeal(ctx context.Context, a act.Act, s Seal, before uint64, der []byte) error
	Seal(ctx context.Context, id string) (Seal, error)
	// Seals are in the order of their ids. A store may stop before f.Limit rows are
	// found; next is the cursor to go on from, "" at the end of the register.
	Seals(ctx context.Context, f SealFilter) (rows []Seal, next string, err error)
	// SealByCertificate gives the seal that has, or had, this signer's certificate.
	SealByCertificate(ctx context.Context, serial string) (Seal, error)
	// History gives the steps of a seal's life in the order of the journal.
	History(ctx context.Context, id string) ([]Step, error)
	// CommitApplied keeps an application for a seal, before the seal is made.
	CommitApplied(ctx context.Context, a act.Act) error
	// Applied gives what an act of application asked for, ErrNotFound if it is none.
	Applied(ctx context.Context, id act.ID) (AskedMake, error)
	// Use gives an approval of one use of a seal, decided or not.
	Use(ctx context.Context, id act.ID) (Use, error)
	// CommitRequest keeps a request to an outside authority, and that its key serves
	// this seal alone; ErrTaken if a seal or a request has its code, or another use
	// its key; ErrManyPending if the agency has MaxPending pending. Its signature is
	// accounted for.
	CommitRequest(ctx context.Context, a act.Act, r Request) error
	// CommitImported keeps certificate, seal and the new version of the request;
	// ErrChanged if that is not the next one, ErrTaken if the certificate or the seal
	// is there.
	CommitImported(ctx context.Context, i Imported) error
	// CommitRecall keeps the new version of a request that is withdrawn; ErrChanged if
	// that is not the next one.
	CommitRecall(ctx context.Context, a act.Act, r Request) error
	Request(ctx context.Context, id string) (Request, error)
	// RequestByAct finds what an act asked for.
	RequestByAct(ctx context.Context, id act.ID) (Request, error)
	// Requests are in the order of their ids, of one agency or of all for ""; as of
	// Seals, next is the cursor to go on from.
	Requests(ctx context.Context, agency, cursor string, limit int) (rows []Request, next string, err error)
	// KeepPart keeps what stands in many stamps, under its SM3; again is nothing.
	KeepPart(ctx context.Context, part []byte) error
	// SealDER gives a SESeal, or what KeepPart kept, by its SM3.
	SealDER(ctx context.Context, sm3 [32]byte) ([]byte, error)
	// SealBySM3 gives the seal whose SESeal it is, or was.
	SealBySM3(ctx context.Context, sm3 [32]byte) (Seal, error)
	// Ended lists the seals of which Listed is true, and the count of changes so far.
	Ended(ctx context.Context) ([]Seal, uint64, error)
	// NextListNumber only rises.
	NextListNumber(ctx context.Context) (uint64, error)
	// CertificateRevoked tells whether a certificate of the register is revoked.
	CertificateRevoked(ctx context.Context, serial string) (bool, error)
	// StampedOn counts a seal's stamps on a day, of those under a quota; with a grant
	// named, those by it that are under the grant's quota.
	StampedOn(ctx context.Context, sealID, grant, day string) (uint64, error)
	// Accounted counts the uses of a key that are told for: the stamps that it
	// signed, and its signatures without act.
	Accounted(ctx context.Context, keyID string) (uint64, error)
	// Tally counts anew, from the acts, what each key has signed.
	Tally(ctx context.Context) (map[string]Tally, error)
	// CommitUnaccounted keeps the act that tells of n signatures without act
	// (protocol.md 8); from then on they are accounted for.
	CommitUnaccounted(ctx context.Context, a act.Act, keyID string, n uint64) error
	// CommitStamp fails with ErrChanged if what the guard names does not hold any
	// more, with ErrQuota, with ErrNotApproved if the use is not approved or is used
	// up, or with act.ErrRetryTaken, without a trace. An approval is used up by it.
	CommitStamp(ctx context.Context, a act.Act, s Stamp, g Guard) error
	// CommitStamps keeps several stamps, all or none, each under its guard as if those
	// before it were made: it fails as CommitStamp does.
	CommitStamps(ctx context.Context, all []Commit) error
	Stamp(ctx context.Context, id act.ID) (Stamp, error)
	StampByCode(ctx context.Context, code string) (Stamp, error)
	// Stamps lists in the order of time. A store may stop before f.Limit rows are
	// found; next is the cursor to go on from, "" at the end of the register.
	Stamps(ctx context.Context, f Filter) (rows []Stamp, next string, err error)
	Done(ctx context.Context, slot [32]byte, now time.Time) (act.Done, bool, error)

	incrementStore
}
