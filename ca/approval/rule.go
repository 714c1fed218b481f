package approval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"yinxin/internal/act"
)

// KindRule is a change of a rule. It needs a second officer as soon as any rule
// demands one: else the first step around a rule would be to end it.
const KindRule = "rule"

// ruleScope is the scope to decide on rules: they are the province's.
const ruleScope = "admin"

// Rule says whether acts of a kind need a second officer.
type Rule struct {
	Kind          string      `cbor:"1,keyasint" json:"kind"`
	SecondOfficer bool        `cbor:"2,keyasint" json:"secondOfficer"`
	Version       uint64      `cbor:"3,keyasint" json:"version"` // 0: never set
	By            act.Officer `cbor:"4,keyasint" json:"by,omitzero"`
	Approved      act.Officer `cbor:"5,keyasint" json:"approvedBy,omitzero"` // zero: one officer was enough
	Why           string      `cbor:"6,keyasint" json:"why"`
	At            time.Time   `cbor:"7,keyasint" json:"at,omitzero"`
}

// askedRule is the content of a change of a rule.
type askedRule struct {
	Kind          string `json:"kind"`
	SecondOfficer bool   `json:"secondOfficer"`
	Version       uint64 `json:"version"` // that it will have
}

// Rules lists the rule of every kind, those that cannot be changed too.
func (o *Office) Rules(ctx context.Context) ([]Rule, error) {
	set, err := o.c.Store.Rules(ctx)
	if err != nil {
		return nil, err
	}
	strict := slices.ContainsFunc(set, func(r Rule) bool { return r.SecondOfficer })
	var out []Rule
	for kind, h := range o.handlers {
		if h.Under != "" {
			continue
		}
		r := Rule{Kind: kind, SecondOfficer: h.Always || kind == KindRule && strict}
		if i := slices.IndexFunc(set, func(r Rule) bool { return r.Kind == kind }); i >= 0 {
			r = set[i]
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Rule) int { return strings.Compare(a.Kind, b.Kind) })
	return out, nil
}

// SetRule changes a rule, or asks for it.
func (o *Office) SetRule(ctx context.Context, kind string, secondOfficer bool, by act.Officer, why string, retry *act.Retry) (Rule, error) {
	h, err := o.handler(kind)
	switch {
	case err != nil:
		return Rule{}, err
	case h.Always || kind == KindRule:
		return Rule{}, fmt.Errorf("%w: the rule of %q is fixed", ErrRefused, kind)
	case h.Under != "":
		return Rule{}, fmt.Errorf("%w: the rule of %q is that of %q", ErrRefused, kind, h.Under)
	case !by.Known():
		return Rule{}, fmt.Errorf("%w: an officer changes rules, with the bearer key of a person", ErrNoRight)
	case !grounds(why):
		return Rule{}, fmt.Errorf("%w: why the rule is changed must be said, in 1 to %d octets of text", ErrRefused, MaxWhy)
	}
	set, err := o.c.Store.Rules(ctx)
	if err != nil {
		return Rule{}, err
	}
	present, err := o.c.Store.Rule(ctx, kind)
	if err != nil {
		return Rule{}, err
	}
	next := askedRule{kind, secondOfficer, present.Version + 1}
	if !slices.ContainsFunc(set, func(r Rule) bool { return r.SecondOfficer }) {
		return o.commitRule(ctx, next, Rule{By: by, Why: why}, nil)
	}
	r, err := o.ask(ctx, o.handlers[KindRule], act.Asked{Kind: KindRule, Content: next, By: by, Why: why, Retry: retry})
	if err != nil {
		return Rule{}, err
	}
	return Rule{}, &Pending{r}
}

func (o *Office) setAskedRule(ctx context.Context, r Request) (Made, error) {
	var next askedRule
	if err := Content(r, &next); err != nil {
		return Made{}, err
	}
	rule, err := o.commitRule(ctx, next, Rule{By: r.By, Approved: r.Decided.By, Why: r.Why}, r.Retry())
	if errors.Is(err, act.ErrRetryTaken) { // an earlier try did it
		rule, err = o.c.Store.Rule(ctx, next.Kind)
	}
	return Made{Ref: next.Kind, Answer: rule}, err
}

func (o *Office) commitRule(ctx context.Context, next askedRule, r Rule, retry *act.Retry) (Rule, error) {
	r.Kind, r.SecondOfficer, r.Version, r.At = next.Kind, next.SecondOfficer, next.Version, o.now()
	done, err := act.New(o.c.Clock(), o.c.Rand, ActRuleSet, r.Kind, r)
	if err != nil {
		return r, err
	}
	done.Retry = retry
	return r, o.c.Store.CommitRule(ctx, done, r, ruleScope)
}

// Content reads what a request carries out. A member that its kind does not know
// is refused: it would have been shown, and not done.
func Content(r Request, into any) error {
	d := json.NewDecoder(bytes.NewReader(r.Content))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: the content of request %s: %w", ErrRefused, r.ID, err)
	}
	return nil
}
