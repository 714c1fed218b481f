package seal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"yinxin/hsm"
	"yinxin/verify/status"
)

// Grounds of a cancellation (注销事由).
type Grounds string

// 国发〔1999〕25号 article 24 names the changes of an organ that end its seal; loss,
// damage and the end of its certificate are those of a seal that is electronic.
const (
	GroundsRename      Grounds = "rename"      // 单位更名
	GroundsDissolution Grounds = "dissolution" // 撤销
	GroundsMerger      Grounds = "merger"      // 合并
	GroundsSplit       Grounds = "split"       // 分立
	GroundsLoss        Grounds = "loss"        // 遗失
	GroundsDamage      Grounds = "damage"      // 损坏
	GroundsExpiry      Grounds = "expiry"      // 到期
	GroundsCompromise  Grounds = "compromise"  // 密钥泄露
	GroundsOther       Grounds = "other"       // why says which
)

var allGrounds = []Grounds{GroundsRename, GroundsDissolution, GroundsMerger, GroundsSplit, GroundsLoss, GroundsDamage, GroundsExpiry, GroundsCompromise, GroundsOther}

// AllGrounds lists them.
func AllGrounds() []Grounds { return slices.Clone(allGrounds) }

// End is how a seal ended.
type End struct {
	Grounds Grounds   `cbor:"1,keyasint" json:"grounds"`
	At      time.Time `cbor:"2,keyasint" json:"at"`                      // of the act
	Since   time.Time `cbor:"3,keyasint,omitzero" json:"since,omitzero"` // since when its stamps are not to be trusted
	Who     string    `cbor:"4,keyasint" json:"who"`
	Why     string    `cbor:"5,keyasint" json:"why"`
}

// AskedCancel is a cancellation that waits for a second officer.
type AskedCancel struct {
	Seal    string    `json:"seal"`
	Name    string    `json:"name"`
	Grounds Grounds   `json:"grounds"`
	Since   time.Time `json:"since,omitzero"`
	Who     string    `json:"who"`
	Why     string    `json:"why"`
}

// grounded settles the grounds: none is "other", which the reason explains, and a
// moment since when stamps are not to be trusted is a compromise.
func (r *ChangeRequest) grounded() error {
	switch {
	case r.Grounds == "" && !r.Since.IsZero():
		r.Grounds = GroundsCompromise
	case r.Grounds == "":
		r.Grounds = GroundsOther
	}
	if !slices.Contains(allGrounds, r.Grounds) {
		return fmt.Errorf("%w: %q is no grounds to cancel a seal; they are %v", ErrRefused, r.Grounds, allGrounds)
	}
	if !r.Since.IsZero() && r.Grounds != GroundsCompromise && r.Grounds != GroundsLoss {
		// An honest stamp of a unit that was renamed stays good.
		return fmt.Errorf("%w: only a cancellation for compromise or loss can be back-dated", ErrRefused)
	}
	return nil
}

func (r ChangeRequest) cancelling() move {
	return move{name: ActCancelled, to: func(s *Seal, now time.Time) error {
		from := now
		if !r.Since.IsZero() {
			if from = r.Since.UTC().Truncate(time.Second); from.After(now) || from.Before(s.Made) {
				return fmt.Errorf("%w: the seal cannot be cancelled as of %s", ErrRefused, from.Format(time.RFC3339))
			}
		}
		if s.State == status.SealCancelled && !from.Before(s.Intervals[len(s.Intervals)-1].From) {
			return fmt.Errorf("%w: the seal is cancelled as of an earlier time already", ErrRefused)
		}
		s.State = status.SealCancelled
		s.Intervals = append(until(s.Intervals, from), status.Interval{State: status.SealCancelled, From: from})
		s.End = &End{Grounds: r.Grounds, At: now, Who: r.Who, Why: r.Why}
		if !r.Since.IsZero() {
			s.End.Since = from
		}
		return nil
	}}
}

// Cancel ends a seal for ever (注销), or asks for it where a second officer has to
// approve.
func (o *Office) Cancel(ctx context.Context, r ChangeRequest) (Seal, error) {
	if err := r.grounded(); err != nil {
		return Seal{}, err
	}
	if again, err := o.begun(ctx, KindCancel, r, r.Retry); again || err != nil {
		return o.after(ctx, r.SealID, err)
	}
	s, _, err := o.moved(ctx, r, r.cancelling()) // what would be refused is not asked for
	if err != nil {
		return Seal{}, err
	}
	asked := AskedCancel{Seal: s.ID, Name: s.Name, Grounds: r.Grounds, Since: r.Since, Who: r.Who, Why: r.Why}
	if done, err := o.pass(ctx, KindCancel, s.Agency, asked, officer(r.By, r.Who), r.Why, r.Retry); done || err != nil {
		return o.after(ctx, r.SealID, err)
	}
	return o.change(ctx, r, r.cancelling())
}

// CancelAsked ends a seal that officers approved the end of, once.
func (o *Office) CancelAsked(ctx context.Context, a AskedCancel, leave Leave) (Seal, error) {
	r := ChangeRequest{SealID: a.Seal, Grounds: a.Grounds, Since: a.Since, Who: a.Who, Why: a.Why, leave: leave}
	if err := r.grounded(); err != nil {
		return Seal{}, err
	}
	return o.change(ctx, r, r.cancelling())
}

// Destruction is the end of a seal's keys (销毁). Its pictures and its record stay.
type Destruction struct {
	At      time.Time `cbor:"1,keyasint" json:"at"`
	Who     string    `cbor:"2,keyasint" json:"who"`
	Witness string    `cbor:"3,keyasint" json:"witness"` // 监销人
	Keys    []string  `cbor:"4,keyasint" json:"keys"`
}

// AskedDestroy is a destruction that waits for a second officer.
type AskedDestroy struct {
	Seal    string `json:"seal"`
	Name    string `json:"name"`
	Witness string `json:"witness"`
	Who     string `json:"who"`
	Why     string `json:"why"`
}

func (r ChangeRequest) destroying() (move, error) {
	// Two people see to it (国发〔1999〕25号 article 24): one who spells a name in two
	// ways is one.
	if !plain(r.Witness, 1, maxNameLen) || letters(r.Witness) == letters(r.Who) || r.By.Name != "" && letters(r.Witness) == letters(r.By.Name) || letters(r.Witness) == "" {
		return move{}, fmt.Errorf("%w: a second person must witness the destruction of a seal", ErrRefused)
	}
	return move{name: ActDestroyed, to: func(s *Seal, now time.Time) error {
		switch {
		case s.State != status.SealCancelled:
			return fmt.Errorf("%w: only a cancelled seal is destroyed", ErrRefused)
		case s.Destroyed != nil:
			return fmt.Errorf("%w: the seal is destroyed already", ErrRefused)
		}
		s.Destroyed = &Destruction{At: now, Who: r.Who, Witness: r.Witness, Keys: s.keys()}
		return nil
	}}, nil
}

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// keys of all editions.
func (s Seal) keys() (ids []string) {
	for _, e := range s.Editions() {
		ids = append(ids, e.KeyID)
	}
	return ids
}

// Destroy ends a cancelled seal's keys, or asks for it where a second officer has to
// approve. The act is durable before a key is touched: keys that a killed process
// left are destroyed at the next start (Init), and no seal of theirs can stamp.
func (o *Office) Destroy(ctx context.Context, r ChangeRequest) (Seal, error) {
	if again, err := o.begun(ctx, KindDestroy, r, r.Retry); again || err != nil {
		return o.destroyed(ctx, r.SealID, err)
	}
	m, err := r.destroying()
	if err != nil {
		return Seal{}, err
	}
	s, _, err := o.moved(ctx, r, m)
	if err != nil {
		return Seal{}, err
	}
	asked := AskedDestroy{Seal: s.ID, Name: s.Name, Witness: r.Witness, Who: r.Who, Why: r.Why}
	if done, err := o.pass(ctx, KindDestroy, s.Agency, asked, officer(r.By, r.Who), r.Why, r.Retry); done || err != nil {
		return o.destroyed(ctx, r.SealID, err)
	}
	_, err = o.change(ctx, r, m)
	return o.destroyed(ctx, r.SealID, err)
}

// DestroyAsked does what officers approved, once.
func (o *Office) DestroyAsked(ctx context.Context, a AskedDestroy, leave Leave) (Seal, error) {
	r := ChangeRequest{SealID: a.Seal, Witness: a.Witness, Who: a.Who, Why: a.Why, leave: leave}
	m, err := r.destroying()
	if err != nil {
		return Seal{}, err
	}
	_, err = o.change(ctx, r, m)
	return o.destroyed(ctx, a.Seal, err)
}

// destroyed ends the keys of a seal whose destruction stands.
func (o *Office) destroyed(ctx context.Context, id string, err error) (Seal, error) {
	s, err := o.after(ctx, id, err)
	if err != nil {
		return Seal{}, err
	}
	// The act stands, whether or not its officer waits for the answer.
	return s, o.endKeys(context.WithoutCancel(ctx), s)
}

// endKeys gives the keys of a seal the state that the register says: destroyed with
// it, and suspended of an edition that was replaced.
func (o *Office) endKeys(ctx context.Context, s Seal) error {
	var errs []error
	end := func(id string, to hsm.State) {
		k, err := o.c.Keys.Key(ctx, id)
		if errors.Is(err, hsm.ErrNotFound) {
			return // nothing is left to end
		}
		if err == nil && k.Info().State != to && k.Info().State != hsm.Destroyed {
			err = o.c.Keys.SetState(ctx, id, to)
		}
		errs = append(errs, err)
	}
	if s.Destroyed != nil {
		for _, id := range s.Destroyed.Keys {
			end(id, hsm.Destroyed)
		}
		o.forget(s)
		return errors.Join(errs...)
	}
	for _, e := range s.Earlier {
		end(e.KeyID, hsm.Suspended)
	}
	return errors.Join(errs...)
}

// Init ends keys whose end a killed process recorded and did not see to. It is
// called once at each start.
func (o *Office) Init(ctx context.Context) error {
	ended, _, err := o.c.Store.Ended(ctx)
	for _, s := range ended {
		err = errors.Join(err, o.endKeys(ctx, s))
	}
	return err
}
