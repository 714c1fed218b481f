package seal

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/hsm"
	"yinxin/internal/act"
	"yinxin/seal/face"
)

// AskedMake is a seal that was asked for, as officers are shown it, and all that is
// needed to make it. The picture is kept as a part, under its SM3.
type AskedMake struct {
	Seal       string     `json:"seal"` // its code, allotted to this request alone
	Agency     string     `json:"agency"`
	AgencyName string     `json:"agencyName"`
	Name       string     `json:"name"`
	Picture    string     `json:"pictureSM3"`
	WidthMM    int        `json:"widthMm"`
	HeightMM   int        `json:"heightMm"`
	Class      Class      `json:"class,omitzero"`
	Drawn      bool       `json:"drawn,omitempty"` // the picture is ours, not uploaded
	Face       *face.Spec `json:"face,omitempty"`  // as it was described
	MustFile   bool       `json:"mustFile,omitempty"`
	Generation int        `json:"generation,omitempty"`
	Policy     Policy     `json:"policy"`
	Who        string     `json:"who"`
	Why        string     `json:"why"`
}

// Make makes a key, its certificate and the seal, signed by the seal maker, or asks
// for it where a second officer has to approve. A seal that fails half-way leaves a
// key and a certificate that nothing names; under an idempotency key the application
// is durable first, and a retry goes on from there.
func (o *Office) Make(ctx context.Context, r MakeRequest) (Seal, error) {
	if s, again, err := o.applied(ctx, r); again || err != nil {
		return s, err
	}
	if err := r.check(); err != nil {
		return Seal{}, err
	}
	code, err := o.code(ctx, "")
	if err != nil {
		return Seal{}, err
	}
	sum := sm3.Sum(r.PNG)
	a := AskedMake{Seal: code, Agency: r.Agency, AgencyName: r.AgencyName, Name: r.Name, Picture: hex.EncodeToString(sum[:]), WidthMM: r.WidthMM, HeightMM: r.HeightMM,
		Class: r.Class, Drawn: r.drawn, Face: r.spec, Generation: r.Generation, MustFile: r.MustFile || o.c.MustFile, Policy: r.Policy, Who: r.Who, Why: r.Why}
	if o.c.Gate != nil || r.Retry != nil {
		// Before the request, which would else name a picture that nobody has.
		if err := o.c.Store.KeepPart(ctx, r.PNG); err != nil {
			return Seal{}, err
		}
	}
	if o.c.Gate != nil {
		made, err := o.c.Gate.Pass(ctx, act.Asked{Kind: KindMake, Agency: r.Agency, Content: a, By: officer(r.By, r.Who), Why: r.Why, Retry: r.Retry})
		if made != "" || err != nil {
			return o.after(ctx, made, err)
		}
	}
	r.MustFile = a.MustFile
	if r.Retry == nil {
		return o.make(ctx, code, r, Leave{})
	}
	return o.apply(ctx, a, r)
}

// apply records the application, then makes the seal (申请).
func (o *Office) apply(ctx context.Context, a AskedMake, r MakeRequest) (Seal, error) {
	done, err := act.New(o.c.Clock(), o.c.Rand, ActApplied, a.Seal, a)
	if err != nil {
		return Seal{}, err
	}
	done.Retry = r.Retry
	err = o.c.Store.CommitApplied(ctx, done)
	if errors.Is(err, act.ErrRetryTaken) { // another call came first
		s, again, err := o.applied(ctx, r)
		if err == nil && !again {
			err = ErrRetryMismatch
		}
		return s, err
	}
	if err != nil {
		return Seal{}, err
	}
	return o.MakeAsked(ctx, a, Leave{Retry: part(r.Retry, "certificate")})
}

// applied gives, and if need be makes, the seal that was applied for under an
// idempotency key, or tells that the application waits.
func (o *Office) applied(ctx context.Context, r MakeRequest) (Seal, bool, error) {
	id, found, err := o.committed(ctx, r.Retry)
	if err != nil || !found {
		return Seal{}, false, err
	}
	a, err := o.c.Store.Applied(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound) && o.c.Gate != nil: // a request at the gate, which knows it
		made, err := o.c.Gate.Pass(ctx, act.Asked{Kind: KindMake, Agency: r.Agency, By: officer(r.By, r.Who), Why: r.Why, Retry: r.Retry})
		if made == "" && err == nil || errors.Is(err, act.ErrRetryTaken) {
			err = ErrRetryMismatch // the key stands for an act of another kind
		}
		s, err := o.after(ctx, made, err)
		return s, true, err
	case errors.Is(err, ErrNotFound):
		return Seal{}, false, ErrRetryMismatch
	case err != nil:
		return Seal{}, false, err
	}
	s, err := o.MakeAsked(ctx, a, Leave{Retry: part(r.Retry, "certificate")})
	return s, true, err
}

// Picture gives the picture of a seal that was asked for, by its SM3 in hex.
func (o *Office) Picture(ctx context.Context, name string) ([]byte, error) {
	sum, err := hex.DecodeString(name)
	if err != nil || len(sum) != sm3.Size {
		return nil, fmt.Errorf("%w: %q is no SM3 of a picture", ErrRefused, name)
	}
	return o.c.Store.SealDER(ctx, [32]byte(sum))
}

// MakeAsked makes a seal that officers approved, once whatever is killed: its code
// was allotted to the request, the key is found by that, the certificate by the
// retry key, and a seal of the code is this one.
func (o *Office) MakeAsked(ctx context.Context, a AskedMake, leave Leave) (Seal, error) {
	if s, err := o.c.Store.Seal(ctx, a.Seal); !errors.Is(err, ErrNotFound) {
		return s, err
	}
	if _, err := o.c.Store.Request(ctx, a.Seal); !errors.Is(err, ErrNotFound) {
		return Seal{}, errors.Join(ErrTaken, err)
	}
	r := MakeRequest{Agency: a.Agency, AgencyName: a.AgencyName, Name: a.Name, WidthMM: a.WidthMM, HeightMM: a.HeightMM, Class: a.Class, MustFile: a.MustFile, Policy: a.Policy,
		Who: a.Who, Why: a.Why, drawn: a.Drawn, spec: a.Face, Generation: a.Generation}
	var err error
	if r.PNG, err = o.Picture(ctx, a.Picture); err != nil {
		return Seal{}, err
	}
	if err := r.check(); err != nil {
		return Seal{}, err
	}
	s, err := o.make(ctx, a.Seal, r, leave)
	if errors.Is(err, ErrChanged) { // another call for the same request made it
		return o.c.Store.Seal(ctx, a.Seal)
	}
	return s, err
}

func (o *Office) make(ctx context.Context, code string, r MakeRequest, leave Leave) (Seal, error) {
	key, serial, c, err := o.certified(ctx, code, code, r, leave.Retry)
	if err != nil {
		return Seal{}, err
	}
	s, der, err := o.build(ctx, r, code, key, serial, c)
	if err != nil {
		return Seal{}, err
	}
	return s, o.commit(ctx, ActMade, Change{Seal: s, Who: r.Who, Why: r.Why, Request: leave.Request, Approved: leave.By}, 0, der, nil)
}

// keyFor makes the key of a seal's edition, or takes the one that an earlier try of
// the same request made.
func (o *Office) keyFor(ctx context.Context, edition string, retry *act.Retry) (hsm.Key, error) {
	label := "seal " + edition
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
