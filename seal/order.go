package seal

import (
	"fmt"
	"math"
	"net/netip"

	"yinxin/internal/act"
)

// StampRequest asks for a stamp (用印). Agency is the caller's. What belongs to one
// format (a placement to PDF and OFD, Protect to OFD) is refused by the others.
type StampRequest struct {
	SealID    string
	Agency    string
	Key       string // id of the credential
	Operator  string
	Matter    string
	Reason    string
	Approval  string // id of the agency's own approval
	Expected  int    // how many seals the finished document must bear, 0 for not said
	Placement Place
	Order     Order
	Retry     *act.Retry
	Job       string // the batch that it belongs to
	// Again gives the document of an earlier stamp, by Retry, and never makes one.
	Again bool

	Officer string     // the person whose own key the credential is; "" for a program's
	From    netip.Addr // whence a bearer key came
	// input gives the SM3 of the document as it came, where the seal asks for it: each
	// format sets it before begin.
	input func() ([32]byte, error)
}

// Order is how the stamp is to be made and what stands beside it. Its zero value is
// the ordinary stamp.
type Order struct {
	Profile   Profile `cbor:"1,keyasint,omitempty" json:"profile,omitempty"`   // PDF; "" is ses
	Level     Level   `cbor:"2,keyasint,omitempty" json:"level,omitempty"`     // "" is T
	Certify   int     `cbor:"3,keyasint,omitempty" json:"certify,omitempty"`   // PDF: DocMDP 1 to 3, 0 for none
	Lock      *Lock   `cbor:"4,keyasint,omitempty" json:"lock,omitempty"`      // PDF: form fields that end with this stamp
	Mark      *Mark   `cbor:"5,keyasint,omitempty" json:"mark,omitempty"`      // a code printed for the citizen
	Protect   Protect `cbor:"6,keyasint,omitempty" json:"protect,omitempty"`   // OFD; "" is continuable
	Companion bool    `cbor:"7,keyasint,omitempty" json:"companion,omitempty"` // PDF: a signature that readers abroad know
}

// Profile of a stamp in PDF (protocol.md 2).
type Profile string

const (
	ProfileSES Profile = "ses"
	ProfileCMS Profile = "cms"
)

// Level of long-term evidence, after PAdES (ETSI EN 319 142-1); by analogy for ses.
type Level string

const (
	LevelB   Level = "B"   // no time-stamp
	LevelT   Level = "T"   // with a time-stamp
	LevelLT  Level = "LT"  // and the evidence about each certificate and the seal
	LevelLTA Level = "LTA" // and a time-stamp over all of it
)

// Protect tells whether an OFD may be sealed further (GB/T 33190 18.2).
type Protect string

const (
	ProtectContinuable Protect = "continuable"
	ProtectWhole       Protect = "whole"
)

// Place is where a seal stands: one of a spot, the spots of a keyword, or a riding
// seal. Millimetres are from the top left of the page as displayed, to the top left
// of the seal.
type Place struct {
	Page    int      `cbor:"1,keyasint" json:"page"` // from 1; negative from the end
	X       float64  `cbor:"2,keyasint" json:"x"`
	Y       float64  `cbor:"3,keyasint" json:"y"`
	Keyword *Keyword `cbor:"4,keyasint,omitempty" json:"keyword,omitempty"`
	Riding  *Riding  `cbor:"5,keyasint,omitempty" json:"riding,omitempty"`
}

// Keyword puts the middle of the seal over that of a text of the document.
type Keyword struct {
	Text  string  `cbor:"1,keyasint" json:"text" api:"required"`
	Which Which   `cbor:"2,keyasint,omitempty" json:"which,omitempty"` // "" is last
	Page  int     `cbor:"3,keyasint,omitempty" json:"page,omitempty"`  // on this page alone, 0 for all
	DX    float64 `cbor:"4,keyasint,omitempty" json:"dx,omitempty"`    // mm, to the right
	DY    float64 `cbor:"5,keyasint,omitempty" json:"dy,omitempty"`    // mm, down
}

// Which of the places where a keyword stands.
type Which string

const (
	First Which = "first"
	Last  Which = "last"
	Every Which = "every"
)

// Riding is a seal across the edges of the pages (骑缝章): each shows a slice of it.
type Riding struct {
	Side  Side    `cbor:"1,keyasint,omitempty" json:"side,omitempty"`  // "" is right
	Pages Parity  `cbor:"2,keyasint,omitempty" json:"pages,omitempty"` // "" is all
	At    float64 `cbor:"3,keyasint,omitempty" json:"at,omitempty"`    // mm from the top, 0 for the middle
}

// Spot is where the seal, or a slice of it, came to stand. From and To are columns of
// pixels of its picture; both 0 for the whole.
type Spot struct {
	Page int     `cbor:"1,keyasint" json:"page"`
	X    float64 `cbor:"2,keyasint" json:"x"`
	Y    float64 `cbor:"3,keyasint" json:"y"`
	From int     `cbor:"4,keyasint,omitempty" json:"from,omitempty"`
	To   int     `cbor:"5,keyasint,omitempty" json:"to,omitempty"`
}

// Side of a page.
type Side string

const (
	Left  Side = "left"
	Right Side = "right"
)

// Parity chooses pages, counted from 1.
type Parity string

const (
	AllPages  Parity = "all"
	OddPages  Parity = "odd"
	EvenPages Parity = "even"
)

// Lock ends fields of a PDF form with the stamp (ISO 32000-1 12.7.4.5, table 233).
type Lock struct {
	Action LockAction `cbor:"1,keyasint" json:"action" api:"required"`
	Fields []string   `cbor:"2,keyasint,omitempty" json:"fields,omitempty"`
}

// LockAction tells which fields a Lock is about.
type LockAction string

const (
	LockAll     LockAction = "all"
	LockInclude LockAction = "include"
	LockExclude LockAction = "exclude"
)

// Mark prints the stamp's verification code (protocol.md 6) as text or as a QR code
// that leads to it.
type Mark struct {
	Kind  MarkKind `cbor:"1,keyasint" json:"kind" api:"required"`
	Where Corner   `cbor:"2,keyasint,omitempty" json:"where,omitempty"` // "" is beside the seal
}

// MarkKind is how a code is printed.
type MarkKind string

const (
	MarkCode MarkKind = "code"
	MarkQR   MarkKind = "qr"
)

// Corner is where a code is printed.
type Corner string

const (
	BesideSeal  Corner = "beside"
	TopLeft     Corner = "top-left"
	TopRight    Corner = "top-right"
	BottomLeft  Corner = "bottom-left"
	BottomRight Corner = "bottom-right"
)

const (
	maxKeyword  = 100    // characters; a keyword is a word, no page
	maxLock     = 100    // fields that a lock names
	maxDistance = 10_000 // mm: no page is ten metres long
	maxExpected = 100    // 联合行文 by a hundred organs
)

func (r *StampRequest) check() error {
	if r.Operator == "" {
		return fmt.Errorf("%w: operator says who stamps, and is missing", ErrRefused)
	}
	for _, text := range []struct {
		what, said string
		most       int
	}{{"operator", r.Operator, maxOperator}, {"matterCode", r.Matter, maxOperator}, {"reason", r.Reason, maxReason}, {"approvalId", r.Approval, maxOperator}} {
		if !plain(text.said, 0, text.most) {
			return fmt.Errorf("%w: %s has at most %d characters, in one line", ErrRefused, text.what, text.most)
		}
	}
	if r.Expected < 0 || r.Expected > maxExpected {
		return fmt.Errorf("%w: %d expected seals", ErrRefused, r.Expected)
	}
	if err := r.Placement.check(); err != nil {
		return err
	}
	if err := r.Order.check(); err != nil {
		return err
	}
	return nil
}

// oneOf tells whether a word is known; "" is the default.
func oneOf[T ~string](what string, word T, known ...T) error {
	for _, k := range known {
		if word == "" || word == k {
			return nil
		}
	}
	return fmt.Errorf("%w: %s %q; it is one of %q", ErrOrder, what, word, known)
}

func (o *Order) check() error {
	for _, err := range []error{
		oneOf("profile", o.Profile, ProfileSES, ProfileCMS),
		oneOf("level", o.Level, LevelB, LevelT, LevelLT, LevelLTA),
		oneOf("protect", o.Protect, ProtectContinuable, ProtectWhole),
		o.Lock.check(), o.Mark.check(),
	} {
		if err != nil {
			return err
		}
	}
	if o.Certify < 0 || o.Certify > 3 {
		return fmt.Errorf("%w: certify %d; it is 1 to 3 (ISO 32000-1 table 254), or 0 for none", ErrOrder, o.Certify)
	}
	if o.Companion && o.Certify == 1 {
		return fmt.Errorf("%w: certify 1 permits no further signature, and a companion is one", ErrOrder)
	}
	return nil
}

func (p *Place) check() error {
	if !distance(p.X) || !distance(p.Y) {
		return fmt.Errorf("%w: a seal at %g, %g mm", ErrDocument, p.X, p.Y)
	}
	switch k, r := p.Keyword, p.Riding; {
	case k != nil && r != nil:
		return fmt.Errorf("%w: a seal stands at a keyword or across the edges, not both", ErrOrder)
	case k != nil:
		if !plain(k.Text, 1, maxKeyword) || !distance(k.DX) || !distance(k.DY) || k.Page < 0 {
			return fmt.Errorf("%w: a keyword has 1 to %d characters; dx and dy are millimetres", ErrOrder, maxKeyword)
		}
		return oneOf("keyword.which", k.Which, First, Last, Every)
	case r != nil:
		if !distance(r.At) || r.At < 0 {
			return fmt.Errorf("%w: riding.at is in millimetres from the top", ErrOrder)
		}
		if err := oneOf("riding.side", r.Side, Left, Right); err != nil {
			return err
		}
		return oneOf("riding.pages", r.Pages, AllPages, OddPages, EvenPages)
	}
	return nil
}

// distance refuses NaN and what is on no page.
func distance(mm float64) bool { return math.Abs(mm) <= maxDistance }

func (l *Lock) check() error {
	if l == nil {
		return nil
	}
	named := l.Action == LockInclude || l.Action == LockExclude
	if !named && l.Action != LockAll || named != (len(l.Fields) > 0) || len(l.Fields) > maxLock {
		return fmt.Errorf("%w: lock.action is all, or include or exclude with up to %d fields", ErrOrder, maxLock)
	}
	for _, f := range l.Fields {
		if !plain(f, 1, maxKeyword) {
			return fmt.Errorf("%w: %q is no name of a field", ErrOrder, f)
		}
	}
	return nil
}

func (m *Mark) check() error {
	if m == nil {
		return nil
	}
	if m.Kind == "" {
		return fmt.Errorf("%w: mark.kind is code or qr", ErrOrder)
	}
	if err := oneOf("mark.kind", m.Kind, MarkCode, MarkQR); err != nil {
		return err
	}
	return oneOf("mark.where", m.Where, BesideSeal, TopLeft, TopRight, BottomLeft, BottomRight)
}
