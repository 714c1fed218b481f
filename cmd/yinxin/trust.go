package main

import (
	"bytes"
	"context"
	"fmt"

	"yinxin/internal/province"
)

func runTrustExport(ctx context.Context, c *call) error {
	c.withData()
	out := c.flags.String("o", "", "output `file`, standard output by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		b, err := p.Bundle(ctx)
		if err != nil {
			return err
		}
		text, err := b.Marshal()
		if err != nil {
			return err
		}
		anchor, err := b.Anchor()
		if err != nil {
			return err
		}
		if err := to.put(bytes.NewReader(append(text, '\n'))); err != nil {
			return err
		}
		if !c.json || *out == "" || *out == "-" { // where standard output is the bundle
			fmt.Fprintln(c.err, "trust anchor:", anchor)
			return nil
		}
		return c.print(map[string]string{"trustAnchor": anchor}, nil)
	})
}
