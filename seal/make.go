package seal

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/certs"
	"yinxin/hsm"
	"yinxin/internal/act"
)

// Gate is asked before a seal is made, for the province may want a second officer
// (ca.Gate).
type Gate interface {
	// Pass returns "" and nil where the act may be done now, and the id of the seal
	// where it was asked for under the same idempotency key and done.
	Pass(ctx context.Context, a act.Asked) (ref string, err error)
}

// KindMake is the kind of request for a seal with a certificate of our own.
const KindMake = "seal:make"

// AskedMake is a seal that was asked for, as officers are shown it, and all that is
// needed to make it. The picture is kept as a part, under its SM3.
type AskedMake struct {
	Seal       string `json:"seal"` // its code, allotted to this request alone
	Agency     string `json:"agency"`
	AgencyName string `json:"agencyName"`
	Name       string `json:"name"`
	Picture    string `json:"pictureSM3"`
	WidthMM    int    `json:"widthMm"`
	HeightMM   int    `json:"heightMm"`
	Generation int    `json:"generation,omitempty"`
	Policy     Policy `json:"policy"`
	Who        string `json:"who"`
	Why        string `json:"why"`
}

// Make makes a key, its certificate and the seal, signed by the seal maker, or asks
// for it where a second officer has to approve. A seal that fails half-way leaves a
// key and a certificate that nothing names.
func (o *Office) Make(ctx context.Context, r MakeRequest) (Seal, error) {
	if err := r.check(); err != nil {
		return Seal{}, err
	}
	code, err := o.code(ctx, "")
	if err != nil {
		return Seal{}, err
	}
	if err := o.admitMake(ctx, code, r); err != nil {
		return Seal{}, err
	}
	return o.make(ctx, code, r, nil)
}

func (o *Office) admitMake(ctx context.Context, code string, r MakeRequest) error {
	if o.c.Gate == nil {
		return nil
	}
	// Before the request, which would else name a picture that nobody has.
	if err := o.c.Store.KeepPart(ctx, r.PNG); err != nil {
		return err
	}
	if r.By.Name == "" {
		r.By.Name = r.Who
	}
	sum := sm3.Sum(r.PNG)
	content := AskedMake{Seal: code, Agency: r.Agency, AgencyName: r.AgencyName, Name: r.Name, Picture: hex.EncodeToString(sum[:]), WidthMM: r.WidthMM, HeightMM: r.HeightMM, Generation: r.Generation,
		Policy: r.Policy, Who: r.Who, Why: r.Why}
	_, err := o.c.Gate.Pass(ctx, act.Asked{Kind: KindMake, Agency: r.Agency, Content: content, By: r.By, Why: r.Why})
	return err
}

// Picture gives the picture of a seal that was asked for.
func (o *Office) Picture(ctx context.Context, a AskedMake) ([]byte, error) {
	sum, err := hex.DecodeString(a.Picture)
	if err != nil || len(sum) != sm3.Size {
		return nil, fmt.Errorf("%w: %q is no SM3 of a picture", ErrRefused, a.Picture)
	}
	return o.c.Store.SealDER(ctx, [32]byte(sum))
}

// MakeAsked makes a seal that officers approved, once whatever is killed: its code
// was allotted to the request, the key is found by that, the certificate by the
// retry key, and a seal of the code is this one.
func (o *Office) MakeAsked(ctx context.Context, a AskedMake, retry *act.Retry) (Seal, error) {
	if s, err := o.c.Store.Seal(ctx, a.Seal); !errors.Is(err, ErrNotFound) {
		return s, err
	}
	if _, err := o.c.Store.Request(ctx, a.Seal); !errors.Is(err, ErrNotFound) {
		return Seal{}, errors.Join(ErrTaken, err)
	}
	r := MakeRequest{Agency: a.Agency, AgencyName: a.AgencyName, Name: a.Name, WidthMM: a.WidthMM, HeightMM: a.HeightMM, Generation: a.Generation, Policy: a.Policy, Who: a.Who, Why: a.Why}
	var err error
	if r.PNG, err = o.Picture(ctx, a); err != nil {
		return Seal{}, err
	}
	if err := r.check(); err != nil {
		return Seal{}, err
	}
	return o.make(ctx, a.Seal, r, retry)
}

func (o *Office) make(ctx context.Context, code string, r MakeRequest, retry *act.Retry) (Seal, error) {
	key, err := o.keyFor(ctx, code, retry)
	if err != nil {
		return Seal{}, err
	}
	serial, cert, err := o.c.CA.IssueSealCertificate(ctx, r.Agency, r.AgencyName, code, key, r.Who, r.Why, retry)
	if err != nil {
		return Seal{}, err
	}
	c, err := certs.ParseCertificate(cert)
	if err != nil {
		return Seal{}, err
	}
	if !c.PublicKey.Equal(key.Public()) {
		return Seal{}, fmt.Errorf("the certificate of seal %s is on another key", code)
	}
	s, der, err := o.build(ctx, r, code, key, serial, c)
	if err != nil {
		return Seal{}, err
	}
	return s, o.commit(ctx, ActMade, s, 0, der, r.Who, r.Why)
}

// keyFor makes the key of a seal, or takes the one that an earlier try of the same
// request made.
func (o *Office) keyFor(ctx context.Context, code string, retry *act.Retry) (hsm.Key, error) {
	label := "seal " + code
	if retry != nil {
		all, err := o.c.Keys.List(ctx)
		if err != nil {
			return nil, err
		}
		left := slices.IndexFunc(all, func(i hsm.Info) bool { return i.Label == label && i.Usage == hsm.UsageSign && i.State == hsm.Active })
		if left >= 0 {
			return o.c.Keys.Key(ctx, all[left].ID)
		}
	}
	return o.c.Keys.Generate(ctx, label, hsm.UsageSign)
}
