package seal

import (
	"context"
	"fmt"

	"yinxin/seal/face"
	"yinxin/seal/ses"
)

// looks is what a seal is to look like: a picture that was uploaded, a description, or
// neither, which is a face with its name.
type looks struct {
	png           []byte
	spec          *face.Spec
	width, height int // mm
}

// faced gives the picture, and whether it is drawn by us.
func (l looks) faced(name string, c Class) (png []byte, drawn bool, err error) {
	switch {
	case l.png != nil && l.spec != nil:
		return nil, false, fmt.Errorf("%w: a seal has an uploaded picture or a drawn face, not both", ErrRefused)
	case l.png != nil:
		info, err := face.Check(l.png)
		if err == nil {
			err = info.Fits(l.width, l.height)
		}
		if err != nil {
			return nil, false, fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return l.png, false, nil
	case l.spec == nil && !c.Personal():
		if png, err = face.Usual(name, l.width, l.height); err != nil {
			err = fmt.Errorf("%w: %w", ErrRefused, err)
		}
		return png, true, err
	}
	s := face.Spec{Shape: face.Person}
	if l.spec != nil {
		s = *l.spec
	}
	if s.Name == "" {
		s.Name = name
	}
	if s.WidthMM == 0 && s.HeightMM == 0 {
		s.WidthMM, s.HeightMM = l.width, l.height
	}
	if s.WidthMM != l.width || s.HeightMM != l.height {
		return nil, true, fmt.Errorf("%w: a face of %d by %d mm for a seal of %d by %d", ErrRefused, s.WidthMM, s.HeightMM, l.width, l.height)
	}
	if png, err = face.Draw(s); err != nil {
		err = fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return png, true, err
}

// pictureFor is the one of the next edition: a new one, or the present one where
// neither name nor size change. An uploaded picture shows what it shows: with another
// name or size it must come anew.
func (o *Office) pictureFor(ctx context.Context, s Seal, r VaryRequest, a AskedChange) (png []byte, drawn bool, err error) {
	l := looks{r.PNG, r.Face, a.WidthMM, a.HeightMM}
	same := a.Name == s.Name && a.WidthMM == s.WidthMM && a.HeightMM == s.HeightMM
	switch {
	case l.png != nil || l.spec != nil || !same && s.Drawn:
		return l.faced(a.Name, s.Class)
	case !same:
		return nil, false, fmt.Errorf("%w: the picture of seal %s was uploaded; with another name or size it needs a new one", ErrRefused, s.ID)
	}
	der, err := o.c.Store.SealDER(ctx, s.SM3)
	if err != nil {
		return nil, false, err
	}
	parsed, err := ses.ParseSeal(der)
	if err != nil {
		return nil, false, err
	}
	return parsed.Picture.Data, s.Drawn, nil
}
