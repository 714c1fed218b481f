package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"yinxin/ca"
	"yinxin/internal/province"
	"yinxin/internal/sheet"
)

var affectedSheet = sheet.Columns[province.Affected]{Header: province.AffectedColumns(), Cells: province.Affected.Cells}

// runCACompromised lists all that stands behind a key, and can revoke it in one act.
func runCACompromised(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	var s ca.Suspect
	c.flags.StringVar(&s.Serial, "serial", "", "`serial` number of a certificate on the key")
	c.flags.StringVar(&s.KeyID, "key", "", "`id` of a key that the province holds")
	c.flags.StringVar(&s.Issuer, "issuer", "", "`name` of an issuer, such as issuing")
	since := c.flags.String("since", "", "`time` since when the key may have been misused (RFC 3339)")
	revoke := c.flags.Bool("revoke", false, "revoke every certificate of the list, as of that time")
	why := c.flags.String("why", "", "the grounds, for --revoke")
	l := c.withListing()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("since", *since); err != nil {
		return err
	}
	if *revoke {
		if err := need("why", *why); err != nil {
			return err
		}
	}
	if err := l.check(c); err != nil {
		return err
	}
	var err error
	if s.Since, err = optionalTime("since", *since); err != nil {
		return err
	}
	to, err := c.openOutput(l.out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		counts, serials, err := c.listAffected(ctx, p, s, l, to)
		if err != nil {
			return err
		}
		behind := fmt.Sprintf("behind %s since %s: %d certificates, %d seals, %d stamps", plain(s.String()), *since,
			counts[province.AffectedCertificate], counts[province.AffectedSeal], counts[province.AffectedStamp])
		if !*revoke {
			fmt.Fprintln(c.err, behind)
			return nil
		}
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		return c.waits(c.revokeAffected(ctx, p, behind, ca.CompromiseRequest{Suspect: s, Serials: serials, Who: by.String(), Why: *why, By: by}))
	})
}

// listAffected writes the list before anything is revoked: it is what the act is
// about.
func (c *call) listAffected(ctx context.Context, p *province.Province, s ca.Suspect, l *listing, to *output) (counts map[string]int, serials []string, err error) {
	counts = map[string]int{}
	err = to.write(func(w io.Writer) error {
		return listTo(w, l, affectedSheet, func(w io.Writer, a province.Affected) {
			fmt.Fprintf(w, "%-11s %s %s %s %s\n", a.Kind, a.ID, a.At.UTC().Format(time.RFC3339), a.State, plain(a.Name))
		}, func(put func(province.Affected) error) error {
			return p.Compromised(ctx, s, func(a province.Affected) error {
				counts[a.Kind]++
				if a.Kind == province.AffectedCertificate {
					serials = append(serials, a.ID)
				}
				return put(a)
			})
		})
	})
	return counts, serials, err
}

// revokeAffected tells what it found only once it is done: a command that fails says
// one sentence.
func (c *call) revokeAffected(ctx context.Context, p *province.Province, behind string, r ca.CompromiseRequest) error {
	done, err := p.CA.RevokeAll(ctx, r)
	if errors.Is(err, ca.ErrRevoked) {
		fmt.Fprintln(c.err, behind)
		fmt.Fprintln(c.err, "all of them are revoked so already; nothing was changed")
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.err, behind)
	fmt.Fprintf(c.err, "revoked %d of %d certificates in act %s; SM3 of the list of serial numbers: %s\n", done.Changed, done.Count, done.Act, hex.EncodeToString(done.List[:]))
	return nil
}
