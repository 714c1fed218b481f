package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"yinxin/internal/province"
	"yinxin/seal"
)

// maxPicture bounds the file of a seal's face.
const maxPicture = 4 << 20

// makeFlags are those of a seal that is to be made.
type makeFlags struct {
	seal.MakeRequest
	picture string
	mm      int
}

func (c *call) withMake() *makeFlags {
	c.withOfficer()
	f := &makeFlags{MakeRequest: seal.MakeRequest{Why: "made on the command line"}}
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of the `agency`")
	c.flags.StringVar(&f.Name, "name", "", "the seal's `name`, the agency's by default")
	c.flags.StringVar(&f.picture, "png", "", "`file` with its face; drawn with its name by default")
	c.flags.IntVar(&f.mm, "mm", 0, "diameter in `mm`, 42 by default")
	c.flags.IntVar(&f.Generation, "generation", 4, "of the standard: 4 (GB/T 38540-2020) or 5 (GM/T 0031-2025)")
	c.flags.StringVar(&f.Why, "why", f.Why, "the grounds")
	return f
}

func (f *makeFlags) read() error {
	if err := need("agency", f.Agency); err != nil {
		return err
	}
	f.WidthMM, f.HeightMM = f.mm, f.mm
	if f.picture == "" {
		return nil
	}
	var err error
	f.PNG, err = readSmall(f.picture, maxPicture)
	return err
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
	of := c.flags.String("agency", "", "USCC of an `agency`")
	after := c.flags.String("after", "", "id of the last seal seen")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, err := p.Seals.List(ctx, *of, *after, 1000)
		if err != nil {
			return err
		}
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
		fmt.Fprintln(w, s.ID, s.State, s.Name)
		for _, i := range s.Intervals {
			fmt.Fprintln(w, " ", i.State, i.From.Format(time.RFC3339), i.To.Format(time.RFC3339))
		}
	})
}

// runSealChange serves freeze, thaw and cancel.
func runSealChange(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := seal.ChangeRequest{}
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	since := c.flags.String("since", "", "for cancel: `time` since when it is not to be trusted (RFC 3339)")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", r.Why); err != nil {
		return err
	}
	r.SealID = c.args[0]
	var err error
	if r.Since, err = optionalTime("since", *since); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		do := map[string]func(context.Context, seal.ChangeRequest) (seal.Seal, error){
			"seal freeze": p.Seals.Freeze, "seal thaw": p.Seals.Thaw, "seal cancel": p.Seals.Cancel,
		}[c.cmd.name]
		if r.Who, err = c.who(ctx, p); err != nil {
			return err
		}
		s, err := do(ctx, r)
		if err != nil {
			return err
		}
		return c.printSeal(s)
	})
}
