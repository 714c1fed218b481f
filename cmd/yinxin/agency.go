package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"yinxin/internal/province"
)

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
	grace := c.flags.Duration("grace", 24*time.Hour, "how `long` the old key stays good, so that a running program can be changed over")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		secret, key, err := p.Agencies.Rotate(ctx, c.args[0], *grace, operator())
		if err != nil {
			return err
		}
		return c.print(map[string]any{"key": secret, "id": key.ID}, func(w io.Writer) {
			fmt.Fprintln(w, secret)
			fmt.Fprintln(c.err, "It is shown this once; only its hash is kept.")
		})
	})
}
