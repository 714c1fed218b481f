package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/internal/province"
	"yinxin/internal/sheet"
)

// certificateSheet shows certificates in a table as they stand now.
func certificateSheet(now time.Time) sheet.Columns[ca.Row] {
	return sheet.Columns[ca.Row]{Header: ca.Columns(), Cells: func(r ca.Row) []string { return r.Cells(now) }}
}

// listing is how a command gives a list: to whom and in which format.
type listing struct {
	format, out string
	bom         bool
}

func (c *call) withListing() *listing {
	l := &listing{}
	c.flags.StringVar(&l.format, "format", "text", "text, csv, json or jsonl (an object a line)")
	c.flags.StringVar(&l.out, "o", "", "output `file`, standard output by default")
	c.flags.BoolVar(&l.bom, "bom", false, "begin csv with a byte-order mark, for Excel")
	return l
}

func (l *listing) check(c *call) error {
	if c.json && l.format == "text" {
		l.format = string(sheet.JSON)
	}
	switch sheet.Format(l.format) {
	case "text", sheet.CSV, sheet.JSON, sheet.Lines:
		return nil
	}
	return usageError(fmt.Sprintf("--format: %q is none of text, csv, json and jsonl", l.format))
}

// listTo writes what each gives, row by row.
func listTo[T any](w io.Writer, l *listing, columns sheet.Columns[T], text func(w io.Writer, v T), each func(put func(T) error) error) error {
	if l.format == "text" {
		return each(func(v T) error {
			text(w, v)
			return nil
		})
	}
	s, err := sheet.New(w, columns, sheet.Options{Format: sheet.Format(l.format), BOM: l.bom})
	if err != nil {
		return err
	}
	if err := each(s.Put); err != nil {
		return err
	}
	return s.End()
}

// window is a pair of flags for a time that lies between two.
type window struct {
	name         string
	after, until string
}

func withWindow(f *flag.FlagSet, name, what string) *window {
	w := &window{name: name}
	f.StringVar(&w.after, name+"-after", "", "only what "+what+" at this `time` or later (RFC 3339)")
	f.StringVar(&w.until, name+"-before", "", "only what "+what+" before this `time`")
	return w
}

func (w *window) read(after, until *time.Time) (err error) {
	if *after, err = optionalTime(w.name+"-after", w.after); err != nil {
		return err
	}
	*until, err = optionalTime(w.name+"-before", w.until)
	return err
}

func runCAList(ctx context.Context, c *call) error {
	c.withData()
	var f ca.Filter
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an `agency`")
	c.flags.StringVar(&f.State, "state", "", "valid, revoked, held or expired")
	c.flags.StringVar(&f.Profile, "profile", "", "a `profile`, such as agency-seal")
	c.flags.StringVar(&f.Issuer, "issuer", "", "`name` of an issuer, such as issuing")
	c.flags.StringVar(&f.Subject, "subject", "", "a part of the subject, in letters of either case")
	c.flags.StringVar(&f.Serial, "serial", "", "the first digits of the serial number, in hex")
	expires, issued := withWindow(c.flags, "expires", "ends"), withWindow(c.flags, "issued", "was issued")
	c.flags.StringVar(&f.Cursor, "after", "", "serial number of the last certificate seen")
	c.flags.IntVar(&f.Limit, "limit", 1000, "how many at most, 1,000 or fewer; see --all")
	all := c.flags.Bool("all", false, "as many as there are")
	l := c.withListing()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if f.Limit < 1 || f.Limit > 1000 {
		return usageError("--limit: 1 to 1000, or --all")
	}
	f.Serial = strings.ToLower(f.Serial)
	if err := l.check(c); err != nil {
		return err
	}
	if err := expires.read(&f.ExpiresAfter, &f.ExpiresBefore); err != nil {
		return err
	}
	if err := issued.read(&f.IssuedAfter, &f.IssuedBefore); err != nil {
		return err
	}
	to, err := c.openOutput(l.out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		each := func(put func(ca.Row) error) error { return p.CA.Each(ctx, f, put) }
		if !*all {
			each = func(put func(ca.Row) error) error {
				return onePage(c, f.Limit, func(limit int, cursor string) ([]ca.Row, string, error) {
					f.Limit = limit
					if cursor != "" {
						f.Cursor = cursor
					}
					return p.CA.Certificates(ctx, f)
				}, put)
			}
		}
		now := time.Now()
		return to.write(func(w io.Writer) error {
			return listTo(w, l, certificateSheet(now), func(w io.Writer, r ca.Row) {
				fmt.Fprintln(w, r.Serial, r.State(now), r.NotAfter.Format(time.DateOnly), plain(r.Subject))
			}, each)
		})
	})
}

// onePage gives as many rows as were asked for, and tells how to go on.
func onePage[T any](c *call, limit int, list func(limit int, cursor string) ([]T, string, error), put func(T) error) error {
	for left, cursor := limit, ""; ; {
		rows, next, err := list(left, cursor)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := put(r); err != nil {
				return err
			}
		}
		if left -= len(rows); next == "" {
			return nil
		}
		if cursor = next; left == 0 {
			c.more(next)
			return nil
		}
	}
}

// more tells how to go on with a list that was cut.
func (c *call) more(next string) {
	if next != "" {
		fmt.Fprintln(c.err, "there are more: --after", next)
	}
}
