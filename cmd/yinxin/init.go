package main

import (
	"context"
	"fmt"
	"io"

	"yinxin/internal/province"
)

func runVersion(_ context.Context, c *call) error {
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.print(map[string]string{"version": version}, func(w io.Writer) { fmt.Fprintln(w, "yinxin", version) })
}

func runInit(ctx context.Context, c *call) error {
	c.withData()
	var id province.Identity
	c.flags.StringVar(&id.Region, "region", "", "region `code` of GB/T 2260, six digits")
	c.flags.StringVar(&id.Name, "name", "", "the province's `name`, such as 贵州省")
	c.flags.StringVar(&id.URL, "url", "http://127.0.0.1:8520", "`address` of the public endpoint, as certificates name it")
	store := c.flags.String("store", "bolt", "register: bolt")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("region", id.Region, "name", id.Name); err != nil {
		return err
	}
	if *store != "bolt" {
		return usageError("--store: only bolt is built")
	}
	o, err := c.options(quiet())
	if err != nil {
		return err
	}
	if err := province.Init(ctx, o, id); err != nil {
		return err
	}
	return c.print(map[string]string{"data": o.Dir}, func(w io.Writer) { fmt.Fprintf(w, "made %s (%s) in %s\n", id.Name, id.Region, o.Dir) })
}
