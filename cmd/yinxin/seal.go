package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"yinxin/internal/province"
	"yinxin/seal"
	"yinxin/seal/face"
	"yinxin/verify/status"
)

// maxPicture bounds the file of a seal's face.
const maxPicture = 4 << 20

// makeFlags are those of a seal that is to be made.
type makeFlags struct {
	seal.MakeRequest
	picture string
	mm      int
	face    face.Spec
}

func (c *call) withMake() *makeFlags {
	c.withOfficer()
	f := &makeFlags{MakeRequest: seal.MakeRequest{Why: "made on the command line"}}
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of the `agency`")
	c.flags.StringVar(&f.Name, "name", "", "the seal's `name`, the agency's by default")
	c.flags.StringVar(&f.picture, "png", "", "`file` with its face; drawn with its name by default")
	c.withFace(&f.face)
	c.flags.IntVar(&f.mm, "mm", 0, "diameter in `mm`; what the rank prescribes, or 42, by default")
	c.flags.IntVar(&f.WidthMM, "width", 0, "width in `mm` of a seal that is not round")
	c.flags.IntVar(&f.HeightMM, "height", 0, "its height in `mm`")
	c.flags.StringVar((*string)(&f.Class.Kind), "kind", "", "agency (the default), special, legal-representative or person")
	c.flags.StringVar(&f.Class.Purpose, "purpose", "", "of a special seal: e-licence, finance, contract or other:NAME")
	c.flags.StringVar((*string)(&f.Class.Rank), "rank", "", "of the organ: province, prefecture, county, prefecture-office, township, department or institution")
	c.flags.BoolVar(&f.Class.Emblem, "emblem", false, "the picture shows the national emblem")
	c.flags.BoolVar(&f.MustFile, "must-file", false, "it does not stamp before it is filed")
	c.flags.IntVar(&f.Generation, "generation", 4, "of the standard: 4 (GB/T 38540-2020) or 5 (GM/T 0031-2025)")
	c.flags.StringVar(&f.Why, "why", f.Why, "the grounds")
	return f
}

func (f *makeFlags) read() error {
	if err := need("agency", f.Agency); err != nil {
		return err
	}
	if f.WidthMM == 0 && f.HeightMM == 0 {
		f.WidthMM, f.HeightMM = f.mm, f.mm
	}
	var err error
	f.PNG, f.Face, err = looks(f.picture, &f.face)
	return err
}

// withFace adds the flags of a face that is drawn for a seal; without --shape it is
// drawn with the name alone.
func (c *call) withFace(s *face.Spec) {
	c.flags.StringVar((*string)(&s.Shape), "shape", "", "its face is drawn round (default), oval, square or as name (a person's)")
	c.faceFlags(s)
}

// looks reads an uploaded picture, or the description of a face that is to be drawn.
func looks(picture string, s *face.Spec) ([]byte, *face.Spec, error) {
	if picture != "" {
		png, err := readSmall(picture, maxPicture)
		return png, nil, err
	}
	if *s == (face.Spec{}) {
		return nil, nil, nil
	}
	if s.Shape == "" {
		if s.Shape = face.Round; s.Suffix != "" {
			s.Shape = face.Person
		}
	}
	return nil, s, nil
}

// named takes from the register the agency's name, and whose key the officer's is.
func (f *makeFlags) named(ctx context.Context, c *call, p *province.Province) error {
	a, err := p.Agencies.Show(ctx, f.Agency)
	if err != nil {
		return err
	}
	if f.By, err = c.officer(ctx, p); err != nil {
		return err
	}
	f.Who = f.By.String()
	if f.AgencyName = a.Name; f.Name == "" {
		f.Name = a.Name
	}
	return nil
}

func runSealMake(ctx context.Context, c *call) error {
	c.withData()
	f := c.withMake()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := f.read(); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		if err := f.named(ctx, c, p); err != nil {
			return err
		}
		s, err := p.Seals.Make(ctx, f.MakeRequest)
		if err != nil {
			return c.waits(err)
		}
		return c.print(s, func(w io.Writer) { fmt.Fprintln(w, s.ID, s.Name) })
	})
}

func runSealList(ctx context.Context, c *call) error {
	c.withData()
	f := seal.SealFilter{Limit: 1000}
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an `agency`")
	c.flags.StringVar((*string)(&f.State), "state", "", "in_force, frozen or cancelled")
	c.flags.StringVar((*string)(&f.Kind), "kind", "", "agency, special, legal-representative or person")
	c.flags.StringVar(&f.Cursor, "after", "", "id of the last seal seen")
	c.flags.IntVar(&f.Limit, "limit", f.Limit, "how many at most, 1,000 or fewer")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if f.Limit < 1 || f.Limit > 1000 {
		return usageError("--limit: 1 to 1000")
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, next, err := p.Seals.List(ctx, f)
		if err != nil {
			return err
		}
		c.more(next)
		return c.print(all, func(w io.Writer) {
			for _, s := range all {
				fmt.Fprintln(w, s.ID, s.State, s.Agency, s.Name)
			}
		})
	})
}

func runSealShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		s, err := p.Seals.Show(ctx, c.args[0])
		if err != nil {
			return err
		}
		return c.printSeal(s)
	})
}

func (c *call) printSeal(s seal.Seal) error {
	return c.print(struct {
		seal.Seal
		SM3 string `json:"sm3"`
	}{s, hex.EncodeToString(s.SM3[:])}, func(w io.Writer) {
		fmt.Fprintln(w, s.ID, s.State, plain(s.Name))
		printLife(w, s)
	})
}

// printLife tells what a seal is and what became of it, a line each.
func printLife(w io.Writer, s seal.Seal) {
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	line := func(format string, args ...any) { fmt.Fprintf(w, "  "+format+"\n", args...) }
	kind := s.Class.Kind
	if kind == "" {
		kind = seal.KindAgency
	}
	line("%s seal of %s, %d by %d mm, edition %d, valid to %s", kind, s.Agency, s.WidthMM, s.HeightMM, s.Edition, at(s.ValidTo))
	switch {
	case s.Filing != nil:
		line("filed as %s with %s %s", plain(s.Filing.Number), plain(s.Filing.Authority), at(s.Filing.At))
	case s.Waits() && s.State != status.SealCancelled:
		line("waits to be filed: yinxin seal file %s", s.ID)
	}
	for _, e := range s.Earlier {
		line("edition %d replaced %s", e.Number, at(e.Replaced))
	}
	for _, i := range s.Intervals {
		if i.To.IsZero() {
			line("%s since %s", i.State, at(i.From))
		} else {
			line("%s from %s to %s", i.State, at(i.From), at(i.To))
		}
	}
	if e := s.End; e != nil {
		line("ended by %s, grounds %s: %s", plain(e.Who), e.Grounds, plain(e.Why))
	}
	if d := s.Destroyed; d != nil {
		line("keys destroyed %s by %s before %s", at(d.At), plain(d.Who), plain(d.Witness))
	}
}
