package seal

import (
	"context"
	"fmt"
	"time"

	"yinxin/verify/status"
)

// ChangeRequest freezes, thaws or cancels a seal. Since is given for a
// compromise: the moment since when stamps are not to be trusted.
type ChangeRequest struct {
	SealID   string
	Since    time.Time
	Who, Why string
}

func (o *Office) change(ctx context.Context, r ChangeRequest, name string, step func(s *Seal, now time.Time) error) (Seal, error) {
	if !plain(r.Who, 1, maxNameLen) || !plain(r.Why, 1, maxReason) {
		return Seal{}, fmt.Errorf("%w: who asks and why must be said", ErrRefused)
	}
	if !r.Since.IsZero() && name != ActCancelled {
		return Seal{}, fmt.Errorf("%w: only a cancellation can be back-dated", ErrRefused)
	}
	s, err := o.c.Store.Seal(ctx, r.SealID)
	if err != nil {
		return Seal{}, err
	}
	if s.State == status.SealCancelled {
		return Seal{}, fmt.Errorf("%w: the seal is cancelled, which is for ever", ErrRefused)
	}
	before := s.Version
	s.Intervals = append([]status.Interval(nil), s.Intervals...)
	if err := step(&s, o.moment()); err != nil {
		return Seal{}, err
	}
	s.Version++
	return s, o.commit(ctx, name, s, before, nil, r.Who, r.Why)
}

// Freeze suspends a seal (冻结).
func (o *Office) Freeze(ctx context.Context, r ChangeRequest) (Seal, error) {
	return o.change(ctx, r, ActFrozen, func(s *Seal, now time.Time) error {
		if s.State != status.SealInForce {
			return fmt.Errorf("%w: the seal is frozen already", ErrRefused)
		}
		n := len(s.Intervals)
		if n >= status.MaxIntervals-1 {
			// One more would make every signed list of the region unreadable; the last
			// is kept for the cancellation.
			return fmt.Errorf("%w: the seal has been frozen %d times; it can only be cancelled", ErrRefused, n)
		}
		s.State = status.SealFrozen
		if n > 0 && now.Before(s.Intervals[n-1].To) {
			// Thawed in this very millisecond: the freeze goes on.
			s.Intervals[n-1].To = time.Time{}
			return nil
		}
		s.Intervals = append(s.Intervals, status.Interval{State: status.SealFrozen, From: now})
		return nil
	})
}

// Thaw ends a freeze (解冻); the interval stays for ever.
func (o *Office) Thaw(ctx context.Context, r ChangeRequest) (Seal, error) {
	return o.change(ctx, r, ActThawed, func(s *Seal, now time.Time) error {
		if s.State != status.SealFrozen {
			return fmt.Errorf("%w: the seal is not frozen", ErrRefused)
		}
		last := &s.Intervals[len(s.Intervals)-1]
		if !now.After(last.From) {
			// Frozen and thawed within a millisecond: the interval must still show.
			now = last.From.Add(time.Millisecond)
		}
		last.To = now
		s.State = status.SealInForce
		return nil
	})
}

// Cancel ends a seal for ever (注销).
func (o *Office) Cancel(ctx context.Context, r ChangeRequest) (Seal, error) {
	return o.change(ctx, r, ActCancelled, func(s *Seal, now time.Time) error {
		from := now
		if !r.Since.IsZero() {
			if from = r.Since.UTC().Truncate(time.Second); from.After(now) || from.Before(s.Made) {
				return fmt.Errorf("%w: the seal cannot be cancelled as of %s", ErrRefused, from.Format(time.RFC3339))
			}
		}
		s.State = status.SealCancelled
		s.Intervals = append(until(s.Intervals, from), status.Interval{State: status.SealCancelled, From: from})
		return nil
	})
}

// until is a history up to a moment. What lay after it goes: from then on the
// seal is cancelled, which says more; its freezes stay in the journal.
func until(history []status.Interval, end time.Time) []status.Interval {
	var out []status.Interval
	for _, i := range history {
		if !i.From.Before(end) {
			break
		}
		if i.To.IsZero() || i.To.After(end) {
			i.To = end
		}
		out = append(out, i)
	}
	return out
}
