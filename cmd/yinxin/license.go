package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"yinxin/internal/province"
	"yinxin/license"
	"yinxin/verify/status"
)

// runLicenseType defines a type, or lists them when none is named.
func runLicenseType(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	code := c.flags.String("code", "", "type `code` to define: USCC of the defining organ and three characters; none lists the types")
	name := c.flags.String("name", "", "the type's `name`, such as 食品经营许可证")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if *code != "" {
		if err := need("name", *name); err != nil {
			return err
		}
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		if *code != "" {
			who, err := c.who(ctx, p)
			if err != nil {
				return err
			}
			if _, err := p.Licences.Define(ctx, *code, *name, who); err != nil {
				return err
			}
		}
		types, err := p.Licences.Types(ctx)
		if err != nil {
			return err
		}
		return c.print(types, func(w io.Writer) {
			for _, t := range types {
				fmt.Fprintln(w, t.Code, t.Name)
			}
		})
	})
}

// licenceFlags are what a licence says.
func licenceFlags(c *call) *license.IssueRequest {
	r := &license.IssueRequest{Extensions: map[string]string{}}
	c.flags.StringVar(&r.Type, "type", "", "type `code`")
	c.flags.StringVar(&r.SealID, "seal", "", "`id` of the issuing authority's seal")
	c.flags.StringVar(&r.Number, "number", "", "the licence's own `number`")
	c.flags.StringVar(&r.Holder, "holder", "", "the holder's `name`")
	c.flags.StringVar(&r.HolderCode, "holder-code", "", "the holder's `code`")
	c.flags.StringVar(&r.HolderType, "holder-type", "001", "what that code is: 001 USCC, 111 resident identity number")
	c.flags.StringVar(&r.From, "from", "", "first `day`, such as 2026-11-24")
	c.flags.StringVar(&r.To, "to", "", "last `day`; none for a licence without an end")
	c.flags.StringVar(&r.Reason, "why", "", "the grounds")
	c.flags.Func("field", "further `KZ_NAME=text`; may be repeated", func(s string) error {
		name, text, ok := strings.Cut(s, "=")
		if !ok {
			return fmt.Errorf("%q is not KZ_NAME=text", s)
		}
		r.Extensions[name] = text
		return nil
	})
	return r
}

func runLicenseIssue(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := licenceFlags(c)
	out := c.flags.String("o", "", "output `file` of the sealed licence, standard output by default")
	picture := c.flags.String("qr", "", "output `file` of its QR code, PNG")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("type", r.Type, "seal", r.SealID, "number", r.Number, "holder", r.Holder, "holder-code", r.HolderCode, "from", r.From); err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	var drawn *output
	if *picture != "" {
		if drawn, err = c.openOutput(*picture); err != nil {
			return err
		}
		defer drawn.drop()
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		s, err := p.Seals.Show(ctx, r.SealID)
		if err != nil {
			return err
		}
		a, err := p.Agencies.Show(ctx, s.Agency)
		if err != nil {
			return err
		}
		r.Agency, r.AgencyName = a.ID, a.Name
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		if r.Operator = by.String(); by.Known() && by.Agency == a.ID {
			r.Key, r.Officer, r.Peer = by.KeyID, by.Name, loopback
		}
		issued, err := p.Licences.Issue(ctx, *r)
		if err != nil {
			return err
		}
		if err := to.put(bytes.NewReader(issued.Document)); err != nil {
			return fmt.Errorf("licence %s was issued, and license show shows it: %w", issued.Identifier, err)
		}
		if drawn != nil {
			png, _, err := p.Licences.Picture(ctx, issued.Identifier)
			if err == nil {
				err = drawn.put(bytes.NewReader(png))
			}
			if err != nil {
				return fmt.Errorf("licence %s was issued, but not its picture: %w", issued.Identifier, err)
			}
		}
		if *out == "" || *out == "-" {
			return nil // the document is what was asked for
		}
		return c.print(issued.Licence, func(w io.Writer) { fmt.Fprintln(w, issued.Identifier, issued.Code) })
	})
}

func runLicenseShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		l, err := p.Licences.Show(ctx, c.args[0])
		if err != nil {
			return err
		}
		doc, err := p.Licences.Document(ctx, l.Identifier)
		if err != nil {
			return err
		}
		return c.print(struct {
			license.Licence
			Document json.RawMessage `json:"document"`
		}{l, doc}, func(w io.Writer) { printLicence(w, l) })
	})
}

func printLicence(w io.Writer, l license.Licence) {
	fmt.Fprintln(w, l.Identifier, l.State, l.Holder, l.Name)
}

func runLicenseList(ctx context.Context, c *call) error {
	c.withData()
	var f license.Filter
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an issuing `authority`")
	c.flags.StringVar(&f.Type, "type", "", "type `code`")
	state := c.flags.String("state", "", "valid, suspended, revoked, ...")
	c.flags.StringVar(&f.Cursor, "after", "", "identifier of the last licence seen")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	f.State = status.LicenceState(*state)
	return c.withProvince(ctx, func(p *province.Province) error {
		all, next, err := p.Licences.List(ctx, f)
		if err != nil {
			return err
		}
		if next != "" {
			fmt.Fprintln(c.err, "there are more: --after", next)
		}
		return c.print(all, func(w io.Writer) {
			for _, l := range all {
				printLicence(w, l)
			}
		})
	})
}

// runLicenseChange serves suspend, resume and revoke.
func runLicenseChange(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := license.ChangeRequest{}
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", r.Why); err != nil {
		return err
	}
	r.Identifier = c.args[0]
	return c.withProvince(ctx, func(p *province.Province) error {
		do := map[string]func(context.Context, license.ChangeRequest) (license.Licence, error){
			"license suspend": p.Licences.Suspend, "license resume": p.Licences.Resume, "license revoke": p.Licences.Revoke,
		}[c.cmd.name]
		var err error
		if r.Who, err = c.who(ctx, p); err != nil {
			return err
		}
		l, err := do(ctx, r)
		if err != nil {
			return err
		}
		return c.print(l, func(w io.Writer) { printLicence(w, l) })
	})
}
