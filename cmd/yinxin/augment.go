package main

import (
	"context"
	"fmt"
	"io"

	"yinxin/internal/province"
	"yinxin/seal"
)

// runAugment puts evidence into a sealed PDF, or renews what stands in it.
func runAugment(ctx context.Context, c *call) error {
	c.withData()
	level := c.flags.String("level", string(seal.LevelLTA), "LT, or LTA with a time-stamp over the evidence")
	offline := c.flags.Bool("offline", false, "ask no other region")
	out := c.flags.String("o", "", "output `file`, - for standard output")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("o", *out); err != nil {
		return err
	}
	in, err := openInput(c, c.args[0])
	if err != nil {
		return err
	}
	defer in.close()
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	c.ask = !*offline
	return c.withProvince(ctx, func(p *province.Province) error {
		done, err := p.Seals.Augment(ctx, in, in.size, seal.Level(*level))
		if err != nil {
			return err
		}
		grown := done.Size() - in.size
		if err := to.put(done); err != nil {
			return err
		}
		if !c.json || *out == "-" { // where standard output is the document
			_, err := fmt.Fprintf(c.err, "evidence of level %s was added: %d bytes\n", *level, grown)
			return err
		}
		return c.print(struct {
			Level string `json:"level"`
			Added int64  `json:"added"`
		}{*level, grown}, func(io.Writer) {})
	})
}
