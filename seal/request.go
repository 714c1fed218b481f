package seal

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/seal/face"
	"yinxin/seal/ses"
)

var (
	// ErrTaken: the seal code belongs to a seal or a request already.
	ErrTaken = errors.New("the seal code is taken")
	// ErrManyPending: the agency waits for MaxPending certificates.
	ErrManyPending = fmt.Errorf("the agency has %d requests pending: withdraw those that nobody will answer", MaxPending)
)

// MaxPending bounds the requests of an agency that wait for their certificates: each
// makes a key, and a stolen credential must not fill the disk with them.
const MaxPending = 100

// Acts of a request to an outside authority; the seal that comes of it is made by
// ActMade.
const (
	ActRequested = "seal.requested"
	ActRecalled  = "seal.request-withdrawn"
)

// Request asks an outside authority for the certificate of a seal that is to be
// made: key and seal code are ours, the certificate is theirs. It is known by the
// seal code.
type Request struct {
	ID         string     `cbor:"1,keyasint" json:"id"`
	Version    uint64     `cbor:"2,keyasint" json:"version"`
	Agency     string     `cbor:"3,keyasint" json:"agency"`
	AgencyName string     `cbor:"4,keyasint" json:"agencyName"`
	Name       string     `cbor:"5,keyasint" json:"name"`
	Picture    [32]byte   `cbor:"6,keyasint" json:"-"` // SM3 of the PNG, kept as a part
	WidthMM    int        `cbor:"7,keyasint" json:"widthMm"`
	HeightMM   int        `cbor:"8,keyasint" json:"heightMm"`
	Policy     Policy     `cbor:"9,keyasint" json:"policy"`
	KeyID      string     `cbor:"10,keyasint" json:"keyId"`
	KeySM3     [32]byte   `cbor:"11,keyasint" json:"-"` // of the point
	CSR        []byte     `cbor:"12,keyasint" json:"csr"`
	Made       time.Time  `cbor:"13,keyasint" json:"made"`
	Who        string     `cbor:"14,keyasint" json:"who"`
	Why        string     `cbor:"15,keyasint" json:"why"`
	CertSerial string     `cbor:"16,keyasint,omitempty" json:"certificateSerial,omitempty"` // once it came
	Generation int        `cbor:"18,keyasint,omitempty" json:"generation,omitempty"`
	Withdrawn  time.Time  `cbor:"17,keyasint,omitempty" json:"withdrawn,omitzero"`
	Class      Class      `cbor:"30,keyasint,omitzero" json:"class,omitzero"`
	Drawn      bool       `cbor:"31,keyasint,omitempty" json:"-"`              // the picture is ours, not uploaded
	Face       *face.Spec `cbor:"33,keyasint,omitempty" json:"face,omitempty"` // as it was described
	MustFile   bool       `cbor:"32,keyasint,omitempty" json:"mustFile,omitempty"`
}

// Pending tells whether the certificate has not come and may still.
func (r Request) Pending() bool { return r.CertSerial == "" && r.Withdrawn.IsZero() }

// Recall is the record of a withdrawal.
type Recall struct {
	ID  string    `cbor:"1,keyasint"`
	Who string    `cbor:"2,keyasint"`
	Why string    `cbor:"3,keyasint"`
	At  time.Time `cbor:"4,keyasint"`
}

// Answer is a certificate that came for a request.
type Answer struct {
	Request            Request
	Key                *ecdsa.PublicKey
	Certificate, Chain []byte
	Who, Why           string
}

// Outside is what the office asks where another authority certifies a seal's key.
type Outside interface {
	// Request makes the PKCS#10 request.
	Request(ctx context.Context, agency, agencyName, sealID string, key hsm.Key) ([]byte, error)
	// Admit checks a certificate against its request and the trust list; serial is its
	// name in the register of certificates, entry the act that enters it there.
	Admit(ctx context.Context, a Answer) (serial string, cert *certs.Certificate, entry act.Act, err error)
}

// Imported is a certificate with the seal that it makes, committed in one piece.
type Imported struct {
	Serial  string
	Entry   act.Act // of the certificate
	Made    act.Act // of the seal
	Seal    Seal
	DER     []byte  // of the seal
	Request Request // as it stands then
}

var errNoOutside = fmt.Errorf("%w: no outside authority is asked here", ErrRefused)

// Ask makes a key and the request for its certificate. Code is the seal code, "" for
// the next of the region. The request is recorded, with who and why, before anyone
// can carry it away.
func (o *Office) Ask(ctx context.Context, r MakeRequest, code string, retry *act.Retry) (Request, error) {
	if o.c.Outside == nil {
		return Request{}, errNoOutside
	}
	if earlier, found, err := o.asked(ctx, retry); found || err != nil {
		return earlier, err
	}
	if err := r.check(); err != nil {
		return Request{}, err
	}
	if r.Class.Personal() {
		// The request names a seal by its code; a person's certificate bears a name.
		return Request{}, fmt.Errorf("%w: a person's seal has a certificate of our own", ErrRefused)
	}
	code, err := o.code(ctx, code)
	if err != nil {
		return Request{}, err
	}
	if err := o.c.Store.KeepPart(ctx, r.PNG); err != nil {
		return Request{}, err
	}
	key, err := o.c.Keys.Generate(ctx, "seal "+code, hsm.UsageSign)
	if err != nil {
		return Request{}, err
	}
	csr, err := o.c.Outside.Request(ctx, r.Agency, r.AgencyName, code, key)
	if err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	point, err := sm2.PublicKeyToECDH(key.Public())
	if err != nil {
		return Request{}, err
	}
	now := o.now()
	out := Request{ID: code, Version: 1, Agency: r.Agency, AgencyName: r.AgencyName, Name: r.Name, Picture: sm3.Sum(r.PNG), WidthMM: r.WidthMM, HeightMM: r.HeightMM,
		Policy: r.Policy, KeyID: key.Info().ID, KeySM3: sm3.Sum(point.Bytes()), CSR: csr, Made: now, Who: r.Who, Why: r.Why,
		Class: r.Class, Drawn: r.drawn, Face: r.spec, Generation: r.Generation, MustFile: r.MustFile || o.c.MustFile}
	a, err := act.New(o.c.Clock(), o.c.Rand, ActRequested, code, out)
	if err != nil {
		return Request{}, err
	}
	a.Retry = retry
	if err := o.c.Store.CommitRequest(ctx, a, out); err != nil {
		if earlier, found, again := o.asked(ctx, retry); found || errors.Is(again, ErrRetryMismatch) {
			return earlier, again
		}
		return Request{}, err
	}
	return out, nil
}

// code checks a seal code that was given, or allots the next.
func (o *Office) code(ctx context.Context, given string) (string, error) {
	if given == "" {
		n, err := o.c.Store.NextSeal(ctx, o.c.Region)
		return fmt.Sprintf("%s%08d", o.c.Region, n), err
	}
	if len(given) != 14 || strings.Trim(given, "0123456789") != "" || given[:2] != o.c.Region[:2] {
		return "", fmt.Errorf("%w: %q is no seal code of 14 digits of this region, %s", ErrRefused, given, o.c.Region)
	}
	return given, nil
}

// asked finds the request that was made under the idempotency key.
func (o *Office) asked(ctx context.Context, r *act.Retry) (Request, bool, error) {
	if r == nil {
		return Request{}, false, nil
	}
	done, found, err := o.c.Store.Done(ctx, r.Slot(), o.c.Clock())
	switch {
	case err != nil || !found:
		return Request{}, false, err
	case done.Request != r.Request:
		return Request{}, false, ErrRetryMismatch
	}
	out, err := o.c.Store.RequestByAct(ctx, done.Act)
	return out, err == nil, err
}

// Import makes the seal of a request whose certificate has come. The same certificate
// again gives the seal that it made.
func (o *Office) Import(ctx context.Context, id string, certificate, chain []byte, who, why string) (Seal, error) {
	if o.c.Outside == nil {
		return Seal{}, errNoOutside
	}
	if !plain(who, 1, maxNameLen) || !plain(why, 1, maxReason) {
		return Seal{}, fmt.Errorf("%w: who brings it and why must be said", ErrRefused)
	}
	r, err := o.c.Store.Request(ctx, id)
	if err != nil {
		return Seal{}, err
	}
	switch {
	case !r.Withdrawn.IsZero():
		return Seal{}, fmt.Errorf("%w: the request for seal %s was withdrawn", ErrRefused, r.ID)
	case !r.Pending():
		return o.imported(ctx, r, certificate)
	}
	key, err := o.c.Keys.Key(ctx, r.KeyID)
	if err != nil {
		return Seal{}, err
	}
	serial, c, entry, err := o.c.Outside.Admit(ctx, Answer{Request: r, Key: key.Public(), Certificate: certificate, Chain: chain, Who: who, Why: why})
	if err != nil {
		return Seal{}, err
	}
	picture, err := o.c.Store.SealDER(ctx, r.Picture)
	if err != nil {
		return Seal{}, err
	}
	order := MakeRequest{Agency: r.Agency, AgencyName: r.AgencyName, Name: r.Name, PNG: picture, WidthMM: r.WidthMM, HeightMM: r.HeightMM, Policy: r.Policy, Who: who, Why: why,
		Class: r.Class, MustFile: r.MustFile, drawn: r.Drawn, spec: r.Face, Generation: r.Generation}
	s, der, err := o.build(ctx, order, r.ID, key, serial, c)
	if err != nil {
		return Seal{}, err
	}
	made, err := act.New(o.c.Clock(), o.c.Rand, ActMade, s.ID, Change{Seal: s, Who: who, Why: why, At: s.Made})
	if err != nil {
		return Seal{}, err
	}
	r.CertSerial = serial
	r.Version++
	err = o.c.Store.CommitImported(ctx, Imported{Serial: serial, Entry: entry, Made: made, Seal: s, DER: der, Request: r})
	if err != nil {
		// It may stand, or another may have come first with the same certificate.
		if now, again := o.c.Store.Request(ctx, id); again == nil && now.CertSerial != "" {
			return o.imported(ctx, now, certificate)
		}
		return Seal{}, err
	}
	return s, nil
}

// imported gives the seal of a request that was answered, to whoever brings that
// answer again.
func (o *Office) imported(ctx context.Context, r Request, certificate []byte) (Seal, error) {
	c, err := certs.ParseCertificatePEMOrDER(certificate)
	if err != nil {
		return Seal{}, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	s, err := o.c.Store.Seal(ctx, r.ID)
	if err != nil {
		return Seal{}, err
	}
	der, err := o.c.Store.SealDER(ctx, s.SM3)
	if err != nil {
		return Seal{}, err
	}
	sealed, err := ses.ParseSeal(der)
	if err != nil {
		return Seal{}, err
	}
	if one, err := certs.ParseCertificate(sealed.Certs[0]); err != nil || !one.Equal(c) {
		return Seal{}, fmt.Errorf("%w: the request for seal %s was answered by another certificate", ErrRefused, r.ID)
	}
	return s, nil
}

// Recall withdraws a request that nobody will answer; its key is never used again.
func (o *Office) Recall(ctx context.Context, id, who, why string) (Request, error) {
	if !plain(who, 1, maxNameLen) || !plain(why, 1, maxReason) {
		return Request{}, fmt.Errorf("%w: who withdraws it and why must be said", ErrRefused)
	}
	r, err := o.c.Store.Request(ctx, id)
	if err != nil {
		return r, err
	}
	if !r.Pending() {
		return r, fmt.Errorf("%w: the request for seal %s is not pending", ErrRefused, id)
	}
	r.Withdrawn = o.now()
	r.Version++
	a, err := act.New(o.c.Clock(), o.c.Rand, ActRecalled, id, Recall{id, who, why, r.Withdrawn})
	if err != nil {
		return r, err
	}
	if err := o.c.Store.CommitRecall(ctx, a, r); err != nil {
		return r, err
	}
	// The register is what counts: no seal will be made on the key.
	return r, o.c.Keys.SetState(ctx, r.KeyID, hsm.Suspended)
}

// Request shows one; Requests lists them in the order of their seal codes.
func (o *Office) Request(ctx context.Context, id string) (Request, error) {
	return o.c.Store.Request(ctx, id)
}

// Requests lists those of an agency, or of all for ""; next is the cursor to go on
// from.
func (o *Office) Requests(ctx context.Context, agency, cursor string, limit int) (rows []Request, next string, err error) {
	return o.c.Store.Requests(ctx, agency, cursor, limit)
}
