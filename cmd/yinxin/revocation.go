package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"yinxin/ca"
	"yinxin/internal/act"
	"yinxin/internal/province"
)

// holdReason is the one reason that is not for ever.
const holdReason = "certificateHold"

func runCARevoke(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := ca.RevokeRequest{}
	withTwin := c.flags.Bool("with-twin", false, "the encryption certificate that goes with it too; after a compromise it always goes")
	reason := c.flags.String("reason", "unspecified", "`reason` of RFC 5280 5.3.1, such as keyCompromise; certificateHold can be released")
	since := c.flags.String("since", "", "`time` since when the key may have been misused (RFC 3339)")
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	code, ok := ca.Reasons[*reason]
	if !ok && *reason != holdReason {
		return usageError(fmt.Sprintf("--reason: %q is none", *reason))
	}
	if err := need("why", r.Why); err != nil {
		return err
	}
	r.Serial, r.Reason = c.args[0], code
	var err error
	if r.Invalidity, err = optionalTime("since", *since); err != nil {
		return err
	}
	if *reason != holdReason {
		return c.changeCertificates(ctx, "revoked", func(p *province.Province, by act.Officer) ([]ca.Row, error) {
			r.By, r.Who = by, by.String()
			return p.CA.RevokePair(ctx, r, *withTwin)
		})
	}
	if *since != "" || *withTwin {
		return usageError("--since and --with-twin are for a revocation; a hold begins now")
	}
	return c.changeCertificates(ctx, "on hold", func(p *province.Province, by act.Officer) ([]ca.Row, error) {
		row, err := p.CA.Hold(ctx, ca.HoldRequest{Serial: r.Serial, Who: by.String(), Why: r.Why})
		return []ca.Row{row}, err
	})
}

func runCARelease(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := ca.HoldRequest{}
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", r.Why); err != nil {
		return err
	}
	r.Serial = c.args[0]
	return c.changeCertificates(ctx, "released", func(p *province.Province, by act.Officer) ([]ca.Row, error) {
		r.Who = by.String()
		row, err := p.CA.Release(ctx, r)
		return []ca.Row{row}, err
	})
}

// changeCertificates does something to a certificate, and perhaps to its twin, and
// prints what they have become.
func (c *call) changeCertificates(ctx context.Context, done string, do func(*province.Province, act.Officer) ([]ca.Row, error)) error {
	return c.withProvince(ctx, func(p *province.Province) error {
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		rows, err := do(p, by)
		if err != nil {
			return c.waits(err)
		}
		return c.print(rows[0], func(w io.Writer) {
			for _, row := range rows {
				fmt.Fprintln(w, done, row.Serial, row.Subject)
			}
		})
	})
}

// runCACRL publishes a list and writes it. One that cannot be published is an error
// here, where an operator can do something about it; the server serves the old one.
func runCACRL(ctx context.Context, c *call) error {
	c.withData()
	list := c.flags.String("issuer", string(ca.PurposeIssuing), "`name` of the issuer, such as root or issuing")
	shard := c.flags.String("shard", "", "of the certificates whose serials begin with two hex `digits`, 40 to 7f")
	delta := c.flags.Bool("delta", false, "of what was changed since a full list")
	out := c.flags.String("o", "", "output `file`, standard output by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	switch {
	case *delta && *shard != "":
		return usageError("--delta and --shard: there are deltas of full lists alone")
	case *delta:
		*list += "-delta"
	case *shard != "":
		*list += "-" + *shard
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		l, err := p.CRLs.Fresh(ctx, *list, time.Now())
		if err != nil {
			return err
		}
		return to.put(bytes.NewReader(l.DER))
	})
}
