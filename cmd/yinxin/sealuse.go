package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emmansun/gmsm/sm3"

	"yinxin/ca/approval"
	"yinxin/internal/act"
	"yinxin/internal/province"
	"yinxin/seal"
)

// runUseAsk asks a second person for one use of a seal, of a file.
func runUseAsk(ctx context.Context, c *call) error {
	c.withData()
	c.withOfficer()
	u := seal.UseRequest{}
	c.flags.StringVar(&u.SealID, "seal", "", "`id` of the seal")
	c.flags.StringVar(&u.Title, "title", "", "the document's `title`")
	c.flags.StringVar(&u.Matter, "matter", "", "matter `code`")
	c.flags.StringVar(&u.Reason, "why", "", "the grounds")
	if err := c.parse(1, 1); err != nil {
		return err
	}
	if err := need("seal", u.SealID, "title", u.Title, "why", u.Reason, "officer-key-file", c.officerKeyFile); err != nil {
		return err
	}
	in, err := openInput(c, c.args[0])
	if err != nil {
		return err
	}
	defer in.close()
	h := sm3.New()
	if _, err := io.Copy(h, io.NewSectionReader(in, 0, in.size)); err != nil {
		return badInput(in.name, err)
	}
	u.Document = [32]byte(h.Sum(nil))
	return c.withProvince(ctx, func(p *province.Province) error {
		if u.By, err = c.officer(ctx, p); err != nil {
			return err
		}
		u.Agency, u.Officer = u.By.Agency, u.By.Name
		_, err := p.Seals.AskUse(ctx, u)
		var waiting *approval.Pending
		if !errors.As(err, &waiting) {
			return err
		}
		return c.print(waiting.Request, func(w io.Writer) {
			fmt.Fprintf(w, "%s waits for a second person until %s\n", waiting.Request.ID, waiting.Request.Expires.Format(time.RFC3339))
			fmt.Fprintf(c.err, "Another officer decides: yinxin seal use approve %s --officer-key-file FILE\nThen: yinxin seal stamp --approval %s\n", waiting.Request.ID, waiting.Request.ID)
		})
	})
}

func runUseList(ctx context.Context, c *call) error {
	c.withData()
	f := approval.Filter{Kind: seal.KindUse, Limit: 500}
	c.flags.StringVar(&f.Agency, "agency", "", "USCC of an `agency`")
	c.flags.StringVar((*string)(&f.State), "state", "", "pending, approved, refused, withdrawn or expired")
	c.flags.StringVar(&f.Cursor, "after", "", "id of the last one seen")
	c.flags.IntVar(&f.Limit, "limit", f.Limit, "how many at most, 500 or fewer")
	if err := c.parse(0, 0); err != nil {
		return err
	}
	if f.Limit < 1 || f.Limit > 500 {
		return usageError("--limit: 1 to 500")
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		all, next, err := p.Approvals.List(ctx, f)
		if err != nil {
			return err
		}
		c.more(next)
		return c.print(all, func(w io.Writer) {
			for _, r := range all {
				spent := ""
				if u, err := p.Seals.Use(ctx, r.ID); err == nil && u.Spent != (act.ID{}) {
					spent = "stamp " + u.Spent.String()
				}
				fmt.Fprintln(w, r.ID, r.State, r.Agency, plain(r.By.String()), plain(r.Why), spent)
			}
		})
	})
}

// runUseDecide approves or refuses a use.
func runUseDecide(ctx context.Context, c *call) error {
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
		if _, err := p.Seals.Use(ctx, id); err != nil {
			return err
		}
		by, err := c.officer(ctx, p)
		if err != nil {
			return err
		}
		decide := p.Approvals.Refuse
		if c.cmd.name == "seal use approve" {
			decide = p.Approvals.Approve
		}
		r, err := decide(ctx, id, by, *why)
		if err != nil {
			return err
		}
		return c.print(r, func(w io.Writer) { showRequest(w, r) })
	})
}
