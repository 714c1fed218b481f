package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"yinxin/internal/province"
	"yinxin/seal"
)

func runSealGrant(ctx context.Context, c *call) error {
	r := c.withStep()
	var g seal.Grant
	var matters several
	c.flags.StringVar(&g.ID, "grant", "", "`id` of the grant to change; a new one by default")
	c.flags.StringVar(&g.Agency, "agency", "", "USCC of the `agency`; the seal's own by default")
	c.flags.StringVar(&g.Officer, "officer", "", "`name` of the officer whose own key it must be")
	c.flags.StringVar(&g.Key, "key", "", "`id` of the bearer key that it must be")
	c.flags.Var(&matters, "matter", "`code` of a matter, may be repeated; all by default")
	from := c.flags.String("from", "", "`time` from which it holds (RFC 3339)")
	to := c.flags.String("to", "", "`time` at which it ends")
	c.flags.Uint64Var(&g.PerDay, "per-day", 0, "how many stamps a day")
	c.flags.BoolVar(&g.SecondPerson, "second-person", false, "another officer of the agency approves each use")
	return c.step(ctx, r, 1, func(p *province.Province) (seal.Seal, error) {
		var err error
		if g.From, err = optionalTime("from", *from); err != nil {
			return seal.Seal{}, err
		}
		if g.To, err = optionalTime("to", *to); err != nil {
			return seal.Seal{}, err
		}
		if g.Matters = matters; g.Agency == "" {
			s, err := p.Seals.Show(ctx, r.SealID)
			if err != nil {
				return s, err
			}
			g.Agency = s.Agency
		}
		return p.Seals.Grant(ctx, *r, g)
	})
}

func runSealUngrant(ctx context.Context, c *call) error {
	r := c.withStep()
	return c.step(ctx, r, 2, func(p *province.Province) (seal.Seal, error) { return p.Seals.Ungrant(ctx, *r, c.args[1]) })
}

func runSealPolicy(ctx context.Context, c *call) error {
	r := c.withStep()
	var policy seal.Policy
	var agencies, matters, networks several
	c.flags.Var(&agencies, "agency", "USCC of an `agency` that may stamp beside the owner, may be repeated")
	c.flags.Var(&matters, "matter", "`code` of a matter, may be repeated; all by default")
	c.flags.Var(&networks, "network", "`CIDR` from which bearer keys may stamp, may be repeated; anywhere by default")
	c.flags.Uint64Var(&policy.PerDay, "per-day", 0, "how many stamps a day, by all grants together")
	c.flags.BoolVar(&policy.Closed, "closed", false, "the owner's own may stamp by a grant alone")
	return c.step(ctx, r, 1, func(p *province.Province) (seal.Seal, error) {
		policy.Agencies, policy.Matters, policy.Networks = agencies, matters, networks
		return p.Seals.SetPolicy(ctx, *r, policy)
	})
}

func runSealGrants(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		s, err := p.Seals.Show(ctx, c.args[0])
		if err != nil {
			return err
		}
		all := s.InEffect()
		return c.print(all, func(w io.Writer) {
			for _, g := range all {
				fmt.Fprintln(w, grantLine(g))
			}
		})
	})
}

func grantLine(g seal.Grant) string {
	line := []string{g.ID, g.Agency}
	if g.ID == "" {
		line[0] = "-" // not given: the owner's own right, or the policy's
	}
	add := func(format string, args ...any) { line = append(line, fmt.Sprintf(format, args...)) }
	if g.Officer != "" {
		add("officer %s", plain(g.Officer))
	}
	if g.Key != "" {
		add("key %s", g.Key)
	}
	if len(g.Matters) > 0 {
		add("matters %s", strings.Join(g.Matters, ","))
	}
	if !g.From.IsZero() {
		add("from %s", g.From.Format(time.RFC3339))
	}
	if !g.To.IsZero() {
		add("to %s", g.To.Format(time.RFC3339))
	}
	if g.PerDay > 0 {
		add("%d a day", g.PerDay)
	}
	if g.SecondPerson {
		add("a second person approves each use")
	}
	return strings.Join(line, " ")
}
