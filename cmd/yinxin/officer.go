package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/province"
)

// withOfficer adds the flag of a command that asks for something or decides.
func (c *call) withOfficer() {
	c.flags.StringVar(&c.officerKeyFile, "officer-key-file", "", "`file` whose first line is the bearer key of the officer who asks or decides")
}

// officer is who a command is by: the person of a bearer key, which is looked up
// in the data folder, or the user of the machine alone. The key never comes as an
// argument: those are seen by every user of the machine.
func (c *call) officer(ctx context.Context, p *province.Province) (act.Officer, error) {
	if c.officerKeyFile == "" {
		return act.Officer{Name: operator()}, nil
	}
	b, err := readSmall(c.officerKeyFile, maxPassphraseFile)
	if err != nil {
		return act.Officer{}, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	caller, err := p.Agencies.Authenticate(ctx, strings.TrimSpace(line), netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	if err != nil {
		return act.Officer{}, fmt.Errorf("the officer's key: %w", err)
	}
	if caller.Officer == "" {
		return act.Officer{}, badInput(c.officerKeyFile, errors.New("the key is a program's, not an officer's"))
	}
	return caller.By(""), nil
}

// waits tells that an act waits for a second officer, which is no failure.
func (c *call) waits(err error) error {
	var p *approval.Pending
	if !errors.As(err, &p) {
		return err
	}
	return c.print(p.Request, func(w io.Writer) {
		fmt.Fprintf(w, "request %s waits for a second officer until %s\n", p.Request.ID, p.Request.Expires.Format(time.RFC3339))
		fmt.Fprintf(c.err, "Another officer decides: yinxin ca approve %s --officer-key-file FILE\n", p.Request.ID)
		fmt.Fprintf(c.err, "What it is, and what came of it: yinxin ca request show %s\n", p.Request.ID)
	})
}
