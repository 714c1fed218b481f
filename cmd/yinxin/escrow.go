package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"

	"yinxin/ca"
	"yinxin/ca/escrow"
	"yinxin/internal/province"
)

// issuePair issues a signing and an encryption certificate. What the agency gets
// is one file: the CSRResponse holds both, and the enveloped key.
func (c *call) issuePair(ctx context.Context, p *province.Province, r ca.IssueRequest, to *output) error {
	pair, err := p.Escrow.Issue(ctx, r)
	if err != nil {
		return c.waits(err)
	}
	if c.json {
		issued, err := p.Escrow.Issued(ctx, pair)
		if err != nil {
			return err
		}
		return c.print(issued, nil)
	}
	if err := to.put(bytes.NewReader(responsePEM(pair.Delivery.Response))); err != nil {
		return fmt.Errorf("certificates %s and %s were issued, and ca escrow lists them: %w", pair.Delivery.Signing, pair.Delivery.Encryption, err)
	}
	fmt.Fprintln(c.err, "signing certificate", pair.Delivery.Signing, "encryption certificate", pair.Delivery.Encryption)
	return nil
}

// responsePEM has a label of ours: GM/T 0092-2020 gives the DER and no text form.
func responsePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CSR RESPONSE", Bytes: der})
}

// runCARecover asks for an escrowed key.
func runCARecover(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := escrow.RecoveryRequest{}
	to := c.flags.String("to", "", "`file` with who gets the key: a certification request, or a certificate of this authority, in PEM")
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	c.flags.StringVar(&r.Case, "case", "", "`number` of the court's case, where a court wants it")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("to", *to, "why", r.Why, "officer-key-file", c.officerKeyFile); err != nil {
		return err
	}
	var err error
	if r.To, err = readSmall(*to, maxCSR); err != nil {
		return err
	}
	r.Serial = c.args[0]
	return c.withProvince(ctx, func(p *province.Province) error {
		if r.By, err = c.officer(ctx, p); err != nil {
			return err
		}
		request, err := p.Escrow.AskRecovery(ctx, r)
		if err != nil {
			return err
		}
		return c.print(request, func(w io.Writer) {
			fmt.Fprintln(w, "request", request.ID, "waits for a second officer")
			fmt.Fprintf(c.err, "Another officer decides: yinxin ca approve %s --officer-key-file FILE\n", request.ID)
		})
	})
}

// runCAEscrow lists the keys that the key centre keeps, or writes the envelopes
// that were made of one.
func runCAEscrow(ctx context.Context, c *call) error {
	c.withData()
	f := escrow.Filter{Limit: 500}
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an `agency`")
	state := c.flags.String("state", "", "begun, delivered or abandoned")
	c.flags.StringVar(&f.Cursor, "after", "", "id of the last pair seen")
	if err := c.parse(0, 1); err != nil {
		return err
	}
	f.State = escrow.State(*state)
	return c.withProvince(ctx, func(p *province.Province) error {
		if len(c.args) == 1 {
			return c.showRecoveries(ctx, p, c.args[0])
		}
		held, _, err := p.Escrow.List(ctx, f)
		if err != nil {
			return err
		}
		return c.print(held, func(w io.Writer) {
			for _, h := range held {
				fmt.Fprintln(w, h.ID, h.State, h.KeyState, h.Uses, h.Agency, plain(h.CommonName), h.Delivery.Signing, h.Delivery.Encryption)
			}
		})
	})
}

func (c *call) showRecoveries(ctx context.Context, p *province.Province, serial string) error {
	all, err := p.Escrow.Recoveries(ctx, serial)
	if err != nil {
		return err
	}
	return c.print(all, func(w io.Writer) {
		for _, r := range all {
			fmt.Fprintf(w, "%s %s asked by %s, approved by %s: %s\n", r.ID, r.At.Format("2006-01-02"), plain(r.Asked), plain(r.Approved), plain(r.Why))
			// The key of the recipient opens it (GB/T 35276-2017).
			_ = pem.Encode(w, &pem.Block{Type: "SM2 ENVELOPED KEY", Bytes: r.Envelope})
		}
	})
}
