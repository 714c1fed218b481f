package ca

import "context"

// History gives every certificate that a purpose has ever had, oldest first: what
// a trust list names for ever (protocol.md 3).
func (a *Authority) History(ctx context.Context, p Purpose) ([]Row, error) {
	return a.c.Store.History(ctx, p)
}
