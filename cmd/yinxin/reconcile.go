package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"yinxin/internal/province"
)

// errCounters: a key's counter and the register tell different things.
var errCounters = errors.New("the counters of the keys do not agree with the register")

func runSealReconcile(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		keys, err := p.Reconcile(ctx)
		if err != nil {
			return err
		}
		if keys == nil {
			keys = []province.KeyUse{}
		}
		wrong := 0
		for _, k := range keys {
			if k.State != province.UsesAgree {
				wrong++
			}
		}
		err = c.print(keys, func(w io.Writer) {
			for _, k := range keys {
				fmt.Fprintf(w, "%s  %s: %d uses, %d stamps, %d requests, %d without act, key %s\n", k.SealID, k.State, k.Uses, k.Stamps, k.Requests, k.Unaccounted, k.KeyID)
			}
		})
		if err == nil && wrong > 0 {
			err = fmt.Errorf("%w: %d of %d keys, shown above", errCounters, wrong, len(keys))
		}
		return err
	})
}
