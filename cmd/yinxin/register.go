package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/internal/agency"
	"yinxin/internal/journal"
	"yinxin/internal/province"
	"yinxin/seal"
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

func runAgencyAdd(ctx context.Context, c *call) error {
	c.withData()
	uscc := c.flags.String("uscc", "", "unified social credit `code`")
	name := c.flags.String("name", "", "the agency's `name`")
	region := c.flags.String("region", "", "region `code`, the province's by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("uscc", *uscc, "name", *name); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		if *region == "" {
			*region = p.Identity.Region
		}
		a, err := p.Agencies.Add(ctx, agency.AddRequest{ID: *uscc, Name: *name, Region: *region, Who: operator()})
		if err != nil {
			return err
		}
		return c.print(a, func(w io.Writer) { fmt.Fprintln(w, a.ID, a.Name) })
	})
}

func runAgencyList(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, err := p.Agencies.List(ctx)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, a := range all {
				fmt.Fprintln(w, a.ID, a.Region, a.State, a.Name)
			}
		})
	})
}

func runKeyCreate(ctx context.Context, c *call) error {
	c.withData()
	r := agency.KeyRequest{Who: operator()}
	c.flags.StringVar(&r.Agency, "agency", "", "USCC of the `agency`")
	scope := c.flags.String("scope", "", "scopes, comma separated: "+strings.Join(agency.Scopes(), " "))
	networks := c.flags.String("network", "", "networks it may be used from, comma separated (CIDR)")
	c.flags.StringVar(&r.Label, "label", "", "what it is for")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("agency", r.Agency, "scope", *scope); err != nil {
		return err
	}
	r.Scopes = strings.Split(*scope, ",")
	if *networks != "" {
		r.Networks = strings.Split(*networks, ",")
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		secret, key, err := p.Agencies.CreateKey(ctx, r)
		if err != nil {
			return err
		}
		return c.print(map[string]any{"key": secret, "id": key.ID}, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n", secret)
			fmt.Fprintln(c.err, "It is shown this once; only its hash is kept.")
		})
	})
}

func runKeyList(ctx context.Context, c *call) error {
	c.withData()
	of := c.flags.String("agency", "", "USCC of the `agency`")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		keys, err := p.Agencies.Keys(ctx, *of)
		if err != nil {
			return err
		}
		return c.print(keys, func(w io.Writer) {
			for _, k := range keys {
				fmt.Fprintln(w, k.ID, k.Agency, strings.Join(k.Scopes, ","), k.Expires.Format(time.DateOnly), k.InForce(time.Now()))
			}
		})
	})
}

func runKeyRevoke(ctx context.Context, c *call) error {
	c.withData()
	why := c.flags.String("why", "", "the `reason`")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", *why); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		key, err := p.Agencies.Revoke(ctx, c.args[0], operator(), *why)
		if err != nil {
			return err
		}
		return c.print(key, func(w io.Writer) { fmt.Fprintln(w, "revoked", key.ID) })
	})
}

func runCAList(ctx context.Context, c *call) error {
	c.withData()
	f := ca.Filter{Limit: 1000}
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an `agency`")
	c.flags.StringVar(&f.State, "state", "", "valid, revoked or expired")
	c.flags.StringVar(&f.Cursor, "after", "", "serial number of the last certificate seen")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		rows, err := p.CA.Certificates(ctx, f)
		if err != nil {
			return err
		}
		return c.print(rows, func(w io.Writer) {
			for _, r := range rows {
				fmt.Fprintln(w, r.Serial, r.State(time.Now()), r.NotAfter.Format(time.DateOnly), r.Subject)
			}
		})
	})
}

func runCARevoke(ctx context.Context, c *call) error {
	c.withData()
	r := ca.RevokeRequest{Who: operator()}
	reason := c.flags.String("reason", "unspecified", "`reason` of RFC 5280 5.3.1, such as keyCompromise")
	since := c.flags.String("since", "", "`time` since when the key may have been misused (RFC 3339)")
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	code, ok := ca.Reasons[*reason]
	if !ok {
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
	return c.withProvince(ctx, func(p *province.Province) error {
		row, err := p.CA.Revoke(ctx, r)
		if err != nil {
			return err
		}
		return c.print(row, func(w io.Writer) { fmt.Fprintln(w, "revoked", row.Serial, row.Subject) })
	})
}

func optionalTime(flag, s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, usageError(fmt.Sprintf("--%s: %q is no time such as 2026-11-24T08:00:00Z", flag, s))
	}
	return t.UTC(), nil
}

func runCACRL(ctx context.Context, c *call) error {
	c.withData()
	issuer := c.flags.String("issuer", string(ca.PurposeIssuing), "root or issuing")
	out := c.flags.String("o", "", "output `file`, standard output by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		der, err := p.CRLs.List(ctx, ca.Purpose(*issuer))
		if err != nil {
			return err
		}
		return to.put(bytes.NewReader(der))
	})
}

// maxPicture bounds the file of a seal's face.
const maxPicture = 4 << 20

func runSealMake(ctx context.Context, c *call) error {
	c.withData()
	r := seal.MakeRequest{Who: operator(), Why: "made on the command line"}
	c.flags.StringVar(&r.Agency, "agency", "", "USCC of the `agency`")
	c.flags.StringVar(&r.Name, "name", "", "the seal's `name`, the agency's by default")
	picture := c.flags.String("png", "", "`file` with its face; a plain one by default")
	mm := c.flags.Int("mm", 0, "diameter in `mm`, 42 by default")
	c.flags.StringVar(&r.Why, "why", r.Why, "the grounds")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if err := need("agency", r.Agency); err != nil {
		return err
	}
	r.WidthMM, r.HeightMM = *mm, *mm
	if *picture != "" {
		var err error
		if r.PNG, err = readSmall(*picture, maxPicture); err != nil {
			return err
		}
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		a, err := p.Agencies.Show(ctx, r.Agency)
		if err != nil {
			return err
		}
		if r.AgencyName = a.Name; r.Name == "" {
			r.Name = a.Name
		}
		s, err := p.Seals.Make(ctx, r)
		if err != nil {
			return err
		}
		return c.print(s, func(w io.Writer) { fmt.Fprintln(w, s.ID, s.Name) })
	})
}

func runSealList(ctx context.Context, c *call) error {
	c.withData()
	of := c.flags.String("agency", "", "USCC of an `agency`")
	after := c.flags.String("after", "", "id of the last seal seen")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, err := p.Seals.List(ctx, *of, *after, 1000)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, s := range all {
				fmt.Fprintln(w, s.ID, s.State, s.Agency, s.Name)
			}
		})
	})
}

func runSealShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		s, err := p.Seals.Show(ctx, c.args[0])
		if err != nil {
			return err
		}
		return c.printSeal(s)
	})
}

func (c *call) printSeal(s seal.Seal) error {
	return c.print(struct {
		seal.Seal
		SM3 string `json:"sm3"`
	}{s, hex.EncodeToString(s.SM3[:])}, func(w io.Writer) {
		fmt.Fprintln(w, s.ID, s.State, s.Name)
		for _, i := range s.Intervals {
			fmt.Fprintln(w, " ", i.State, i.From.Format(time.RFC3339), i.To.Format(time.RFC3339))
		}
	})
}

// runSealChange serves freeze, thaw and cancel.
func runSealChange(ctx context.Context, c *call) error {
	c.withData()
	r := seal.ChangeRequest{Who: operator()}
	c.flags.StringVar(&r.Why, "why", "", "the grounds")
	since := c.flags.String("since", "", "for cancel: `time` since when it is not to be trusted (RFC 3339)")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", r.Why); err != nil {
		return err
	}
	r.SealID = c.args[0]
	var err error
	if r.Since, err = optionalTime("since", *since); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		do := map[string]func(context.Context, seal.ChangeRequest) (seal.Seal, error){
			"seal freeze": p.Seals.Freeze, "seal thaw": p.Seals.Thaw, "seal cancel": p.Seals.Cancel,
		}[c.cmd.name]
		s, err := do(ctx, r)
		if err != nil {
			return err
		}
		return c.printSeal(s)
	})
}

func runTrustExport(ctx context.Context, c *call) error {
	c.withData()
	out := c.flags.String("o", "", "output `file`, standard output by default")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		b, err := p.Bundle(ctx)
		if err != nil {
			return err
		}
		text, err := b.Marshal()
		if err != nil {
			return err
		}
		anchor, err := b.Anchor()
		if err != nil {
			return err
		}
		if err := to.put(bytes.NewReader(append(text, '\n'))); err != nil {
			return err
		}
		if !c.json || *out == "" || *out == "-" { // where standard output is the bundle
			fmt.Fprintln(c.err, "trust anchor:", anchor)
			return nil
		}
		return c.print(map[string]string{"trustAnchor": anchor}, nil)
	})
}

func runJournalVerify(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		if err := p.Journal.Sign(ctx); err != nil {
			return journalFault(err)
		}
		a, err := p.Journal.Audit(ctx, nil)
		if err != nil {
			return journalFault(err)
		}
		if err := c.print(a, func(w io.Writer) { printAudit(w, a) }); err != nil {
			return err
		}
		if len(a.Faults) > 0 {
			return fmt.Errorf("%w: the faults above were found", errJournal)
		}
		return nil
	})
}

// journalFault tells what is wrong with the journal from what kept it from being
// read or signed.
func journalFault(err error) error {
	if code, _ := classify(err); code != exitInternal {
		return err
	}
	return fmt.Errorf("%w: %w", errJournal, err)
}

// errJournal: something was altered or is gone.
var errJournal = errors.New("the journal does not verify")

func printAudit(w io.Writer, a journal.Audit) {
	fmt.Fprintf(w, "%d leaves, %d of them signed, root %x\n", a.Leaves, a.Signed, a.Root)
	for _, f := range a.Faults {
		fmt.Fprintln(w, "FAULT", f)
	}
	if len(a.Faults) == 0 {
		fmt.Fprintln(w, "every act's record is there and is the one journaled")
	}
}
