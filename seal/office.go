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
	// Companion is nil where nobody signs for readers that know no SM2.
	Companion Companion
	// Archivist finds the evidence of levels LT and LTA; nil: they are refused.
	Archivist Archivist
	Clock     func() time.Time
	Rand      io.Reader
	Region    string
	URL       string // what a printed code names, "" where nothing answers
	Finder    Finder // of keywords in PDF, nil for none
}

// Office is the seal office. Its methods may be called concurrently.
type Office struct {
	c Config

	mu       sync.Mutex
	ready    map[string]*ready // by seal id and version
	inFlight map[[32]byte]bool
	list     []byte
	listBy   *certs.Certificate
	listAt   time.Time
	listFor  uint64

	keeping sync.Mutex // of kept and its SM3: the certificates in every token
	kept    []byte
	keptSum [32]byte
}

// ready is a seal prepared for stamping.
type ready struct {
	generation ses.Generation
	cmsOnce    sync.Once // of both below
	cms        *cms.Builder
	cmsErr     error

	seal Seal
	der  []byte
	cert []byte
	key  hsm.Key
	face *pdf.PreparedFace
	// picture is the face as the seal holds it, within der
	picture []byte
}

// NewOffice checks the configuration.
func NewOffice(c Config) (*Office, error) {
	if c.Store == nil || c.Keys == nil || c.CA == nil || c.TSA == nil || c.Clock == nil || c.Rand == nil || c.Maker == nil ||
		c.Status == nil || len(c.Region) != 6 {
		return nil, errors.New("seal: incomplete configuration")
	}
	return &Office{c: c, ready: map[string]*ready{}, inFlight: map[[32]byte]bool{}}, nil
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
	WidthMM, HeightMM  int
	Generation         int // of the standard: 4 (GB/T 38540-2020) or 5 (GM/T 0031-2025); 0 is 4
	Policy             Policy
	Who, Why           string
	By                 act.Officer // who asks, as far as a key says it
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
		r.WidthMM, r.HeightMM = defaultMM, defaultMM
	}
	if r.WidthMM < 5 || r.WidthMM > maxMM || r.HeightMM < 5 || r.HeightMM > maxMM {
		return fmt.Errorf("%w: a seal of %d by %d mm", ErrRefused, r.WidthMM, r.HeightMM)
	}
	if r.PNG == nil {
		var err error
		r.PNG, err = face.Usual(r.Name, r.WidthMM, r.HeightMM)
		return err
	}
	info, err := face.Check(r.PNG)
	if err == nil {
		err = info.Fits(r.WidthMM, r.HeightMM)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
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
	der, err := ses.BuildSeal(ctx, ses.SealSpec{Generation: ses.Generation(r.Generation), ID: id, Name: r.Name, Type: unitSeal, SignerCerts: [][]byte{c.Raw}, Created: now, ValidFrom: from, ValidTo: to,
		Picture: ses.Picture{Type: "PNG", Data: r.PNG, Width: r.WidthMM, Height: r.HeightMM}}, maker.Signer, maker.Certificate.Raw)
	if err != nil {
		return Seal{}, nil, err
	}
	return Seal{ID: id, Version: 1, Agency: r.Agency, Name: r.Name, State: status.SealInForce, SM3: sm3.Sum(der), ValidFrom: from, ValidTo: to,
		KeyID: key.Info().ID, CertSerial: serial, WidthMM: r.WidthMM, HeightMM: r.HeightMM, Policy: r.Policy, Made: now}, der, nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (o *Office) commit(ctx context.Context, name string, s Seal, before uint64, der []byte, who, why string) error {
	a, err := act.New(o.c.Clock(), o.c.Rand, name, s.ID, Change{s, who, why, o.now()})
	if err != nil {
		return err
	}
	return o.c.Store.CommitSeal(ctx, a, s, before, der)
}

// Show gives one seal.
func (o *Office) Show(ctx context.Context, id string) (Seal, error) { return o.c.Store.Seal(ctx, id) }

// List gives seals in the order of their ids, after the cursor.
func (o *Office) List(ctx context.Context, agency, cursor string, limit int) ([]Seal, error) {
	return o.c.Store.Seals(ctx, agency, cursor, limit)
}

// Entry, Entries and ByCode read the seal-use register.
func (o *Office) Entry(ctx context.Context, id act.ID) (Stamp, error) {
	return o.c.Store.Stamp(ctx, id)
}

// Entries lists stamps, oldest first. It may stop before f.Limit rows are found;
// next is the cursor to go on from, "" at the end.
func (o *Office) Entries(ctx context.Context, f Filter) (rows []Stamp, next string, err error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	return o.c.Store.Stamps(ctx, f)
}

// ByCode finds a stamp by the canonical form of its verification code.
func (o *Office) ByCode(ctx context.Context, code string) (Stamp, error) {
	return o.c.Store.StampByCode(ctx, code)
}
