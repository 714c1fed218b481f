package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"yinxin/ca/outside"
	"yinxin/internal/province"
)

func runOutsideAdd(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := outside.AddRequest{}
	c.flags.StringVar(&r.Name, "name", "", "the authority's `name`, as the trust list shows it")
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	c.flags.Var((*several)(&r.Addresses), "address", "`URL` of its revocation list or OCSP responder; may be given again")
	c.flags.Var((*several)(&r.Organisations), "organisation", "`USCC` of an organisation that it may speak for, all by default; may be given again")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("name", r.Name, "why", r.Why); err != nil {
		return err
	}
	var err error
	if r.Certificate, err = readSmall(c.args[0], maxCertificates); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		if r.Who, err = c.who(ctx, p); err != nil {
			return err
		}
		a, err := p.Outside.Add(ctx, r)
		if err != nil {
			return err
		}
		return c.print(a, func(w io.Writer) { writeAuthority(w, a) })
	})
}

func runOutsideList(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, err := p.Outside.Authorities(ctx)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, a := range all {
				writeAuthority(w, a)
			}
		})
	})
}

func writeAuthority(w io.Writer, a outside.Authority) {
	fmt.Fprintln(w, a.ID, a.State(), plain(a.Name))
	for _, h := range a.History {
		fmt.Fprintf(w, "  %s since %s, %s: %s\n", h.State, h.Since.Format(time.RFC3339), plain(h.Who), plain(h.Why))
	}
}

// runOutsideEnd serves withdraw and distrust.
func runOutsideEnd(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := outside.EndRequest{}
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	since := c.flags.String("since", "", "`time` since when (RFC 3339), now by default")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", r.Why); err != nil {
		return err
	}
	r.ID = c.args[0]
	var err error
	if r.Since, err = optionalTime("since", *since); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		end := p.Outside.Withdraw
		if c.cmd.name == "ca outside distrust" {
			end = p.Outside.Distrust
		}
		if r.Who, err = c.who(ctx, p); err != nil {
			return err
		}
		a, err := end(ctx, r)
		if err != nil {
			return err
		}
		return c.print(a, func(w io.Writer) { writeAuthority(w, a) })
	})
}
