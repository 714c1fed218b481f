package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"yinxin/ca"
	"yinxin/internal/province"
)

// allServices stands for every service whose key may sign no more.
const allServices = "services"

// runCARenew renews a key and certificate of the province's own by its purpose, all
// services that have ended, or an agency's certificate by its serial number and a
// new request.
func runCARenew(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	why := c.flags.String("why", "", "the grounds")
	supersede := c.flags.Bool("supersede", false, "revoke the agency's old certificate as superseded")
	out := c.flags.String("o", "", "output `file` of an agency's new certificate, PEM, standard output by default")
	if err := c.parse(1, 2); err != nil {
		return err
	}
	if err := need("why", *why); err != nil {
		return err
	}
	if len(c.args) == 1 {
		if *supersede || *out != "" {
			return usageError("--supersede and -o are for an agency's certificate")
		}
		return c.withProvince(ctx, func(p *province.Province) error {
			by, err := c.officer(ctx, p)
			if err != nil {
				return err
			}
			if c.args[0] == allServices {
				return c.renewServices(ctx, p, by.String(), *why)
			}
			return c.renewPurpose(ctx, p, ca.OwnRenewal{Purpose: ca.Purpose(c.args[0]), Who: by.String(), Why: *why, By: by})
		})
	}
	r := ca.RenewRequest{Serial: c.args[0], Supersede: *supersede, Why: *why}
	in, err := openInput(c, c.args[1])
	if err != nil {
		return err
	}
	defer in.close()
	if r.CSR, err = io.ReadAll(io.NewSectionReader(in, 0, min(in.size, maxCSR))); err != nil {
		return badInput(c.args[1], err)
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error { return renewCertificate(ctx, c, p, r, to) })
}

func (c *call) renewPurpose(ctx context.Context, p *province.Province, r ca.OwnRenewal) error {
	row, err := p.CA.RenewOwn(ctx, r)
	if err != nil {
		return c.waits(err)
	}
	var anchors []string
	if r.Purpose == ca.PurposeScheme {
		// The list that leads from the old key to the new one is made now, and not when
		// somebody asks for it: what fails is told to who can do something about it.
		if anchors, err = published(ctx, p); err != nil {
			return fmt.Errorf("the key was renewed, and the list that leads to it was not made; trust export tries again: %w", err)
		}
	}
	return c.print(row, func(w io.Writer) {
		fmt.Fprintln(w, "renewed", row.Purpose, row.Serial, row.Subject)
		switch n := len(anchors); {
		case row.Purpose == ca.PurposeIssuing:
			fmt.Fprintln(w, "certificates are issued under the new one from now on; the one before goes on signing the lists of what it issued")
		case n > 1:
			fmt.Fprintln(w, "who trusts", anchors[n-2], "is led to", anchors[n-1])
		case n == 1:
			fmt.Fprintln(w, "the key before it had ended and leads nobody on; tell everyone who verifies the new trust anchor:", anchors[0])
		}
	})
}

// published gives the fingerprints that the keys of the scheme list have had.
func published(ctx context.Context, p *province.Province) ([]string, error) {
	b, err := p.Bundle(ctx)
	if err != nil {
		return nil, err
	}
	return b.Anchors()
}

// renewServices tells what was done also where some could not be.
func (c *call) renewServices(ctx context.Context, p *province.Province, who, why string) error {
	rows, err := p.CA.RenewServices(ctx, who, why)
	if err != nil && len(rows) == 0 {
		return err
	}
	return errors.Join(err, c.print(rows, func(w io.Writer) {
		for _, row := range rows {
			fmt.Fprintln(w, "renewed", row.Purpose, row.Serial, row.Subject)
		}
		if len(rows) == 0 {
			fmt.Fprintln(w, "every service may sign; nothing was renewed")
		}
	}))
}

func renewCertificate(ctx context.Context, c *call, p *province.Province, r ca.RenewRequest, to *output) error {
	old, err := p.CA.Certificate(ctx, r.Serial)
	if err != nil {
		return err
	}
	if old.Agency == "" {
		return fmt.Errorf("%w: %s is the province's own and is renewed by its purpose", ca.ErrRefused, r.Serial)
	}
	holder, err := p.Agencies.Show(ctx, old.Agency)
	if err != nil {
		return err
	}
	r.AgencyName = holder.Name
	if r.By, err = c.officer(ctx, p); err != nil {
		return err
	}
	r.Who = r.By.String()
	row, err := p.CA.RenewCertificate(ctx, r)
	if err != nil {
		return c.waits(err)
	}
	if c.json && to.name == "standard output" {
		return c.print(row, nil)
	}
	if err := to.put(bytes.NewReader(certificatePEM(row))); err != nil {
		return fmt.Errorf("certificate %s was issued, and ca show shows it: %w", row.Serial, err)
	}
	if to.name == "standard output" {
		return nil // the certificate is what was asked for
	}
	return c.print(row, func(w io.Writer) { fmt.Fprintln(w, row.Serial, row.Subject) })
}
