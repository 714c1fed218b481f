package license

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/internal/act"
	"yinxin/license/identifier"
	"yinxin/license/metadata"
	"yinxin/license/qr"
	"yinxin/seal"
	"yinxin/verify/status"
)

// Sealer seals a licence's document as part of the act that issues it;
// seal.Office is one.
type Sealer interface {
	JoinJSON(ctx context.Context, r seal.StampRequest, doc []byte, join func(ctx context.Context, c seal.Commit, sealed []byte) error) (seal.Stamped, error)
}

// Config of NewOffice.
type Config struct {
	Store  Store
	Seals  Sealer
	Status seal.Signing // signs licence-status and status-list
	QR     seal.Signing // signs the tokens of QR codes, and nothing else
	Clock  func() time.Time
	Rand   io.Reader
	Region string // GB/T 2260
	URL    string // of the public endpoint, for QR codes
}

// Office is the licence office. Its methods may be called concurrently.
type Office struct {
	c Config

	mu    sync.Mutex
	lists map[uint32]list
}

// NewOffice checks the configuration.
func NewOffice(c Config) (*Office, error) {
	if c.Store == nil || c.Seals == nil || c.Clock == nil || c.Rand == nil || c.Status == nil || c.QR == nil ||
		len(c.Region) != 6 || !strings.HasPrefix(c.URL, "http") {
		return nil, errors.New("license: incomplete configuration")
	}
	return &Office{c: c, lists: map[uint32]list{}}, nil
}

func (o *Office) now() time.Time { return o.c.Clock().UTC().Truncate(time.Second) }

const (
	maxText    = 200
	maxReason  = 500
	drawAgain  = 4  // times that an identifier or position is drawn before something is held to be broken
	serialSize = 20 // protocol.md 8: random, and says nothing of the holder
)

func plain(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= least && n <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrRefused, fmt.Sprintf(format, args...))
}

// Define enters a licence type (证照目录). The code begins with the USCC of the
// organ that defines it.
func (o *Office) Define(ctx context.Context, code, name, who string) (Type, error) {
	switch {
	case len(code) != 21 || strings.Trim(code, identifier.Alphabet) != "" || !certs.USCCValid(code[:18]):
		return Type{}, refuse("%q is no type code: the USCC of the defining organ and three characters", code)
	case !plain(name, 1, maxText) || !plain(who, 1, maxText):
		return Type{}, refuse("the type's name, or who defines it")
	}
	t := Type{Code: code, Name: name, Defined: o.now(), Who: who}
	a, err := act.New(o.c.Clock(), o.c.Rand, ActDefined, code, t)
	if err != nil {
		return Type{}, err
	}
	return t, o.c.Store.CommitType(ctx, a, t)
}

// Types lists the licence types.
func (o *Office) Types(ctx context.Context) ([]Type, error) { return o.c.Store.Types(ctx) }

// IssueRequest asks for a licence (制发). Agency is the issuing authority; the
// seal is one that it may use.
type IssueRequest struct {
	Type       string
	SealID     string
	Agency     string
	AgencyName string
	Key        string     // id of the credential
	Officer    string     // the person whose own key it is; "" for a program's
	Peer       netip.Addr // whence it came
	Number     string     // 证照编号, as the authority numbers its licences
	Holder     string
	HolderCode string
	HolderType string
	From, To   string // 2006-01-02; To may be empty
	Extensions map[string]string
	Matter     string
	Operator   string
	Reason     string
	Retry      *act.Retry
}

// Issued is a licence with its sealed document.
type Issued struct {
	Licence
	Document []byte
}

// Issue issues a licence: identifier, position in the status list, document, seal
// and register entry, committed in one act. A retry gives the same bytes again.
func (o *Office) Issue(ctx context.Context, r IssueRequest) (Issued, error) {
	if first, found, err := o.retried(ctx, r.Retry); found || err != nil {
		return first, err
	}
	if !plain(r.Operator, 1, maxText) || !plain(r.Reason, 0, maxReason) {
		return Issued{}, refuse("who issues it must be said, and why in at most %d characters", maxReason)
	}
	t, err := o.c.Store.Type(ctx, r.Type)
	if err != nil {
		return Issued{}, err
	}
	var out Issued
	for range drawAgain {
		out, err = o.issue(ctx, r, t)
		if !errors.Is(err, ErrTaken) {
			break
		}
	}
	if err != nil {
		// Another call with the same idempotency key may have come first.
		if first, found, _ := o.retried(ctx, r.Retry); found {
			return first, nil
		}
	}
	return out, err
}

func (o *Office) retried(ctx context.Context, r *act.Retry) (Issued, bool, error) {
	if r == nil {
		return Issued{}, false, nil
	}
	done, found, err := o.c.Store.Done(ctx, r.Slot(), o.c.Clock())
	switch {
	case err != nil || !found:
		return Issued{}, false, err
	case done.Request != r.Request:
		return Issued{}, false, ErrRetryMismatch
	}
	l, err := o.c.Store.ByAct(ctx, done.Act)
	if errors.Is(err, ErrNotFound) {
		return Issued{}, false, ErrRetryMismatch // the key was used for another kind of act
	}
	if err != nil {
		return Issued{}, false, err
	}
	doc, err := o.c.Store.Document(ctx, l.Identifier)
	return Issued{l, doc}, err == nil, err
}

func (o *Office) issue(ctx context.Context, r IssueRequest, t Type) (Issued, error) {
	d, err := o.draft(ctx, r, t)
	if err != nil {
		return Issued{}, err
	}
	text, err := d.Encode()
	if err != nil {
		return Issued{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	now := o.now()
	l := Licence{Identifier: d.Licence.Identifier, Version: 1, Type: t.Code, Name: t.Name, Number: r.Number, Agency: r.Agency, AgencyName: r.AgencyName,
		Holder: d.Licence.Masked(), Issued: d.Licence.Issued, From: r.From, To: r.To, State: status.LicenceValid, StateSince: now,
		Shard: d.Status.Shard, Position: d.Status.Position, Made: now}
	var document []byte
	_, err = o.c.Seals.JoinJSON(ctx, seal.StampRequest{SealID: r.SealID, Agency: r.Agency, Key: r.Key, Officer: r.Officer, From: r.Peer, Operator: r.Operator, Matter: r.Matter, Reason: r.Reason}, text,
		func(ctx context.Context, c seal.Commit, sealed []byte) error {
			l.Code, l.Stamp, l.SM3, document = c.Stamp.Code, c.Stamp.ID, sm3.Sum(sealed), sealed
			a, err := act.New(o.c.Clock(), o.c.Rand, ActIssued, l.Identifier, Change{l, r.Operator, r.Reason, now})
			if err != nil {
				return err
			}
			a.Retry = r.Retry
			return o.c.Store.CommitIssue(ctx, a, l, sealed, c)
		})
	if err != nil {
		return Issued{}, err
	}
	return Issued{l, document}, nil
}

// draft lays out the document with a fresh identifier and position.
func (o *Office) draft(ctx context.Context, r IssueRequest, t Type) (d metadata.Document, err error) {
	serial, err := o.serial()
	if err != nil {
		return d, err
	}
	id, err := identifier.New(t.Code, r.Agency, serial, "001")
	if err != nil {
		return d, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	shard, err := o.c.Store.OpenShard(ctx)
	if err != nil {
		return d, err
	}
	var at [4]byte
	if _, err := io.ReadFull(o.c.Rand, at[:]); err != nil {
		return d, err
	}
	d.Status = metadata.Place{Region: o.c.Region, Shard: shard, Position: binary.BigEndian.Uint32(at[:]) % status.ShardSize}
	d.Licence = metadata.Licence{Identifier: id.String(), Name: t.Name, Number: r.Number, TypeCode: t.Code, Authority: r.AgencyName, AuthorityCode: r.Agency,
		Issued: metadata.Day(o.c.Clock()), Holder: r.Holder, HolderCode: r.HolderCode, HolderType: r.HolderType, From: r.From, To: r.To, Extensions: r.Extensions}
	if err := d.HolderFits(); err != nil {
		return d, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return d, nil
}

// serial draws 20 of [0-9A-Z]; octets beyond the largest multiple of 36 are drawn
// again, so that no character is likelier than another.
func (o *Office) serial() (string, error) {
	out := make([]byte, 0, serialSize)
	var b [32]byte
	for len(out) < serialSize {
		if _, err := io.ReadFull(o.c.Rand, b[:]); err != nil {
			return "", fmt.Errorf("serial of a licence: %w", err)
		}
		for _, v := range b {
			if v < 252 && len(out) < serialSize {
				out = append(out, identifier.Alphabet[v%36])
			}
		}
	}
	return string(out), nil
}

// ChangeRequest suspends, resumes or revokes a licence. Agency is the caller's.
type ChangeRequest struct {
	Identifier string
	Agency     string // "" for the operator
	Who, Why   string
}

func (o *Office) change(ctx context.Context, r ChangeRequest, name string, to status.LicenceState, from ...status.LicenceState) (Licence, error) {
	if !plain(r.Who, 1, maxText) || !plain(r.Why, 1, maxReason) {
		return Licence{}, refuse("who asks and why must be said")
	}
	l, err := o.c.Store.Licence(ctx, r.Identifier)
	if err != nil {
		return Licence{}, err
	}
	if r.Agency != "" && r.Agency != l.Agency {
		return Licence{}, ErrNoRight
	}
	allowed := false
	for _, s := range from {
		allowed = allowed || l.State == s
	}
	if !allowed {
		return Licence{}, refuse("the licence is %s", l.State)
	}
	before := l.Version
	l.Version, l.State, l.StateSince = before+1, to, o.now()
	a, err := act.New(o.c.Clock(), o.c.Rand, name, l.Identifier, Change{l, r.Who, r.Why, o.now()})
	if err != nil {
		return Licence{}, err
	}
	return l, o.c.Store.CommitState(ctx, a, l, before)
}

// Suspend suspends a licence (暂扣).
func (o *Office) Suspend(ctx context.Context, r ChangeRequest) (Licence, error) {
	return o.change(ctx, r, ActSuspended, status.LicenceSuspended, status.LicenceValid)
}

// Resume ends a suspension.
func (o *Office) Resume(ctx context.Context, r ChangeRequest) (Licence, error) {
	return o.change(ctx, r, ActResumed, status.LicenceValid, status.LicenceSuspended)
}

// Revoke ends a licence for ever (吊销).
func (o *Office) Revoke(ctx context.Context, r ChangeRequest) (Licence, error) {
	return o.change(ctx, r, ActRevoked, status.LicenceRevoked, status.LicenceValid, status.LicenceSuspended)
}

// Show gives a row.
func (o *Office) Show(ctx context.Context, id string) (Licence, error) {
	return o.c.Store.Licence(ctx, id)
}

// Document gives the sealed document.
func (o *Office) Document(ctx context.Context, id string) ([]byte, error) {
	return o.c.Store.Document(ctx, id)
}

// ByCode gives the licence with a printed verification code.
func (o *Office) ByCode(ctx context.Context, code string) (Licence, error) {
	return o.c.Store.ByCode(ctx, code)
}

const maxPage = 1000

// List lists rows, at most 1,000 of them, and gives the cursor to go on from.
func (o *Office) List(ctx context.Context, f Filter) (rows []Licence, next string, err error) {
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = maxPage
	}
	return o.c.Store.Licences(ctx, f)
}

// Token makes the token of a licence's QR code.
func (o *Office) Token(ctx context.Context, id string) (*qr.Token, error) {
	l, err := o.c.Store.Licence(ctx, id)
	if err != nil {
		return nil, err
	}
	m := qr.Minimal{Holder: l.Holder, Shard: l.Shard, Position: l.Position}
	if m.Identifier, _, err = identifier.Parse(l.Identifier); err != nil {
		return nil, err
	}
	if m.Issued, err = qr.DayOf(l.Issued); err != nil {
		return nil, err
	}
	if m.ValidTo, err = qr.DayOf(l.To); err != nil {
		return nil, err
	}
	by, err := o.c.QR(ctx)
	if err != nil {
		return nil, fmt.Errorf("token of a QR code: %w", err)
	}
	return qr.Sign(ctx, m, by.Certificate, by.Signer)
}

// Picture is the QR code as a PNG, and the address in it.
func (o *Office) Picture(ctx context.Context, id string) (png []byte, address string, err error) {
	t, err := o.Token(ctx, id)
	if err != nil {
		return nil, "", err
	}
	png, err = qr.Picture(o.c.URL, t, qr.M, pictureScale)
	return png, qr.Address(o.c.URL, t), err
}

// pictureScale: a module of 0.51 mm at 300 dpi, which phones read from paper.
const pictureScale = 6
