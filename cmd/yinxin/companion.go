package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"time"

	"yinxin/ca"
	"yinxin/internal/province"
)

// runCACompanion shows the authority of companion signatures, and writes the root that
// readers abroad are to trust.
func runCACompanion(ctx context.Context, c *call) error {
	c.withData()
	out := c.flags.String("o", "", "write its newest root to this `file`, PEM")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		if *out != "" {
			return c.writeCompanionRoot(ctx, p, *out)
		}
		all, err := p.Companion.List(ctx)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, r := range all {
				fmt.Fprintln(w, r.Serial, r.Role, r.NotBefore.Format(time.RFC3339), r.NotAfter.Format(time.RFC3339))
			}
		})
	})
}

func (c *call) writeCompanionRoot(ctx context.Context, p *province.Province, name string) error {
	roots, err := p.Companion.Root(ctx)
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		return fmt.Errorf("%w: there is no companion authority before the first seal stamp --companion", ca.ErrNotFound)
	}
	to, err := c.openOutput(name)
	if err != nil {
		return err
	}
	defer to.drop()
	return to.put(bytes.NewReader(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: roots[len(roots)-1].DER})))
}
