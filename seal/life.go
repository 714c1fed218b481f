package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"yinxin/internal/act"
	"yinxin/verify/status"
)

// ChangeRequest is a step in the life of a seal that is there.
type ChangeRequest struct {
	SealID   string
	Who, Why string
	By       act.Officer // who asks, as far as a key says it
	Retry    *act.Retry

	Grounds Grounds   // of a cancellation
	Since   time.Time // of one for a compromise or a loss: the moment since when stamps are not to be trusted
	Witness string    // 监销人, of a destruction
	leave   Leave
}

// move is how a step changes the row.
type move struct {
	name  string
	to    func(s *Seal, now time.Time) error
	der   []byte // the SESeal of a new edition
	grant *Grant
}

func (r ChangeRequest) check(name string) error {
	if !plain(r.Who, 1, maxNameLen) || !plain(r.Why, 1, maxReason) {
		return fmt.Errorf("%w: who asks and why must be said", ErrRefused)
	}
	if name != ActCancelled && (!r.Since.IsZero() || r.Grounds != "") {
		return fmt.Errorf("%w: only a cancellation has grounds, and can be back-dated", ErrRefused)
	}
	return nil
}

// moved is the seal as the step would make it; nothing is recorded.
func (o *Office) moved(ctx context.Context, r ChangeRequest, m move) (s Seal, before uint64, err error) {
	if err := r.check(m.name); err != nil {
		return s, 0, err
	}
	if s, err = o.c.Store.Seal(ctx, r.SealID); err != nil {
		return s, 0, err
	}
	// Of one that is cancelled it may come to be known that its key was misused before.
	misused := m.name == ActCancelled && !r.Since.IsZero()
	if s.State == status.SealCancelled && m.name != ActDestroyed && !misused {
		return s, 0, fmt.Errorf("%w: the seal is cancelled, which is for ever", ErrRefused)
	}
	before = s.Version
	// What the store gave is shared.
	s.Intervals, s.Earlier, s.Policy.Grants = slices.Clone(s.Intervals), slices.Clone(s.Earlier), slices.Clone(s.Policy.Grants)
	if err := m.to(&s, o.moment()); err != nil {
		return s, 0, err
	}
	s.Version++
	return s, before, nil
}

func (o *Office) change(ctx context.Context, r ChangeRequest, m move) (Seal, error) {
	retry := r.leave.Retry
	if retry == nil {
		retry = r.Retry
	}
	if again, err := o.carried(ctx, r.SealID, retry); again || err != nil {
		return o.after(ctx, r.SealID, err)
	}
	s, before, err := o.moved(ctx, r, m)
	if err != nil {
		return Seal{}, err
	}
	err = o.commit(ctx, m.name, Change{Seal: s, Who: r.Who, Why: r.Why, Request: r.leave.Request, Approved: r.leave.By, Grant: m.grant}, before, m.der, retry)
	if errors.Is(err, act.ErrRetryTaken) { // another call came first
		if again, err := o.carried(ctx, r.SealID, retry); again || err != nil {
			return o.after(ctx, r.SealID, err)
		}
		return Seal{}, ErrRetryMismatch
	}
	return s, err
}

// after gives the seal as it stands, unless err.
func (o *Office) after(ctx context.Context, id string, err error) (Seal, error) {
	if err != nil {
		return Seal{}, err
	}
	return o.c.Store.Seal(ctx, id)
}

// Freeze suspends a seal (冻结).
func (o *Office) Freeze(ctx context.Context, r ChangeRequest) (Seal, error) {
	return o.change(ctx, r, move{name: ActFrozen, to: func(s *Seal, now time.Time) error {
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
	}})
}

// Thaw ends a freeze (解冻); the interval stays for ever.
func (o *Office) Thaw(ctx context.Context, r ChangeRequest) (Seal, error) {
	return o.change(ctx, r, move{name: ActThawed, to: func(s *Seal, now time.Time) error {
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
	}})
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
