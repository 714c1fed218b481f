package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strings"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/province"
)

// withOfficer adds the flag of a command that acts, asks for something or decides.
func (c *call) withOfficer() {
	c.flags.StringVar(&c.officerKeyFile, "officer-key-file", "", "`file` whose first line is the bearer key of the officer who acts, asks or decides")
}

// loopback is whence a key comes that is used at the machine itself.
var loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// officer is who a command is by: the person of a bearer key, which is looked up
// in the data folder, or the user of the machine alone.
func (c *call) officer(ctx context.Context, p *province.Province) (act.Officer, error) {
	if c.officerKeyFile == "" {
		return act.Officer{Name: operator()}, nil
	}
	line, err := secret("the officer's key file", c.officerKeyFile)
	if err != nil {
		return act.Officer{}, err
	}
	caller, err := p.Agencies.Authenticate(ctx, strings.TrimSpace(line), loopback)
	if err != nil {
		return act.Officer{}, fmt.Errorf("the officer's key: %w", err)
	}
	if caller.Officer == "" {
		return act.Officer{}, badInput(c.officerKeyFile, errors.New("the key is a program's, not an officer's"))
	}
	return caller.By(""), nil
}

// who is how that stands in the register.
func (c *call) who(ctx context.Context, p *province.Province) (string, error) {
	by, err := c.officer(ctx, p)
	return by.String(), err
}

// operator is who stands in the register for what the command line does without an
// officer's key.
func operator() string {
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return "operator"
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
