package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"yinxin/certs"
	"yinxin/internal/province"
	"yinxin/internal/trust"
)

func runTrustExport(ctx context.Context, c *call) error {
	c.withData()
	out := c.flags.String("o", "", "output `file`, standard output by default")
	scheme := c.flags.String("scheme", "", "another scheme that is trusted, by its `SM3` as trust show gives it")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	to, err := c.openOutput(*out)
	if err != nil {
		return err
	}
	defer to.drop()
	return c.withProvince(ctx, func(p *province.Province) error {
		b, err := exported(ctx, p, *scheme)
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
		if !c.json || to.standard() { // where standard output is the bundle
			fmt.Fprintln(c.err, "trust anchor:", anchor)
			return nil
		}
		return c.print(map[string]string{"trustAnchor": anchor}, nil)
	})
}

// exported is what the province publishes, or what it keeps of another scheme.
func exported(ctx context.Context, p *province.Province, scheme string) (*certs.Bundle, error) {
	if scheme == "" {
		return p.Bundle(ctx)
	}
	all, err := p.Lists.Schemes(ctx)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Name == scheme {
			return p.Lists.Kept(ctx, s)
		}
	}
	return nil, badInput("--scheme", fmt.Errorf("no scheme %q is trusted", scheme))
}

// shownScheme is a scheme of a data folder.
type shownScheme struct {
	trust.Shown
	Name      string    `json:"name"` // "own", or the fingerprint of first trust
	Published bool      `json:"published"`
	Added     time.Time `json:"added,omitzero"`
	Removed   time.Time `json:"removed,omitzero"`
	Who       string    `json:"who,omitempty"`
	Why       string    `json:"why,omitempty"`
}

func runTrustShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 1); err != nil {
		return err
	}
	if len(c.args) == 1 {
		b, err := readBundle(c.args[0])
		if err != nil {
			return err
		}
		shown, err := trust.Show(b, time.Now())
		if err != nil {
			return badInput(c.args[0], err)
		}
		return c.print(shown, func(w io.Writer) { writeShown(w, shown) })
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, err := shownSchemes(ctx, p)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, s := range all {
				writeScheme(w, s)
			}
		})
	})
}

// shownSchemes gives what is published first, then what is trusted beside it.
func shownSchemes(ctx context.Context, p *province.Province) ([]shownScheme, error) {
	b, err := p.Bundle(ctx)
	if err != nil {
		return nil, err
	}
	own, err := trust.Show(b, time.Now())
	if err != nil {
		return nil, err
	}
	rows, err := p.Lists.Schemes(ctx)
	if err != nil {
		return nil, err
	}
	first := shownScheme{Shown: own, Name: trust.Own, Published: true}
	var others []shownScheme
	for _, row := range rows {
		b, err := p.Lists.Kept(ctx, row)
		if err != nil {
			return nil, err
		}
		shown, err := trust.Show(b, time.Now())
		if err != nil {
			return nil, err
		}
		s := shownScheme{shown, row.Name, false, row.Since, row.Removed, row.Who, row.Why}
		if shown.Anchor == own.Anchor && row.Removed.IsZero() {
			s.Shown, s.Published = own, true
			first = s
			continue
		}
		others = append(others, s)
	}
	return append([]shownScheme{first}, others...), nil
}

func readBundle(path string) (*certs.Bundle, error) {
	b, err := readSmall(path, certs.MaxBundle)
	if err != nil {
		return nil, err
	}
	bundle, err := certs.ParseSchemeOrBundle(b)
	if err != nil {
		return nil, badInput(path, err)
	}
	return bundle, nil
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

func writeScheme(w io.Writer, s shownScheme) {
	switch {
	case s.Published:
		fmt.Fprintf(w, "scheme %s, which this province publishes under\n", s.Name)
	case !s.Removed.IsZero():
		fmt.Fprintf(w, "scheme %s, removed %s by %s: %s\n", s.Name, day(s.Removed), plain(s.Who), plain(s.Why))
		return
	default:
		fmt.Fprintf(w, "scheme %s, trusted since %s\n", s.Name, day(s.Added))
	}
	writeShown(w, s.Shown)
}

func writeShown(w io.Writer, s trust.Shown) {
	fmt.Fprintf(w, "trust anchor %s\nscheme list %d, issued %s, ends %s%s\n", s.Anchor, s.Sequence, day(s.Issued), day(s.Expires), ended(s.Expired))
	fmt.Fprintf(w, "%d of %d keys:\n", s.K, len(s.Keys))
	writeKeys(w, s.Keys)
	for _, r := range s.Regions {
		fmt.Fprintf(w, "region %s %s %s\n", plain(r.Code), plain(r.Name), plain(r.URL))
		if !r.Listed {
			fmt.Fprintln(w, "  its list is not at hand")
			continue
		}
		fmt.Fprintf(w, "  list %d, ends %s%s\n", r.Sequence, day(r.Expires), ended(r.Expired))
		for _, v := range r.Services {
			fmt.Fprintf(w, "  %-13s %-10s since %s  %s\n", v.Type, v.State, day(v.Since), plain(v.Subject))
		}
	}
}

func writeKeys(w io.Writer, keys []trust.ShownKey) {
	for _, k := range keys {
		signed := ""
		if k.Signed {
			signed = "  signed"
		}
		fmt.Fprintf(w, "  %s…  %s, until %s%s\n", k.ID[:16], plain(k.Subject), day(k.NotAfter), signed)
	}
}

func ended(is bool) string {
	if is {
		return " (ENDED)"
	}
	return ""
}

// trustAct does one act on the schemes of the data folder.
func (c *call) trustAct(ctx context.Context, do func(p *province.Province, who string) (trust.Scheme, error), told string) error {
	return c.withProvince(ctx, func(p *province.Province) error {
		who, err := c.who(ctx, p)
		if err != nil {
			return err
		}
		s, err := do(p, who)
		if errors.Is(err, trust.ErrNothingNewer) {
			told, err = err.Error(), nil
		}
		if err != nil {
			return err
		}
		return c.print(s, func(w io.Writer) { fmt.Fprintf(w, "scheme %s: %s\n", s.Name, told) })
	})
}

func runTrustAdd(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	anchor := c.flags.String("anchor", "", "fingerprint of the scheme's keys, `SM3` in hex, as its keepers told it by another way than the bundle came")
	why := c.flags.String("why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	b, err := readBundle(c.args[0])
	if err != nil {
		return err
	}
	has, err := b.Anchor()
	if err != nil {
		return badInput(c.args[0], err)
	}
	if *anchor == "" {
		return usageError(fmt.Sprintf("--anchor is missing: the bundle's own keys have the fingerprint %s; ask the scheme's keepers whether that is theirs, then give it", has))
	}
	if err := certs.CheckAnchor(*anchor); err != nil {
		return usageError("--anchor: " + err.Error())
	}
	if err := need("why", *why); err != nil {
		return err
	}
	return c.trustAct(ctx, func(p *province.Province, who string) (trust.Scheme, error) {
		return p.Lists.Add(ctx, trust.Request{Bundle: b, Anchor: *anchor, Who: who, Why: *why})
	}, "is trusted from now on")
}

func runTrustImport(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	handOver := c.flags.Bool("hand-over", false, "give this province's own scheme to the offline keys that signed the list")
	why := c.flags.String("why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", *why); err != nil {
		return err
	}
	b, err := readBundle(c.args[0])
	if err != nil {
		return err
	}
	return c.trustAct(ctx, func(p *province.Province, who string) (trust.Scheme, error) {
		q := trust.Request{Bundle: b, Who: who, Why: *why}
		if *handOver {
			return p.Lists.HandOver(ctx, q)
		}
		return p.Lists.Import(ctx, q)
	}, "its newer lists were taken")
}

func runTrustRemove(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	why := c.flags.String("why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("why", *why); err != nil {
		return err
	}
	return c.trustAct(ctx, func(p *province.Province, who string) (trust.Scheme, error) {
		return p.Lists.Remove(ctx, c.args[0], who, *why)
	}, "is trusted no more; what was seen of it is remembered")
}
