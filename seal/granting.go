package seal

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// AskedGrant is a change of who may stamp that waits for a second officer: a grant
// that is given or changed, one that is ended, or the policy that bounds all.
type AskedGrant struct {
	Seal   string  `json:"seal"`
	Name   string  `json:"name"`
	Grant  *Grant  `json:"grant,omitempty"` // with an id: in the place of that one
	End    string  `json:"end,omitempty"`   // id of the grant
	Policy *Policy `json:"policy,omitempty"`
	Who    string  `json:"who"`
	Why    string  `json:"why"`
}

// Grant lets somebody stamp with a seal, or changes the grant of the id that g names;
// or asks for it where a second officer has to approve.
func (o *Office) Grant(ctx context.Context, r ChangeRequest, g Grant) (Seal, error) {
	return o.regrant(ctx, r, AskedGrant{Grant: &g})
}

// Ungrant ends a grant: the next stamp by it is refused, and one that is under way is
// not committed.
func (o *Office) Ungrant(ctx context.Context, r ChangeRequest, id string) (Seal, error) {
	return o.regrant(ctx, r, AskedGrant{End: id})
}

// SetPolicy sets what bounds all grants; those that were given stay.
func (o *Office) SetPolicy(ctx context.Context, r ChangeRequest, p Policy) (Seal, error) {
	return o.regrant(ctx, r, AskedGrant{Policy: &p})
}

func (o *Office) regrant(ctx context.Context, r ChangeRequest, a AskedGrant) (Seal, error) {
	if again, err := o.begun(ctx, KindGrant, r, r.Retry); again || err != nil {
		return o.after(ctx, r.SealID, err)
	}
	a.Seal, a.Who, a.Why = r.SealID, r.Who, r.Why
	s, _, err := o.moved(ctx, r, a.granting()) // what would be refused is not asked for
	if err != nil {
		return Seal{}, err
	}
	a.Name = s.Name
	if done, err := o.pass(ctx, KindGrant, s.Agency, a, officer(r.By, r.Who), r.Why, r.Retry); done || err != nil {
		return o.after(ctx, r.SealID, err)
	}
	return o.change(ctx, r, a.granting())
}

// GrantAsked does what officers approved, once.
func (o *Office) GrantAsked(ctx context.Context, a AskedGrant, leave Leave) (Seal, error) {
	return o.change(ctx, ChangeRequest{SealID: a.Seal, Who: a.Who, Why: a.Why, leave: leave}, a.granting())
}

// granting gives the move, whose grant is the one that came of it.
func (a AskedGrant) granting() move {
	switch {
	case a.Grant != nil:
		g := *a.Grant
		return move{name: ActGranted, grant: &g, to: func(s *Seal, now time.Time) error { return a.give(s, &g, now) }}
	case a.Policy != nil:
		return move{name: ActPolicy, to: func(s *Seal, _ time.Time) error {
			if err := a.Policy.check(); err != nil {
				return err
			}
			p := *a.Policy
			p.Grants, p.Last = s.Policy.Grants, s.Policy.Last
			s.Policy = p
			return nil
		}}
	}
	var ended Grant
	return move{name: ActUngranted, grant: &ended, to: func(s *Seal, _ time.Time) error {
		i := slices.IndexFunc(s.Policy.Grants, func(g Grant) bool { return g.ID == a.End })
		if i < 0 {
			return fmt.Errorf("%w: seal %s has no grant %q", ErrRefused, s.ID, a.End)
		}
		ended = s.Policy.Grants[i]
		s.Policy.Grants = slices.Delete(s.Policy.Grants, i, i+1)
		return nil
	}}
}

func (a AskedGrant) give(s *Seal, g *Grant, now time.Time) error {
	g.From, g.To = g.From.UTC(), g.To.UTC()
	g.Who, g.Why, g.At = a.Who, a.Why, now
	if err := g.check(); err != nil {
		return err
	}
	if g.ID != "" {
		i := slices.IndexFunc(s.Policy.Grants, func(old Grant) bool { return old.ID == g.ID })
		if i < 0 {
			return fmt.Errorf("%w: seal %s has no grant %q", ErrRefused, s.ID, g.ID)
		}
		s.Policy.Grants[i] = *g
		return nil
	}
	if len(s.Policy.Grants) >= MaxGrants {
		return fmt.Errorf("%w: seal %s has %d grants; end those that nobody needs", ErrRefused, s.ID, MaxGrants)
	}
	s.Policy.Last++
	g.ID = strconv.FormatUint(s.Policy.Last, 10) // never that of one that ended
	s.Policy.Grants = append(s.Policy.Grants, *g)
	return nil
}
