package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/ca/outside"
	"yinxin/internal/province"
)

// maxCSR keeps a wrong file from being read whole; ca.MaxRequest is the office's.
const maxCSR = 64 << 10

// runCAIssue issues a certificate from a PKCS#10 request.
func runCAIssue(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	r := ca.IssueRequest{}
	c.flags.BoolVar(&r.Dual, "dual", false, "an encryption certificate beside it, whose key the key centre makes; the answer is a CSRResponse (GM/T 0092)")
	c.flags.StringVar(&r.Agency, "agency", "", "USCC of the `agency`")
	c.flags.StringVar(&r.Profile, "profile", ca.ProfileClient, "agency-seal, person or client")
	c.flags.StringVar(&r.CommonName, "cn", "", "common `name`; the 14-digit code for agency-seal")
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	out := c.flags.String("o", "", "output `file`, PEM, standard output by default")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("agency", r.Agency, "cn", r.CommonName, "why", r.Why); err != nil {
		return err
	}
	var err error
	if r.CSR, err = c.readInput(c.args[0], maxCSR); err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		a, err := p.Agencies.Show(ctx, r.Agency)
		if err != nil {
			return err
		}
		r.AgencyName = a.Name
		if r.By, err = c.officer(ctx, p); err != nil {
			return err
		}
		r.Who = r.By.String()
		if r.Dual {
			return c.issuePair(ctx, p, r, to)
		}
		row, err := p.CA.Issue(ctx, r)
		if err != nil {
			return c.waits(err)
		}
		return c.putCertificate(row, to)
	})
}

// putCertificate writes a certificate that was issued, or its row where JSON is asked
// for and there is no other place for it.
func (c *call) putCertificate(row ca.Row, to *output) error {
	if to.standard() && c.json {
		return c.print(row, nil)
	}
	if err := to.put(bytes.NewReader(certificatePEM(row))); err != nil {
		return fmt.Errorf("certificate %s was issued, and ca show shows it: %w", row.Serial, err)
	}
	if to.standard() {
		return nil // the certificate is what was asked for
	}
	return c.print(row, func(w io.Writer) { fmt.Fprintln(w, row.Serial, row.Subject) })
}

func certificatePEM(r ca.Row) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.DER})
}

// shownCertificate is a certificate with all that happened to it.
type shownCertificate struct {
	ca.Row
	Changes []ca.Change `json:"changes"`
}

// runCAShow shows a certificate of the register, and its PEM.
func runCAShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if _, err := hex.DecodeString(c.args[0]); err != nil && !strings.HasPrefix(c.args[0], outside.Name("")) {
		return usageError("a serial number is hex, behind the name of an outside authority where it is another's")
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		row, err := p.CA.Certificate(ctx, c.args[0])
		if err != nil {
			return err
		}
		changes, err := p.CA.Changes(ctx, c.args[0])
		if err != nil {
			return err
		}
		return c.print(shownCertificate{row, changes}, func(w io.Writer) {
			fmt.Fprintln(w, row.Serial, row.State(time.Now()), row.Profile, row.Subject)
			fmt.Fprintf(w, "%s to %s, issued by %s: %s\n", row.NotBefore.Format(time.RFC3339), row.NotAfter.Format(time.RFC3339), row.Who, row.Why)
			for _, ch := range changes {
				fmt.Fprintf(w, "%s %s by %s: %s\n", strings.TrimPrefix(ch.Act, "certificate."), ch.At.Format(time.RFC3339), ch.Who, ch.Why)
			}
			w.Write(certificatePEM(row))
		})
	})
}
