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
	width, height int  // mm
	kept          bool // it looks as it does
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

// looks of the next edition: as asked, or as the present one. What was drawn shows a
// new name or size by itself; an uploaded picture, or a face whose text was given word
// for word, shows what it shows, and must come anew.
func (a AskedChange) looks(s Seal, r VaryRequest) (looks, error) {
	l := looks{png: r.PNG, spec: r.Face, width: a.WidthMM, height: a.HeightMM}
	renamed := a.Name != s.Name
	resized := a.WidthMM != s.WidthMM || a.HeightMM != s.HeightMM
	switch {
	case l.png != nil || l.spec != nil:
	case !renamed && !resized:
		l.kept, l.spec = true, s.Face
	case !s.Drawn || renamed && s.Face != nil && s.Face.Name != "":
		return l, fmt.Errorf("%w: the face of seal %s cannot show another name or size by itself; bring a new one", ErrRefused, s.ID)
	case s.Face != nil:
		spec := *s.Face
		spec.WidthMM, spec.HeightMM = 0, 0
		l.spec = &spec
	}
	return l, nil
}

// pictureOf is the one that a seal has.
func (o *Office) pictureOf(ctx context.Context, s Seal) ([]byte, error) {
	der, err := o.c.Store.SealDER(ctx, s.SM3)
	if err != nil {
		return nil, err
	}
	parsed, err := ses.ParseSeal(der)
	if err != nil {
		return nil, err
	}
	return parsed.Picture.Data, nil
}
