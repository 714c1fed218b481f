package seal

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

const (
	maxPage   = 1000 // rows of one page of the register
	maxSought = 200  // octets of a text that rows are compared with
)

// Matches tells whether a row is one that the filter asks for, but for the agency:
// whose seal it was is the store's to know.
func (f Filter) Matches(s Stamp) bool {
	return (f.SealID == "" || s.SealID == f.SealID) && (f.Operator == "" || s.Operator == f.Operator) && (f.Matter == "" || s.Matter == f.Matter) &&
		(f.Format == "" || s.Format == f.Format) && (f.Key == "" || s.Key == f.Key) &&
		(f.From.IsZero() || !s.SealedAt.Before(f.From)) && (f.To.IsZero() || s.SealedAt.Before(f.To.Add(time.Second)))
}

func (f *Filter) check() error {
	for _, text := range []string{f.SealID, f.Agency, f.Operator, f.Matter, f.Format, f.Key} {
		if len(text) > maxSought || !plain(text, 0, maxSought) {
			return fmt.Errorf("%w: what is looked for is a text of at most %d octets", ErrRefused, maxSought)
		}
	}
	switch f.Format {
	case "", formatPDF, formatOFD, formatJSON, formatFile:
	default:
		return fmt.Errorf("%w: there is no format %q; it is pdf, ofd, json or file", ErrRefused, f.Format)
	}
	if !f.From.IsZero() && !f.To.IsZero() && f.To.Before(f.From) {
		return fmt.Errorf("%w: a window that ends before it begins", ErrRefused)
	}
	if f.Limit <= 0 || f.Limit > maxPage {
		f.Limit = maxPage
	}
	return nil
}

// EachUse gives every row of the register that the filter lets through, oldest
// first. It reads page by page, so that neither memory nor a transaction grows with
// the register.
func (o *Office) EachUse(ctx context.Context, f Filter, do func(Stamp) error) error {
	f.Limit = maxPage
	for {
		rows, next, err := o.Entries(ctx, f)
		if err != nil {
			return err
		}
		for _, s := range rows {
			if err := do(s); err != nil {
				return err
			}
		}
		if f.Cursor = next; next == "" {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// UseColumns are the columns of the register as a table.
func UseColumns() []string {
	return []string{"stampId", "sealedAt", "sealId", "agency", "operator", "matterCode", "reason", "approvalId", "format", "pages", "expectedSeals", "verificationCode", "credential", "jobId", "grantId", "distrustedSince"}
}

// Cells are the row's.
func (s Stamp) Cells() []string {
	return []string{s.ID.String(), s.SealedAt.UTC().Format(time.RFC3339), s.SealID, s.Agency, s.Operator, s.Matter, s.Reason, s.Approval, s.Format,
		count(s.Pages), count(s.Expected), s.Code, s.Key, s.Job, s.Grant, s.distrustedSince()}
}

func (s Stamp) distrustedSince() string {
	if s.Distrusted == nil {
		return ""
	}
	return s.Distrusted.From.UTC().Format(time.RFC3339)
}

// count leaves a cell empty where nothing was counted.
func count(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
