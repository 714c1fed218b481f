package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"yinxin/ca"
	"yinxin/internal/province"
)

// runCAProfile lists, shows and sets the profiles of certificates.
func runCAProfile(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	var change ca.ProfileChange
	c.flags.StringVar(&change.Why, "why", "", "the grounds, for set")
	if err := c.parse(1, 3); err != nil {
		return err
	}
	verb, rest := c.args[0], c.args[1:]
	switch {
	case verb == "list" && len(rest) == 0:
		return c.listProfiles(ctx)
	case verb == "show" && len(rest) == 1:
		return c.showProfile(ctx, rest[0])
	case verb == "set" && len(rest) == 2:
		if err := need("why", change.Why); err != nil {
			return err
		}
		change.Name = rest[0]
		return c.setProfile(ctx, change, rest[1])
	}
	return usageError("ca profile is list, show NAME or set NAME FILE")
}

func (c *call) listProfiles(ctx context.Context) error {
	return c.withProvince(ctx, func(p *province.Province) error {
		all := p.CA.Profiles()
		return c.print(all, func(w io.Writer) {
			for _, s := range all {
				fmt.Fprintf(w, "%-12s version %d, %d of at most %d days, %s\n", s.Name, s.Version, s.LifeDays, s.LimitDays, strings.Join(s.KeyUsage, ", "))
			}
		})
	})
}

// profileShown is a profile with how it was set.
type profileShown struct {
	ca.Statement
	History []ca.ProfileVersion `json:"history"`
}

func (c *call) showProfile(ctx context.Context, name string) error {
	return c.withProvince(ctx, func(p *province.Province) error {
		history, err := p.CA.ProfileHistory(ctx, name)
		if err != nil {
			return err
		}
		shown := profileShown{History: history}
		for _, s := range p.CA.Profiles() {
			if s.Name == name {
				shown.Statement = s
			}
		}
		return c.print(shown, func(w io.Writer) {
			e := json.NewEncoder(w)
			e.SetEscapeHTML(false)
			e.SetIndent("", "  ")
			e.Encode(shown.Statement)
			for _, v := range history {
				fmt.Fprintf(w, "version %d, %d days, set %s by %s: %s\n", v.Version, v.LifeDays, v.At.Format(time.RFC3339), v.Who, v.Why)
			}
		})
	})
}

// profileFile is what set reads: what is left out of it is as protocol.md 9 has it,
// but for the life, which stays as it is.
type profileFile struct {
	LifeDays int `json:"lifeDays"`
	ca.Settings
}

// maxProfileFile keeps a wrong file from being read whole.
const maxProfileFile = 64 << 10

func (c *call) setProfile(ctx context.Context, change ca.ProfileChange, file string) error {
	in, err := openInput(c, file)
	if err != nil {
		return err
	}
	defer in.close()
	text, err := io.ReadAll(io.NewSectionReader(in, 0, min(in.size, maxProfileFile)))
	if err != nil {
		return badInput(file, err)
	}
	var set profileFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // such as a longer key usage, which nobody may set
	if err := d.Decode(&set); err != nil {
		return badInput(file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return badInput(file, errors.New("something follows the settings"))
	}
	change.LifeDays, change.Settings = set.LifeDays, set.Settings
	return c.withProvince(ctx, func(p *province.Province) error {
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		change.By, change.Who = by, by.String()
		if err := p.CA.SetProfile(ctx, change); err != nil {
			return c.waits(err)
		}
		for _, s := range p.CA.Profiles() {
			if s.Name == change.Name {
				return c.print(s, func(w io.Writer) { fmt.Fprintf(w, "%s is version %d: %d days\n", s.Name, s.Version, s.LifeDays) })
			}
		}
		return nil
	})
}
