package status

import (
	"errors"
	"fmt"
	"time"
)

// SealState is what a seal is, or was, at a moment.
type SealState string

const (
	SealInForce   SealState = "in_force"  // 有效
	SealFrozen    SealState = "frozen"    // 冻结
	SealCancelled SealState = "cancelled" // 注销
	SealReplaced  SealState = "replaced"  // 变更: a newer version took its place
	SealUnknown   SealState = "unknown"   // the register knows no seal of that id and SM3
)

// Interval is a time in which a seal was not in force. From is included, To is
// not; a zero To (absent in the JSON) means that it still lasts. For a compromise
// From is the moment since when the seal is no longer trusted, which may lie
// before the act that recorded it.
type Interval struct {
	State SealState `json:"state"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to,omitzero"`
}

// Ended tells whether the seal ends for good with this interval.
func (i Interval) Ended() bool { return i.State == SealCancelled || i.State == SealReplaced }

// SealStatus answers: was this very seal in force at At, as known at AsOf.
// Intervals is its whole history of not being in force, every one kept for ever
// (protocol.md 4), so that one answer tells both sealing time and today.
type SealStatus struct {
	Head
	ID        string     `json:"id"`
	Seal      string     `json:"seal"` // SM3 of the SESeal's DER, hex
	At        time.Time  `json:"at"`
	State     SealState  `json:"state"`
	AsOf      time.Time  `json:"asOf"`
	Intervals []Interval `json:"intervals"`
	Nonce     string     `json:"nonce,omitempty"`
	Version   uint64     `json:"version"` // of the register row
}

// Validate refuses an answer that contradicts itself.
func (s SealStatus) Validate() error {
	if err := s.Head.validate(); err != nil {
		return err
	}
	if s.ID == "" {
		return errors.New("the seal status names no seal")
	}
	if err := validSM3(s.Seal); err != nil {
		return err
	}
	if len(s.Nonce) > MaxNonce {
		return fmt.Errorf("the nonce is longer than %d characters", MaxNonce)
	}
	if s.At.IsZero() || s.AsOf.IsZero() {
		return errors.New("the seal status lacks a time")
	}
	// protocol.md 5: nobody knows the future.
	if s.At.After(s.AsOf) {
		return errors.New("the seal status speaks of a time after it was known")
	}
	if s.AsOf.After(s.Iat) {
		return errors.New("the seal status was signed before what it tells was known")
	}
	if s.State == SealUnknown {
		return nil
	}
	if err := validIntervals(s.Intervals, s.AsOf); err != nil {
		return err
	}
	if got := StateAt(s.Intervals, s.At); got != s.State {
		return fmt.Errorf("the seal status says %s, but its intervals say %s", s.State, got)
	}
	return nil
}

// SealList is every seal version of a region that is or was frozen, cancelled or
// replaced, published like a CRL. A seal that is not in it is in force.
type SealList struct {
	Head
	Number uint64       `json:"number"` // only rises
	AsOf   time.Time    `json:"asOf"`
	Seals  []ListedSeal `json:"seals"`
}

// ListedSeal is one seal version of a seal list.
type ListedSeal struct {
	ID        string     `json:"id"`
	Version   int        `json:"version"`
	Seal      string     `json:"seal"` // SM3 of the SESeal's DER, hex
	Intervals []Interval `json:"intervals"`
}

// Validate refuses a list that contradicts itself.
func (l SealList) Validate() error {
	if err := l.Head.validate(); err != nil {
		return err
	}
	if l.AsOf.IsZero() || l.AsOf.After(l.Iat) {
		return errors.New("the seal list was signed before what it tells was known")
	}
	if len(l.Seals) > MaxListed {
		return fmt.Errorf("the seal list has more than %d seals", MaxListed)
	}
	seen := make(map[string]bool, len(l.Seals))
	for _, s := range l.Seals {
		if err := validSM3(s.Seal); err != nil {
			return err
		}
		if seen[s.Seal] {
			return errors.New("the seal list names a seal twice")
		}
		seen[s.Seal] = true
		if len(s.Intervals) == 0 {
			return errors.New("the seal list names a seal with nothing to say of it")
		}
		if err := validIntervals(s.Intervals, l.AsOf); err != nil {
			return err
		}
	}
	return nil
}

// Find gives the intervals of the seal with that SM3; none means in force.
func (l SealList) Find(sealSM3 string) []Interval {
	for _, s := range l.Seals {
		if s.Seal == sealSM3 {
			return s.Intervals
		}
	}
	return nil
}

// StateAt is the state that a history of intervals gives a moment.
func StateAt(intervals []Interval, at time.Time) SealState {
	for _, i := range intervals {
		if !at.Before(i.From) && (i.To.IsZero() || at.Before(i.To)) {
			return i.State
		}
	}
	return SealInForce
}

// validIntervals wants them known states, in order, apart, begun by asOf, and
// nothing after an end: a cancelled seal never comes back.
func validIntervals(intervals []Interval, asOf time.Time) error {
	if len(intervals) > MaxIntervals {
		return fmt.Errorf("the seal has more than %d intervals", MaxIntervals)
	}
	for n, i := range intervals {
		switch {
		case i.State != SealFrozen && !i.Ended():
			return fmt.Errorf("%q is no state of an interval", clip(string(i.State)))
		case i.From.IsZero() || i.From.After(asOf):
			return errors.New("an interval of the seal begins after what was known")
		case !i.To.IsZero() && (i.Ended() || !i.To.After(i.From) || i.To.After(asOf)):
			return errors.New("an interval of the seal ends where it cannot")
		case i.To.IsZero() && n != len(intervals)-1:
			return errors.New("an interval of the seal follows one that has no end")
		case n > 0 && i.From.Before(intervals[n-1].To):
			return errors.New("the intervals of the seal overlap or are out of order")
		}
	}
	return nil
}
