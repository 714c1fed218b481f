package seal

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"yinxin/certs"
	"yinxin/verify/status"
)

// statusLife is how long a signed answer may be shown: fresh means at most 24
// hours old (protocol.md 4).
const statusLife = 24 * time.Hour

// ErrFuture: nobody knows a seal's state at a time to come.
var ErrFuture = fmt.Errorf("%w: the time lies in the future", ErrRefused)

// Status gives the signed answer (protocol.md 5): was the seal whose SESeal has
// this SM3 in force at the time at. A zero at is now.
func (o *Office) Status(ctx context.Context, id string, sum [32]byte, at time.Time, nonce string) ([]byte, error) {
	full, now := o.c.Clock(), o.moment()
	if at.IsZero() {
		at = now
	}
	if at = at.UTC(); at.After(full) {
		return nil, ErrFuture
	}
	if at.After(now) { // asked about this very second
		now = at
	}
	answer := status.SealStatus{Head: status.Head{Iss: o.c.Region, Iat: now, Exp: now.Add(statusLife)}, ID: id, Seal: hex.EncodeToString(sum[:]),
		At: at, State: status.SealUnknown, AsOf: now, Nonce: nonce}
	s, err := o.c.Store.SealBySM3(ctx, sum)
	switch {
	case err == nil && s.ID == id:
		e, _ := s.edition(sum)
		answer.Intervals, answer.Version = asKnown(s.IntervalsOf(e), now), s.Version
		answer.State = status.StateAt(answer.Intervals, at)
	case err != nil && !errors.Is(err, ErrNotFound):
		return nil, err
	}
	if answer.Intervals == nil {
		answer.Intervals = []status.Interval{}
	}
	if err := answer.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRefused, err)
	}
	by, err := o.c.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("seal status: %w", err)
	}
	return certs.SignStatement(ctx, certs.TypeSealStatus, answer, by.Certificate, by.Signer)
}

// listed is what a list says of a seal: each edition stands for itself.
func listed(s Seal, now time.Time) (out []status.ListedSeal) {
	for _, e := range s.Editions() {
		if intervals := asKnown(s.IntervalsOf(e), now); len(intervals) > 0 {
			out = append(out, status.ListedSeal{ID: s.ID, Version: e.Number, Seal: hex.EncodeToString(e.SM3[:]), Intervals: intervals})
		}
	}
	return out
}

// asKnown shows an interval that has not come to its end as lasting still: what is
// signed does not speak of the future.
func asKnown(history []status.Interval, asOf time.Time) []status.Interval {
	n := len(history)
	if n == 0 || !history[n-1].To.After(asOf) {
		return history
	}
	shown := slices.Clone(history)
	shown[n-1].To = time.Time{}
	return shown
}

// SealList gives the signed list of every seal that is or was not in force. It
// is made anew each second that it is asked for: one made before a stamp says
// nothing about it (protocol.md 4, Fresh).
func (o *Office) SealList(ctx context.Context) ([]byte, error) {
	seals, changes, err := o.c.Store.Ended(ctx)
	if err != nil {
		return nil, err
	}
	by, err := o.c.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("seal list: %w", err)
	}
	now := o.moment()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.list != nil && o.listBy.Equal(by.Certificate) && o.listFor == changes && now.Truncate(time.Second).Equal(o.listAt.Truncate(time.Second)) {
		return o.list, nil
	}
	number, err := o.c.Store.NextListNumber(ctx)
	if err != nil {
		return nil, err
	}
	l := status.SealList{Head: status.Head{Iss: o.c.Region, Iat: now, Exp: now.Add(statusLife)}, Number: number, AsOf: now, Seals: []status.ListedSeal{}}
	for _, s := range seals {
		l.Seals = append(l.Seals, listed(s, now)...)
	}
	if err := l.Validate(); err != nil {
		return nil, err
	}
	signed, err := certs.SignStatement(ctx, certs.TypeSealList, l, by.Certificate, by.Signer)
	if err != nil {
		return nil, err
	}
	o.list, o.listBy, o.listAt, o.listFor = signed, by.Certificate, now, changes
	return signed, nil
}
