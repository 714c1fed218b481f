package seal

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"yinxin/certs"
)

// Grant lets somebody stamp with a seal (用印授权). What is left empty does not bound
// it; a caller needs one grant that covers all of the request.
type Grant struct {
	ID      string    `cbor:"1,keyasint" json:"id"`
	Agency  string    `cbor:"2,keyasint" json:"agency"`                         // USCC
	Officer string    `cbor:"3,keyasint,omitempty" json:"officer,omitempty"`    // whose own key it must be
	Key     string    `cbor:"4,keyasint,omitempty" json:"credential,omitempty"` // id of the bearer key
	Matters []string  `cbor:"5,keyasint,omitempty" json:"matters,omitempty"`
	From    time.Time `cbor:"6,keyasint,omitzero" json:"from,omitzero"`
	To      time.Time `cbor:"7,keyasint,omitzero" json:"to,omitzero"` // not included
	PerDay  uint64    `cbor:"8,keyasint,omitempty" json:"perDay,omitempty"`
	// SecondPerson: another officer of the agency approves each use (用印审批).
	SecondPerson bool      `cbor:"9,keyasint,omitempty" json:"secondPerson,omitempty"`
	Who          string    `cbor:"10,keyasint" json:"who"`
	Why          string    `cbor:"11,keyasint" json:"why"`
	At           time.Time `cbor:"12,keyasint,omitzero" json:"at,omitzero"`
}

const (
	// MaxGrants bounds a seal's row, which is read for every stamp.
	MaxGrants = 200
	// MaxMatters and MaxNetworks keep the check before each stamp short.
	MaxMatters  = 500
	MaxNetworks = 32
	maxKeyID    = 64
)

func (g Grant) check() error {
	switch {
	case !certs.USCCValid(g.Agency):
		return fmt.Errorf("%w: %q is no unified social credit code", ErrRefused, g.Agency)
	case !plain(g.Officer, 0, maxNameLen) || !plain(g.Key, 0, maxKeyID):
		return fmt.Errorf("%w: the officer's name or the key's id", ErrRefused)
	case !g.From.IsZero() && !g.To.IsZero() && !g.To.After(g.From):
		return fmt.Errorf("%w: the grant ends before it begins", ErrRefused)
	}
	return checkMatters(g.Matters)
}

func checkMatters(codes []string) error {
	if len(codes) > MaxMatters {
		return fmt.Errorf("%w: at most %d matters", ErrRefused, MaxMatters)
	}
	for _, m := range codes {
		if !plain(m, 1, maxOperator) {
			return fmt.Errorf("%w: %q is no code of a matter", ErrRefused, m)
		}
	}
	return nil
}

// check of a policy that is set as a whole: grants are acts of their own.
func (p Policy) check() error {
	if len(p.Grants) > 0 || p.Last > 0 {
		return fmt.Errorf("%w: grants are given one by one", ErrRefused)
	}
	if len(p.Networks) > MaxNetworks || len(p.Agencies) > MaxGrants {
		return fmt.Errorf("%w: at most %d networks and %d agencies", ErrRefused, MaxNetworks, MaxGrants)
	}
	for _, a := range p.Agencies {
		if !certs.USCCValid(a) {
			return fmt.Errorf("%w: %q is no unified social credit code", ErrRefused, a)
		}
	}
	for _, n := range p.Networks {
		if prefix, err := netip.ParsePrefix(n); err != nil || prefix != prefix.Masked() {
			return fmt.Errorf("%w: %q is no network such as 10.1.0.0/16", ErrRefused, n)
		}
	}
	return checkMatters(p.Matters)
}

// InEffect are the grants that a seal's policy comes to: those that were given, the
// owner's own unless the seal is closed, and those of agencies that older rows let in.
// Matters and PerDay of the policy bound all of them together.
func (s Seal) InEffect() []Grant {
	var out []Grant
	if !s.Policy.Closed {
		out = append(out, Grant{Agency: s.Agency, At: s.Made})
	}
	for _, a := range s.Policy.Agencies {
		out = append(out, Grant{Agency: a, At: s.Made})
	}
	return append(out, s.Policy.Grants...)
}

// covers tells whether a request stands under the grant.
func (g Grant) covers(r StampRequest, now time.Time) bool {
	return r.Agency == g.Agency && (g.Officer == "" || r.Officer == g.Officer) && (g.Key == "" || r.Key == g.Key) &&
		(len(g.Matters) == 0 || slices.Contains(g.Matters, r.Matter)) &&
		!now.Before(g.From) && (g.To.IsZero() || now.Before(g.To))
}

// granted are the grants under which a request stands, those first that want no second
// person. It fails where there is none.
func (s Seal) granted(r StampRequest, now time.Time) ([]Grant, error) {
	var out []Grant
	for _, g := range s.InEffect() {
		if g.covers(r, now) {
			out = append(out, g)
		}
	}
	if len(out) == 0 {
		return nil, ErrNoRight
	}
	if len(s.Policy.Matters) > 0 && !slices.Contains(s.Policy.Matters, r.Matter) {
		return nil, fmt.Errorf("%w: matter %q", ErrNoRight, r.Matter)
	}
	if err := s.Policy.reachable(r); err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Grant) int {
		switch {
		case a.SecondPerson == b.SecondPerson:
			return 0
		case b.SecondPerson:
			return -1
		}
		return 1
	})
	return out, nil
}

// reachable holds a bearer key to the networks that the seal allows one from
// (protocol.md 8).
func (p Policy) reachable(r StampRequest) error {
	if len(p.Networks) == 0 || r.Key == "" {
		return nil
	}
	for _, n := range p.Networks {
		if prefix, err := netip.ParsePrefix(n); err == nil && prefix.Contains(r.From.Unmap()) {
			return nil
		}
	}
	return fmt.Errorf("%w: a bearer key may use this seal from listed networks only", ErrNoRight)
}
