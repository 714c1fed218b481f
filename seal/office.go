package seal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/seal/cms"
	"yinxin/seal/face"
	"yinxin/seal/pdf"
	"yinxin/seal/ses"
	"yinxin/verify/status"
)

// TimeStamper makes a time-stamp over a SM3 imprint; ca/tsa is one.
type TimeStamper interface {
	Stamp(ctx context.Context, imprint [32]byte) (token []byte, genTime time.Time, err error)
}

// certified is a TimeStamper whose tokens all hold the same certificates.
type certified interface{ Certificates() []byte }

// Certifier issues the certificate of a seal's key and gives its serial and
// DER, and knows whether who issued one stands.
type Certifier interface {
	IssueSealCertificate(ctx context.Context, agency, agencyName, sealID string, key hsm.Key, who, why string, retry *act.Retry) (serial string, der []byte, err error)
	// IssuePersonCertificate is for the seals of persons, whose name it bears.
	IssuePersonCertificate(ctx context.Context, agency, agencyName, name string, key hsm.Key, who, why string, retry *act.Retry) (serial string, der []byte, err error)
	// IssuerStands fails where the authority that issued it may sign no more.
	IssuerStands(ctx context.Context, serial string) error
}

// Signing gives the key with its certificate that signs at the moment. It is asked
// for each signature: a renewal or a revocation counts at once.
type Signing func(ctx context.Context) (certs.StatementSigner, error)

// Config of NewOffice.
type Config struct {
	Store   Store
	Keys    hsm.Keystore
	CA      Certifier
	Gate    Gate    // nil: no seal needs a second officer
	Outside Outside // nil where no other authority is asked
	Maker   Signing // 制章者
	Status  Signing // signs seal-status and seal-list
	TSA     TimeStamper
	// Archivist finds the evidence of levels LT and LTA; nil: they are refused.
	Archivist Archivist
	Clock     func() time.Time
	Rand      io.Reader
	Region    string
	URL       string // what a printed code names, "" where nothing answers
	Finder    Finder // of keywords in PDF, nil for none
	// MustFile: every seal of the region must be filed (备案) before it stamps.
	MustFile bool
}

// Office is the seal office. Its methods may be called concurrently.
type Office struct {
	c Config

	mu       sync.Mutex
	ready    map[[32]byte]*prepared // by the SM3 of the SESeal
	inFlight map[[32]byte]bool
	list     []byte
	listBy   *certs.Certificate
	listAt   time.Time
	listFor  uint64

	keeping sync.Mutex // of kept and its SM3: the certificates in every token
	kept    []byte
	keptSum [32]byte
}

// prepared is one SESeal of a seal, read and made ready for its stamps.
type prepared struct {
	generation ses.Generation
	cmsOnce    sync.Once // of both below
	cms        *cms.Builder
	cmsErr     error

	der  []byte
	cert []byte
	face *pdf.PreparedFace
	// picture is the face as the seal holds it, within der
	picture []byte
}

// ready is a seal as it stands, for a stamp that was admitted: its edition, and by
// what right.
type ready struct {
	*prepared
	seal Seal
	key  hsm.Key

	grant Grant   // by which the caller may
	use   *act.ID // the approval that this stamp uses up
	input [32]byte
}

// NewOffice checks the configuration.
func NewOffice(c Config) (*Office, error) {
	if c.Store == nil || c.Keys == nil || c.CA == nil || c.TSA == nil || c.Clock == nil || c.Rand == nil || c.Maker == nil ||
		c.Status == nil || len(c.Region) != 6 {
		return nil, errors.New("seal: incomplete configuration")
	}
	return &Office{c: c, ready: map[[32]byte]*prepared{}, inFlight: map[[32]byte]bool{}}, nil
}

func (o *Office) now() time.Time { return o.c.Clock().UTC().Truncate(time.Second) }

// moment is for what happens to a seal: a stamp made in the same second, before
// its freeze, is told from one made after it.
func (o *Office) moment() time.Time { return o.c.Clock().UTC().Truncate(time.Millisecond) }

// MakeRequest asks for a seal (制章). Without a picture one is drawn (face.Usual).
type MakeRequest struct {
	Agency, AgencyName string
	Name               string // in the seal
	PNG                []byte
	Face               *face.Spec // to be drawn, where there is no PNG
	WidthMM, HeightMM  int
	Class              Class
	MustFile           bool // filed before it stamps, also where the region does not ask for it
	Generation         int  // of the standard: 4 (GB/T 38540-2020) or 5 (GM/T 0031-2025); 0 is 4
	Policy             Policy
	Who, Why           string
	By                 act.Officer // who asks, as far as a key says it
	Retry              *act.Retry

	drawn bool       // PNG is ours
	spec  *face.Spec // as it was described, once it is drawn
}

const (
	defaultMM  = 42 // 国发〔1999〕25号: departments at most 45 mm
	maxMM      = 60
	sealLife   = 3 * 365 * 24 * time.Hour // as its certificate
	unitSeal   = 1                        // SES_ESPropertyInfo.type 单位章
	maxNameLen = 100
	maxReason  = 500
)

func (r *MakeRequest) check() error {
	switch {
	case !certs.USCCValid(r.Agency):
		return fmt.Errorf("%w: %q is no unified social credit code", ErrRefused, r.Agency)
	case !plain(r.Name, 1, maxNameLen) || !plain(r.AgencyName, 1, maxNameLen):
		return fmt.Errorf("%w: the seal's or agency's name", ErrRefused)
	case !plain(r.Who, 1, maxNameLen) || !plain(r.Why, 1, maxReason):
		return fmt.Errorf("%w: who asks and why must be said", ErrRefused)
	}
	if g := ses.Generation(r.Generation); g != 0 && g != ses.V4 && g != ses.V5 {
		return fmt.Errorf("%w: a seal of generation %d; it is 4 or 5", ErrRefused, r.Generation)
	}
	if r.WidthMM == 0 && r.HeightMM == 0 {
		r.WidthMM, r.HeightMM = r.Class.usual(), r.Class.usual()
	}
	if r.PNG == nil {
		r.drawn = true
	}
	if err := r.Class.check(r.WidthMM, r.HeightMM, r.drawn); err != nil {
		return err
	}
	if err := r.Policy.check(); err != nil {
		return err
	}
	picture, drawn, err := looks{png: r.PNG, spec: r.Face, width: r.WidthMM, height: r.HeightMM}.faced(r.Name, r.Class)
	if err != nil {
		return err
	}
	// Made from what officers approved, the picture is there, whoever drew it.
	if r.Face != nil {
		r.spec = r.Face
	}
	r.PNG, r.Face, r.drawn = picture, nil, r.drawn || drawn
	return nil
}

// plain is a text of a length that can stand in a register and a log.
func plain(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= least && n <= most && !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// build makes a seal on a certificate, whoever issued it: the SESeal is the seal
// maker's word, and nothing is recorded yet.
func (o *Office) build(ctx context.Context, r MakeRequest, id string, key hsm.Key, serial string, c *certs.Certificate) (Seal, []byte, error) {
	maker, err := o.c.Maker(ctx)
	if err != nil {
		return Seal{}, nil, fmt.Errorf("seal maker: %w", err)
	}
	now := o.now()
	from, to := later(now, c.NotBefore), now.Add(sealLife)
	if to.After(c.NotAfter) {
		to = c.NotAfter
	}
	der, err := ses.BuildSeal(ctx, ses.SealSpec{Generation: ses.Generation(r.Generation), ID: id, Name: r.Name, Type: sesType[r.Class.kind()], SignerCerts: [][]byte{c.Raw}, Created: now, ValidFrom: from, ValidTo: to,
		Picture: ses.Picture{Type: "PNG", Data: r.PNG, Width: r.WidthMM, Height: r.HeightMM}}, maker.Signer, maker.Certificate.Raw)
	if err != nil {
		return Seal{}, nil, err
	}
	return Seal{ID: id, Version: 1, Agency: r.Agency, Name: r.Name, State: status.SealInForce, SM3: sm3.Sum(der), ValidFrom: from, ValidTo: to,
		KeyID: key.Info().ID, CertSerial: serial, WidthMM: r.WidthMM, HeightMM: r.HeightMM, Policy: r.Policy, Made: now,
		Edition: 1, Class: r.Class, MustFile: r.MustFile, Drawn: r.drawn, Face: r.spec}, der, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (o *Office) commit(ctx context.Context, name string, c Change, before uint64, der []byte, retry *act.Retry) error {
	c.At = o.now()
	a, err := act.New(o.c.Clock(), o.c.Rand, name, c.Seal.ID, c)
	if err != nil {
		return err
	}
	a.Retry = retry
	return o.c.Store.CommitSeal(ctx, a, c.Seal, before, der)
}

// Show gives one seal.
func (o *Office) Show(ctx context.Context, id string) (Seal, error) { return o.c.Store.Seal(ctx, id) }

// List gives seals in the order of their ids. It may stop before f.Limit rows are
// found; next is the cursor to go on from, "" at the end.
func (o *Office) List(ctx context.Context, f SealFilter) (rows []Seal, next string, err error) {
	return o.c.Store.Seals(ctx, f)
}

// ByCertificate gives the seal that has, or had, this signer's certificate.
func (o *Office) ByCertificate(ctx context.Context, serial string) (Seal, error) {
	return o.c.Store.SealByCertificate(ctx, serial)
}

// Entry, Entries and ByCode read the seal-use register. What has been learnt since of
// a stamp's seal is told with it (Stamp.Distrusted).
func (o *Office) Entry(ctx context.Context, id act.ID) (Stamp, error) {
	s, err := o.c.Store.Stamp(ctx, id)
	if err != nil {
		return s, err
	}
	return s, o.judge(ctx, []*Stamp{&s})
}

// Entries lists stamps, oldest first. It may stop before f.Limit rows are found;
// next is the cursor to go on from, "" at the end.
func (o *Office) Entries(ctx context.Context, f Filter) (rows []Stamp, next string, err error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	rows, next, err = o.c.Store.Stamps(ctx, f)
	if err != nil {
		return nil, "", err
	}
	all := make([]*Stamp, len(rows))
	for i := range rows {
		all[i] = &rows[i]
	}
	return rows, next, o.judge(ctx, all)
}

// judge marks the stamps that were made after their seal's end, which a compromise
// as of an earlier time makes of them.
func (o *Office) judge(ctx context.Context, stamps []*Stamp) error {
	seals := map[string]Seal{}
	for _, st := range stamps {
		s, known := seals[st.SealID]
		if !known {
			var err error
			if s, err = o.c.Store.Seal(ctx, st.SealID); errors.Is(err, ErrNotFound) {
				continue
			} else if err != nil {
				return err
			}
			seals[st.SealID] = s
		}
		e, known := s.edition(st.SealSM3)
		if !known {
			continue
		}
		for _, i := range s.IntervalsOf(e) {
			if i.Ended() && !st.SealedAt.Before(i.From) {
				st.Distrusted = &i
			}
		}
	}
	return nil
}

// ByCode finds a stamp by the canonical form of its verification code.
func (o *Office) ByCode(ctx context.Context, code string) (Stamp, error) {
	s, err := o.c.Store.StampByCode(ctx, code)
	if err != nil {
		return s, err
	}
	return s, o.judge(ctx, []*Stamp{&s})
}

// forget drops what is held ready of a seal whose keys are destroyed.
func (o *Office) forget(s Seal) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range s.Editions() {
		delete(o.ready, e.SM3)
	}
}
