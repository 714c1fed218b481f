package seal

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/seal/face"
	"yinxin/verify/status"
)

// VaryRequest asks for a new edition of a seal (变更): a new key, certificate and
// SESeal under the same code. What is left zero stays as it is.
type VaryRequest struct {
	ChangeRequest
	AgencyName        string
	Name              string
	PNG               []byte
	Face              *face.Spec // to be drawn, where there is no PNG
	WidthMM, HeightMM int
}

// AskedChange is a new edition that was asked for, as officers are shown it, and all
// that is needed to make it. The picture is kept as a part, under its SM3.
type AskedChange struct {
	Seal       string     `json:"seal"`
	Edition    int        `json:"edition"` // that it will be
	Renewal    bool       `json:"renewal,omitempty"`
	Agency     string     `json:"agency"`
	AgencyName string     `json:"agencyName"`
	Name       string     `json:"name"`
	Picture    string     `json:"pictureSM3"`
	Drawn      bool       `json:"drawn,omitempty"` // it is ours, not uploaded
	Face       *face.Spec `json:"face,omitempty"`  // as it was described
	WidthMM    int        `json:"widthMm"`
	HeightMM   int        `json:"heightMm"`
	Who        string     `json:"who"`
	Why        string     `json:"why"`
}

// Vary changes a seal, or asks for it where a second officer has to approve. From
// that moment on the old edition is replaced, and its key signs no more.
func (o *Office) Vary(ctx context.Context, r VaryRequest) (Seal, error) { return o.vary(ctx, r, false) }

// Renew gives a seal the edition that differs in nothing but its key, certificate and
// validity.
func (o *Office) Renew(ctx context.Context, r VaryRequest) (Seal, error) {
	if r.Name != "" || r.PNG != nil || r.Face != nil || r.WidthMM != 0 || r.HeightMM != 0 {
		return Seal{}, fmt.Errorf("%w: a renewal changes neither name nor face", ErrRefused)
	}
	return o.vary(ctx, r, true)
}

func (o *Office) vary(ctx context.Context, r VaryRequest, renewal bool) (Seal, error) {
	if again, err := o.begun(ctx, KindChange, r.ChangeRequest, r.Retry); again || err != nil {
		return o.after(ctx, r.SealID, err)
	}
	a, err := o.varied(ctx, r, renewal)
	if err != nil {
		return Seal{}, err
	}
	if done, err := o.pass(ctx, KindChange, a.Agency, a, officer(r.By, r.Who), r.Why, r.Retry); done || err != nil {
		return o.after(ctx, r.SealID, err)
	}
	return o.edit(ctx, a, Leave{Retry: r.Retry}, r.Retry)
}

// ChangeAsked makes the edition that officers approved, once.
func (o *Office) ChangeAsked(ctx context.Context, a AskedChange, leave Leave) (Seal, error) {
	if again, err := o.carried(ctx, a.Seal, part(leave.Retry, "edition")); again || err != nil {
		return o.after(ctx, a.Seal, err)
	}
	return o.edit(ctx, a, leave, part(leave.Retry, "edition"))
}

// varied checks what is asked, fills in what stays, and keeps the picture.
func (o *Office) varied(ctx context.Context, r VaryRequest, renewal bool) (a AskedChange, err error) {
	if err := r.check(ActVaried); err != nil {
		return a, err
	}
	s, err := o.c.Store.Seal(ctx, r.SealID)
	if err != nil {
		return a, err
	}
	a = AskedChange{Seal: s.ID, Edition: max(s.Edition, 1) + 1, Renewal: renewal, Agency: s.Agency, AgencyName: r.AgencyName, Name: r.Name,
		WidthMM: r.WidthMM, HeightMM: r.HeightMM, Who: r.Who, Why: r.Why}
	if a.Name == "" {
		a.Name = s.Name
	}
	if a.WidthMM == 0 && a.HeightMM == 0 {
		a.WidthMM, a.HeightMM = s.WidthMM, s.HeightMM
	}
	if err := a.check(s); err != nil {
		return a, err
	}
	l, err := a.looks(s, r)
	if err != nil {
		return a, err
	}
	var png []byte
	if l.kept {
		png, err = o.pictureOf(ctx, s)
		a.Drawn = s.Drawn
	} else {
		png, a.Drawn, err = l.faced(a.Name, s.Class)
	}
	if err != nil {
		return a, err
	}
	sum := sm3.Sum(png)
	a.Picture, a.Face = hex.EncodeToString(sum[:]), l.spec
	if err := a.check(s); err != nil { // once more: an emblem is not drawn
		return a, err
	}
	return a, o.c.Store.KeepPart(ctx, png)
}

// check asks whether the seal may be changed so.
func (a AskedChange) check(s Seal) error {
	switch {
	case !plain(a.Name, 1, maxNameLen) || !plain(a.AgencyName, 1, maxNameLen):
		return fmt.Errorf("%w: the seal's or agency's name", ErrRefused)
	case s.State != status.SealInForce:
		return fmt.Errorf("%w: only a seal in force is changed, and it is %s", ErrRefused, s.State)
	case len(s.Earlier) >= MaxEditions-1:
		return fmt.Errorf("%w: the seal has had %d editions; cancel it and make a new one", ErrRefused, MaxEditions)
	case a.Edition != max(s.Edition, 1)+1:
		return fmt.Errorf("%w: the seal was changed since this was asked", ErrRefused)
	case strings.Contains(s.CertSerial, ":"):
		// Its certificate is an outside authority's to renew, and ours would stand
		// behind another name.
		return fmt.Errorf("%w: the certificate of seal %s is an outside authority's; ask for a new seal there", ErrRefused, s.ID)
	}
	return s.Class.check(a.WidthMM, a.HeightMM, a.Drawn)
}

// edit makes key, certificate and SESeal of the next edition and replaces the present
// one, in this order: what fails half-way leaves a key and a certificate that nothing
// names, and the retry takes them up. Last is the retry key of the edition: the
// caller's own, so that no other act is done under it.
func (o *Office) edit(ctx context.Context, a AskedChange, leave Leave, last *act.Retry) (Seal, error) {
	present, err := o.c.Store.Seal(ctx, a.Seal)
	if err != nil {
		return Seal{}, err
	}
	if err := a.check(present); err != nil {
		return Seal{}, err
	}
	rd, err := o.prepare(ctx, present)
	if err != nil {
		return Seal{}, err
	}
	r := MakeRequest{Generation: int(rd.generation), Agency: a.Agency, AgencyName: a.AgencyName, Name: a.Name, WidthMM: a.WidthMM, HeightMM: a.HeightMM, Class: present.Class, drawn: a.Drawn, Who: a.Who, Why: a.Why}
	if r.PNG, err = o.Picture(ctx, a.Picture); err != nil {
		return Seal{}, err
	}
	key, serial, c, err := o.certified(ctx, fmt.Sprintf("%s.%d", a.Seal, a.Edition), a.Seal, r, part(leave.Retry, "certificate"))
	if err != nil {
		return Seal{}, err
	}
	next, der, err := o.build(ctx, r, a.Seal, key, serial, c)
	if err != nil {
		return Seal{}, err
	}
	leave.Retry = last
	s, err := o.change(ctx, ChangeRequest{SealID: a.Seal, Who: a.Who, Why: a.Why, leave: leave}, a.replacing(next, der))
	if err != nil {
		return Seal{}, err
	}
	// The register lets the old key sign no more; where it cannot be suspended now, the
	// next start does it (Init).
	_ = o.endKeys(context.WithoutCancel(ctx), s)
	return s, nil
}

func (a AskedChange) replacing(next Seal, der []byte) move {
	m := move{name: ActVaried, der: der}
	if a.Renewal {
		m.name = ActRenewed
	}
	m.to = func(s *Seal, now time.Time) error {
		if err := a.check(*s); err != nil {
			return err
		}
		old := s.present()
		old.Replaced = now
		s.Earlier = append(s.Earlier, old)
		*s = s.as(Edition{Number: a.Edition, SM3: next.SM3, Name: next.Name, ValidFrom: next.ValidFrom, ValidTo: next.ValidTo, KeyID: next.KeyID, CertSerial: next.CertSerial,
			WidthMM: next.WidthMM, HeightMM: next.HeightMM, Made: now})
		s.Drawn, s.Face = a.Drawn, a.Face
		if s.MustFile && !a.Renewal {
			s.Filing = nil // what was filed is another face or name
		}
		return nil
	}
	return m
}

// Filing is the entry of a seal with the authority that keeps its specimen (备案).
type Filing struct {
	Number    string    `cbor:"1,keyasint" json:"number"` // 备案编号
	Authority string    `cbor:"2,keyasint" json:"authority"`
	At        time.Time `cbor:"3,keyasint" json:"at"`
	Who       string    `cbor:"4,keyasint" json:"who"` // recorded it
}

// File records that a seal was filed. A seal that must be filed stamps from then on.
func (o *Office) File(ctx context.Context, r ChangeRequest, f Filing) (Seal, error) {
	if !plain(f.Number, 1, maxOperator) || !plain(f.Authority, 1, maxNameLen) {
		return Seal{}, fmt.Errorf("%w: a filing has a number and an authority", ErrRefused)
	}
	return o.change(ctx, r, move{name: ActFiled, to: func(s *Seal, now time.Time) error {
		if s.Filing != nil {
			return fmt.Errorf("%w: the seal is filed already, as %s", ErrRefused, s.Filing.Number)
		}
		filed := Filing{Number: f.Number, Authority: f.Authority, At: f.At.UTC(), Who: r.Who}
		if f.At.IsZero() {
			filed.At = now
		}
		if filed.At.After(now) {
			return fmt.Errorf("%w: the seal was not filed at a time to come", ErrRefused)
		}
		s.Filing = &filed
		return nil
	}})
}

// Waits tells whether the seal must be filed before it stamps.
func (s Seal) Waits() bool { return s.MustFile && s.Filing == nil }

// certified makes the key of an edition, or takes the one that an earlier try made,
// and its certificate.
func (o *Office) certified(ctx context.Context, label, code string, r MakeRequest, retry *act.Retry) (key hsm.Key, serial string, c *certs.Certificate, err error) {
	if key, err = o.keyFor(ctx, label, retry); err != nil {
		return nil, "", nil, err
	}
	issue := o.c.CA.IssueSealCertificate
	subject := code
	if r.Class.Personal() {
		issue, subject = o.c.CA.IssuePersonCertificate, r.Name
	}
	serial, der, err := issue(ctx, r.Agency, r.AgencyName, subject, key, r.Who, r.Why, retry)
	if err != nil {
		return nil, "", nil, err
	}
	if c, err = certs.ParseCertificate(der); err != nil {
		return nil, "", nil, err
	}
	if !c.PublicKey.Equal(key.Public()) {
		return nil, "", nil, fmt.Errorf("the certificate of seal %s is on another key", code)
	}
	return key, serial, c, nil
}
