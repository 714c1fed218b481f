package ca

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"yinxin/certs"
)

// Filter of a list: what is empty lets everything through. The times after are
// inclusive and those before are not, so that windows can be put end to end.
type Filter struct {
	Agency, Profile, Issuer, KeyID string
	State                          string // one of states, "" for all
	Subject                        string // a part of the subject, letters of either case
	Serial                         string // its first digits
	ExpiresAfter, ExpiresBefore    time.Time
	IssuedAfter, IssuedBefore      time.Time
	Cursor                         string // serial of the last row seen
	Limit                          int
}

// states are those that a list can be asked for.
var states = []string{StateValid, StateRevoked, StateHeld, StateExpired}

// Matches tells whether a row is one that the filter asks for. A store's indexes
// only spare it the asking.
func (f Filter) Matches(r Row, now time.Time) bool {
	return (f.Agency == "" || r.Agency == f.Agency) && (f.Profile == "" || r.Profile == f.Profile) &&
		(f.Issuer == "" || r.Issuer == f.Issuer) && (f.KeyID == "" || r.KeyID == f.KeyID) &&
		(f.State == "" || r.State(now) == f.State) && strings.HasPrefix(r.Serial, f.Serial) &&
		(f.Subject == "" || strings.Contains(strings.ToLower(r.Subject), strings.ToLower(f.Subject))) &&
		within(r.NotAfter, f.ExpiresAfter, f.ExpiresBefore) && within(r.IssuedAt, f.IssuedAfter, f.IssuedBefore)
}

func within(t, from, until time.Time) bool {
	return (from.IsZero() || !t.Before(from)) && (until.IsZero() || t.Before(until))
}

const (
	// maxPage bounds one page of a list.
	maxPage = 1000
	// maxSought bounds the text of a search, which is compared with every row.
	maxSought = 200
)

func (f *Filter) check() error {
	switch {
	case f.Agency != "" && !certs.USCCValid(f.Agency):
		return fmt.Errorf("%w: %q is no unified social credit code", ErrRefused, f.Agency)
	case f.State != "" && !slices.Contains(states, f.State):
		return fmt.Errorf("%w: there is no state %q", ErrRefused, f.State)
	case len(f.Subject) > maxSought || len(f.Serial) > maxSought:
		return fmt.Errorf("%w: what is looked for is longer than %d octets", ErrRefused, maxSought)
	case !f.ExpiresAfter.IsZero() && !f.ExpiresBefore.IsZero() && !f.ExpiresAfter.Before(f.ExpiresBefore),
		!f.IssuedAfter.IsZero() && !f.IssuedBefore.IsZero() && !f.IssuedAfter.Before(f.IssuedBefore):
		return fmt.Errorf("%w: a window that ends before it begins", ErrRefused)
	case f.Limit <= 0 || f.Limit > maxPage:
		f.Limit = maxPage
	}
	return nil
}

// Certificates lists rows, at most 1,000 of them. A page may hold fewer than were
// asked for though there are more: next is the cursor to go on from, "" at the end.
func (a *Authority) Certificates(ctx context.Context, f Filter) (rows []Row, next string, err error) {
	if err := f.check(); err != nil {
		return nil, "", err
	}
	return a.c.Store.Certificates(ctx, f, a.c.Clock())
}

// Each gives every row that the filter lets through. It reads page by page, so that
// neither memory nor a transaction grows with the register: what is issued or
// revoked meanwhile may or may not be among them, and no row comes twice.
func (a *Authority) Each(ctx context.Context, f Filter, do func(Row) error) error {
	f.Limit = maxPage
	if err := f.check(); err != nil {
		return err
	}
	// One clock for all pages: a row is not to slip from one state's page to another's.
	now := a.c.Clock()
	for {
		rows, next, err := a.c.Store.Certificates(ctx, f, now)
		if err != nil {
			return err
		}
		for _, r := range rows {
			if err := do(r); err != nil {
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
