package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"yinxin/internal/province"
	"yinxin/internal/sheet"
	"yinxin/seal"
)

// useSheet shows the seal-use register as a table.
var useSheet = sheet.Columns[seal.Stamp]{Header: seal.UseColumns(), Cells: seal.Stamp.Cells}

func runSealUses(ctx context.Context, c *call) error {
	c.withData()
	var f seal.Filter
	c.flags.StringVar(&f.SealID, "seal", "", "`id` of a seal")
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an `agency`: what it asked for, and what was sealed with its seals")
	c.flags.StringVar(&f.Operator, "operator", "", "`name` of an officer")
	c.flags.StringVar(&f.Matter, "matter", "", "matter `code`")
	c.flags.StringVar(&f.Format, "of", "", "pdf, ofd, json or file")
	c.flags.StringVar(&f.Key, "key", "", "`id` of a bearer key")
	sealed := withWindow(c.flags, "sealed", "was sealed")
	c.flags.StringVar(&f.Cursor, "after", "", "id of the last stamp seen")
	c.flags.IntVar(&f.Limit, "limit", 1000, "how many at most, 1,000 or fewer; see --all")
	all := c.flags.Bool("all", false, "as many as there are")
	l := c.withListing()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if f.Limit < 1 || f.Limit > 1000 {
		return usageError("--limit: 1 to 1000, or --all")
	}
	if err := l.check(c); err != nil {
		return err
	}
	if err := sealed.read(&f.From, &f.To); err != nil {
		return err
	}
	if !f.To.IsZero() {
		f.To = f.To.Add(-time.Second) // the register's own end is inclusive, in whole seconds
	}
	to, err := c.openOutput(l.out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		each := func(put func(seal.Stamp) error) error { return p.Seals.EachUse(ctx, f, put) }
		if !*all {
			each = func(put func(seal.Stamp) error) error {
				return onePage(c, f.Limit, func(limit int, cursor string) ([]seal.Stamp, string, error) {
					f.Limit = limit
					if cursor != "" {
						f.Cursor = cursor
					}
					return p.Seals.Entries(ctx, f)
				}, put)
			}
		}
		return to.write(func(w io.Writer) error { return listTo(w, l, useSheet, printUse, each) })
	})
}

func printUse(w io.Writer, s seal.Stamp) {
	fmt.Fprintln(w, s.ID, s.SealedAt.Format(time.RFC3339), s.SealID, s.Format, s.Agency, plain(s.Operator), plain(s.Matter))
}
