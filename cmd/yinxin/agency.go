package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"yinxin/internal/agency"
	"yinxin/internal/province"
)

func runAgencyAdd(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	uscc := c.flags.String("uscc", "", "unified social credit `code`")
	name := c.flags.String("name", "", "the agency's `name`")
	region := c.flags.String("region", "", "region `code`, the province's by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("uscc", *uscc, "name", *name); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		if *region == "" {
			*region = p.Identity.Region
		}
		who, err := c.who(ctx, p)
		if err != nil {
			return err
		}
		a, err := p.Agencies.Add(ctx, agency.AddRequest{ID: *uscc, Name: *name, Region: *region, Who: who})
		if err != nil {
			return err
		}
		return c.print(a, func(w io.Writer) { fmt.Fprintln(w, a.ID, a.Name) })
	})
}

func runAgencyList(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, err := p.Agencies.List(ctx)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, a := range all {
				fmt.Fprintln(w, a.ID, a.Region, a.State, a.Name)
			}
		})
	})
}

func runKeyCreate(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := agency.KeyRequest{}
	c.flags.StringVar(&r.Agency, "agency", "", "USCC of the `agency`")
	scope := c.flags.String("scope", "", "scopes, comma separated: "+strings.Join(agency.Scopes(), " "))
	networks := c.flags.String("network", "", "networks it may be used from, comma separated (CIDR)")
	c.flags.StringVar(&r.Label, "label", "", "what it is for")
	c.flags.StringVar(&r.Officer, "officer", "", "`name` of the person whose key it is; without it the key is a program's")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("agency", r.Agency, "scope", *scope); err != nil {
		return err
	}
	r.Scopes = strings.Split(*scope, ",")
	if *networks != "" {
		r.Networks = strings.Split(*networks, ",")
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		var err error
		if r.Who, err = c.who(ctx, p); err != nil {
			return err
		}
		secret, key, err := p.Agencies.CreateKey(ctx, r)
		if err != nil {
			return err
		}
		return c.print(map[string]any{"key": secret, "id": key.ID}, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n", secret)
			fmt.Fprintln(c.err, "It is shown this once; only its hash is kept.")
		})
	})
}

func runKeyList(ctx context.Context, c *call) error {
	c.withData()
	of := c.flags.String("agency", "", "USCC of the `agency`")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		keys, err := p.Agencies.Keys(ctx, *of)
		if err != nil {
			return err
		}
		return c.print(keys, func(w io.Writer) {
			for _, k := range keys {
				fmt.Fprintln(w, k.ID, k.Agency, strings.Join(k.Scopes, ","), k.Expires.Format(time.DateOnly), k.InForce(time.Now()), plain(k.Officer))
			}
		})
	})
}

func runKeyRevoke(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	why := c.flags.String("why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", *why); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		who, err := c.who(ctx, p)
		if err != nil {
			return err
		}
		key, err := p.Agencies.Revoke(ctx, c.args[0], who, *why)
		if err != nil {
			return err
		}
		return c.print(key, func(w io.Writer) { fmt.Fprintln(w, "revoked", key.ID) })
	})
}

func runAgencyShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		a, err := p.Agencies.Show(ctx, c.args[0])
		if err != nil {
			return err
		}
		return c.print(a, func(w io.Writer) { fmt.Fprintln(w, a.ID, a.Region, a.State, a.Name) })
	})
}

// runKeyRotate gives a key's owner a new one with the same rights.
func runKeyRotate(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	grace := c.flags.Duration("grace", 24*time.Hour, "how `long` the old key stays good, so that a running program can be changed over")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		who, err := c.who(ctx, p)
		if err != nil {
			return err
		}
		secret, key, err := p.Agencies.Rotate(ctx, c.args[0], *grace, who)
		if err != nil {
			return err
		}
		return c.print(map[string]any{"key": secret, "id": key.ID}, func(w io.Writer) {
			fmt.Fprintln(w, secret)
			fmt.Fprintln(c.err, "It is shown this once; only its hash is kept.")
		})
	})
}
