package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/province"
)

// runCAPolicyShow shows which kinds of act need a second officer.
func runCAPolicyShow(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		rules, err := p.Approvals.Rules(ctx)
		if err != nil {
			return err
		}
		return c.print(rules, func(w io.Writer) {
			for _, r := range rules {
				fmt.Fprintf(w, "%-20s %s\n", r.Kind, demand[r.SecondOfficer])
			}
		})
	})
}

func runCAPolicySet(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	why := c.flags.String("why", "", "the grounds")
	if err := c.parse(2, 2); err != nil {
		return err
	}
	kind, wish := c.args[0], c.args[1]
	if wish != demand[true] && wish != demand[false] {
		return usageError(fmt.Sprintf("%q is neither %s nor %s", wish, demand[false], demand[true]))
	}
	if err := need("why", *why, "officer-key-file", c.officerKeyFile); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		r, err := p.Approvals.SetRule(ctx, kind, wish == demand[true], by, *why, nil)
		if err != nil {
			return c.waits(err)
		}
		return c.print(r, func(w io.Writer) { fmt.Fprintln(w, r.Kind, demand[r.SecondOfficer]) })
	})
}

var demand = map[bool]string{false: "none", true: "second-officer"}

// runCARequestList lists what was asked for.
func runCARequestList(ctx context.Context, c *call) error {
	c.withData()
	f := approval.Filter{Limit: 500}
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an `agency`")
	state := c.flags.String("state", "", "pending, approved, refused, withdrawn or expired")
	c.flags.StringVar(&f.Cursor, "after", "", "id of the last request seen")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	f.State = approval.State(*state)
	return c.withProvince(ctx, func(p *province.Province) error {
		all, _, err := p.Approvals.List(ctx, f)
		if err != nil {
			return err
		}
		return c.print(all, func(w io.Writer) {
			for _, r := range all {
				fmt.Fprintln(w, r.ID, r.State, r.Kind, r.Agency, plain(r.By.String()), r.At.Format(time.RFC3339))
			}
		})
	})
}

// oneRequest reads the id that a command is about.
func (c *call) oneRequest() (act.ID, error) {
	if err := c.parse(1, 1); err != nil {
		return act.ID{}, err
	}
	id, err := act.ParseID(c.args[0])
	if err != nil {
		return id, usageError("the id of a request has 36 characters")
	}
	return id, nil
}

func runCARequestShow(ctx context.Context, c *call) error {
	c.withData()
	picture := c.flags.String("picture", "", "output `file` of the picture of a seal that is to be made or changed, PNG")
	id, err := c.oneRequest()
	if err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		r, err := p.Approvals.Show(ctx, id)
		if err != nil {
			return err
		}
		if *picture != "" {
			if err := c.putPicture(ctx, p, r, *picture); err != nil {
				return err
			}
		}
		return c.print(r, func(w io.Writer) { showRequest(w, r) })
	})
}

// putPicture writes what an officer must see of a seal before it is made: the
// request has only its SM3.
func (c *call) putPicture(ctx context.Context, p *province.Province, r approval.Request, name string) error {
	png, err := p.RequestedPicture(ctx, r)
	if err != nil {
		return err
	}
	to, err := c.openOutput(name)
	if err != nil {
		return err
	}
	defer to.drop()
	return to.put(bytes.NewReader(png))
}

// showRequest prints all that a request holds: whoever decides must have seen it.
func showRequest(w io.Writer, r approval.Request) {
	fmt.Fprintln(w, r.ID, r.State, r.Kind)
	fmt.Fprintf(w, "asked %s by %s of %s: %s\n", r.At.Format(time.RFC3339), plain(r.By.String()), r.Agency, plain(r.Why))
	if r.By.Unverified {
		fmt.Fprintln(w, "a program asks: nobody but the program says for whom")
	}
	if d := r.Decided; d != nil {
		fmt.Fprintf(w, "%s %s by %s: %s\n", d.State, d.At.Format(time.RFC3339), plain(d.By.String()), plain(d.Why))
	} else {
		fmt.Fprintf(w, "expires %s\n", r.Expires.Format(time.RFC3339))
	}
	if r.State == approval.StateApproved && r.Outcome == nil {
		fmt.Fprintln(w, "not carried out yet: it is tried again each minute that the server runs, and at its start")
	}
	if o := r.Outcome; o != nil && o.Failure != "" {
		fmt.Fprintf(w, "could not be carried out: %s\n", plain(o.Failure))
	} else if o != nil {
		fmt.Fprintf(w, "carried out %s: %s\n", o.At.Format(time.RFC3339), o.Ref)
	}
	// It goes where the lines above went.
	_ = writeJSON(w, r.Content)
}

// runCADecide approves, refuses or withdraws a request.
func runCADecide(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	why := c.flags.String("why", "", "the grounds")
	id, err := c.oneRequest()
	if err != nil {
		return err
	}
	if err := need("officer-key-file", c.officerKeyFile); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		decide := map[string]func(context.Context, act.ID, act.Officer, string) (approval.Request, error){
			"ca approve": p.Approvals.Approve, "ca refuse": p.Approvals.Refuse, "ca withdraw": p.Approvals.Withdraw,
		}[c.cmd.name]
		r, err := decide(ctx, id, by, *why)
		if err != nil {
			return err
		}
		return c.print(r, func(w io.Writer) { showRequest(w, r) })
	})
}
