package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"yinxin/ca"
	"yinxin/internal/journal"
	"yinxin/internal/province"
)

func runJournalVerify(ctx context.Context, c *call) error {
	c.withData()
	if err := c.parse(0, 0); err != nil {
		return err
	}
	return c.withProvince(ctx, func(p *province.Province) error {
		err := p.Journal.Sign(ctx)
		if errors.Is(err, ca.ErrEnded) {
			// What happened is audited all the same; above all then, the key's owner
			// wants to know what was done.
			_, why := explain(err)
			fmt.Fprintln(c.err, "the newest leaves stay unsigned:", why)
		} else if err != nil {
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
