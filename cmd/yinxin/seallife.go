package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"yinxin/internal/province"
	"yinxin/seal"
	"yinxin/seal/face"
)

// withStep adds the flags of a step in the life of a seal; the seal is the argument.
func (c *call) withStep() *seal.ChangeRequest {
	c.withData()
	c.withOfficer()
	r := &seal.ChangeRequest{}
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	return r
}

// step reads the command line and does the step, or tells that it waits for a second
// officer.
func (c *call) step(ctx context.Context, r *seal.ChangeRequest, args int, do func(p *province.Province) (seal.Seal, error)) error {
	if err := c.parse(args, args); err != nil {
		return err
	}
	if err := need("why", r.Why); err != nil {
		return err
	}
	r.SealID = c.args[0]
	return c.withProvince(ctx, func(p *province.Province) error {
		var err error
		if r.By, err = c.officer(ctx, p); err != nil {
			return err
		}
		r.Who = r.By.String()
		s, err := do(p)
		if err != nil {
			return c.waits(err)
		}
		return c.printSeal(s)
	})
}

// runSealChange serves freeze and thaw.
func runSealChange(ctx context.Context, c *call) error {
	r := c.withStep()
	return c.step(ctx, r, 1, func(p *province.Province) (seal.Seal, error) {
		if c.cmd.name == "seal freeze" {
			return p.Seals.Freeze(ctx, *r)
		}
		return p.Seals.Thaw(ctx, *r)
	})
}

func runSealCancel(ctx context.Context, c *call) error {
	r := c.withStep()
	c.flags.StringVar((*string)(&r.Grounds), "grounds", "", "why it ends: "+strings.Join(strings.Fields(strings.Trim(fmt.Sprint(seal.AllGrounds()), "[]")), ", "))
	since := c.flags.String("since", "", "`time` since when it is not to be trusted (RFC 3339), for a compromise or a loss")
	return c.step(ctx, r, 1, func(p *province.Province) (seal.Seal, error) {
		var err error
		if r.Since, err = optionalTime("since", *since); err != nil {
			return seal.Seal{}, err
		}
		return p.Seals.Cancel(ctx, *r)
	})
}

func runSealDestroy(ctx context.Context, c *call) error {
	r := c.withStep()
	c.flags.StringVar(&r.Witness, "witness", "", "`name` of the second person who sees to it")
	return c.step(ctx, r, 1, func(p *province.Province) (seal.Seal, error) {
		if err := need("witness", r.Witness); err != nil {
			return seal.Seal{}, err
		}
		return p.Seals.Destroy(ctx, *r)
	})
}

func runSealFile(ctx context.Context, c *call) error {
	r := c.withStep()
	var f seal.Filing
	c.flags.StringVar(&f.Number, "number", "", "`number` under which it was filed")
	c.flags.StringVar(&f.Authority, "authority", "", "`name` of the authority that keeps its specimen")
	at := c.flags.String("at", "", "`time` of the filing (RFC 3339), now by default")
	return c.step(ctx, r, 1, func(p *province.Province) (seal.Seal, error) {
		var err error
		if f.At, err = optionalTime("at", *at); err != nil {
			return seal.Seal{}, err
		}
		if err := need("number", f.Number, "authority", f.Authority); err != nil {
			return seal.Seal{}, err
		}
		return p.Seals.File(ctx, *r, f)
	})
}

// runSealVary serves change and renew.
func runSealVary(ctx context.Context, c *call) error {
	r := c.withStep()
	var v seal.VaryRequest
	var drawn face.Spec
	picture := ""
	if c.cmd.name == "seal change" {
		c.flags.StringVar(&v.Name, "name", "", "its new `name`")
		c.flags.StringVar(&picture, "png", "", "`file` with its new face")
		c.withFace(&drawn)
		c.flags.IntVar(&v.WidthMM, "width", 0, "its new width in `mm`")
		c.flags.IntVar(&v.HeightMM, "height", 0, "its new height in `mm`")
	}
	return c.step(ctx, r, 1, func(p *province.Province) (seal.Seal, error) {
		s, err := p.Seals.Show(ctx, r.SealID)
		if err != nil {
			return s, err
		}
		owner, err := p.Agencies.Show(ctx, s.Agency)
		if err != nil {
			return s, err
		}
		if v.PNG, v.Face, err = looks(picture, &drawn); err != nil {
			return s, err
		}
		v.ChangeRequest, v.AgencyName = *r, owner.Name
		if c.cmd.name == "seal renew" {
			return p.Seals.Renew(ctx, v)
		}
		return p.Seals.Vary(ctx, v)
	})
}

func runSealHistory(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		steps, err := p.Seals.History(ctx, c.args[0])
		if err != nil {
			return err
		}
		return c.print(steps, func(w io.Writer) {
			for _, s := range steps {
				fmt.Fprintf(w, "%s %-14s edition %d, by %s: %s", s.At.Format(time.RFC3339), s.Name, s.Seal.Edition, plain(s.Who), plain(s.Why))
				switch {
				case s.Name == seal.ActCancelled && s.Seal.End != nil:
					fmt.Fprintf(w, "; grounds %s", s.Seal.End.Grounds)
				case s.Name == seal.ActDestroyed && s.Seal.Destroyed != nil:
					fmt.Fprintf(w, "; before %s", plain(s.Seal.Destroyed.Witness))
				case s.Name == seal.ActFiled && s.Seal.Filing != nil:
					fmt.Fprintf(w, "; filed as %s with %s", plain(s.Seal.Filing.Number), plain(s.Seal.Filing.Authority))
				}
				if s.Approved != "" {
					fmt.Fprintf(w, "; approved by %s", plain(s.Approved))
				}
				fmt.Fprintln(w)
			}
		})
	})
}
