package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"

	"yinxin/internal/province"
	"yinxin/seal"
)

func requestPEM(r seal.Request) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: r.CSR})
}

// runSealRequest makes a key and the request that an outside authority is to answer.
func runSealRequest(ctx context.Context, c *call) error {
	c.withData()
	f := c.withMake()
	code := c.flags.String("code", "", "seal `code` of 14 digits; the region's next by default")
	out := c.flags.String("o", "", "output `file` for the request, PEM, standard output by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := f.read(); err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		if err := f.named(ctx, c, p); err != nil {
			return err
		}
		r, err := p.Seals.Ask(ctx, f.MakeRequest, *code, nil)
		if err != nil {
			return err
		}
		if to.standard() && c.json {
			return c.print(r, nil)
		}
		if err := to.put(bytes.NewReader(requestPEM(r))); err != nil {
			return fmt.Errorf("the request for seal %s was made, and seal request list --json shows it: %w", r.ID, err)
		}
		if to.standard() {
			return nil // the request is what was asked for
		}
		return c.print(r, func(w io.Writer) {
			fmt.Fprintf(w, "%s %s\nwhen its certificate has come: yinxin seal request import %s CERTIFICATE\n", r.ID, r.Name, r.ID)
		})
	})
}

func runSealRequestList(ctx context.Context, c *call) error {
	c.withData()
	of := c.flags.String("agency", "", "USCC of an `agency`")
	after := c.flags.String("after", "", "id of the last request seen")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, _, err := p.Seals.Requests(ctx, *of, *after, 1000)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, r := range all {
				state := "pending"
				switch {
				case !r.Withdrawn.IsZero():
					state = "withdrawn"
				case !r.Pending():
					state = "answered"
				}
				fmt.Fprintln(w, r.ID, state, r.Agency, r.Name)
			}
		})
	})
}

func runSealRequestWithdraw(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	why := c.flags.String("why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", *why); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		who, err := c.who(ctx, p)
		if err != nil {
			return err
		}
		r, err := p.Seals.Recall(ctx, c.args[0], who, *why)
		if err != nil {
			return err
		}
		return c.print(r, func(w io.Writer) { fmt.Fprintln(w, "withdrawn", r.ID, r.Name) })
	})
}

// maxCertificates bounds the files of a certificate and of its chain.
const maxCertificates = 256 << 10

func runSealRequestImport(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	chain := c.flags.String("chain", "", "`file` with the certificates above it, PEM")
	why := c.flags.String("why", "its certificate came", "the grounds")
	if err := c.parse(2, 2); err != nil {
		return err
	}
	certificate, err := readSmall(c.args[1], maxCertificates)
	if err != nil {
		return err
	}
	var above []byte
	if *chain != "" {
		if above, err = readSmall(*chain, maxCertificates); err != nil {
			return err
		}
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		who, err := c.who(ctx, p)
		if err != nil {
			return err
		}
		s, err := p.Seals.Import(ctx, c.args[0], certificate, above, who, *why)
		if err != nil {
			return err
		}
		return c.print(s, func(w io.Writer) { fmt.Fprintln(w, s.ID, s.Name) })
	})
}
