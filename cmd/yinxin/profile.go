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

func runCAProfileList(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
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

func runCAProfileShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(1, 1); err != nil {
		return err
	}
	name := c.args[0]
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
			// It goes where the lines below go.
			_ = writeJSON(w, shown.Statement)
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

func runCAProfileSet(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	var change ca.ProfileChange
	c.flags.StringVar(&change.Why, "why", "", "the grounds")
	if err := c.parse(2, 2); err != nil {
		return err
	}
	if err := need("why", change.Why); err != nil {
		return err
	}
	change.Name = c.args[0]
	set, err := c.readProfile(c.args[1])
	if err != nil {
		return err
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

func (c *call) readProfile(file string) (set profileFile, err error) {
	text, err := c.readInput(file, maxProfileFile)
	if err != nil {
		return set, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields() // such as a longer key usage, which nobody may set
	if err := d.Decode(&set); err != nil {
		return set, badInput(file, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return set, badInput(file, errors.New("something follows the settings"))
	}
	return set, nil
}
